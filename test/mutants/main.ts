/**
 * Do the tests notice when a decision is wrong? Changes one place of `agent/core` at a time in a copy, runs the
 * tests of decisions against it, and lists the changes that no test noticed.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { seededRandom } from '../fuzz/mutate.ts';
import { type Mutation, mutationsOf } from './mutations.ts';

const USAGE = `Usage: npm run mutants -- [options]

  --file NAME   only this file of agent/core, e.g. backoff.ts; may be given again
  --sample N    so many changes, drawn at random (default: all)
  --seed N      draws the same again (default 1)
  --help        this text
`;
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CORE = 'agent/core';
const COPIED = ['agent', 'schemas', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts'];
const AT_ONCE = 2;
/** A change may make an endless loop; that too is noticed. */
const TEST_TIMEOUT_MS = 180_000;
/** The quick ones first: most changes do not survive them. */
const STAGES = [
  ['--project', 'unit', 'test/core', 'test/scenario', 'test/store', 'test/engine'],
  ['--project', 'rules', 'test/core', 'test/scenario'],
];

const { values } = parseArgs({
  options: {
    file: { type: 'string', multiple: true },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  process.stdout.write(USAGE);
} else {
  await tryAll();
}

async function tryAll(): Promise<void> {
  const files = values.file ?? readdirSync(join(ROOT, CORE)).filter((name) => name.endsWith('.ts'));
  const all = files.flatMap((name) => mutationsOf(name, readFileSync(join(ROOT, CORE, name), 'utf8')));
  const chosen = values.sample === undefined ? all : drawn(all, Number(values.sample));
  const waiting = [...chosen];
  const survivors: Mutation[] = [];
  let done = 0;
  process.stdout.write(`${chosen.length} of ${all.length} changes in ${files.length} files.\n`);

  async function work(): Promise<void> {
    const copy = makeCopy();
    try {
      if (await someTestFails(copy)) {
        throw new Error('The tests fail without any change: mend that first.');
      }
      for (let mutation = waiting.shift(); mutation; mutation = waiting.shift()) {
        const file = join(copy, CORE, mutation.file);
        writeFileSync(file, mutation.source);
        const isNoticed = await someTestFails(copy);
        writeFileSync(file, readFileSync(join(ROOT, CORE, mutation.file)));
        done += 1;
        if (!isNoticed) {
          survivors.push(mutation);
          process.stdout.write(`${clear()}${placeOf(mutation)}\n`);
        }
        if (process.stderr.isTTY) {
          process.stderr.write(`\r${done}/${chosen.length} `);
        }
      }
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  }

  await Promise.all(Array.from({ length: AT_ONCE }, work));
  process.stdout.write(
    `${clear()}${chosen.length - survivors.length} of ${chosen.length} changes were noticed.\n`,
  );
  process.exitCode = survivors.length === 0 ? 0 : 1;
}

function clear(): string {
  return process.stderr.isTTY ? '\r' : '';
}

function placeOf({ file, line, was, is }: Mutation): string {
  return `${CORE}/${file}:${line}: "${was}" -> "${is}" was not noticed`;
}

function drawn(all: readonly Mutation[], count: number): Mutation[] {
  const random = seededRandom(Number(values.seed));
  return all
    .map((mutation) => ({ mutation, order: random() }))
    .sort((a, b) => a.order - b.order)
    .slice(0, count)
    .map(({ mutation }) => mutation);
}

function makeCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), 'holdfast-mutants-'));
  for (const name of COPIED) {
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

async function someTestFails(copy: string): Promise<boolean> {
  for (const stage of STAGES) {
    if ((await testStatus(copy, stage)) !== 0) {
      return true;
    }
  }
  return false;
}

function testStatus(copy: string, stage: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const argv = [vitest, 'run', '--bail', '1', '--no-cache', ...stage];
    const child = spawn(process.execPath, argv, {
      cwd: copy,
      stdio: 'ignore',
      timeout: TEST_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 1));
  });
}
