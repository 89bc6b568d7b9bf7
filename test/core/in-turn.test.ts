import { describe, expect, test } from 'vitest';
import { askInTurn } from '../../agent/core/in-turn.ts';
import { virtualClock } from '../fakes/virtual-clock.ts';

const SILENCE_MS = 2000;

/** When an answer comes, in ms from the question, and what it is. */
type Says = [afterMs: number, found?: string] | 'silence';

/** What came of it and when, and when each was asked. */
async function inTurn(says: Record<string, Says>) {
  const clock = virtualClock();
  const asked: string[] = [];
  let outcome = 'none yet';
  void askInTurn({
    all: Object.keys(says),
    ask(name) {
      asked.push(`${name} ${clock.monotonicMs()}`);
      const say = says[name] ?? 'silence';
      return new Promise<string | undefined>((resolve) => {
        if (say !== 'silence') {
          clock.after(say[0], () => resolve(say[1]));
        }
      });
    },
    silenceMs: SILENCE_MS,
    after: clock.after,
  }).then((found) => {
    outcome = `${found} ${clock.monotonicMs()}`;
  });
  await clock.advance(60_000);
  return { outcome, asked: asked.join(', '), timers: clock.pending() };
}

describe('asked are', () => {
  test.each<{ name: string; says: Record<string, Says>; outcome: string; asked: string }>([
    { name: 'one, who answers', says: { a: [10, 'A'], b: [10, 'B'] }, outcome: 'A 10', asked: 'a 0' },
    {
      name: 'the next after a failure',
      says: { a: [10], b: [10, 'B'] },
      outcome: 'B 20',
      asked: 'a 0, b 10',
    },
    {
      name: 'all, in vain',
      says: { a: [10], b: [10], c: [10] },
      outcome: 'undefined 30',
      asked: 'a 0, b 10, c 20',
    },
    { name: 'nobody', says: {}, outcome: 'undefined 0', asked: '' },
    {
      name: 'the next beside a silent one',
      says: { a: 'silence', b: [10, 'B'] },
      outcome: 'B 2010',
      asked: 'a 0, b 2000',
    },
    {
      name: 'all side by side where nobody answers',
      says: { a: [7500], b: [7500], c: [7500] },
      outcome: 'undefined 11500',
      asked: 'a 0, b 2000, c 4000',
    },
    {
      name: 'a late one, who is heard all the same',
      says: { a: [3000, 'A'], b: 'silence' },
      outcome: 'A 3000',
      asked: 'a 0, b 2000',
    },
    {
      name: 'the next at once, where the last that was asked fails beside a silent one',
      says: { a: 'silence', b: [10], c: [10, 'C'] },
      outcome: 'C 2020',
      asked: 'a 0, b 2000, c 2010',
    },
    {
      name: 'nobody more where an earlier one fails while a later one has its time',
      says: { a: [2500], b: [1000, 'B'], c: [10, 'C'] },
      outcome: 'B 3000',
      asked: 'a 0, b 2000',
    },
    {
      name: 'nobody more once one has answered, whoever fails after that',
      says: { a: [3000], b: [10, 'B'], c: [10, 'C'] },
      outcome: 'B 2010',
      asked: 'a 0, b 2000',
    },
    {
      name: 'all, and an earlier one is the last to fail',
      says: { a: [5000], b: [10] },
      outcome: 'undefined 5000',
      asked: 'a 0, b 2000',
    },
  ])('$name', async ({ says, outcome, asked }) => {
    const it = await inTurn(says);

    expect(it).toEqual({ outcome, asked, timers: 0 });
  });
});

test('a defect is told', async () => {
  const clock = virtualClock();
  const asking = askInTurn<string, string>({
    all: ['a', 'b'],
    ask: () => Promise.reject(new Error('defect')),
    silenceMs: SILENCE_MS,
    after: clock.after,
  });

  const said = await asking.catch((defect) => String(defect));

  expect(said).toBe('Error: defect');
  expect(clock.pending()).toBe(0);
});

test('after a defect nobody more is asked', async () => {
  const clock = virtualClock();
  const asked: string[] = [];
  const asking = askInTurn<string, string>({
    all: ['defective', 'slow', 'third'],
    ask(name) {
      asked.push(name);
      return new Promise((resolve, reject) => {
        clock.after(name === 'slow' ? 1500 : 3000, () =>
          name === 'slow' ? resolve(undefined) : reject(new Error('defect')),
        );
      });
    },
    silenceMs: SILENCE_MS,
    after: clock.after,
  }).catch(String);

  await clock.advance(60_000);

  expect(await asking).toBe('Error: defect');
  expect(asked).toEqual(['defective', 'slow']);
});
