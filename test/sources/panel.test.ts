import { describe, expect, test } from 'vitest';
import type { Family } from '../../agent/core/address.ts';
import type { AskedWan } from '../../agent/sources/outside.ts';
import { type Operator, panel, type Vote } from '../../agent/sources/panel.ts';
import { virtualClock } from '../fakes/virtual-clock.ts';

const WAN: AskedWan = { network: 'wan', device: 'eth1', local: '192.0.2.1' };
const A = '198.51.100.1';
const B = '198.51.100.2';
const C = '198.51.100.3';

/** What an operator says: an address, a fault, or nothing for ever. */
type Say = string | { fault: string; restMs?: number } | 'silence';

/** A panel whose operators say what the table holds at the moment; `asked` lists them in order. */
function parliament(initial: Record<string, Say>, families: Family[] = ['ipv4', 'ipv6']) {
  const clock = virtualClock();
  const says = { ...initial };
  const asked: string[] = [];
  const operators = Object.keys(initial).map(
    (name): Operator => ({
      name,
      families,
      ask() {
        asked.push(name);
        const say = says[name] ?? 'silence';
        if (say === 'silence') {
          return new Promise<Vote>(() => {});
        }
        return Promise.resolve(typeof say === 'string' ? { address: say } : say);
      },
    }),
  );
  const ask = panel({ operators, clock, random: () => 0 });
  return {
    clock,
    says,
    asked,
    /** Address, or the code of what is unknown. The time that passes is enough for every silence. */
    async verdict(family: Family = 'ipv4', wan = WAN, passingMs = 30_000): Promise<string> {
      asked.length = 0;
      const answer = ask(wan, family);
      await clock.advance(passingMs);
      const result = await answer;
      return 'unknown' in result ? result.unknown.code : result.addresses.join(' ');
    },
  };
}

const DOWN: Say = { fault: 'http/DNS' };

describe('nothing is believed yet', () => {
  test.each<{ name: string; says: Record<string, Say>; expected: string; asked: number }>([
    { name: 'two agree', says: { a: A, b: A, c: A }, expected: A, asked: 2 },
    { name: 'two of three', says: { a: B, b: A, c: A, d: A }, expected: A, asked: 4 },
    { name: 'one is silent', says: { a: 'silence', b: A, c: A }, expected: A, asked: 3 },
    { name: 'one is down', says: { a: DOWN, b: A, c: A }, expected: A, asked: 3 },
    { name: 'all differ', says: { a: A, b: B, c: C }, expected: 'source/DISAGREE', asked: 3 },
    { name: 'only one answers', says: { a: DOWN, b: A, c: DOWN }, expected: 'source/UNCONFIRMED', asked: 3 },
    { name: 'there is only one', says: { a: A }, expected: 'source/UNCONFIRMED', asked: 1 },
    { name: 'nobody answers', says: { a: DOWN, b: 'silence' }, expected: 'source/NO_ANSWER', asked: 2 },
    { name: 'there is nobody', says: {}, expected: 'source/NO_SERVICE', asked: 0 },
    {
      name: 'four are enough',
      says: { a: DOWN, b: DOWN, c: DOWN, d: DOWN, e: A, f: A },
      expected: 'source/NO_ANSWER',
      asked: 4,
    },
    {
      name: 'the other family',
      says: { a: '2001:db8::1', b: '2001:db8::1' },
      expected: 'source/NO_ANSWER',
      asked: 2,
    },
    {
      name: 'a loopback address',
      says: { a: '127.0.0.1', b: '127.0.0.1' },
      expected: 'source/NO_ANSWER',
      asked: 2,
    },
    {
      name: 'no address at all',
      says: { a: '198.51.100.01', b: 'x' },
      expected: 'source/NO_ANSWER',
      asked: 2,
    },
    {
      name: 'the exit of a VPN',
      says: { a: '104.28.0.1', b: '104.28.0.1' },
      expected: 'source/NO_ANSWER',
      asked: 2,
    },
    {
      name: 'a private address is for others to name',
      says: { a: '10.0.0.7', b: '10.0.0.7' },
      expected: '10.0.0.7',
      asked: 2,
    },
  ])('$name', async ({ says, expected, asked }) => {
    const it = parliament(says);

    expect(await it.verdict()).toBe(expected);
    expect(it.asked).toHaveLength(asked);
  });
});

describe('nobody is waited for alone', () => {
  test.each<{ name: string; says: Record<string, Say>; believed?: true; withinMs: number; expected: string }>(
    [
      { name: 'a silent one', says: { a: 'silence', b: A, c: A }, withinMs: 3000, expected: A },
      {
        name: 'a silent one of old',
        says: { a: 'silence', b: A, c: A },
        believed: true,
        withinMs: 3000,
        expected: A,
      },
      {
        name: 'four silent ones',
        says: { a: 'silence', b: 'silence', c: 'silence', d: 'silence' },
        withinMs: 13_000,
        expected: 'source/NO_ANSWER',
      },
    ],
  )('$name', async ({ says, believed, withinMs, expected }) => {
    const it = parliament(says);
    if (believed) {
      // The turn is then that of the first again.
      it.says.a = A;
      for (let round = 0; round < Object.keys(says).length; round++) {
        await it.verdict();
      }
      it.says.a = 'silence';
    }

    expect(await it.verdict('ipv4', WAN, withinMs)).toBe(expected);
  });
});

describe('an address is believed', () => {
  test('one operator is enough to repeat it, and they take turns', async () => {
    const it = parliament({ a: A, b: A, c: A });
    await it.verdict();
    const seen: string[] = [];
    for (let round = 0; round < 3; round++) {
      expect(await it.verdict()).toBe(A);
      seen.push(...it.asked);
    }

    expect(seen.sort()).toEqual(['a', 'b', 'c']);
  });

  test('another one needs a second witness', async () => {
    const it = parliament({ a: A, b: A, c: A });
    await it.verdict();
    Object.assign(it.says, { a: B, b: B, c: B });

    expect(await it.verdict()).toBe(B);
    expect(it.asked.length).toBeGreaterThanOrEqual(2);
  });

  test('one operator alone cannot change it', async () => {
    const it = parliament({ a: A, b: A, c: A });
    await it.verdict();
    it.says.b = B;

    const verdicts = [await it.verdict(), await it.verdict(), await it.verdict()];

    expect(verdicts).toEqual([A, A, A]);
  });

  test('where the others are down, neither the old nor the new one counts', async () => {
    const it = parliament({ a: A, b: A });
    await it.verdict();
    Object.assign(it.says, { a: B, b: DOWN });

    expect(await it.verdict()).toBe('source/UNCONFIRMED');
    it.says.b = A;
    expect(await it.verdict()).toBe('source/DISAGREE');
  });
});

describe('a single witness', () => {
  test('is believed when it says the same again half a minute later', async () => {
    const it = parliament({ a: A, b: DOWN });
    // Each verdict takes 30 s.
    expect(await it.verdict()).toBe('source/UNCONFIRMED');
    expect(await it.verdict()).toBe(A);
  });

  test('but not sooner', async () => {
    const it = parliament({ a: A, b: DOWN });
    const verdicts: string[] = [];
    for (let second = 0; second < 40; second += 10) {
      verdicts.push(await it.verdict('ipv4', WAN, 10_000));
    }

    expect(verdicts).toEqual([...new Array(3).fill('source/UNCONFIRMED'), A]);
  });

  test('and not after it has said something else', async () => {
    const it = parliament({ a: A, b: DOWN });
    await it.verdict();
    it.says.a = B;
    expect(await it.verdict()).toBe('source/UNCONFIRMED');
    it.says.a = A;
    expect(await it.verdict()).toBe('source/UNCONFIRMED');
    expect(await it.verdict()).toBe(A);
  });
});

test('who is overrun is left alone', async () => {
  const it = parliament({ a: { fault: 'status 429', restMs: 3_600_000 }, b: A, c: A });
  await it.verdict();
  const seen: string[] = [];
  for (let round = 0; round < 6; round++) {
    await it.verdict();
    seen.push(...it.asked);
  }
  expect(seen).not.toContain('a');

  await it.clock.advance(3_600_000);
  for (let round = 0; round < 3; round++) {
    await it.verdict();
    seen.push(...it.asked);
  }
  expect(seen).toContain('a');
});

test('each interface and each family is believed for itself', async () => {
  const it = parliament({ a: A, b: A });
  await it.verdict();
  it.says.b = DOWN;

  expect(await it.verdict('ipv4', { ...WAN, network: 'wanb' })).toBe('source/UNCONFIRMED');
  expect(await it.verdict('ipv6')).toBe('source/NO_ANSWER');
});

test('nobody is asked for a family he does not have', async () => {
  const it = parliament({ a: A, b: A }, ['ipv4']);

  expect(await it.verdict('ipv6')).toBe('source/NO_SERVICE');
  expect(it.asked).toEqual([]);
});
