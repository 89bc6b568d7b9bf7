/** `npm run test:luci -- --luci DIR`: our pages in LuCI's own client, in a real browser, over the real agent. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CHROMIUM, startChromium } from './browser.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/all.ts';
import { begin, type Kit, type Stage, startStage } from './stage.ts';
import { type Checkout, openCheckout } from './web/checkout.ts';
import { THEME_NAMES, type Theme } from './web/page.ts';

const HELP = `Usage: npm run test:luci -- [--luci DIR] [options]

Opens the pages of luci-app-holdfast in Chromium, in LuCI's own client, over the built agent and a complete
dynamic-DNS provider. DIR is a checkout of LuCI's sources, of which only the files for browsers are used:

  git clone --depth 1 https://github.com/openwrt/luci DIR

Without it only the tests that need no browser are run.

  --only NAME      only scenarios whose name contains NAME
  --theme THEME    ${THEME_NAMES.join(', ')}; default: bootstrap
  --program FILE   this built agent instead of a fresh build
  --screenshots    keep a picture of every page in test/luci/screenshots
  --headed         show the browser
  --list           name the scenarios
  --help           print this text

Exit status: 0 everything holds, 1 not so, 2 wrong usage.
`;

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BUNDLE = join(ROOT, 'dist/holdfast.cjs');
const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;
/** A scenario that hangs must not hold up the others. */
const LIMIT_MS = 240_000;

interface Wish {
  luci?: string | undefined;
  program?: string | undefined;
  only?: string | undefined;
  theme: Theme;
  screenshots: boolean;
  headed: boolean;
}

interface Result {
  scenario: Scenario;
  seconds: number;
  problem?: string;
}

process.exitCode = await run(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${problemOf(error)}\n`);
  return EXIT.failed;
});

async function run(argv: readonly string[]): Promise<number> {
  const wish = wishFrom(argv);
  if (typeof wish === 'number') {
    return wish;
  }
  const { luci } = wish;
  if (luci === undefined) {
    tell('NOT RUN: the tests in the browser. They need a checkout of LuCI: npm run test:luci -- --luci DIR');
    tell('         Get one with: git clone --depth 1 https://github.com/openwrt/luci DIR');
    tell('What needs no browser is run now.');
    return pureTests();
  }
  const checkout = openCheckout(luci);
  if (typeof checkout === 'string') {
    tell(checkout);
    return EXIT.usage;
  }
  const chosen = SCENARIOS.filter(({ name }) => name.includes(wish.only ?? ''));
  if (chosen.length === 0) {
    tell(`No scenario is called ${wish.only}. There are: ${SCENARIOS.map(({ name }) => name).join(', ')}.`);
    return EXIT.usage;
  }
  return play(chosen, checkout, wish);
}

async function play(chosen: readonly Scenario[], checkout: Checkout, wish: Wish): Promise<number> {
  if (!existsSync(CHROMIUM)) {
    tell(`${CHROMIUM} is not there. On Debian: apt-get install chromium`);
    return EXIT.failed;
  }
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-luci-program-'));
  const results: Result[] = [];
  const open: { close(): Promise<void> }[] = [];
  async function end(): Promise<void> {
    for (let last = open.pop(); last !== undefined; last = open.pop()) {
      // What a page did wrong is told elsewhere.
      await last.close().catch(() => {});
    }
    rmSync(folder, { recursive: true, force: true });
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => void end().then(() => process.exit(EXIT.interrupted)));
  }
  try {
    const program = wish.program ?? builtProgram(folder);
    const chromium = await startChromium(wish);
    open.push(chromium);
    const kit: Kit = { checkout, chromium, program, theme: wish.theme };
    for (const scenario of chosen) {
      tell(`\n${scenario.name}: ${scenario.title}`);
      results.push(await playOne(scenario, kit, (stage) => open.push(stage)));
      open.splice(1);
    }
  } finally {
    await end();
  }
  table(results);
  return results.every(({ problem }) => problem === undefined) ? EXIT.ok : EXIT.failed;
}

async function playOne(scenario: Scenario, kit: Kit, onOpen: (stage: Stage) => void): Promise<Result> {
  const startMs = performance.now();
  const say = (text: string) => tell(`  ${text}`);
  const problems: string[] = [];
  let stage: Stage | undefined;
  let limit: NodeJS.Timeout | undefined;
  try {
    const opened = await startStage(kit, say, scenario.stage);
    stage = opened;
    onOpen(opened);
    const late = new Promise<never>((_, reject) => {
      limit = setTimeout(reject, LIMIT_MS, new Error(`It did not end within ${LIMIT_MS / 1000} s`));
    });
    await begin(opened, scenario.stage?.begin);
    await Promise.race([scenario.run(opened), late]);
  } catch (error) {
    problems.push(problemOf(error));
    await stage?.pictures(`failed-${scenario.name}`);
  }
  clearTimeout(limit);
  await stage?.close().catch((error: unknown) => void problems.push(problemOf(error)));
  const seconds = (performance.now() - startMs) / 1000;
  const problem = problems.join('\n');
  say(problem === '' ? 'holds' : `FAILED: ${problem}`);
  return { scenario, seconds, ...(problem !== '' && { problem }) };
}

function problemOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A private copy of a fresh bundle: another build in the same tree must not change it under the tests. */
function builtProgram(folder: string): string {
  const startMs = Date.now();
  const { stderr } = spawnSync(process.execPath, ['build.mjs'], { cwd: ROOT, encoding: 'utf8' });
  // The size is for the build itself to complain about.
  if (!existsSync(BUNDLE) || statSync(BUNDLE).mtimeMs < startMs - 1000) {
    throw new Error(`node build.mjs made no bundle: ${stderr}`);
  }
  cpSync(join(ROOT, 'dist'), folder, {
    recursive: true,
    filter: (path) => !/\.(apk|ipk)$|overlay/.test(path),
  });
  return join(folder, 'holdfast.cjs');
}

function pureTests(): number {
  const words = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', 'test/luci'];
  const { status } = spawnSync(process.execPath, words, { cwd: ROOT, stdio: 'inherit' });
  return status === 0 ? EXIT.ok : EXIT.failed;
}

function table(results: readonly Result[]): void {
  const width = Math.max(...results.map(({ scenario }) => scenario.name.length));
  tell('');
  for (const { scenario, seconds, problem } of results) {
    const verdict = problem === undefined ? 'ok    ' : 'FAILED';
    tell(
      `${verdict}  ${scenario.name.padEnd(width)}  ${seconds.toFixed(1).padStart(6)} s  ${scenario.title}`,
    );
    if (problem !== undefined) {
      tell(`        ${problem.split('\n').join('\n        ')}`);
    }
  }
  const failed = results.filter(({ problem }) => problem !== undefined).length;
  tell(`\n${results.length - failed} of ${results.length} scenarios hold.`);
}

function wishFrom(argv: readonly string[]): Wish | number {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        luci: { type: 'string' },
        only: { type: 'string' },
        program: { type: 'string' },
        theme: { type: 'string', default: 'bootstrap' },
        screenshots: { type: 'boolean', default: false },
        headed: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const theme = THEME_NAMES.find((name) => name === values.theme);
    if (theme === undefined) {
      throw new Error(`--theme must be one of ${THEME_NAMES.join(', ')}.`);
    }
    if (values.help || values.list) {
      tell(values.help ? HELP : SCENARIOS.map(({ name, title }) => `${name}: ${title}`).join('\n'));
      return EXIT.ok;
    }
    const { luci, only, program, screenshots, headed } = values;
    return { luci, only, program, theme, screenshots, headed };
  } catch (error) {
    process.stderr.write(`${problemOf(error)}\nTry --help.\n`);
    return EXIT.usage;
  }
}

function tell(text: string): void {
  process.stdout.write(`${text}\n`);
}
