/** One renumbering with few and with very many hostnames, through the built agent and a service on loopback. */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createMade, type Made, pause } from '../demo/cleanup.ts';
import { commandFor, type Runtime } from '../quickjs/runtime.ts';
import { type Service, startService } from '../service/service.ts';
import { toolEnv } from './bundle.ts';
import { nodeFlags } from './clients.ts';
import { type Spread, spreadOf } from './figures.ts';
import {
  type LoopbackRouter,
  loopbackConfig,
  manyAccounts,
  PATIENT,
  runtimeFlags,
  startLoopbackRouter,
  untilTrue,
} from './loopback.ts';
import { type Memory, memoryOf, ownCpuMsOf } from './processes.ts';
import type { StepCost } from './scale-step.ts';

export interface ScaleRow {
  runtime: Runtime;
  /** Heap of Node in MiB, where that of a router is not enough. */
  heapMib?: number;
  hosts: number;
  accounts: number;
  /** For each renumbering. */
  requests: number;
  /** The fewest that the provider's rules allow. */
  fewest: number;
  /** From netifd's notification to the last reply of the provider. */
  confirmedMs?: Spread;
  memory: Memory;
  /** CPU of the agent for one resync that finds nothing new, its child not counted. */
  resyncCpuMs: number;
  statusBytes: number;
  /** The decisions alone, on Node. */
  step?: StepCost;
}

export interface ScaleOptions {
  renumberings: number;
  sizes: readonly (readonly [hosts: number, accounts: number])[];
  /** Folder of the built agent. */
  bundle: string;
  tell(text: string): void;
}

export interface ScaleResult {
  rows: ScaleRow[];
  /** Sizes that are too much for a runtime. */
  failures: string[];
}

const STEP_PROGRAM = fileURLToPath(new URL('scale-step.ts', import.meta.url));
/** Everything that is allocated stays until it is counted, and code does not come and go meanwhile. */
const STEP_FLAGS = ['--expose-gc', '--max-semi-space-size=256', '--no-flush-bytecode'];
/** As the catalogue has it for No-IP. */
const HOSTS_PER_CALL = 20;
const LARGE_HEAP_MIB = 32;
const RESYNCS = 10;
const RESYNC_PAUSE_MS = 400;
const CALM_MS = 3000;
const LIMIT_MS = 120_000;

export async function scale(
  made: Made,
  runtimes: readonly Runtime[],
  options: ScaleOptions,
): Promise<ScaleResult> {
  const rows: ScaleRow[] = [];
  const failures: string[] = [];
  for (const runtime of runtimes) {
    for (const [hosts, accounts] of options.sizes) {
      options.tell(`${runtime}: ${hosts} hostnames on ${accounts} accounts`);
      const attempt = await trySize(made, runtime, hosts, accounts, options);
      rows.push(...attempt.rows);
      failures.push(...attempt.failures);
    }
  }
  return { rows, failures };
}

/** With the heap of a router, and with a larger one where that fails. */
async function trySize(
  made: Made,
  runtime: Runtime,
  hosts: number,
  accounts: number,
  options: ScaleOptions,
): Promise<ScaleResult> {
  const failures: string[] = [];
  for (const heapMib of runtime === 'node' ? [undefined, LARGE_HEAP_MIB] : [undefined]) {
    const attempt = createMade();
    made.onUndo(attempt.undoAll);
    try {
      const row = await oneSize(attempt, runtime, hosts, accounts, options, heapMib);
      return { rows: [{ ...row, ...(heapMib !== undefined && { heapMib }) }], failures };
    } catch (error) {
      const reason = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0];
      const heap = heapMib === undefined ? '' : ` with ${heapMib} MiB`;
      failures.push(`${runtime}${heap}, ${hosts} hostnames on ${accounts} accounts: ${reason}`);
      options.tell(`too much: ${reason}`);
    } finally {
      await attempt.undoAll();
    }
  }
  return { rows: [], failures };
}

async function oneSize(
  made: Made,
  runtime: Runtime,
  hosts: number,
  accounts: number,
  { renumberings, bundle }: ScaleOptions,
  heapMib: number | undefined,
): Promise<ScaleRow> {
  const logins = manyAccounts(hosts, accounts);
  const service = await startService({ accounts: logins, temper: PATIENT });
  made.onUndo(() => service.close());
  const repliesMs: number[] = [];
  service.onRequest(() => {
    repliesMs.push(performance.now());
  });
  const router = startLoopbackRouter(made, {
    command: await commandFor(runtime, bundle),
    flags: [
      ...runtimeFlags(runtime, nodeFlags()),
      // Of two, the last counts.
      ...(heapMib === undefined ? [] : [`--max-old-space-size=${heapMib}`]),
    ],
    // Here only the updates count: what proves them in the DNS takes its time, however many requests there are.
    config: loopbackConfig(service, { verify: '0', log_level: 'error' }),
    address: addressOf(0),
  });
  await allAt(service, router, hosts, addressOf(0));
  await pause(CALM_MS);
  const confirmedMs: number[] = [];
  const before = repliesMs.length;
  for (let turn = 1; turn <= renumberings; turn++) {
    const beganMs = performance.now();
    router.moveTo(addressOf(turn));
    await allAt(service, router, hosts, addressOf(turn));
    confirmedMs.push((repliesMs.at(-1) ?? Number.NaN) - beganMs);
    await pause(CALM_MS / 2);
  }
  const requests = (repliesMs.length - before) / renumberings;
  await pause(CALM_MS);
  const resyncCpuMs = await resyncCost(router);
  const memory = memoryOf(router.pid);
  const statusBytes = statSync(join(router.folder, 'state/status.json')).size;
  await router.end();
  await service.close();
  const spread = spreadOf(confirmedMs);
  return {
    ...{ runtime, hosts, accounts, requests, memory, resyncCpuMs, statusBytes },
    fewest: logins.reduce((sum, { hosts: names }) => sum + Math.ceil(names.length / HOSTS_PER_CALL), 0),
    ...(spread && { confirmedMs: spread }),
    ...(runtime === 'node' && { step: stepCost(hosts, accounts) }),
  };
}

function addressOf(turn: number): string {
  return `203.0.113.${(turn % 200) + 10}`;
}

/** The provider has this address for every name. */
async function allAt(
  service: Service,
  router: LoopbackRouter,
  hosts: number,
  address: string,
): Promise<void> {
  let done = 0;
  const isAt = (host: number) => service.values(`h${host}.ddns.example`, 'A')[0] === address;
  await untilTrue(
    () => {
      for (; done < hosts && isAt(done); ) {
        done += 1;
      }
      return done === hosts || router.hasEnded();
    },
    () => `${hosts - done} names were not published within ${LIMIT_MS / 1000} s`,
    LIMIT_MS,
  );
  if (router.hasEnded()) {
    const outOfMemory = /heap out of memory|v8::internal::Heap/.test(router.complaint());
    throw new Error(outOfMemory ? 'Node ran out of its heap' : `the agent has ended: ${router.complaint()}`);
  }
}

/** USR2 lets the agent look again, as it does by itself every ten minutes. */
async function resyncCost(router: LoopbackRouter): Promise<number> {
  const before = ownCpuMsOf(router.pid);
  for (let time = 0; time < RESYNCS; time++) {
    router.signal('SIGUSR2');
    await pause(RESYNC_PAUSE_MS);
  }
  return (ownCpuMsOf(router.pid) - before) / RESYNCS;
}

function stepCost(hosts: number, accounts: number): StepCost {
  const argv = [
    ...STEP_FLAGS,
    '--import',
    import.meta.resolve('tsx'),
    STEP_PROGRAM,
    `${hosts}`,
    `${accounts}`,
  ];
  return JSON.parse(execFileSync(process.execPath, argv, { encoding: 'utf8', env: toolEnv() }));
}
