/** Whole days of the agent under virtual time, and the decisions: the tests that run on Node, on a real `qjs`. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleSuite, runSuite } from './suite.ts';
import type { Told } from './vitest-on-qjs.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');
const FOLDERS = ['test/scenario', 'test/core'];
const LEFT_OUT = [
  // Thousands of generated days.
  'test/core/rules.test.ts',
  'test/scenario/incidents.rules.test.ts',
  // They compare with what Node itself says.
  'test/core/octets.test.ts',
  'test/core/address-oracle.test.ts',
];
const PATIENCE_MS = 600_000;

const FILES = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `${folder}/${name}`),
).filter((file) => !LEFT_OUT.includes(file));

const folder = mkdtempSync(join(tmpdir(), 'holdfast-quickjs-suite-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let told: Told[] = [];
const onNode = new Map<string, number>();

beforeAll(async () => {
  const [ended] = await Promise.all([bundleSuite(FILES, folder).then(runSuite), countOnNode()]);
  told = ended;
}, PATIENCE_MS);

async function countOnNode(): Promise<void> {
  const list = join(folder, 'list.json');
  const words = [VITEST, 'list', '--project', 'unit', '--project', 'scenario', `--json=${list}`, ...FOLDERS];
  // Not this vitest's own environment.
  const env = { PATH: process.env.PATH, HOME: process.env.HOME };
  await promisify(execFile)(process.execPath, words, { cwd: ROOT, env });
  for (const { file } of JSON.parse(readFileSync(list, 'utf8')) as { file: string }[]) {
    const path = file.slice(ROOT.length);
    onNode.set(path, (onNode.get(path) ?? 0) + 1);
  }
}

test.each(FILES)('%s', (file) => {
  const ended = told.filter((one) => one.file === file);

  expect(ended.filter(({ fault }) => fault !== undefined)).toEqual([]);
  expect(ended).toHaveLength(onNode.get(file) ?? Number.NaN);
});
