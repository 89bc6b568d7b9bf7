import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { faultsPage } from './page.ts';
import { TABLE } from './table.ts';

const FAULTS = TABLE.flatMap(({ faults }) => faults);

test('FAULTS.md shows the table as it is (npm run faults -- --write)', () => {
  const page = readFileSync(new URL('../../FAULTS.md', import.meta.url), 'utf8');

  expect(page).toBe(faultsPage(TABLE));
});

test('every fault is there once, and there are many', () => {
  const names = FAULTS.map(({ fault }) => fault);

  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThan(80);
});
