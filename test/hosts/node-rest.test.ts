import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { collectorAtRest } from '../../agent/hosts/node-rest.ts';

const MIB = 1024 * 1024;

describe('what work has left', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** `live` is what no collection takes away. */
  function heap(live: number) {
    const is = { live, used: live, collections: 0 };
    const stir = collectorAtRest(
      () => {
        is.collections += 1;
        is.used = is.live;
      },
      () => is.used,
    );
    return { is, stir };
  }

  test('is collected two seconds after the last sign of work, and once', () => {
    const { is, stir } = heap(6 * MIB);

    stir();
    vi.advanceTimersByTime(1900);
    stir();
    vi.advanceTimersByTime(1900);
    const stillAtWork = is.collections;
    vi.advanceTimersByTime(100);
    const atRest = is.collections;
    vi.advanceTimersByTime(3_600_000);

    expect({ stillAtWork, atRest, later: is.collections }).toEqual({ stillAtWork: 0, atRest: 2, later: 2 });
  });

  test.each([
    { name: 'little since the last time: it stays', more: 2 * MIB - 1, expected: 0 },
    { name: 'two megabytes since the last time: it goes', more: 2 * MIB, expected: 2 },
  ])('$name', ({ more, expected }) => {
    const { is, stir } = heap(6 * MIB);
    stir();
    vi.advanceTimersByTime(2000);
    const before = is.collections;

    is.used += more;
    stir();
    vi.advanceTimersByTime(2000);

    expect(is.collections - before).toBe(expected);
  });

  test('adds up over several works, each too small by itself', () => {
    const { is, stir } = heap(6 * MIB);
    stir();
    vi.advanceTimersByTime(2000);
    is.collections = 0;

    const after = Array.from({ length: 4 }, () => {
      is.used += (2 * MIB) / 3 + 1;
      stir();
      vi.advanceTimersByTime(2000);
      return is.collections;
    });

    expect(after).toEqual([0, 0, 2, 2]);
  });

  test('is left to V8 where Node was started without --expose-gc', () => {
    const usedBytes = vi.fn(() => 100 * MIB);

    collectorAtRest(undefined, usedBytes)();
    const timers = vi.getTimerCount();
    vi.advanceTimersByTime(10_000);

    expect({ timers, looks: usedBytes.mock.calls.length }).toEqual({ timers: 0, looks: 0 });
  });
});

describe('a process with --expose-gc', () => {
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(new URL('../../agent/hosts/node.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['web-streams-polyfill'],
    write: false,
  });

  /** Runs a script that has a `host`, in a process whose collector tells when it runs. */
  function hostProcess(script: string): string {
    const source = [
      'const collect = gc; globalThis.gc = () => { collect(); console.log("collected"); };',
      `${outputFiles[0]?.text}`,
      `const host = module.exports.nodeHost([], process.env); ${script}`,
    ].join('\n');
    const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '-'], {
      ...{ input: source, encoding: 'utf8', timeout: 15_000 },
    });
    return stdout + stderr;
  }

  test('collects by itself when the steps of the agent are over', () => {
    const printed = hostProcess('host.after(1, () => {}); setTimeout(() => {}, 2500);');

    expect(printed).toBe('collected\ncollected\n');
  });

  test('ends without waiting for the collection', () => {
    const printed = hostProcess('host.after(1, () => console.log("done"));');

    expect(printed).toBe('done\n');
  });
});
