/**
 * What tests need of vitest, so that one test can be run, and run again after its file was loaded anew. What is
 * missing here fails the loading of a file, never passes.
 */

import process from 'node:process';
import type { IRawProperty, Parameters } from 'fast-check';
import * as fastCheck from 'fast-check';
import { expect } from 'vitest';

type Body = (...row: unknown[]) => unknown;
type Moment = 'beforeAll' | 'beforeEach' | 'afterEach' | 'afterAll';

interface Block {
  names: string[];
  outer?: Block;
  hooks: Record<Moment, Body[]>;
}

export interface LoadedTest {
  name: string;
  block: Block;
  body: Body;
}

/** Of all generated lives: what a tenth of them does not notice is hardly tested. */
const SHARE_OF_RUNS = 0.1;
/** A test that only waits is given up after so many turns of the event loop, `TURN_MS` apart, without any work. */
const TURNS = 100;
const TURN_MS = 100;
const IDLE_US = 5000;

let tests: LoadedTest[] = [];
let block = newBlock([]);
let afterwards: Body[] = [];
const opened = new Set<Block>();

const test = withRows((name, body) => tests.push({ name: [...block.names, name].join(' > '), block, body }));
const describe = withRows((name, body) => {
  const outer = block;
  block = newBlock([...outer.names, name], outer);
  body();
  block = outer;
});

/** The packages that tests get instead of the real ones. */
export const PACKAGES: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  [
    'vitest',
    {
      test,
      it: test,
      describe,
      expect,
      vi: { setConfig() {}, waitFor },
      onTestFinished: (body: Body) => afterwards.unshift(body),
      ...hooks('beforeAll', 'beforeEach', 'afterEach', 'afterAll'),
    },
  ],
  ['fast-check', withFewerRuns()],
]);

/** The tests that this registers. */
export function testsOf(load: () => unknown): LoadedTest[] {
  tests = [];
  block = newBlock([]);
  load();
  return tests;
}

/** Why it failed. */
export async function faultOf({ block: inside, body }: LoadedTest): Promise<string | undefined> {
  const blocks = outermostFirst(inside);
  let fault: string | undefined;
  async function attempt(bodies: readonly Body[]): Promise<void> {
    for (const one of bodies) {
      try {
        await orTooLong(one());
      } catch (error) {
        fault ??= String(error);
      }
    }
  }

  afterwards = [];
  for (const one of blocks.filter((each) => !opened.has(each))) {
    opened.add(one);
    await attempt(one.hooks.beforeAll);
  }
  await attempt(blocks.flatMap(({ hooks: { beforeEach } }) => beforeEach));
  await attempt([body]);
  await attempt(afterwards);
  await attempt(blocks.reverse().flatMap(({ hooks: { afterEach } }) => afterEach));
  return fault;
}

/** Lets the tests that have run clean up. */
export async function closeBlocks(): Promise<void> {
  for (const {
    hooks: { afterAll },
  } of [...opened].reverse()) {
    for (const body of afterAll) {
      await body();
    }
  }
  opened.clear();
}

function newBlock(names: string[], outer?: Block): Block {
  const hooks = { beforeAll: [], beforeEach: [], afterEach: [], afterAll: [] };
  return { names, hooks, ...(outer && { outer }) };
}

function outermostFirst(inside: Block): Block[] {
  return inside.outer ? [...outermostFirst(inside.outer), inside] : [inside];
}

function hooks(...moments: Moment[]) {
  return Object.fromEntries(
    moments.map((moment) => [moment, (body: Body) => block.hooks[moment].push(body)]),
  );
}

function withRows(add: (name: string, body: Body) => unknown) {
  const one = (name: string, ...rest: unknown[]) =>
    add(name, rest.find((each) => typeof each === 'function') as Body);
  const forRows = (call: (body: Body, row: unknown) => unknown) => (rows: readonly unknown[]) => {
    return (name: string, body: Body) => {
      for (const [index, row] of rows.entries()) {
        add(`${name} [${index}: ${shown(row)}]`, () => call(body, row));
      }
    };
  };
  return Object.assign(one, {
    each: forRows((body, row) => (Array.isArray(row) ? body(...row) : body(row))),
    for: forRows((body, row) => body(row)),
  });
}

/** Enough to find the row again. */
function shown(row: unknown): string {
  const first = Array.isArray(row) ? row[0] : row;
  return typeof first === 'object' && first !== null
    ? String(Object.values(first).find((value) => typeof value === 'string') ?? '')
    : String(first);
}

async function waitFor(body: Body): Promise<unknown> {
  for (let turn = 0; ; turn += 1) {
    try {
      return await body();
    } catch (error) {
      if (turn === TURNS) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, TURN_MS / 2));
    }
  }
}

/** Who works is watched from outside; by turns and not by the clock, for a busy machine must not fail a test. */
function orTooLong(ended: unknown): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise((_, reject) => {
    let idleTurns = 0;
    let before = process.cpuUsage();
    timer = setInterval(() => {
      const { user, system } = process.cpuUsage(before);
      before = process.cpuUsage();
      idleTurns = user + system < IDLE_US ? idleTurns + 1 : 0;
      if (idleTurns === TURNS) {
        reject(new Error('it waits for ever'));
      }
    }, TURN_MS);
  });
  return Promise.race([ended, tooLong]).finally(() => clearInterval(timer));
}

/** fast-check with fewer runs, always the same ones, and without a search for the smallest that fails. */
function withFewerRuns() {
  function assert<Ts>(property: IRawProperty<Ts>, { numRuns = 100, ...rest }: Parameters<Ts> = {}) {
    const fewer = Math.ceil(numRuns * SHARE_OF_RUNS);
    return fastCheck.assert(property, { ...rest, numRuns: fewer, seed: 1, endOnFailure: true });
  }
  return { ...fastCheck, __esModule: true, assert, default: { ...fastCheck.default, assert } };
}
