/** `npm run soak`: ten thousand address changes through the built agent; does anything grow? */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { copyOfBundle } from '../bench/bundle.ts';
import { createMade, removeLeftovers } from '../demo/cleanup.ts';
import { commandFor, RUNTIMES } from '../quickjs/runtime.ts';
import { leaksBetween, type SoakResult, soak } from './soak.ts';

const HELP = `Usage: npm run soak -- [options]

Sends address changes through the built agent, each as soon as the last one is published, and looks after a
tenth, the half and all of them at what the agent holds.

  --changes N        default 10000
  --runtime RUNTIME  node (default) or quickjs
  --json FILE        the result as JSON
  --help             this text

Exit status: 0 nothing leaks, 1 something does or the soak failed, 2 wrong usage.
`;
const EXIT = { leak: 1, usage: 2, interrupted: 130, terminated: 143, hungUp: 129 } as const;

const made = createMade();
let ending = false;

/** The only way out: everything is taken back first. */
async function end(status: number): Promise<void> {
  if (!ending) {
    ending = true;
    await made.undoAll();
    process.exit(status);
  }
}

function fail(error: unknown): void {
  process.stderr.write(`The soak failed: ${error instanceof Error ? error.stack : String(error)}\n`);
  void end(EXIT.leak);
}

for (const [signal, status] of [
  ['SIGINT', EXIT.interrupted],
  ['SIGTERM', EXIT.terminated],
  ['SIGHUP', EXIT.hungUp],
] as const) {
  process.on(signal, () => void end(status));
}
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

void main().then(end, fail);

async function main(): Promise<number> {
  const wish = readArguments();
  if (typeof wish === 'number') {
    return wish;
  }
  removeLeftovers();
  const { runtime, changes, json } = wish;
  const result = await soak(made, {
    ...{ runtime, changes, command: await commandFor(runtime, copyOfBundle(made)) },
    lookAfter: [Math.ceil(changes / 10), Math.ceil(changes / 2)],
    tell: (text) => process.stderr.write(`${text}\n`),
  });
  const leaks = leaksOf(result);
  process.stdout.write(`${[...tableOf(result), ...leaks].join('\n')}\n`);
  if (leaks.length === 0) {
    process.stdout.write(
      'Nothing leaks: no open file, child, timer or file on the disk more than at first.\n',
    );
  }
  if (json !== undefined) {
    mkdirSync(dirname(json), { recursive: true });
    writeFileSync(json, `${JSON.stringify(result, undefined, 2)}\n`);
  }
  return leaks.length === 0 ? 0 : EXIT.leak;
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        changes: { type: 'string', default: '10000' },
        runtime: { type: 'string', default: 'node' },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(HELP);
      return 0;
    }
    const changes = Number(values.changes);
    if (!Number.isInteger(changes) || changes < 10) {
      throw new Error(`--changes ${values.changes}: give a whole number of at least 10.`);
    }
    const runtime = RUNTIMES.find((one) => one === values.runtime);
    if (runtime === undefined) {
      throw new Error(`--runtime must be node or quickjs, not '${values.runtime}'.`);
    }
    return { changes, runtime, json: values.json };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\nTry --help.\n`);
    return EXIT.usage;
  }
}

function tableOf({ samples, requests, flashWrites, tookSec }: SoakResult): string[] {
  const columns = ['changes', 'RSS KiB', 'PSS KiB', 'dirty KiB', 'files', 'children', 'threads', 'on disk'];
  return [
    columns.map((one) => one.padStart(11)).join(''),
    ...samples.map((one) =>
      [
        ...[one.changes, one.rssKib, one.pssKib, one.privateDirtyKib, sum(one.files), one.children.length],
        ...[one.threads, one.onDisk.length],
      ]
        .map((value) => `${value}`.padStart(11))
        .join(''),
    ),
    `${requests} requests, ${flashWrites} writes to flash, ${tookSec.toFixed(0)} s.`,
  ];
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function leaksOf({ samples: [first, ...rest] }: SoakResult): string[] {
  const last = rest.at(-1);
  return first && last ? leaksBetween(first, last).map((one) => `LEAK: ${one}`) : [];
}
