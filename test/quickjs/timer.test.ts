import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { wakeUpsOf } from '../bench/processes.ts';
import { script } from './programs.ts';
import { findQjs, qjsFlags } from './qjs.ts';
import { buildProgram, childrenOf, removeHostProgram } from './remote-host.ts';
import type { Order } from './timer-program.ts';

const PATIENCE_MS = 60_000;
/** In so long QuickJS looks up at least once when a timer is armed. */
const WINDOW_MS = 11_000;
/** The first begins while it still works, and a busy machine may wake it. */
const WINDOWS = 4;
const SLEEP = '/bin/sleep';
/** Says that it was started, and for how long. */
const NOTED = 'echo $1 >>"$SLEEP_LOG"';

let program: string;
beforeAll(async () => {
  program = await buildProgram(fileURLToPath(new URL('timer-program.ts', import.meta.url)));
});
afterAll(() => removeHostProgram(program));

interface Fired {
  id: number;
  waitedMs: number;
}

/** `sleep`: what stands in its place; none: there is no such program. */
async function startTimers({ onTestFinished }: TestContext, sleep?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-timer-'));
  const log = join(folder, 'log');
  if (sleep !== undefined) {
    script(folder, 'sleep', `${NOTED}\n${sleep}`);
  }
  const { path, version } = await findQjs();
  const child = spawn(path, [...qjsFlags(version), program], {
    env: { PATH: folder, SLEEP_LOG: log },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const pid = child.pid ?? 0;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    const left = childrenOf(pid);
    child.kill('SIGKILL');
    await ended;
    for (const one of left) {
      quietly(() => process.kill(Number(one), 'SIGKILL'));
    }
    rmSync(folder, { recursive: true, force: true });
  });
  const fired: Fired[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => fired.push(JSON.parse(line)));
  return {
    pid,
    fired,
    order: (...orders: Order[]) =>
      void child.stdin.write(orders.map((order) => `${JSON.stringify(order)}\n`).join('')),
    /** The seconds of every `sleep` that was started. */
    slept: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').map(Number) : []),
    sleepers: () => childrenOf(pid).map(Number),
    descriptors: () => readdirSync(`/proc/${pid}/fd`).length,
  };
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const endMs = performance.now() + PATIENCE_MS; !isSo(); await pause(10)) {
    if (performance.now() > endMs) {
      throw new Error(`not in time: ${what}`);
    }
  }
}

function quietly(run: () => void): void {
  try {
    run();
  } catch {
    // Gone since.
  }
}

function argvOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

const REAL = `exec ${SLEEP} "$1"`;

describe.concurrent('a long wait', { timeout: 2 * PATIENCE_MS }, () => {
  test('is slept through by a process, after a second that proves it', async (context) => {
    const timers = await startTimers(context, REAL);

    timers.order({ id: 1, after: 15_000 });
    await until('it fired', () => timers.fired.length > 0);

    const [proof, whole = 0, ...more] = timers.slept();
    expect(proof).toBe(1);
    expect(whole).toBeGreaterThanOrEqual(3);
    expect(whole).toBeLessThanOrEqual(13);
    expect(more).toEqual([]);
    expect(timers.fired).toEqual([{ id: 1, waitedMs: expect.any(Number) }]);
    expect(timers.fired[0]?.waitedMs).toBeGreaterThanOrEqual(15_000);
    await until('no child is left', () => timers.sleepers().length === 0);
  });

  test('shares the process with others, and each ends in its turn', async (context) => {
    const timers = await startTimers(context, REAL);

    timers.order(
      { id: 1, after: 15_000 },
      { id: 2, after: 14_000 },
      { id: 3, after: 500 },
      { id: 4, after: 15_000 },
    );
    await until('all fired', () => timers.fired.length === 4);

    expect(timers.fired.map(({ id }) => id)).toEqual([3, 2, 1, 4]);
    expect(timers.slept().length).toBeLessThanOrEqual(2);
    expect(
      timers.fired.every(({ id, waitedMs }) => waitedMs >= (id === 3 ? 500 : id === 2 ? 14_000 : 15_000)),
    ).toBe(true);
  });

  test('costs no process when it is set anew again and again', async (context) => {
    const timers = await startTimers(context, REAL);
    timers.order({ id: 0, after: 600_000 });
    await until('the long sleep began', () => timers.slept().length === 2);

    for (let id = 1; id <= 300; id++) {
      timers.order({ stop: id - 1 }, { id, after: 700_000 + id });
    }
    timers.order({ id: 301, after: 1000 });
    await until('it listens', () => timers.fired.length === 1);

    expect(timers.slept()).toHaveLength(2);
    expect(timers.sleepers()).toHaveLength(1);
  });

  test('that ends sooner gets a process of its own, and the other one goes', async (context) => {
    const timers = await startTimers(context, REAL);
    timers.order({ id: 1, after: 600_000 });
    await until('the long sleep began', () => timers.slept().length === 2);
    const [old = 0] = timers.sleepers();

    timers.order({ id: 2, after: 12_000 });
    await until('it fired', () => timers.fired.length === 1);

    expect(timers.fired[0]).toMatchObject({ id: 2 });
    expect(timers.fired[0]?.waitedMs).toBeGreaterThanOrEqual(12_000);
    expect(timers.slept()[2]).toBeLessThanOrEqual(12);
    expect(timers.sleepers()).not.toContain(old);
  });

  test('that is given up leaves no process and nothing open', async (context) => {
    const timers = await startTimers(context, REAL);
    timers.order({ id: 1, after: 1 });
    await until('it runs', () => timers.fired.length === 1);
    const before = timers.descriptors();
    timers.order({ id: 2, after: 600_000 });
    await until('the long sleep began', () => timers.slept().length === 2);

    timers.order({ stop: 2 });

    await until('no child is left', () => timers.sleepers().length === 0);
    await until('nothing is open', () => timers.descriptors() === before);
    expect(timers.fired).toHaveLength(1);
  });

  test('is slept through without a look', async (context) => {
    const timers = await startTimers(context, REAL);
    timers.order({ id: 1, after: 600_000 });
    await until('the long sleep began', () => timers.slept().length === 2);

    const wakeUps: number[] = [];
    do {
      const before = wakeUpsOf([timers.pid]);
      await pause(WINDOW_MS);
      wakeUps.push(wakeUpsOf([timers.pid]) - before);
    } while (wakeUps.length < WINDOWS && !wakeUps.includes(0));

    expect(wakeUps).toContain(0);
  });
});

describe.concurrent('a wait ends in time, once and not before', { timeout: 2 * PATIENCE_MS }, () => {
  test('however short, whatever part of a millisecond it begins in', async (context) => {
    const timers = await startTimers(context);
    const orders = Array.from({ length: 300 }, (_, id) => ({ id, after: (id % 60) / 2 }));

    // One after the other: in one go all of them would begin in the same part.
    for (const [done, order] of orders.entries()) {
      timers.order(order);
      await until('it fired', () => timers.fired.length > done);
    }

    expect(timers.fired.map(({ id }) => id)).toEqual(orders.map(({ id }) => id));
    expect(timers.fired.filter(({ waitedMs }, id) => waitedMs < (orders[id]?.after ?? 0))).toEqual([]);
  });

  const AFTER_MS = 12_000;
  /** Long after that it would come a second time, or late, by the `sleep` that failed. */
  const LATE_MS = 4000;

  test.for([
    { name: 'without a sleep', sleep: undefined, starts: 0 },
    { name: 'with one that fails', sleep: 'exit 1', starts: 1 },
    { name: 'with one that ends at once', sleep: 'exit 0', starts: 1 },
    { name: 'with one that never ends', sleep: `trap "" TERM; while :; do ${SLEEP} 1; done`, starts: 1 },
    { name: 'with one that talks', sleep: `echo a; echo b >&2; ${REAL}`, starts: 2 },
  ])('$name', async ({ sleep, starts }, context) => {
    const timers = await startTimers(context, sleep);

    timers.order({ id: 1, after: AFTER_MS });
    await until('it fired', () => timers.fired.length > 0);
    await pause(LATE_MS);

    expect(timers.fired).toHaveLength(1);
    expect(timers.fired[0]?.waitedMs).toBeGreaterThanOrEqual(AFTER_MS);
    expect(timers.slept()).toHaveLength(starts);
    expect(timers.sleepers()).toEqual([]);
  });

  test.for(['SIGKILL', 'SIGSTOP'] as const)('when its process gets %s', async (signal, context) => {
    const timers = await startTimers(context, REAL);
    timers.order({ id: 1, after: 15_000 });
    await until('the long sleep began', () => timers.slept().length === 2);
    const [pid = 0] = timers.sleepers();
    await until('it sleeps', () => argvOf(pid).startsWith(SLEEP));

    process.kill(pid, signal);
    await until('it is gone', () => timers.sleepers().length === 0);
    const early = timers.fired.length;
    await until('it fired', () => timers.fired.length > 0);

    expect(early).toBe(0);
    expect(timers.fired).toHaveLength(1);
    expect(timers.fired[0]?.waitedMs).toBeGreaterThanOrEqual(15_000);
    expect(timers.slept()).toHaveLength(2);
  });

  test('in a storm of signals of children', async (context) => {
    const timers = await startTimers(context, REAL);
    timers.order({ id: 1, after: 15_000 });
    await until('the long sleep began', () => timers.slept().length === 2);

    for (let count = 0; count < 500; count++) {
      process.kill(timers.pid, 'SIGCHLD');
    }
    const early = timers.fired.length;
    await until('it fired', () => timers.fired.length > 0);

    expect(early).toBe(0);
    expect(timers.fired[0]?.waitedMs).toBeGreaterThanOrEqual(15_000);
    expect(timers.slept()).toHaveLength(2);
  });
});
