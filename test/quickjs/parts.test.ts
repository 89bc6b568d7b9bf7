/** What the agent on QuickJS loads on demand, runs as programs of its own, and says where one is missing or damaged. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { ownFolder } from './programs.ts';
import { commandFor } from './runtime.ts';

interface Installed {
  folder: string;
  /** Status and all that was printed. */
  run(
    options: { script?: string; cwd?: string },
    ...words: string[]
  ): { status: number | null; text: string };
}

/** A copy of the built agent. */
async function installed(): Promise<Installed> {
  const folder = join(ownFolder(), 'program');
  cpSync(dirname(inject('bundle')), folder, { recursive: true });
  const { argv, env } = await commandFor('quickjs', folder);
  return {
    folder,
    run({ script = argv.at(-1) ?? '', cwd = folder }, ...words) {
      const [program = '', ...flags] = argv.slice(0, -1);
      const { status, stdout, stderr } = spawnSync(program, [...flags, script, ...words], {
        ...{ cwd, encoding: 'utf8', env: { ...process.env, ...env } },
      });
      return { status, text: stdout + stderr };
    },
  };
}

const PROGRAM = 'holdfast.mjs';

test('the parts are found through a symbolic link, and from any folder', async () => {
  const { folder, run } = await installed();
  const elsewhere = join(dirname(folder), 'elsewhere');
  mkdirSync(elsewhere);
  symlinkSync('../program/holdfast.mjs', join(elsewhere, 'link.mjs'));

  const results = [
    run({ script: PROGRAM }, '--help'),
    run({ script: '../program/holdfast.mjs', cwd: elsewhere }, '--help'),
    run({ script: 'link.mjs', cwd: elsewhere }, '--help'),
    run({ script: join(elsewhere, 'link.mjs'), cwd: '/' }, '--help'),
  ];

  expect(results.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
  expect(new Set(results.map(({ text }) => text)).size).toBe(1);
  expect(results[0]?.text).toContain('check-config');
});

test.each([
  ['missing', (path: string) => rmSync(path)],
  ['cut', (path: string) => writeFileSync(path, '(module=>{\nlet a = (')],
  ['empty', (path: string) => writeFileSync(path, '')],
])('a part that is %s is named, with what to do', async (_, spoil) => {
  const { folder, run } = await installed();
  spoil(join(folder, 'holdfast-tools.mjs'));

  const { status, text } = run({}, '--help');

  expect(status).toBe(1);
  expect(text).toContain(`${folder}/holdfast-tools.mjs is missing or damaged. Install the agent again.`);
});

test('so is the agent itself', async () => {
  const { folder, run } = await installed();
  rmSync(join(folder, 'holdfast-agent.mjs'));

  const { status, text } = run({}, 'version');

  expect({ status, text }).toEqual({
    status: 1,
    text: `holdfast: ${folder}/holdfast-agent.mjs cannot be read. Install the agent again.\n`,
  });
});

test('nothing brings the tables of the mathematical library into memory, up to 0.2 MB for good', () => {
  const folder = dirname(inject('bundle'));
  const programs = readdirSync(folder).filter((name) => name.endsWith('.mjs'));

  const found = programs.filter((name) =>
    /[\w)\]]\*\*[\w(]|\bMath\.(?:abs|pow|exp|log|cbrt|hypot|a?(?:sin|cos|tan)h?)/.test(
      readFileSync(join(folder, name), 'utf8'),
    ),
  );

  expect(programs.length).toBeGreaterThan(10);
  expect(found).toEqual([]);
});
