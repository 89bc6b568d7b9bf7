/** Hundreds of updates through the built agent: whatever grows with them would end a small router some day. */
import { expect, inject, onTestFinished, test } from 'vitest';
import { createMade } from '../demo/cleanup.ts';
import { leaksBetween, soak } from '../soak/soak.ts';

const CHANGES = 200;
const WARM = 80;
/** Many times what it takes: the machine may be busy. */
const PATIENCE_MS = 900_000;
/** It takes 5 MB, give or take what the allocator keeps. */
const MOST_GROWTH_KIB = 2000;

test(
  'more than a hundred more changes leave nothing open, no child and no memory behind',
  async () => {
    const made = createMade();
    onTestFinished(made.undoAll);

    const { samples, requests } = await soak(made, {
      ...{ runtime: inject('runtime'), command: inject('command') },
      ...{ changes: CHANGES, lookAfter: [WARM] },
    });
    const [early, late] = samples;

    expect(inject('runtime')).toBe('quickjs');
    expect(requests).toBe(CHANGES + 1);
    expect(samples).toHaveLength(2);
    expect(early && late && leaksBetween(early, late)).toEqual([]);
    expect((late?.rssKib ?? 0) - (early?.rssKib ?? 0)).toBeLessThan(MOST_GROWTH_KIB);
  },
  PATIENCE_MS,
);
