/**
 * A million routers under virtual time: each runs the agent's own `step`, beside them the policies of other
 * clients. Prints who asks how much and how soon all are confirmed, and draws the load.
 */
import { fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { argumentsOf } from '../arguments.ts';
import { linesSvg } from '../chart/lines.ts';
import { holdfast } from './holdfast.ts';
import { PEERS } from './peers.ts';
import { scenariosOf } from './scenarios.ts';
import { play, type Result } from './world.ts';

const USAGE = `Usage: npm run fleet -- [options]

  --clients N    how many of each kind (default 1000000)
  --json FILE    the result as JSON (default dist/fleet/fleet.json)
  --svg FILE     the picture (default dist/fleet/fleet.svg)
  --help         this text
`;
const POLICIES = [holdfast, ...PEERS];
const AT_ONCE = 2;
const HEAP_MIB = 3000;

interface Done {
  result: Result;
  peakMib: number;
}

type Message = { progress: number } | Done;

const { values } = argumentsOf({
  options: {
    clients: { type: 'string', default: '1000000' },
    json: { type: 'string', default: 'dist/fleet/fleet.json' },
    svg: { type: 'string', default: 'dist/fleet/fleet.svg' },
    play: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
const clients = Number(values.clients);

if (values.help) {
  process.stdout.write(USAGE);
} else if (!Number.isInteger(clients) || clients < 1000) {
  process.stderr.write(`--clients ${values.clients}: give a whole number of at least 1000.\n${USAGE}`);
  process.exitCode = 2;
} else if (values.play !== undefined) {
  playHere(values.play);
} else {
  await playAll();
}

/** One kind of client in one scenario: a process of its own, so that its memory is free again after it. */
function playHere(what: string): void {
  const [scenarioIndex = 0, policyIndex = 0] = what.split(',').map(Number);
  const scenario = scenariosOf(clients)[scenarioIndex];
  const policy = POLICIES[policyIndex];
  if (scenario && policy) {
    const result = play(scenario, policy(clients), (progress) => tell({ progress }));
    tell({ result, peakMib: Math.round(process.resourceUsage().maxRSS / 1024) });
  }
}

function tell(message: Message): void {
  process.send?.(message);
}

async function playAll(): Promise<void> {
  const began = performance.now();
  const scenarios = scenariosOf(clients);
  // The largest first: they take longest.
  const games = POLICIES.flatMap((_, policy) => scenarios.map((__, scenario) => ({ scenario, policy })));
  const done = new Map<string, Done>();
  const progress = new Map<string, number>();
  const waiting = [...games];

  async function work(): Promise<void> {
    for (let game = waiting.shift(); game; game = waiting.shift()) {
      const key = `${game.scenario},${game.policy}`;
      done.set(
        key,
        await played(key, (part) => {
          progress.set(key, part);
          showProgress();
        }),
      );
      progress.set(key, 1);
    }
  }

  function showProgress(): void {
    if (process.stderr.isTTY) {
      const parts = games.map(({ scenario, policy }) => progress.get(`${scenario},${policy}`) ?? 0);
      const percent = (100 * parts.reduce((sum, part) => sum + part, 0)) / games.length;
      process.stderr.write(`\r${percent.toFixed(0)} % `);
    }
  }

  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (process.stderr.isTTY) {
    process.stderr.write('\r');
  }
  const tables = scenarios.map((scenario, index) => ({
    ...scenario,
    results: POLICIES.flatMap((_, policy) => done.get(`${index},${policy}`)?.result ?? []),
  }));
  const peakMib = Math.max(...[...done.values()].map((one) => one.peakMib));
  const tookSec = Math.round((performance.now() - began) / 1000);
  const perClient = ({ requests }: Result) => requests / clients;
  const lines = tables.flatMap(({ title, results, capacityPerSec }) => [
    `${title} (${clients.toLocaleString('en')} of each kind; the provider can carry out ${capacityPerSec.toLocaleString('en')} updates a second):`,
    row(['', 'requests', 'a client', 'rejected', 'peak a second', '50 % after', '99 % after', 'all after']),
    ...results.map((result) =>
      row([
        result.name,
        result.requests.toLocaleString('en'),
        perClient(result).toFixed(2),
        result.rejected.toLocaleString('en'),
        result.peakPerSec.toLocaleString('en'),
        ...([50, 99, 100] as const).map((percent) => duration(result.confirmedSec[percent])),
      ]),
    ),
    '',
  ]);
  process.stdout.write(`${lines.join('\n')}\n${tookSec} s, at most ${peakMib} MiB in one process.\n`);
  write(values.json, `${JSON.stringify({ clients, tookSec, peakMib, scenarios: tables }, undefined, 2)}\n`);
  write(values.svg, pictureOf(tables));
}

function played(game: string, onProgress: (part: number) => void): Promise<Done> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ['--clients', `${clients}`, '--play', game], {
      execArgv: ['--import', 'tsx', `--max-old-space-size=${HEAP_MIB}`, '--max-semi-space-size=32'],
    });
    let done: Done | undefined;
    child.on('message', (message: Message) => {
      if ('progress' in message) {
        onProgress(message.progress);
      } else {
        done = message;
      }
    });
    child.on('error', reject);
    child.on('exit', (status) =>
      done ? resolve(done) : reject(new Error(`a part of the simulation ended with ${status}`)),
    );
  });
}

function row(cells: readonly string[]): string {
  return cells.map((cell, index) => (index === 0 ? cell.padEnd(14) : cell.padStart(14))).join('');
}

function duration(seconds: number | undefined): string {
  return seconds === undefined ? 'not' : `${Math.round(seconds).toLocaleString('en')} s`;
}

function pictureOf(
  tables: readonly (ReturnType<typeof scenariosOf>[number] & { results: Result[] })[],
): string {
  return linesSvg(
    tables.map(({ title, results, capacityPerSec }) => ({
      title,
      xTitle: 'minutes',
      yTitle: 'requests a second',
      logY: true,
      level: { y: capacityPerSec, name: 'what the provider can bear' },
      lines: results.map(({ name, load }) => ({
        name,
        points: load.map((requests, index) => [index / 6, requests / 10] as const),
      })),
    })),
  );
}

function write(file: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  process.stdout.write(`${file}\n`);
}
