import { expect, inject, onTestFinished, test } from 'vitest';
import { createMade } from '../demo/cleanup.ts';
import { leaksBetween, soak } from './soak.ts';

const CHANGES = 200;
/** Many times what it takes: the machine may be busy. */
const PATIENCE_MS = 400_000;
/** The agent collects when it rests: what then differs is two megabytes that are not worth it, and the machine's whims. */
const MOST_GROWTH_KIB = 6000;
const MOST_HEAP_GROWTH_BYTES = 3 * 1024 * 1024;

test(
  'two hundred changes leave nothing open, no child, no file and no timer more than fifty did',
  async () => {
    const made = createMade();
    onTestFinished(made.undoAll);

    const { samples, requests } = await soak(made, {
      ...{ runtime: inject('runtime'), command: inject('command') },
      ...{ changes: CHANGES, lookAfter: [50] },
    });
    const [early, late] = samples;

    expect(requests).toBe(CHANGES + 1);
    expect(early && late && leaksBetween(early, late)).toEqual([]);
    expect((late?.rssKib ?? 0) - (early?.rssKib ?? 0)).toBeLessThan(MOST_GROWTH_KIB);
    expect((late?.usedHeapBytes ?? Number.NaN) - (early?.usedHeapBytes ?? Number.NaN)).toBeLessThan(
      MOST_HEAP_GROWTH_BYTES,
    );
  },
  PATIENCE_MS,
);
