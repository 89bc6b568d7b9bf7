import { expect, test } from 'vitest';
import type { Report } from '../../agent/core/draft.ts';
import { withReports } from '../../agent/store/past-events.ts';
import type { PastEvent } from '../../agent/store/state-file.ts';

const NOW_MS = Date.UTC(2026, 0, 1);

function about(name: string, said = 'It works.', more: Partial<Report> = {}): Report {
  const host = name.split('.')[0] ?? '';
  return { level: 'notice', code: 'authority/OK', sentence: `${name}: ${said}`, host, ...more };
}

function namesTo(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `h${index}.example.org`);
}

/** One step for each report. */
function oneByOne(
  reports: readonly Report[],
  wallMsOf: (index: number) => number = () => NOW_MS,
): PastEvent[] {
  return reports.reduce<PastEvent[]>(
    (events, report, index) => withReports(events, [report], wallMsOf(index)),
    [],
  );
}

test.each([
  [1, 'h0.example.org: It works.'],
  [2, 'h0.example.org and h1.example.org: It works.'],
  [3, 'h0.example.org, h1.example.org and h2.example.org: It works.'],
  [4, 'h0.example.org, h1.example.org and 2 others: It works.'],
  [20, 'h0.example.org, h1.example.org and 18 others: It works.'],
])('the same of %i hostnames is one event, in one step as in many', (count, sentence) => {
  const reports = namesTo(count).map((name) => about(name));

  const together = withReports([], reports, NOW_MS);
  const apart = oneByOne(reports);

  expect(together.map((one) => one.sentence)).toEqual([sentence]);
  expect(apart).toEqual(together);
  expect(together[0]?.names).toEqual(count === 1 ? undefined : namesTo(count));
  expect(together[0]?.host).toBe(count === 1 ? 'h0' : undefined);
});

test('a change of 20 hostnames, told in turn, leaves what was before', () => {
  const before: Report = {
    level: 'error',
    code: 'incident/OPENED',
    sentence: 'Trouble.',
    incident: 'zone:x 1',
  };
  const reports = namesTo(20).flatMap((name) => [
    about(name, 'No-IP confirmed 192.0.2.1.', { code: 'update/CONFIRMED' }),
    about(name),
  ]);

  const events = oneByOne([before, ...reports]);

  expect(events.map(({ code }) => code)).toEqual(['incident/OPENED', 'update/CONFIRMED', 'authority/OK']);
});

test.each<{ name: string; reports: Report[]; count: number; wallMs?: number }>([
  {
    name: 'says something else',
    reports: [about('a.example.org'), about('b.example.org', 'It fails.')],
    count: 2,
  },
  {
    name: 'has another code',
    reports: [about('a.example.org'), about('b.example.org', 'It works.', { code: 'x/X' })],
    count: 2,
  },
  {
    name: 'has another level',
    reports: [about('a.example.org'), about('b.example.org', 'It works.', { level: 'warning' })],
    count: 2,
  },
  {
    name: 'is of another account',
    reports: [about('a.example.org'), about('b.example.org', 'It works.', { account: 'a' })],
    count: 2,
  },
  {
    name: 'tells of an incident',
    reports: [about('a.example.org'), about('b.example.org', 'It works.', { incident: 'host:b 1' })],
    count: 2,
  },
  { name: 'comes again', reports: [about('a.example.org'), about('a.example.org')], count: 2 },
  {
    name: 'is about no hostname',
    reports: [0, 1].map(() => ({ level: 'notice', code: 'x/X', sentence: 'ubus: No answer.' })),
    count: 2,
  },
  {
    name: 'does not begin with the name',
    reports: [0, 1].map((index) => ({ ...about('a.example.org'), sentence: 'It works.', host: `h${index}` })),
    count: 2,
  },
  { name: 'comes in time', reports: ['a', 'b'].map((name) => about(name)), count: 1, wallMs: 10_000 },
  { name: 'comes later', reports: ['a', 'b'].map((name) => about(name)), count: 2, wallMs: 10_001 },
  {
    name: 'comes before, for the clock was set',
    reports: ['a', 'b'].map((name) => about(name)),
    count: 2,
    wallMs: -10_001,
  },
])('what $name: $count', ({ reports, count, wallMs = 0 }) => {
  const events = oneByOne(reports, (index) => NOW_MS + index * wallMs);

  expect(events).toHaveLength(count);
});

test('no event has more than 100 names, and no more than 50 events are kept', () => {
  const many = withReports(
    [],
    namesTo(250).map((name) => about(name)),
    NOW_MS,
  );
  const last = withReports(
    many,
    namesTo(60).map((name) => about(name, `It is ${name}.`)),
    NOW_MS,
  );

  expect(many.map(({ names }) => names?.length)).toEqual([100, 100, 50]);
  expect(last.map(({ host }) => host)).toEqual(
    namesTo(60)
      .slice(10)
      .map((name) => name.split('.')[0]),
  );
});
