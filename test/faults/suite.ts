/** Plays the rows of one group as tests, each on a fresh router in one laboratory. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Fault, playFault } from './fault.ts';
import { type Lab, openLab } from './lab.ts';

export function testFaults(faults: readonly Fault[]): void {
  let lab: Lab;

  beforeAll(async () => {
    lab = await openLab(inject('bundle'));
  });
  afterAll(() => lab.close());

  test.for(faults)('$fault', async (fault) => {
    const { sentence, ...found } = await playFault(lab, fault);

    expect(found).toEqual(fault.expected);
    expect(sentence).toMatch(/^\S.*[.)]$/s);
  });
}
