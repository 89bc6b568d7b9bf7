/** The few facts of one check: above all in whose hands the zone is. */
import { describe, expect, test } from 'vitest';
import type { AnswerKind, Asked, ParentAnswer, Verification } from '../../agent/core/health.ts';
import { type Hands, pictureOf } from '../../agent/core/picture.ts';

const OWN = ['ns1.example.net', 'ns2.example.net'];
const ASKED: Asked = { hostname: 'home.example.org', ageMs: 600_000, provider: 'Example DNS' };

function askedAfter(...names: string[]): Asked {
  const nameServers = names.map((name) => ({ name, addresses: [] }));
  return names.length === 0 ? ASKED : { ...ASKED, before: { zone: 'example.org', nameServers } };
}

function found(more: Partial<Verification> = {}): Verification {
  return { zone: 'example.org', delegation: [], authority: [], publicView: [], ...more };
}

function parent(...nameServers: string[]): ParentAnswer {
  return { server: 'a.tld.example', nameServers };
}

function answers(...kinds: AnswerKind[]) {
  return kinds.map((kind) => ({ server: 'ns1', family: 'ipv4' as const, kind, detail: '' }));
}

describe('the zone is in these hands', () => {
  const ABSENT: ParentAnswer = { ...parent(), kind: 'absent' };
  const CAUGHT: ParentAnswer = { ...parent(), kind: 'intercepted' };

  test.each<{ name: string; before: string[]; seen: Partial<Verification>; hands: Hands }>([
    { name: 'nobody said', before: OWN, seen: { delegation: [parent()] }, hands: 'silent' },
    { name: 'nobody was asked', before: OWN, seen: {}, hands: 'silent' },
    { name: 'nobody has it', before: OWN, seen: { delegation: [ABSENT] }, hands: 'absent' },
    {
      name: 'nobody has it, which had one server',
      before: ['ns1.example.net'],
      seen: { delegation: [ABSENT] },
      hands: 'absent',
    },
    { name: 'nobody has it, nor had before', before: [], seen: { delegation: [ABSENT] }, hands: 'silent' },
    {
      name: 'it became part of the zone above',
      before: OWN,
      seen: { delegation: [ABSENT], authority: answers('ok', 'unreachable') },
      hands: 'same',
    },
    {
      name: 'it is gone with its names',
      before: OWN,
      seen: { delegation: [ABSENT], authority: answers('gone', 'unreachable') },
      hands: 'absent',
    },
    {
      name: 'somebody answers in place of all',
      before: OWN,
      seen: { delegation: [CAUGHT] },
      hands: 'intercepted',
    },
    {
      name: 'somebody answers in place of the zone above alone',
      before: OWN,
      seen: { delegation: [CAUGHT], control: { kind: 'fine', evidence: [] } },
      hands: 'silent',
    },
    { name: 'it was never seen before', before: [], seen: { delegation: [parent(...OWN)] }, hands: 'first' },
    { name: 'as ever', before: OWN, seen: { delegation: [parent(...OWN)] }, hands: 'same' },
    {
      name: 'one server less',
      before: OWN,
      seen: { delegation: [parent('ns2.example.net')] },
      hands: 'same',
    },
    {
      name: 'another server of the same operator',
      before: OWN,
      seen: { delegation: [parent('ns1.example.net', 'ns9.example.net')] },
      hands: 'renewed',
    },
    {
      name: 'one of two servers is of another operator',
      before: OWN,
      seen: { delegation: [parent('ns1.example.net', 'ns1.example.com')] },
      hands: 'mixed',
    },
    {
      name: 'all are of another operator',
      before: OWN,
      seen: { delegation: [parent('ns1.example.com')] },
      hands: 'other',
    },
  ])('$name: $hands', ({ before, seen, hands }) => {
    expect(pictureOf(found(seen), askedAfter(...before)).hands).toBe(hands);
  });
});

test('what was known of another zone says nothing of this one', () => {
  const seen = found({ zone: 'dyn.example.org', delegation: [parent('ns1.example.com')] });

  expect(pictureOf(seen, askedAfter(...OWN)).hands).toBe('first');
});

test('a name without a zone stands for it', () => {
  const { zone: _, ...nowhere } = found();

  expect(pictureOf(found(), ASKED).zone).toBe('example.org');
  expect(pictureOf(nowhere, ASKED).zone).toBe('home.example.org');
});

test('the servers are out of reach only where there are some', () => {
  const far = answers('unreachable').map((one) => ({ ...one, noRoute: true as const }));

  const [none, all, some] = [[], far, [...far, ...answers('unreachable')]].map(
    (authority) => pictureOf(found({ authority }), ASKED).beyond,
  );

  expect([none, all, some]).toEqual([false, true, false]);
});
