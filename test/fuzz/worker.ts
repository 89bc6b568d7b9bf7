/** Fuzzes one target until its time is over. The input under test stands in shared memory, should it hang. */
import { parentPort, workerData } from 'node:worker_threads';
import { mutated, pumped, seededRandom } from './mutate.ts';
import { targets } from './targets.ts';
import { faultOf } from './try-input.ts';

export interface WorkerOrder {
  target: string;
  seed: number;
  seconds: number;
  /** Length of the input under test in the first four octets, then the input. */
  underTest: SharedArrayBuffer;
}

export type WorkerNews =
  | { type: 'alive'; inputs: number }
  | { type: 'fault'; fault: string; input: Uint8Array }
  | { type: 'end'; inputs: number; growth: number };

/** Sizes for the growth of time: eight times as long an input. */
const SHORT_OCTETS = 4 * 1024;
const LONG_OCTETS = 8 * SHORT_OCTETS;
/** Below this a measurement says more of the machine than of the decoder. */
const MEASURABLE_MS = 40;
const MAX_FAULTS = 20;
const NEWS_MS = 1_000;

const order = workerData as WorkerOrder;
const target = targets().find(({ name }) => name === order.target);
if (!target || !parentPort) {
  throw new Error(`there is no target ${order.target}`);
}
const subject = target;
const port = parentPort;
const random = seededRandom(order.seed);
const corpus = [...subject.seeds];
const shared = new Uint8Array(order.underTest);
const faults = new Set<string>();
let inputs = 0;
/** How much longer eight times the input took, at worst: about 8 for a linear decoder, 64 for a quadratic one. */
let growth = 0;
let newsMs = performance.now();
const endMs = newsMs + order.seconds * 1000;

while (performance.now() < endMs && faults.size < MAX_FAULTS) {
  const input = mutated(pick(), pick(), random);
  await test(input);
  if (inputs % 64 === 0) {
    await test(pumped(input, LONG_OCTETS, random));
  }
  if (inputs % 512 === 0) {
    await measure(input);
  }
  // What has grown out of a seed is a seed: a chain of changes reaches further than one.
  if (random() < 0.02) {
    corpus[Math.floor(random() * Math.min(corpus.length + 1, 4 * subject.seeds.length + 50))] = input;
  }
  if (performance.now() - newsMs > NEWS_MS) {
    newsMs = performance.now();
    port.postMessage({ type: 'alive', inputs } satisfies WorkerNews);
    await new Promise(setImmediate);
  }
}
port.postMessage({ type: 'end', inputs, growth } satisfies WorkerNews);

function pick(): Uint8Array {
  return corpus[Math.floor(random() * corpus.length)] ?? new Uint8Array();
}

async function test(input: Uint8Array): Promise<void> {
  inputs += 1;
  new DataView(order.underTest).setUint32(0, input.length);
  shared.set(input.subarray(0, shared.length - 4), 4);
  const fault = await faultOf(subject, input);
  if (fault !== undefined && !faults.has(fault)) {
    faults.add(fault);
    port.postMessage({ type: 'fault', fault, input } satisfies WorkerNews);
  }
}

async function measure(input: Uint8Array): Promise<void> {
  const seed = Math.floor(random() * 2 ** 32);
  const timeOf = async (octets: number) => {
    const long = pumped(input, octets, seededRandom(seed));
    const times: number[] = [];
    for (let count = 0; count < 3; count++) {
      const beganMs = performance.now();
      await test(long);
      times.push(performance.now() - beganMs);
    }
    return Math.min(...times);
  };
  const longMs = await timeOf(LONG_OCTETS);
  if (longMs > MEASURABLE_MS) {
    growth = Math.max(growth, longMs / (await timeOf(SHORT_OCTETS)));
  }
}
