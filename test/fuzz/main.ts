/**
 * Feeds changed and invented octets to everything that reads what others sent. What breaks a promise is kept in
 * `found/`, where the tests try it from then on.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { argumentsOf } from '../arguments.ts';
import { targets } from './targets.ts';
import type { WorkerNews, WorkerOrder } from './worker.ts';

const USAGE = `Usage: npm run fuzz -- [options]

  --seconds N    for each target (default 20)
  --target NAME  only this one; may be given again
  --seed N       repeats a run (default: the time)
  --help         this text
`;
const FOUND = fileURLToPath(new URL('./found/', import.meta.url));
const AT_ONCE = 2;
/** One input of at most 64 KiB takes milliseconds; a worker that is silent for so long hangs. */
const SILENCE_MS = 20_000;
/** Linear time makes eight of this, with the noise of a shared machine. */
const MAX_GROWTH = 30;

interface Row {
  target: string;
  inputs: number;
  growth: number;
  faults: string[];
}

const { values } = argumentsOf({
  options: {
    seconds: { type: 'string', default: '20' },
    target: { type: 'string', multiple: true },
    seed: { type: 'string', default: `${Math.floor(Date.now() / 1000)}` },
    help: { type: 'boolean', short: 'h' },
  },
});
const names = targets().map(({ name }) => name);
const unknown = (values.target ?? []).filter((name) => !names.includes(name));

if (values.help) {
  process.stdout.write(USAGE);
} else if (unknown.length > 0 || !(Number(values.seconds) > 0) || !Number.isInteger(Number(values.seed))) {
  process.stderr.write(`${USAGE}\nTargets: ${names.join(' ')}\n`);
  process.exitCode = 2;
} else {
  await fuzzAll(values.target ?? names);
}

async function fuzzAll(chosen: readonly string[]): Promise<void> {
  const waiting = [...chosen];
  const rows: Row[] = [];
  const line = (target: string, inputs: string, growth: string, faults: string) =>
    process.stdout.write(`${target.padEnd(18)}${inputs.padStart(12)}${growth.padStart(10)}  ${faults}\n`);
  process.stdout.write(`Seed ${values.seed}, ${values.seconds} s for each of ${chosen.length} targets.\n\n`);
  line('target', 'inputs', 'growth', 'faults');
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
        const row = await fuzz(target);
        rows.push(row);
        const growth = row.growth === 0 ? 'short' : row.growth.toFixed(1);
        line(target, row.inputs.toLocaleString('en'), growth, row.faults.length === 0 ? 'none' : '');
        for (const fault of row.faults) {
          process.stdout.write(`  ${fault}\n`);
        }
      }
    }),
  );
  const bad = rows.filter(({ faults, growth }) => faults.length > 0 || growth > MAX_GROWTH);
  process.stdout.write(
    `\nGrowth: how much longer eight times the input takes; "short" when it took too little time to say.\n` +
      (bad.length === 0 ? 'No fault.\n' : `Look at: ${bad.map(({ target }) => target).join(', ')}.\n`),
  );
  process.exitCode = bad.length === 0 ? 0 : 1;
}

function fuzz(target: string): Promise<Row> {
  const underTest = new SharedArrayBuffer(256 * 1024);
  const order: WorkerOrder = {
    target,
    seed: Number(values.seed),
    seconds: Number(values.seconds),
    underTest,
  };
  const row: Row = { target, inputs: 0, growth: 0, faults: [] };
  return new Promise((resolve) => {
    // tsx hooks into a worker only when it is started from JavaScript.
    const code = `import('tsx/esm/api').then(({ tsImport }) => tsImport(${JSON.stringify(new URL('./worker.ts', import.meta.url).href)}, ${JSON.stringify(import.meta.url)}))`;
    const worker = new Worker(code, { eval: true, workerData: order });
    let watchdog = setTimeout(giveUp, SILENCE_MS);

    function giveUp(): void {
      const octets = new Uint8Array(underTest);
      const length = new DataView(underTest).getUint32(0);
      keep(target, octets.slice(4, 4 + length));
      row.faults.push(`hangs: no end after ${SILENCE_MS / 1000} s`);
      void worker.terminate();
    }

    worker.on('message', (news: WorkerNews) => {
      clearTimeout(watchdog);
      watchdog = setTimeout(giveUp, SILENCE_MS);
      if (news.type === 'fault') {
        const file = keep(target, news.input);
        row.faults.push(`${news.fault} (${file})`);
      } else {
        row.inputs = news.inputs;
        row.growth = news.type === 'end' ? news.growth : row.growth;
      }
    });
    worker.on('error', (cause) => row.faults.push(`the fuzzer itself: ${cause}`));
    worker.on('exit', () => {
      clearTimeout(watchdog);
      resolve(row);
    });
  });
}

function keep(target: string, input: Uint8Array): string {
  mkdirSync(FOUND, { recursive: true });
  const file = `${target}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}.bin`;
  writeFileSync(`${FOUND}${file}`, input);
  return `found/${file}`;
}
