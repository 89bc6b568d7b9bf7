import { expect, inject, onTestFinished, test } from 'vitest';
import { createMade } from '../demo/cleanup.ts';
import { soak } from './soak.ts';

const CHANGES = 200;
/** Far above what any runtime takes: only a real leak comes so far within 150 changes. */
const MOST_GROWTH_KIB = 40_000;

test('two hundred changes leave nothing open, no child, no file and no timer more than fifty did', async () => {
  const made = createMade();
  onTestFinished(made.undoAll);

  const { samples, requests } = await soak(made, {
    ...{ runtime: inject('runtime'), command: inject('command') },
    ...{ changes: CHANGES, lookAfter: [50] },
  });
  const [early, late] = samples;

  expect(requests).toBe(CHANGES + 1);
  expect(late?.files).toEqual(early?.files);
  expect(late?.children).toEqual(early?.children);
  expect(late?.onDisk).toEqual(early?.onDisk);
  expect(late?.resources).toEqual(early?.resources);
  expect(late?.threads).toBe(early?.threads);
  expect((late?.rssKib ?? 0) - (early?.rssKib ?? 0)).toBeLessThan(MOST_GROWTH_KIB);
});
