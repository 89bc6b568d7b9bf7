/**
 * The same changes for all clients, one after the other within each round, so that a busy moment of the machine
 * meets all of them alike; beside it, clients that find out by polling.
 */
import type { ChildProcess } from 'node:child_process';
import { hasEnded, type Made, pause } from '../demo/cleanup.ts';
import type { Client, Scheme } from './clients.ts';
import { pairedRatios, type Spread, spreadOf } from './figures.ts';
import { buildLab, type Lab, type Router, until } from './lab.ts';
import {
  countForks,
  cpuMsOf,
  type Forks,
  type Memory,
  memoryOf,
  threadsOf,
  treeOf,
  wakeUpsOf,
} from './processes.ts';

export interface ContestOptions {
  changes: number;
  /** How often each is started, to see how soon it sends its first request. */
  starts: number;
  /** Changes while the forks are counted. */
  traced: number;
  /** Before the quiet time begins: Holdfast asks the DNS for the last time 300 s after a change. */
  calmSec: number;
  quietSec: number;
  tell(text: string): void;
}

export interface Entrant {
  client: string;
  name: string;
  scheme: Scheme;
  wokenBy: string;
  /** From the kernel's address change, one for each round; null: nothing came. */
  requestMs: (number | null)[];
  /** The same to the answer of every authoritative server. */
  confirmedMs: (number | null)[];
  request?: Spread;
  confirmed?: Spread;
  /** Request times divided by those of the client it is compared with, round by round. */
  ratio?: Spread & { sooner: number };
  startMs: Spread | undefined;
  /** Of the program and all its children, for each change. */
  cpuMsPerChange: number;
  memory: Memory;
  /** Children that it holds while idle. */
  children: number;
  threads: number;
  wakeUpsPerMinute: number;
  forksPerChange?: Forks;
}

export interface Poller {
  client: string;
  name: string;
  pollSec: number;
  requestMs: (number | null)[];
  request?: Spread;
}

export interface ContestResult {
  entrants: Entrant[];
  pollers: Poller[];
}

interface Running {
  client: Client;
  scheme: Scheme;
  router: Router;
  child: ChildProcess;
  pid: number;
  startMs: number[];
  requestMs: (number | null)[];
  confirmedMs: (number | null)[];
}

/** More than any of them takes when it is woken. */
const CHANGE_LIMIT_MS = 10_000;
const START_LIMIT_MS = 40_000;
/** After the answer: what a client still does for this change must not disturb the next client. */
const SETTLE_MS = 150;
const AFTER_START_MS = 1500;

export async function contest(
  made: Made,
  clients: readonly Client[],
  pollers: readonly Client[],
  /** Every entrant is compared with this one over the same scheme. */
  yardstick: string,
  options: ContestOptions,
): Promise<ContestResult> {
  const pairs = (['http', 'https'] as const).flatMap((scheme) =>
    clients.map((client) => ({ client, scheme })),
  );
  const polling = pollers.map((client) => ({ client, scheme: 'https' as const }));
  options.tell(`building ${pairs.length + polling.length} routers`);
  const lab = await buildLab(
    made,
    made.folder(),
    [...pairs, ...polling].map(({ client }) => ({ ubus: client.ubus })),
  );
  const { running, polls } = await startAll(made, lab, pairs, polling, options);
  const oneAtATime = queue();
  const over = new AbortController();
  const polled = polls.map((one) => poll(lab, one, oneAtATime, over.signal));
  try {
    await pause(AFTER_START_MS * 3);
    const cpuBefore = running.map(cpuOf);
    for (let round = 1; round <= options.changes; round++) {
      // Nobody is always the first, or always follows the same one.
      for (const one of rotated(running, round)) {
        await oneAtATime(() => change(lab, one));
        await pause(SETTLE_MS);
      }
      options.tell(`round ${round} of ${options.changes}`);
    }
    await pause(AFTER_START_MS * 4);
    const cpuMs = running.map((one, index) => (cpuOf(one) - (cpuBefore[index] ?? 0)) / options.changes);
    const forks = await traceAll(lab, running, oneAtATime, options);
    options.tell(`calm for ${options.calmSec} s`);
    await pause(options.calmSec * 1000);
    options.tell(`quiet for ${options.quietSec} s`);
    const idle = await watchIdle(running, options.quietSec);
    const entrants = idle.map(
      ({ one, ...measured }, index): Entrant => ({
        ...{ client: one.client.id, name: one.client.name, scheme: one.scheme },
        ...{ wokenBy: one.client.wokenBy, requestMs: one.requestMs, confirmedMs: one.confirmedMs },
        startMs: spreadOf(one.startMs),
        cpuMsPerChange: cpuMs[index] ?? Number.NaN,
        ...measured,
        ...(forks[index] && { forksPerChange: forks[index] }),
        ...spreadsOf(one, running, yardstick),
      }),
    );
    over.abort();
    const results = await Promise.all(polled);
    for (const one of [...running, ...polls]) {
      await made.end(one.child);
    }
    return { entrants, pollers: results };
  } finally {
    over.abort();
  }
}

async function startAll(
  made: Made,
  lab: Lab,
  pairs: readonly { client: Client; scheme: Scheme }[],
  polling: readonly { client: Client; scheme: Scheme }[],
  { starts, tell }: ContestOptions,
): Promise<{ running: Running[]; polls: Running[] }> {
  const current = new Map<number, Running>();
  const all = [...pairs, ...polling];
  for (let round = 1; round <= starts; round++) {
    for (const [index, { client, scheme }] of all.entries()) {
      const router = lab.routers[index];
      if (!router || (index >= pairs.length && round < starts)) {
        continue;
      }
      const before = current.get(index);
      if (before) {
        await made.end(before.child);
      }
      const { child, startMs } = await start(made, lab, router, client, scheme);
      const times = [...(before?.startMs ?? []), startMs];
      const results = { startMs: times, requestMs: [], confirmedMs: [] };
      current.set(index, { client, scheme, router, child, pid: child.pid ?? 0, ...results });
      await pause(AFTER_START_MS);
    }
    tell(`start ${round} of ${starts}`);
  }
  const started = [...current].sort(([a], [b]) => a - b).map(([, one]) => one);
  for (const { client, router, pid } of started) {
    if (client.signal !== undefined) {
      router.wake(client.signal, pid);
    }
  }
  return { running: started.slice(0, pairs.length), polls: started.slice(pairs.length) };
}

async function start(
  made: Made,
  { provider }: Lab,
  router: Router,
  client: Client,
  scheme: Scheme,
): Promise<{ child: ChildProcess; startMs: number }> {
  const { argv, env } = client.prepare(router, provider.service, scheme);
  const sinceMs = performance.timeOrigin + performance.now();
  const child = made.child(argv, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000);
    });
  }
  const request = () => provider.requestSince(router.hostname, sinceMs);
  await until(() => request() !== undefined || hasEnded(child), `${client.name} sent nothing`, START_LIMIT_MS)
    .then(() => request() ?? Promise.reject(new Error(`${client.name} has ended`)))
    .catch((cause) => {
      throw new Error(`${client.name} over ${scheme}: ${said}`, { cause });
    });
  return { child, startMs: (request()?.atMs ?? Number.NaN) - sinceMs };
}

async function change(lab: Lab, one: Running): Promise<void> {
  const { requestMs, confirmedMs } = await moved(lab, one, CHANGE_LIMIT_MS);
  one.requestMs.push(requestMs);
  one.confirmedMs.push(confirmedMs);
}

async function moved({ provider }: Lab, { router, client, child }: Running, limitMs: number) {
  const { hostname } = router;
  const { atMs, address } = await router.move();
  const confirmed = () => provider.answeredSince(hostname, atMs, address);
  await until(() => confirmed() !== undefined || hasEnded(child), '', limitMs).catch(() => {});
  if (hasEnded(child)) {
    throw new Error(`${client.name} has ended`);
  }
  const since = (moment: number | undefined) => (moment === undefined ? null : moment - atMs);
  return {
    requestMs: since(provider.requestSince(hostname, atMs, address)?.atMs),
    confirmedMs: since(confirmed()),
  };
}

/** Changes at moments that its polling does not know, until the contest is over. */
async function poll(
  lab: Lab,
  one: Running,
  oneAtATime: (run: () => Promise<unknown>) => Promise<void>,
  over: AbortSignal,
): Promise<Poller> {
  const { client, router } = one;
  const { pollSec = 0 } = client;
  const isOver = new Promise<void>((resolve) => over.addEventListener('abort', () => resolve()));
  while (!over.aborted) {
    await Promise.race([pause(Math.random() * pollSec * 1000), isOver]);
    if (over.aborted) {
      break;
    }
    let change = { atMs: 0, address: '' };
    await oneAtATime(async () => {
      change = await router.move();
    });
    const { atMs, address } = change;
    const request = () => lab.provider.requestSince(router.hostname, atMs, address);
    while (!over.aborted && request() === undefined) {
      await Promise.race([pause(200), isOver]);
    }
    const found = request();
    if (found) {
      one.requestMs.push(found.atMs - atMs);
    }
  }
  const { requestMs } = one;
  const spread = spreadOf(requestMs.flatMap((value) => value ?? []));
  return {
    ...{ client: client.id, name: client.name, pollSec, requestMs },
    ...(spread && { request: spread }),
  };
}

async function traceAll(
  lab: Lab,
  running: readonly Running[],
  oneAtATime: (run: () => Promise<unknown>) => Promise<void>,
  { traced, tell }: ContestOptions,
): Promise<(Forks | undefined)[]> {
  const results: (Forks | undefined)[] = [];
  for (const one of running) {
    if (one.scheme === 'http' || traced === 0) {
      results.push(undefined);
      continue;
    }
    const { processes, programs } = await countForks(one.pid, async () => {
      for (let change = 0; change < traced; change++) {
        await oneAtATime(() => moved(lab, one, CHANGE_LIMIT_MS));
        await pause(AFTER_START_MS);
      }
    });
    results.push({ processes: processes / traced, programs: programs / traced });
  }
  tell('forks counted');
  return results;
}

async function watchIdle(running: readonly Running[], quietSec: number) {
  const trees = running.map(({ pid }) => treeOf(pid));
  const before = trees.map(wakeUpsOf);
  await pause(quietSec * 1000);
  return running.map((one, index) => {
    const tree = trees[index] ?? [];
    const { pid } = one;
    return {
      one,
      memory: memoryOf(pid),
      threads: threadsOf(pid),
      children: tree.length - 1,
      wakeUpsPerMinute: ((wakeUpsOf(tree) - (before[index] ?? 0)) * 60) / quietSec,
    };
  });
}

function cpuOf({ pid }: Running): number {
  return treeOf(pid).reduce((total, member) => total + cpuMsOf(member), 0);
}

function spreadsOf(one: Running, all: readonly Running[], yardstick: string) {
  const other = all.find(({ client, scheme }) => client.id === yardstick && scheme === one.scheme);
  const values = (list: readonly (number | null)[]) => list.map((value) => value ?? undefined);
  const ratios = pairedRatios(values(one.requestMs), values(other?.requestMs ?? []));
  const request = spreadOf(one.requestMs.flatMap((value) => value ?? []));
  const confirmed = spreadOf(one.confirmedMs.flatMap((value) => value ?? []));
  const ratio = spreadOf(ratios);
  return {
    ...(request && { request }),
    ...(confirmed && { confirmed }),
    ...(ratio && { ratio: { ...ratio, sooner: ratios.filter((value) => value < 1).length } }),
  };
}

function rotated<T>(list: readonly T[], by: number): T[] {
  const from = by % list.length;
  return [...list.slice(from), ...list.slice(0, from)];
}

/** Runs what it is given one after the other. */
function queue(): (run: () => Promise<unknown>) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  return async (run) => {
    const mine = last.then(run);
    last = mine.catch(() => {});
    await mine;
  };
}
