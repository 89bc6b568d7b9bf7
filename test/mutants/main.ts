/**
 * Do the tests notice when a decision is wrong? Changes one place of `agent/core` at a time in a copy, runs the
 * tests of decisions against it, and lists the changes that no test noticed.
 */
import { type ChildProcess, fork } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { EQUIVALENT } from './equivalent.ts';
import { type Mutation, mutationsOf } from './mutations.ts';
import type { Ask, Told } from './suite.ts';

const USAGE = `Usage: npm run mutants -- [options]

  --file NAME   only this file of agent/core, e.g. backoff.ts; may be given again
  --sample N    so many changes, drawn at random (default: all)
  --seed N      draws other ones (default 1)
  --again       only those that were not noticed the last time
  --help        this text

What was found is kept in dist/mutants.json.
`;
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CORE = 'agent/core';
const NOT_COPIED = ['.git', 'dist', 'node_modules'];
const FOUND = join(ROOT, 'dist/mutants.json');
/** All tests take so long at most; and for one change so many times as long as without it. */
const START_PATIENCE_MS = 600_000;
const PATIENCE = 3;
/** A change may make an endless loop; that too is noticed. */
const ENDLESS = 'it never ended';

/** One change and what became of it. */
interface Tried {
  file: string;
  line: number;
  before: string;
  after: string;
  result: 'noticed' | 'not noticed' | 'equivalent';
  /** The test that failed, or why nobody can see a difference. */
  by?: string;
}

interface Suite {
  /** Before a file is changed: starts again what the last change has ended. */
  ready(): Promise<void>;
  /** The test that noticed the change of this file. */
  ask(file: string): Promise<string | undefined>;
  end(): void;
}

const { values } = parseArgs({
  options: {
    file: { type: 'string', multiple: true },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    again: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  process.stdout.write(USAGE);
} else {
  await tryAll();
}

async function tryAll(): Promise<void> {
  const copy = makeCopy();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      rmSync(copy, { recursive: true, force: true });
      process.exit(1);
    });
  }
  try {
    const chosen = chosenOf(copy);
    const suite = await startSuite(copy);
    const tried: Tried[] = [];
    for (const mutation of chosen) {
      const one = await tryOne(copy, suite, mutation);
      tried.push(one);
      keep(tried);
      if (one.result === 'not noticed') {
        process.stdout.write(`${placeOf(one)}\n`);
      }
    }
    suite.end();
    summarize(tried);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function tryOne(copy: string, suite: Suite, { source, ...change }: Mutation): Promise<Tried> {
  const equivalent = EQUIVALENT.find((one) => isSame(one, change));
  if (equivalent) {
    return { ...change, result: 'equivalent', by: equivalent.why };
  }
  await suite.ready();
  const file = join(copy, CORE, change.file);
  const original = readFileSync(file);
  writeFileSync(file, source);
  const by = await suite.ask(`${CORE}/${change.file}`);
  writeFileSync(file, original);
  return by === undefined ? { ...change, result: 'not noticed' } : { ...change, result: 'noticed', by };
}

function summarize(tried: readonly Tried[]): void {
  const count = (wanted: Tried['result']) => tried.filter(({ result }) => result === wanted).length;
  const unnoticed = count('not noticed');
  process.stdout.write(
    `${count('noticed')} of ${tried.length} changes were noticed, ${count('equivalent')} change nothing, ${unnoticed} are left.\n`,
  );
  process.exitCode = unnoticed === 0 ? 0 : 1;
}

function keep(tried: readonly Tried[]): void {
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  writeFileSync(FOUND, `${JSON.stringify(tried, undefined, 2)}\n`);
}

function placeOf({ file, line, before, after }: Omit<Tried, 'result'>): string {
  return `${CORE}/${file}:${line} was not noticed:\n  - ${before}\n  + ${after}`;
}

function isSame(
  a: Pick<Tried, 'file' | 'before' | 'after'>,
  b: Pick<Tried, 'file' | 'before' | 'after'>,
): boolean {
  return a.file === b.file && a.before === b.before && a.after === b.after;
}

function chosenOf(copy: string): Mutation[] {
  const files = values.file ?? readdirSync(join(copy, CORE)).filter((name) => /(?<!\.d)\.ts$/.test(name));
  const all = files.flatMap((name) => mutationsOf(name, readFileSync(join(copy, CORE, name), 'utf8')));
  for (const { file, before } of EQUIVALENT.filter((one) => files.includes(one.file))) {
    if (!all.some((one) => one.file === file && one.before === before)) {
      process.stdout.write(`equivalent.ts has a line that ${file} has no more: ${before}\n`);
    }
  }
  const chosen = values.again ? again(all) : values.sample ? drawn(all, Number(values.sample)) : all;
  process.stdout.write(`${chosen.length} of ${all.length} changes in ${files.length} files.\n`);
  return chosen;
}

function again(all: readonly Mutation[]): Mutation[] {
  const before: Tried[] = JSON.parse(readFileSync(FOUND, 'utf8'));
  return all.filter((one) => before.some((old) => old.result === 'not noticed' && isSame(old, one)));
}

/** By a digest of the change itself: an edit elsewhere does not draw other ones. */
function drawn(all: readonly Mutation[], count: number): Mutation[] {
  return all
    .map((mutation) => ({ mutation, order: orderOf(mutation) }))
    .sort((a, b) => a.order - b.order)
    .slice(0, count)
    .map(({ mutation }) => mutation)
    .sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
}

/** FNV-1a, its bits mixed once more. */
function orderOf({ file, before, after }: Mutation): number {
  let digest = 0x811c9dc5;
  for (const char of `${values.seed} ${file} ${before} ${after}`) {
    digest = Math.imul(digest ^ char.charCodeAt(0), 0x01000193);
  }
  return Math.imul(digest ^ (digest >>> 15), 0x2c1b3c6d) >>> 0;
}

function makeCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), 'holdfast-mutants-'));
  for (const name of readdirSync(ROOT).filter((one) => !NOT_COPIED.includes(one))) {
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** Has run all tests once, without any change. */
async function startSuite(copy: string): Promise<Suite> {
  let child: ChildProcess;
  let patienceMs = START_PATIENCE_MS;

  async function restart(): Promise<void> {
    const startedMs = performance.now();
    child = fork(join(copy, 'test/mutants/suite.ts'), [copy], {
      cwd: copy,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const told = await answerOf(child, START_PATIENCE_MS);
    if (!told || !('ready' in told)) {
      throw new Error(`The tests fail without any change: ${told?.noticedBy ?? 'they do not end'}`);
    }
    patienceMs = PATIENCE * (performance.now() - startedMs);
  }

  await restart();
  return {
    async ready() {
      if (child.exitCode !== null || child.signalCode !== null) {
        await restart();
      }
    },
    async ask(file) {
      const answer = answerOf(child, patienceMs);
      child.send({ file } satisfies Ask);
      const told = await answer;
      return told === undefined ? ENDLESS : 'noticedBy' in told ? told.noticedBy : undefined;
    },
    end: () => child.kill('SIGKILL'),
  };
}

/** Undefined when it has ended, by itself or because it took too long. */
function answerOf(child: ChildProcess, patienceMs: number): Promise<Told | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    const onMessage = (told: Told) => end(told);
    const onExit = () => end(undefined);
    function end(told: Told | undefined): void {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit);
      resolve(told);
    }
    child.once('message', onMessage).once('exit', onExit);
  });
}
