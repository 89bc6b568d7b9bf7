/** Names in a sentence. */
import { expect, test } from 'vitest';
import { listed } from '../../agent/core/listed.ts';

test.each([
  { count: 0, says: '' },
  { count: 1, says: 'n1' },
  { count: 4, says: 'n1, n2, n3, n4' },
  { count: 5, says: 'n1, n2, n3, n4 and 1 more' },
  { count: 100, says: 'n1, n2, n3, n4 and 96 more' },
])('of $count names a sentence has: $says', ({ count, says }) => {
  const words = Array.from({ length: count }, (_, index) => `n${index + 1}`);

  expect(listed(words)).toBe(says);
});
