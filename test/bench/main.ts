/**
 * `npm run bench`: Holdfast beside other clients, on real network lines that this program makes; then very many
 * hostnames; then sizes. One run, one table.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { createMade, removeLeftovers } from '../demo/cleanup.ts';
import { RUNTIMES } from '../quickjs/runtime.ts';
import { copyOfBundle } from './bundle.ts';
import { ddclient, holdfast, inadyn } from './clients.ts';
import { type ContestResult, contest } from './contest.ts';
import { type BenchResult, pictureOf, tablesOf } from './report.ts';
import { type ScaleResult, scale } from './scale.ts';
import { measureSizes } from './sizes.ts';

const HELP = `Usage: npm run bench -- [options]

Compares Holdfast with inadyn and ddclient on network namespaces with real DHCP, then measures Holdfast with many
hostnames. Takes about twenty minutes. Needs root, and the Debian packages
  iproute2 busybox inadyn ddclient strace

On a machine that others use as well, "chrt --rr 10 npm run bench" lets everything here go before them.

  --changes N    address changes for each client (default 30)
  --quick        3 changes, no quiet time, 100 hostnames at most: to see that it works
  --only PART    contest or scale
  --json FILE    the result as JSON
  --svg FILE     the picture
  --help         this text

Exit status: 0 measured, 1 something is missing or failed, 2 wrong usage.
`;
const EXIT = { failed: 1, usage: 2, interrupted: 130, terminated: 143, hungUp: 129 } as const;
/** Programs, and the Debian packages that they are in. */
const NEEDED = {
  ip: 'iproute2',
  busybox: 'busybox',
  inadyn: 'inadyn',
  ddclient: 'ddclient',
  strace: 'strace',
};

interface Wish {
  changes: number;
  quick: boolean;
  only: string | undefined;
  json: string | undefined;
  svg: string | undefined;
}

/** On a router the state lies in memory, so here as well: every client has its files there. */
const MEMORY_FOLDER = '/dev/shm';

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
  if (!ending) {
    process.stderr.write(`The benchmark failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    void end(EXIT.failed);
  }
}

for (const [signal, status] of [
  ['SIGINT', EXIT.interrupted],
  ['SIGTERM', EXIT.terminated],
  ['SIGHUP', EXIT.hungUp],
] as const) {
  process.on(signal, () => {
    process.stderr.write('\nStopped; cleaning up.\n');
    void end(status);
  });
}
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

void main().then(end, fail);

async function main(): Promise<number> {
  const wish = readArguments(process.argv.slice(2));
  if (typeof wish === 'number') {
    return wish;
  }
  const missing = wish.only === 'scale' ? '' : missingHere();
  if (missing !== '') {
    process.stderr.write(missing);
    return EXIT.failed;
  }
  if (existsSync(MEMORY_FOLDER)) {
    process.env.TMPDIR = MEMORY_FOLDER;
  }
  for (const name of removeLeftovers()) {
    tell(`left by an earlier run and removed: ${name}`);
  }
  const bundle = copyOfBundle(made);
  const loadBefore = loadavg();
  // First, for what it finds missing would be found too late after the rest.
  const sizes = measureSizes();
  const result: BenchResult = {
    machine: {
      at: new Date().toISOString().slice(0, 16).replace('T', ' '),
      cpus: `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}`,
      memoryMib: Math.round(totalmem() / 2 ** 20),
      kernel: release(),
      loadBefore,
    },
    ...(wish.only !== 'scale' && { contest: await runContest(wish, bundle) }),
    ...(wish.only !== 'contest' && { scale: await runScale(wish, bundle) }),
    sizes,
  };
  process.stdout.write(`${tablesOf(result)}\n`);
  write(wish.json, `${JSON.stringify(result, undefined, 2)}\n`);
  write(wish.svg, pictureOf(result));
  return 0;
}

function readArguments(argv: readonly string[]): Wish | number {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        changes: { type: 'string' },
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        json: { type: 'string' },
        svg: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(HELP);
      return 0;
    }
    const { quick, only, json, svg } = values;
    const changes = Number(values.changes ?? (quick ? 3 : 30));
    if (!Number.isInteger(changes) || changes < 1) {
      throw new Error(`--changes ${values.changes}: give a whole number of at least 1.`);
    }
    if (only !== undefined && only !== 'contest' && only !== 'scale') {
      throw new Error(`--only must be contest or scale, not '${only}'.`);
    }
    return { changes, quick, only, json, svg };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\nTry --help.\n`);
    return EXIT.usage;
  }
}

/** What is to be done first; empty when all is there. */
function missingHere(): string {
  const packages = Object.entries(NEEDED).flatMap(([program, name]) =>
    spawnSync('sh', ['-c', `command -v ${program}`]).status === 0 ? [] : name,
  );
  if (packages.length > 0) {
    return `Install what is missing: apt-get install --no-install-recommends ${packages.join(' ')}\n`;
  }
  return process.getuid?.() === 0 ? '' : 'Network namespaces need root.\n';
}

async function runContest({ changes, quick }: Wish, bundle: string): Promise<ContestResult> {
  const clients = [
    await holdfast('node', 'network', bundle),
    await holdfast('node', 'device', bundle),
    await holdfast('quickjs', 'network', bundle),
    inadyn(true),
    ddclient(true),
  ];
  return contest(made, clients, quick ? [] : [inadyn(false), ddclient(false)], 'inadyn-signal', {
    changes,
    ...(quick
      ? { starts: 1, traced: 1, calmSec: 1, quietSec: 5 }
      : { starts: 5, traced: 3, calmSec: 330, quietSec: 60 }),
    tell,
  });
}

async function runScale({ quick }: Wish, bundle: string): Promise<ScaleResult> {
  const sizes = [[1, 1], [10, 1], [100, 5], ...(quick ? [] : [[1000, 50] as const])] as const;
  return scale(made, RUNTIMES, { sizes, renumberings: quick ? 2 : 5, bundle, tell });
}

function tell(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
}

function write(file: string | undefined, content: string): void {
  if (file === undefined) {
    return;
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  process.stdout.write(`${file}\n`);
}
