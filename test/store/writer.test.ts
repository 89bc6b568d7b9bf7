/** When the writer writes: at once after quiet, then in proportion to what writing costs. */
import { describe, expect, test } from 'vitest';
import { latestWriter } from '../../agent/store/writer.ts';
import { virtualClock } from '../fakes/virtual-clock.ts';

/** A disk on which a write takes so long; values and when their write began. */
function slowDisk(writeMs: number) {
  const clock = virtualClock();
  const writes: [atMs: number, value: number][] = [];
  const writer = latestWriter<number>(async (value) => {
    writes.push([clock.monotonicMs(), value]);
    if (writeMs > 0) {
      await new Promise<void>((resolve) => clock.after(writeMs, resolve));
    }
  }, clock);
  return { clock, writes, writer };
}

describe('a value', () => {
  test.each([0, 2, 500])('is written at once after quiet, where a write takes %d ms', async (writeMs) => {
    const { clock, writes, writer } = slowDisk(writeMs);

    writer.put(1);
    await clock.advance(20_000);
    writer.put(2);

    expect(writes).toEqual([
      [0, 1],
      [20_000, 2],
    ]);
  });

  test.each([
    { writeMs: 2, secondMs: 2 },
    { writeMs: 20, secondMs: 20 },
    { writeMs: 21, secondMs: 31 },
    { writeMs: 50, secondMs: 350 },
    { writeMs: 400, secondMs: 1400 },
  ])(
    'that comes right after a write of $writeMs ms waits until $secondMs ms',
    async ({ writeMs, secondMs }) => {
      const { clock, writes, writer } = slowDisk(writeMs);

      writer.put(1);
      writer.put(2);
      writer.put(3);
      await clock.advance(20_000);

      expect(writes).toEqual([
        [0, 1],
        [secondMs, 3],
      ]);
      expect(clock.pending()).toBe(0);
    },
  );

  test('never waits where writing costs nothing', async () => {
    const { clock, writes, writer } = slowDisk(0);

    writer.put(1);
    await clock.settle();
    writer.put(2);
    await clock.settle();

    expect(writes).toEqual([
      [0, 1],
      [0, 2],
    ]);
  });
});

test('writing takes a small part of the time, however much comes', async () => {
  const { clock, writes, writer } = slowDisk(40);

  for (let value = 0; value < 1000; value++) {
    writer.put(value);
    await clock.advance(10);
  }
  await clock.advance(1000);

  expect(writes.length * 40).toBeLessThanOrEqual(11_000 / 5);
  expect(writes.at(-1)?.[1]).toBe(999);
});

describe('flush', () => {
  test('ends the pause', async () => {
    const { clock, writes, writer } = slowDisk(100);
    writer.put(1);
    await clock.advance(200);
    writer.put(2);
    await clock.settle();

    const flushed = writer.flush();
    await clock.advance(100);
    await flushed;

    expect(writes).toEqual([
      [0, 1],
      [200, 2],
    ]);
    expect(clock.pending()).toBe(0);
  });

  test('waits for the write under way and for the one after it, without a pause', async () => {
    const { clock, writes, writer } = slowDisk(100);
    writer.put(1);
    writer.put(2);

    const flushed = writer.flush();
    await clock.advance(200);
    await flushed;

    expect(writes).toEqual([
      [0, 1],
      [100, 2],
    ]);
  });

  test('changes nothing for later', async () => {
    const { clock, writes, writer } = slowDisk(100);
    writer.put(1);
    await clock.advance(100);
    await writer.flush();

    writer.put(2);
    await clock.advance(5000);

    expect(writes).toEqual([
      [0, 1],
      [900, 2],
    ]);
  });
});
