import { expect, test } from 'vitest';
import type { Observation } from '../../agent/core/wan.ts';
import type { AddressSource } from '../../agent/ports.ts';
import { loadedSource } from '../../agent/sources/loaded.ts';

const SEEN: Observation = { known: true, snapshot: {} };

/** A source that can be watched, and its file, which arrives when the test says so. */
function file() {
  const calls: string[] = [];
  const hints: ((observation?: Observation) => void)[] = [];
  const inside: AddressSource = {
    async read() {
      calls.push('read');
      return SEEN;
    },
    watch(onHint) {
      calls.push('watch');
      hints.push(onHint);
      return () => calls.push('end');
    },
  };
  const { promise, resolve, reject } = withResolvers<AddressSource>();
  const source = loadedSource(() => {
    calls.push('load');
    return promise;
  });
  return { calls, hints, source, arrive: () => resolve(inside), fail: reject };
}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (cause: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

test('the file is loaded by the first use, once, and watched before it is read', async () => {
  const { calls, hints, source, arrive } = file();
  const told: (Observation | undefined)[] = [];
  expect(calls).toEqual([]);

  const end = source.watch((observation) => told.push(observation));
  const reading = source.read();
  arrive();
  const seen = await reading;
  hints[0]?.(SEEN);
  await source.read();
  end();

  expect(seen).toEqual(SEEN);
  expect(told).toEqual([SEEN]);
  expect(calls).toEqual(['load', 'watch', 'read', 'read', 'end']);
});

test('a watch that ended before the file came never begins', async () => {
  const { calls, source, arrive } = file();

  source.watch(() => {})();
  arrive();
  await source.read();

  expect(calls).toEqual(['load', 'read']);
});

test('a file that cannot be loaded is told by reading', async () => {
  const { source, fail } = file();

  const end = source.watch(() => {});
  const reading = source.read();
  fail(new Error('no such file'));

  await expect(reading).rejects.toThrow('no such file');
  expect(end).not.toThrow();
});
