/**
 * The tests of decisions in one process: started by `main.ts`, which asks once what each test reaches, and then for
 * one change after the other whether a test notices it. It is killed when a change makes an endless loop.
 */
import { readdirSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join, relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { closeBlocks, faultOf, type LoadedTest, PACKAGES, testsOf } from './vitest-again.ts';
import { type Change, dependsOn, openWorld } from './world.ts';

/** An offset in the compiled code of a file of `agent/core`. */
export interface Place {
  file: string;
  at: number;
}

export interface Test {
  /** Relative to the root. */
  file: string;
  index: number;
  name: string;
  cpuMs: number;
  /** The files of `agent/core` that its file loads. */
  core: string[];
}

export interface Measured {
  tests: Test[];
  /** For each place the tests that reach it, as indices of `tests`. */
  reachedBy: number[][];
  /** The places that are reached when the agent is loaded, before any test runs. */
  atLoad: boolean[];
}

/** To the suite. Files are relative to the root. */
export type Ask =
  | { type: 'measure'; places: Place[] }
  | { type: 'try'; change: Change; tests: Pick<Test, 'file' | 'index'>[] };

/** From the suite: a sign of life (`begun` is an index of the tests to try) or the answer. */
export type Told =
  | { type: 'begun'; test: number }
  | { type: 'measured'; measured: Measured }
  | { type: 'tried'; noticedBy?: string }
  | { type: 'broken'; fault: string };

/** Without sockets and without other processes. */
const ROOMS = /^(?:core|scenario|engine|store|config|sources|openwrt|providers|cli)\/.*\.test\.ts$/;
/** Thousands of cases that say nothing of decisions; a real program; what awaits before it registers its tests. */
const NOT_ASKED = [
  'test/cli/import-ddns.test.ts',
  'test/config/schema.test.ts',
  'test/openwrt/ubus-standin.test.ts',
  'test/providers/own-entries.test.ts',
  'test/providers/never-by-accident.test.ts',
  'test/providers/rest-catalogue.test.ts',
  'test/store/shape.test.ts',
];
const CORE = 'agent/core';

const [root = ''] = process.argv.slice(2);
const base = openWorld(PACKAGES);

process.on('message', (ask: Ask) => {
  (ask.type === 'measure' ? measure(ask.places) : tryOut(ask.change, ask.tests)).then(tell, (error) =>
    tell({ type: 'broken', fault: String(error) }),
  );
});
process.on('disconnect', () => process.exit());

function tell(told: Told): void {
  process.send?.(told);
}

async function tryOut(change: Change, tests: Pick<Test, 'file' | 'index'>[]): Promise<Told> {
  const world = openWorld(PACKAGES, { ...change, file: join(root, change.file) }, base);
  const loaded = new Map<string, LoadedTest[]>();
  try {
    for (const [position, { file, index }] of tests.entries()) {
      tell({ type: 'begun', test: position });
      const ofFile = loaded.get(file) ?? testsOf(() => world.load(join(root, file)));
      loaded.set(file, ofFile);
      const test = ofFile[index];
      if (!test || (await faultOf(test)) !== undefined) {
        return { type: 'tried', noticedBy: `${file}: ${test?.name ?? 'it has fewer tests'}` };
      }
    }
    return { type: 'tried' };
  } catch (error) {
    return { type: 'tried', noticedBy: `not even loaded: ${error}` };
  } finally {
    await closeBlocks();
  }
}

/** Runs each test once. All must be loaded after the counting has begun, or it would count whole functions only. */
async function measure(places: Place[]): Promise<Told> {
  const counting = startCounting(places);
  for (const file of coreFiles()) {
    base.load(join(root, file));
  }
  const atLoad = counting.reached();
  const tests: Test[] = [];
  const reachedBy: number[][] = places.map(() => []);
  const note = (reached: boolean[], first: number) => {
    for (const [place, isReached] of reached.entries()) {
      for (let test = first; isReached && test < tests.length; test += 1) {
        reachedBy[place]?.push(test);
      }
    }
  };
  for (const file of testFilesFor(new Set(places.map(({ file }) => file)))) {
    const core = coreFiles().filter((one) => dependsOn(join(root, file), join(root, one)));
    const loaded = testsOf(() => base.load(join(root, file)));
    const first = tests.length;
    const whileLoading = counting.reached();
    for (const [index, test] of loaded.entries()) {
      const beforeUs = process.cpuUsage();
      const fault = await faultOf(test);
      if (fault !== undefined) {
        throw new Error(`${file}: ${test.name} fails without any change: ${fault}`);
      }
      const { user, system } = process.cpuUsage(beforeUs);
      tests.push({ file, index, name: test.name, cpuMs: (user + system) / 1000, core });
      note(counting.reached(), tests.length - 1);
    }
    // What a file does while it is loaded may matter to each of its tests.
    note(whileLoading, first);
  }
  await closeBlocks();
  return {
    type: 'measured',
    measured: { tests, reachedBy: reachedBy.map((all) => [...new Set(all)]), atLoad },
  };
}

function coreFiles(): string[] {
  return readdirSync(join(root, CORE))
    .filter((name) => /(?<!\.d)\.ts$/.test(name))
    .map((name) => `${CORE}/${name}`);
}

function testFilesFor(changed: ReadonlySet<string>): string[] {
  const wanted = [...changed].map((file) => join(root, file));
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => ROOMS.test(name))
    .map((name) => `test/${name}`)
    .filter((file) => !NOT_ASKED.includes(file) && wanted.some((one) => dependsOn(join(root, file), one)))
    .sort();
}

/** V8's own counters, block by block. */
function startCounting(places: readonly Place[]) {
  const core = pathToFileURL(join(root, CORE)).href;
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

  /** Whether each place was reached since this was last asked. */
  function reached(): boolean[] {
    const counts = new Map<string, Uint8Array>();
    session.post('Profiler.takePreciseCoverage', (fault, found) => {
      if (fault) {
        throw fault;
      }
      for (const { url, functions } of found.result.filter((one) => one.url.startsWith(core))) {
        const ranges = functions.flatMap((one) => one.ranges);
        const painted = new Uint8Array(Math.max(...ranges.map(({ endOffset }) => endOffset)));
        // Outer ones come first.
        for (const { startOffset, endOffset, count } of ranges) {
          painted.fill(Math.min(count, 1), startOffset, endOffset);
        }
        counts.set(relative(root, fileURLToPath(url)), painted);
      }
    });
    // The right side of an operator has a counter of its own, which may begin with the operator.
    return places.map(
      ({ file, at }) =>
        counts
          .get(file)
          ?.subarray(Math.max(at - 3, 0), at + 1)
          .includes(1) ?? false,
    );
  }

  return { reached };
}
