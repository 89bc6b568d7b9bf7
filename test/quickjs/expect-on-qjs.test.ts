/** What stands in for vitest's `expect` on `qjs` means the same. */
import { expect, test } from 'vitest';
import { expectOnQjs as standIn } from './expect-on-qjs.ts';

interface Case {
  received: unknown;
  matcher: string;
  expected: unknown[];
}

function both(matcher: string, ...cases: [received: unknown, ...expected: unknown[]][]): Case[] {
  return cases.map(([received, ...expected]) => ({ received, matcher, expected }));
}

const A = { a: 1 };
const NESTED = { a: { b: [1, 2] }, gone: undefined };
const CASES: Case[] = [
  ...both('toBe', [1, 1], [Number.NaN, Number.NaN], [0, -0], [A, A], [{}, {}], ['1', 1], [null, undefined]),
  ...both(
    'toEqual',
    ...([
      [1, 1],
      [1, '1'],
      [0, -0],
      [null, undefined],
      [{ a: 1 }, { a: 1 }],
      [{ a: 1 }, { a: 2 }],
      [{ a: 1 }, { a: 1, b: undefined }],
      [{ a: 1 }, { a: 1, b: null }],
      [{ a: 1, b: 2 }, { a: 1 }],
      [
        [1, 2],
        [1, 2],
      ],
      [
        [1, 2],
        [1, 2, 3],
      ],
      [[1, undefined], [1]],
      [[], {}],
      [{}, []],
      [new Map([['a', A]]), new Map([['a', { a: 1 }]])],
      [new Map([['a', A]]), new Map([['a', { a: 2 }]])],
      [new Map([['a', 1]]), new Map([['b', 1]])],
      [new Set([1, A]), new Set([{ a: 1 }, 1])],
      [new Set([1]), new Set([2])],
      [new Set([1]), new Set([1, 2])],
      [new Set(), new Map()],
      [Uint8Array.of(1, 2), Uint8Array.of(1, 2)],
      [Uint8Array.of(1, 2), Uint8Array.of(1, 3)],
      [Uint8Array.of(1), [1]],
      [new Date(1), new Date(1)],
      [new Date(1000), new Date(5000)],
      [/a/g, /a/g],
      [/a/g, /a/i],
      [NESTED, { a: { b: [1, 2] } }],
      [NESTED, { a: { b: [2, 1] } }],
    ] as [unknown, unknown][]),
  ),
  ...both(
    'toMatchObject',
    [NESTED, {}],
    [NESTED, { a: {} }],
    [NESTED, { a: { b: [1, 2] } }],
    [NESTED, { a: { b: [1] } }],
    [NESTED, { gone: undefined }],
    [NESTED, { other: undefined }],
    [NESTED, { a: { b: [1, 3] } }],
    [[{ a: 1, b: 2 }], [{ a: 1 }]],
    [[{ a: 1 }, { a: 2 }], [{ a: 1 }]],
    [{ a: new Map([['k', 1]]) }, { a: new Map([['k', 1]]) }],
    [{ a: new Map([['k', 1]]) }, { a: new Map([['k', 2]]) }],
  ),
  ...['toBeUndefined', 'toBeDefined', 'toBeNull'].flatMap((matcher) =>
    both(matcher, [undefined], [null], [0]),
  ),
  ...both('toBeLessThan', [1, 2], [2, 2], [3, 2]),
  ...both('toBeLessThanOrEqual', [1, 2], [2, 2], [3, 2]),
  ...both('toBeGreaterThan', [1, 2], [2, 2], [3, 2]),
  ...both('toBeGreaterThanOrEqual', [1, 2], [2, 2], [3, 2]),
  ...both('toBeCloseTo', [1.004, 1], [1.006, 1], [1.2, 1, 0], [1.6, 1, 0], [1, 1, 9]),
  ...both('toHaveLength', [[], 0], [[1], 0], ['ab', 2], [{ length: 3 }, 3]),
  ...both('toMatch', ['abc', /b/], ['abc', /d/], ['abc', 'b'], ['a.c', 'a.c'], ['abc', 'a.c']),
  ...both('toContain', ['abc', 'b'], ['abc', 'd'], [[A], A], [[A], { a: 1 }], [new Set([1]), 1], [[], 1]),
  ...both('toContainEqual', [[A], { a: 1 }], [[A], { a: 2 }], [[A], A]),
  ...both(
    'toHaveProperty',
    [NESTED, 'a'],
    [NESTED, 'a.b'],
    [NESTED, 'a.c'],
    [NESTED, 'b'],
    [NESTED, 'a.b', [1, 2]],
    [NESTED, 'a.b', [1]],
  ),
];

function passes(assert: () => void): boolean {
  try {
    assert();
    return true;
  } catch {
    return false;
  }
}

/** Whether it passes, as it stands and negated. */
function verdicts(one: typeof expect | typeof standIn, { received, matcher, expected }: Case): boolean[] {
  return [one(received), one(received).not].map((assertions) =>
    passes(() => Reflect.apply(Reflect.get(assertions, matcher), assertions, expected)),
  );
}

test.each(CASES)('$received $matcher $expected', (one) => {
  const judged = verdicts(standIn, one);

  expect(judged).toEqual(verdicts(expect, one));
});

const PATTERNS = (one: typeof expect | typeof standIn) => [
  one.any(Number),
  one.any(String),
  one.any(Object),
  one.objectContaining({ a: 1 }),
  one.stringContaining('b'),
  one.stringMatching(/^a/),
];

test.each([1, 'abc', 'b', { a: 1, b: 2 }, { a: 2 }, null, undefined, [1]])('patterns against %j', (value) => {
  const judged = PATTERNS(standIn).map((pattern) =>
    passes(() => standIn({ value }).toEqual?.({ value: pattern })),
  );

  expect(judged).toEqual(
    PATTERNS(expect).map((pattern) => passes(() => expect({ value }).toEqual({ value: pattern }))),
  );
});

test('a matcher that is missing fails', () => {
  expect(() => standIn(1).toBeTruthy?.()).toThrow('has no matcher');
  expect(() => standIn(1).not.toBeTruthy?.()).toThrow('has no matcher');
});
