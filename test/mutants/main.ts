/**
 * Do the tests notice when a decision is wrong? Changes one place of `agent/core` at a time, in the memory of a
 * process that runs the tests which reach this place, and lists the changes that no test noticed.
 */
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
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { argumentsOf } from '../arguments.ts';
import { EQUIVALENT, type Equivalent } from './equivalent.ts';
import { type Mutation, mutationsOf } from './mutations.ts';
import { measure, type Suite, startSuite } from './run.ts';
import type { Measured, Test } from './suite.ts';

const USAGE = `Usage: npm run mutants -- [options]

  --file NAME   only this file of agent/core, e.g. backoff.ts; may be given again
  --sample N    so many changes, drawn at random (default: all)
  --seed N      draws other ones (default 1)
  --again       only those that were not noticed the last time
  --json        everything that was found, as JSON, instead of the table
  --help        this text

What was found is kept in node_modules/.cache/mutants.json.
`;
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CORE = 'agent/core';
const NOT_COPIED = ['.git', 'dist', 'node_modules'];
const FOUND = join(ROOT, 'node_modules/.cache/mutants.json');
const PROGRESS_MS = 30_000;
/** What takes longer is not tried first, however much it has noticed. */
const QUICK_MS = 30;

/** One change and what became of it. */
interface Tried {
  file: string;
  line: number;
  before: string;
  after: string;
  result: 'noticed' | 'not noticed' | 'equivalent';
  /** The test that failed, or why nobody can see a difference. */
  by?: string;
  /** How many tests reach the place. */
  tests?: number;
}

const { values } = argumentsOf({
  options: {
    file: { type: 'string', multiple: true },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    again: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
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
    const measured = await measure(
      copy,
      chosen.map(({ file, at }) => ({ file: `${CORE}/${file}`, at })),
    );
    const cpuMs = measured.tests.reduce((sum, one) => sum + one.cpuMs, 0);
    say(`${measured.tests.length} tests, which take ${Math.round(cpuMs / 1000)} s.`);
    const suite = startSuite(copy);
    const tried: Tried[] = [];
    let toldMs = performance.now();
    for (const [index, mutation] of chosen.entries()) {
      const one = await tryOne(suite, mutation, orderedTests(measured, mutation, index, tried));
      tried.push(one);
      if (one.result === 'not noticed') {
        say(placeOf(one));
      }
      if (performance.now() - toldMs > PROGRESS_MS) {
        toldMs = performance.now();
        keep(tried);
        say(`${tried.length} of ${chosen.length}, now in ${mutation.file}.`);
      }
    }
    suite.end();
    keep(tried);
    summarize(tried);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function tryOne(
  suite: Suite,
  { code, at: _, above, ...change }: Mutation,
  tests: Test[],
): Promise<Tried> {
  const equivalent = EQUIVALENT.find((one) => isListed(one, { ...change, above }));
  if (equivalent) {
    return { ...change, result: 'equivalent', by: equivalent.why };
  }
  const by = await suite.noticedBy({ file: `${CORE}/${change.file}`, code }, tests);
  const result = by === undefined ? 'not noticed' : 'noticed';
  return { ...change, result, ...(by !== undefined && { by }), tests: tests.length };
}

/** Those that reach the place; first what has noticed another change of this file, then what is quick. */
function orderedTests(
  { tests, reachedBy, atLoad }: Measured,
  mutation: Mutation,
  index: number,
  tried: readonly Tried[],
) {
  const file = `${CORE}/${mutation.file}`;
  // A constant may matter wherever the file is loaded.
  const candidates = atLoad[index]
    ? tests.filter(({ core }) => core.includes(file))
    : (reachedBy[index] ?? []).flatMap((one) => tests[one] ?? []);
  const before = tried.filter((one) => one.file === mutation.file).map(({ by }) => by);
  const rank = new Map(before.map((by, nth) => [by, nth]));
  const rankOf = ({ file: inFile, name, cpuMs }: Test) =>
    cpuMs > QUICK_MS ? -1 : (rank.get(`${inFile}: ${name}`) ?? -1);
  return candidates.sort((a, b) => rankOf(b) - rankOf(a) || a.cpuMs - b.cpuMs);
}

function summarize(tried: readonly Tried[]): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify(tried, undefined, 2)}\n`);
  } else {
    process.stdout.write(tableOf(tried));
  }
  process.exitCode = tried.some(({ result }) => result === 'not noticed') ? 1 : 0;
}

function tableOf(tried: readonly Tried[]): string {
  const row = (name: string, of: readonly Tried[]) => {
    const count = (wanted: Tried['result']) => of.filter(({ result }) => result === wanted).length;
    return `| ${name} | ${of.length} | ${count('noticed')} | ${count('equivalent')} | ${count('not noticed')} |\n`;
  };
  const files = [...new Set(tried.map(({ file }) => file))];
  const head = '| file | changes | noticed | equivalent | not noticed |\n|---|--:|--:|--:|--:|\n';
  const rows = files.map((file) =>
    row(
      file,
      tried.filter((one) => one.file === file),
    ),
  );
  return `${head}${rows.join('')}${row('all', tried)}`;
}

/** Progress, which is no part of the answer. */
function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function keep(tried: readonly Tried[]): void {
  mkdirSync(dirname(FOUND), { recursive: true });
  writeFileSync(FOUND, `${JSON.stringify(tried, undefined, 2)}\n`);
}

function placeOf({ file, line, before, after, tests }: Tried): string {
  return `${CORE}/${file}:${line} was not noticed by ${tests} tests:\n  - ${before}\n  + ${after}`;
}

function isListed(one: Equivalent, change: Pick<Mutation, 'file' | 'above' | 'before' | 'after'>): boolean {
  return isSame(one, change) && (one.above === undefined || one.above === change.above);
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
  for (const one of EQUIVALENT.filter(({ file }) => files.includes(file))) {
    if (!all.some((mutation) => isListed(one, mutation))) {
      say(`equivalent.ts has a change that ${one.file} has no more: ${one.before}`);
    }
  }
  const chosen = values.again ? again(all) : values.sample ? drawn(all, Number(values.sample)) : all;
  say(`${chosen.length} of ${all.length} changes in ${files.length} files.`);
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

/** Whoever edits a test meanwhile does not disturb us. */
function makeCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), 'holdfast-mutants-'));
  for (const name of readdirSync(ROOT).filter((one) => !NOT_COPIED.includes(one))) {
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}
