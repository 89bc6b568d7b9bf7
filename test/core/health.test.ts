import { describe, expect, test } from 'vitest';
import { type AnswerKind, judge, nameServersOf, type Verification } from '../../agent/core/health.ts';

const WALL_MS = Date.UTC(2026, 0, 1);
/** Just accepted, and long ago: an answer that is not there yet means different things. */
const YOUNG_MS = 10_000;
const OLD_MS = 600_000;
const BASELINE = ['ns1.example.net', 'ns2.example.net'];

function found(more: Partial<Verification> = {}): Verification {
  return {
    zone: 'example.org',
    authority: [],
    publicView: [],
    delegation: [{ server: 'a.tld.example', nameServers: BASELINE }],
    ...more,
  };
}

function answers(kinds: readonly AnswerKind[]) {
  return kinds.map((kind, index) => ({
    server: `ns${index + 1}.example.net (192.0.2.${index + 1})`,
    family: 'ipv4' as const,
    kind,
    detail: `is ${kind}`,
  }));
}

describe('the authoritative servers', () => {
  test.each<{ kinds: AnswerKind[]; young: string; old: string }>([
    { kinds: ['ok'], young: 'ok OK', old: 'ok OK' },
    { kinds: ['ok', 'ok', 'ok'], young: 'ok OK', old: 'ok OK' },
    { kinds: ['ok', 'wrong'], young: 'pending SPREADING', old: 'warning PARTIAL' },
    { kinds: ['ok', 'gone'], young: 'pending SPREADING', old: 'warning PARTIAL' },
    { kinds: ['ok', 'unreachable'], young: 'pending SPREADING', old: 'warning PARTIAL' },
    { kinds: ['ok', 'lame'], young: 'pending SPREADING', old: 'warning PARTIAL' },
    { kinds: ['wrong', 'wrong'], young: 'pending SPREADING', old: 'failed STALE' },
    { kinds: ['wrong', 'gone'], young: 'pending SPREADING', old: 'failed STALE' },
    { kinds: ['no-data'], young: 'pending SPREADING', old: 'failed STALE' },
    { kinds: ['wrong', 'unreachable'], young: 'pending SPREADING', old: 'failed STALE' },
    { kinds: ['gone'], young: 'pending SPREADING', old: 'failed GONE' },
    { kinds: ['gone', 'gone'], young: 'pending SPREADING', old: 'failed GONE' },
    { kinds: ['gone', 'unreachable'], young: 'pending SPREADING', old: 'failed GONE' },
    { kinds: ['gone', 'lame', 'fault'], young: 'pending SPREADING', old: 'failed GONE' },
    { kinds: ['lame', 'lame'], young: 'failed ZONE_FAULT', old: 'failed ZONE_FAULT' },
    { kinds: ['fault', 'unreachable'], young: 'failed ZONE_FAULT', old: 'failed ZONE_FAULT' },
    { kinds: ['unreachable', 'unreachable'], young: 'unknown UNREACHABLE', old: 'unknown UNREACHABLE' },
    { kinds: ['intercepted', 'intercepted'], young: 'unknown INTERCEPTED', old: 'unknown INTERCEPTED' },
    { kinds: ['wrong', 'intercepted'], young: 'unknown INTERCEPTED', old: 'unknown INTERCEPTED' },
    { kinds: ['gone', 'intercepted'], young: 'unknown INTERCEPTED', old: 'unknown INTERCEPTED' },
  ])('$kinds: young $young, old $old', ({ kinds, young, old }) => {
    const verdictAt = (ageMs: number) => {
      const { authority } = judge(found({ authority: answers(kinds) }), BASELINE, ageMs, WALL_MS);
      return `${authority.verdict} ${authority.code.replace('authority/', '')}`;
    };

    expect([verdictAt(YOUNG_MS), verdictAt(OLD_MS)]).toEqual([young, old]);
  });

  test('a zone that could not be found is unknown, for the reason given', () => {
    const problem = { code: 'authority/NO_ZONE', sentence: 'The name servers could not be found.' };
    const { zone: _, ...rest } = found();

    const { authority } = judge({ ...rest, problem }, BASELINE, OLD_MS, WALL_MS);

    expect(authority).toMatchObject({ verdict: 'unknown', ...problem });
  });

  test('spreading ends after five minutes', () => {
    const at = (ageMs: number) =>
      judge(found({ authority: answers(['wrong']) }), BASELINE, ageMs, WALL_MS).authority.verdict;

    expect([at(299_999), at(300_000)]).toEqual(['pending', 'failed']);
  });
});

describe('the public resolvers', () => {
  test.each<{ kinds: AnswerKind[]; expected: string }>([
    { kinds: ['ok', 'ok'], expected: 'ok public/OK' },
    { kinds: ['ok', 'unreachable'], expected: 'ok public/OK' },
    { kinds: ['ok', 'wrong'], expected: 'pending public/CACHED' },
    { kinds: ['gone'], expected: 'pending public/CACHED' },
    { kinds: ['ok', 'fault'], expected: 'pending public/CACHED' },
    { kinds: ['fault', 'fault'], expected: 'failed public/FAULT' },
    { kinds: ['fault', 'unreachable'], expected: 'failed public/FAULT' },
    { kinds: ['unreachable'], expected: 'unknown public/UNREACHABLE' },
    { kinds: [], expected: 'unknown public/UNREACHABLE' },
  ])('$kinds: $expected', ({ kinds, expected }) => {
    const { publicView } = judge(found({ publicView: answers(kinds) }), BASELINE, OLD_MS, WALL_MS);

    expect(`${publicView.verdict} ${publicView.code}`).toBe(expected);
  });
});

describe('the delegation', () => {
  const parent = (...nameServers: string[]) => ({ server: 'a.tld.example', nameServers });

  test.each<{ name: string; delegation: Verification['delegation']; baseline?: string[]; expected: string }>([
    { name: 'as ever', delegation: [parent(...BASELINE)], baseline: BASELINE, expected: 'ok delegation/OK' },
    {
      name: 'in another order',
      delegation: [parent('ns2.example.net', 'ns1.example.net')],
      baseline: BASELINE,
      expected: 'ok delegation/OK',
    },
    {
      name: 'seen for the first time',
      delegation: [parent('ns9.example.net')],
      expected: 'ok delegation/OK',
    },
    {
      name: 'one server less',
      delegation: [parent('ns1.example.net')],
      baseline: BASELINE,
      expected: 'ok delegation/OK',
    },
    {
      name: 'one server more',
      delegation: [parent(...BASELINE, 'ns3.example.net')],
      baseline: BASELINE,
      expected: 'warning delegation/EXTENDED',
    },
    {
      name: 'one of two replaced',
      delegation: [parent('ns1.example.net', 'ns7.example.com')],
      baseline: BASELINE,
      expected: 'warning delegation/EXTENDED',
    },
    {
      name: 'taken away',
      delegation: [parent('ns7.example.com', 'ns8.example.com')],
      baseline: BASELINE,
      expected: 'failed delegation/CHANGED',
    },
    {
      name: 'taken away, as half of the parent servers say so far',
      delegation: [parent('ns7.example.com'), { server: 'b.tld.example', nameServers: BASELINE }],
      baseline: BASELINE,
      expected: 'warning delegation/EXTENDED',
    },
    {
      name: 'nobody answered',
      delegation: [],
      baseline: BASELINE,
      expected: 'unknown delegation/UNREACHABLE',
    },
    {
      name: 'nobody knows it',
      delegation: [parent()],
      baseline: BASELINE,
      expected: 'unknown delegation/UNREACHABLE',
    },
  ])('$name: $expected', ({ delegation, baseline, expected }) => {
    const { delegation: axis } = judge(found({ delegation }), baseline, OLD_MS, WALL_MS);

    expect(`${axis.verdict} ${axis.code}`).toBe(expected);
  });

  test('that was taken away names the old and the new servers', () => {
    const { delegation } = judge(
      found({ delegation: [parent('ns7.example.com')] }),
      BASELINE,
      OLD_MS,
      WALL_MS,
    );

    expect(delegation.sentence).toMatch(
      /before: ns1\.example\.net, ns2\.example\.net; now: ns7\.example\.com/,
    );
  });

  test('is the union of what the parent servers gave, sorted, each name once', () => {
    const delegation = [parent('b.example.net', 'a.example.net'), parent('a.example.net', 'c.example.net')];

    expect(nameServersOf(found({ delegation }))).toEqual(['a.example.net', 'b.example.net', 'c.example.net']);
  });
});

test('the axes stand for themselves: a zone taken away, a dead public view, an authority that is fine', () => {
  const all = found({
    authority: answers(['ok', 'ok']),
    publicView: answers(['fault', 'fault']),
    delegation: [{ server: 'a.tld.example', nameServers: ['ns7.example.com'] }],
  });

  const { authority, publicView, delegation } = judge(all, BASELINE, OLD_MS, WALL_MS);

  expect([authority.verdict, publicView.verdict, delegation.verdict]).toEqual(['ok', 'failed', 'failed']);
});

test('each axis has its evidence, one line for each server, and the time of the look', () => {
  const all = found({ authority: answers(['ok', 'wrong']), publicView: answers(['gone']) });

  const { authority, publicView, delegation } = judge(all, BASELINE, OLD_MS, WALL_MS);

  expect(authority.evidence).toEqual([
    'ns1.example.net (192.0.2.1): is ok',
    'ns2.example.net (192.0.2.2): is wrong',
  ]);
  expect(publicView.evidence).toEqual(['ns1.example.net (192.0.2.1): is gone']);
  expect(delegation.evidence).toEqual(['a.tld.example: ns1.example.net ns2.example.net']);
  expect([authority, publicView, delegation].map(({ checkedWallMs }) => checkedWallMs)).toEqual([
    WALL_MS,
    WALL_MS,
    WALL_MS,
  ]);
});
