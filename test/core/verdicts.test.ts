import { describe, expect, test } from 'vitest';
import type { AnswerKind, Asked, Judgement, ParentAnswer, Verification } from '../../agent/core/health.ts';
import { namesOf, operatorOf } from '../../agent/core/picture.ts';
import { judge } from '../../agent/core/verdicts.ts';

/** Just accepted, and long ago: an answer that is not there yet means different things. */
const YOUNG_MS = 10_000;
const OLD_MS = 600_000;
/** So old that no cache has anything of before. */
const AGED_MS = 3_600_000;
const DAY_MS = 24 * 3_600_000;
const BEFORE = ['ns1.example.net', 'ns2.example.net'];
const ADDRESS = '192.0.2.1';
const ELSEWHERE = '198.51.100.66';

function asked(more: Partial<Asked> = {}): Asked {
  return {
    hostname: 'home.example.org',
    ipv4: ADDRESS,
    ageMs: OLD_MS,
    provider: 'Example DNS',
    before: { zone: 'example.org', nameServers: BEFORE.map((name) => ({ name, addresses: ['192.0.2.53'] })) },
    ...more,
  };
}

function parent(...nameServers: string[]): ParentAnswer {
  return { server: 'a.tld.example', nameServers };
}

const AS_EVER = [parent(...BEFORE)];
const TAKEN = [parent('ns7.example.com', 'ns8.example.com')];

function found(more: Partial<Verification> = {}): Verification {
  return { zone: 'example.org', authority: [], publicView: [], delegation: AS_EVER, ...more };
}

function answers(...kinds: AnswerKind[]) {
  return kinds.map((kind, index) => ({
    server: `ns${index + 1}.example.net (192.0.2.${index + 1})`,
    family: 'ipv4' as const,
    kind,
    detail: `is ${kind}`,
    addresses: kind === 'ok' ? [ADDRESS] : kind === 'wrong' ? [ELSEWHERE] : [],
  }));
}

const FINE = { kind: 'fine' as const, evidence: ['control 192.0.2.41: NOERROR, AA'] };
const SILENT = { kind: 'silent' as const, evidence: ['control 192.0.2.41: dns/TIMEOUT'] };
const INTERCEPTED = { kind: 'intercepted' as const, evidence: ['control 192.0.2.41: NOERROR'] };

function says(axis: Judgement['axes']['authority']): string {
  return `${axis.verdict} ${axis.code}${axis.mustAct ? ' act' : ''}`;
}

describe('the authoritative servers', () => {
  test.each<{ kinds: AnswerKind[]; young: string; old: string }>([
    { kinds: ['ok'], young: 'ok OK', old: 'ok OK' },
    { kinds: ['ok', 'ok', 'ok'], young: 'ok OK', old: 'ok OK' },
    { kinds: ['ok', 'wrong'], young: 'pending SPREADING', old: 'warning PARTIAL' },
    { kinds: ['ok', 'gone'], young: 'pending SPREADING', old: 'warning PARTIAL' },
    { kinds: ['ok', 'no-data', 'lame'], young: 'pending SPREADING', old: 'warning PARTIAL' },
    { kinds: ['ok', 'unreachable'], young: 'pending SPREADING', old: 'warning SOME_DOWN' },
    { kinds: ['ok', 'lame', 'fault'], young: 'pending SPREADING', old: 'warning SOME_DOWN' },
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
    { kinds: ['unreachable', 'unreachable'], young: 'unknown CANNOT_CHECK', old: 'unknown CANNOT_CHECK' },
    { kinds: [], young: 'unknown CANNOT_CHECK', old: 'unknown CANNOT_CHECK' },
    { kinds: ['intercepted', 'intercepted'], young: 'unknown INTERCEPTED', old: 'unknown INTERCEPTED' },
    { kinds: ['wrong', 'intercepted'], young: 'unknown INTERCEPTED', old: 'unknown INTERCEPTED' },
    { kinds: ['gone', 'intercepted'], young: 'unknown INTERCEPTED', old: 'unknown INTERCEPTED' },
    { kinds: ['ok', 'forged'], young: 'unknown INTERCEPTED', old: 'unknown INTERCEPTED' },
  ])('$kinds: young $young, old $old', ({ kinds, young, old }) => {
    const verdictAt = (ageMs: number) => {
      const { authority } = judge(found({ authority: answers(...kinds) }), asked({ ageMs })).axes;
      return `${authority.verdict} ${authority.code.replace('authority/', '')}`;
    };

    expect([verdictAt(YOUNG_MS), verdictAt(OLD_MS)]).toEqual([young, old]);
  });

  test.each<{ name: string; more: Partial<Verification>; expected: string }>([
    {
      name: 'silence, while other servers answer, is the zone',
      more: { authority: answers('unreachable'), control: FINE },
      expected: 'failed authority/ZONE_FAULT',
    },
    {
      name: 'silence of all others too is the line',
      more: { authority: answers('unreachable'), control: SILENT },
      expected: 'unknown authority/CANNOT_CHECK',
    },
    {
      name: 'silence is the zone where its old servers answer',
      more: { authority: answers('unreachable'), control: SILENT, former: answers('ok'), delegation: TAKEN },
      expected: 'failed authority/ZONE_FAULT',
    },
    {
      name: 'whoever answers in place of the control answers everything',
      more: { authority: answers('ok', 'ok'), control: INTERCEPTED },
      expected: 'unknown authority/INTERCEPTED',
    },
    {
      name: 'an answer without authority is lame, where the control has authority',
      more: { authority: answers('intercepted', 'intercepted'), control: FINE },
      expected: 'failed authority/ZONE_FAULT',
    },
    {
      name: 'a wildcard that gives our address to every name',
      more: { authority: answers('ok', 'ok'), sibling: { addresses: [ADDRESS], detail: '' } },
      expected: 'warning authority/WILDCARD',
    },
    {
      name: 'a wildcard of somebody else beside our name',
      more: { authority: answers('ok'), sibling: { addresses: [ELSEWHERE], detail: '' } },
      expected: 'ok authority/OK',
    },
    {
      name: 'a wildcard that has our address among others',
      more: { authority: answers('ok'), sibling: { addresses: [ADDRESS, ELSEWHERE], detail: '' } },
      expected: 'ok authority/OK',
    },
    {
      name: 'a wrong address that is one of several for every name',
      more: { authority: answers('wrong'), sibling: { addresses: [ELSEWHERE, ADDRESS], detail: '' } },
      expected: 'failed authority/STALE act',
    },
    {
      name: 'one address for every name, and it is not ours',
      more: { authority: answers('wrong', 'wrong'), sibling: { addresses: [ELSEWHERE], detail: '' } },
      expected: 'failed authority/SINKHOLED',
    },
    {
      name: 'a wrong address of our name alone',
      more: { authority: answers('wrong'), sibling: { addresses: [], detail: '' } },
      expected: 'failed authority/STALE act',
    },
    {
      name: 'a name that the new hands do not know is not gone',
      more: { authority: answers('gone', 'gone'), delegation: TAKEN, former: answers('ok') },
      expected: 'failed authority/ZONE_FAULT',
    },
    {
      name: 'a wrong address from the new hands is nothing to repair',
      more: { authority: answers('wrong'), delegation: TAKEN },
      expected: 'failed authority/STALE',
    },
    {
      name: 'a name that is gone',
      more: { authority: answers('gone') },
      expected: 'failed authority/GONE act',
    },
  ])('$name', ({ more, expected }) => {
    const { authority } = judge(found(more), asked()).axes;

    expect(says(authority)).toBe(expected);
  });

  test('a zone that could not be found is unknown, for the reason given', () => {
    const problem = { code: 'authority/NO_ZONE', sentence: 'The name servers could not be found.' };
    const { zone: _, ...rest } = found({ control: SILENT });

    const { authority } = judge({ ...rest, problem }, asked()).axes;

    expect(authority).toMatchObject({ verdict: 'unknown', ...problem, evidence: SILENT.evidence });
  });

  test('servers that this line has no way to say nothing, whoever else answers', () => {
    const authority = answers('unreachable').map((one) => ({ ...one, noRoute: true as const }));
    const more = { authority, control: FINE, former: answers('ok') };

    const there = judge(found(more), asked()).axes.authority;
    const down = judge(found({ authority, control: SILENT }), asked()).axes.authority;
    const some = judge(found({ ...more, authority: [...authority, ...answers('lame')] }), asked()).axes
      .authority;

    expect(says(there)).toBe('unknown authority/CANNOT_CHECK');
    expect(there.sentence).toContain('cannot be reached over the IP version that this line has');
    expect(says(down)).toBe('unknown authority/CANNOT_CHECK');
    expect(down.sentence).toContain('it may be this line');
    expect(says(some)).toBe('failed authority/ZONE_FAULT');
  });

  test('a name without its zone is not said to have new servers', () => {
    const delegation = [{ ...parent(), kind: 'absent' as const }];

    const { authority } = judge(found({ delegation, authority: answers('gone') }), asked()).axes;

    expect(authority.sentence).toBe(
      'Nobody is in charge of example.org any more, so home.example.org does not work.',
    );
  });

  test('spreading ends after five minutes', () => {
    const at = (ageMs: number) =>
      judge(found({ authority: answers('wrong') }), asked({ ageMs })).axes.authority.verdict;

    expect([at(299_999), at(300_000)]).toEqual(['pending', 'failed']);
  });

  test('a free name that must be confirmed has the page for it in the sentence', () => {
    const renewal = { days: 30, page: 'https://my.example.net/' };

    const { authority } = judge(found({ authority: answers('gone') }), asked({ renewal })).axes;

    expect(authority.sentence).toMatch(/every 30 days: log in at https:\/\/my\.example\.net\//);
  });
});

describe('one family of two', () => {
  const both = (ipv4: AnswerKind[], ipv6: AnswerKind[]) => [
    ...answers(...ipv4),
    ...answers(...ipv6).map((answer) => ({ ...answer, family: 'ipv6' as const })),
  ];

  test.each<{ ipv4: AnswerKind[]; ipv6: AnswerKind[]; more?: Partial<Verification>; expected: string }>([
    { ipv4: ['ok', 'ok'], ipv6: ['no-data', 'no-data'], expected: 'warning authority/STALE act' },
    { ipv4: ['wrong', 'wrong'], ipv6: ['ok', 'ok'], expected: 'warning authority/STALE act' },
    { ipv4: ['ok', 'ok'], ipv6: ['ok', 'wrong'], expected: 'warning authority/PARTIAL' },
    { ipv4: ['ok', 'lame'], ipv6: ['no-data', 'no-data'], expected: 'warning authority/PARTIAL' },
    { ipv4: ['wrong'], ipv6: ['no-data'], expected: 'failed authority/STALE act' },
    {
      ...{
        ipv4: ['ok', 'ok'],
        ipv6: ['no-data', 'no-data'],
        more: { delegation: [parent('ns1.taker.example')] },
      },
      expected: 'warning authority/PARTIAL',
    },
  ])('$ipv4 and $ipv6: $expected', ({ ipv4, ipv6, more, expected }) => {
    const { authority } = judge(
      found({ authority: both(ipv4, ipv6), ...more }),
      asked({ ipv6: '2001:db8::1' }),
    ).axes;

    expect(says(authority)).toBe(expected);
  });

  test('is missed by name, and the resolvers that say the same are not blamed', () => {
    const seen = both(['ok'], ['no-data']);

    const { authority, publicView } = judge(
      found({ authority: seen, publicView: seen }),
      asked({ ipv6: '2001:db8::1', ageMs: 2 * DAY_MS }),
    ).axes;

    expect(authority.sentence).toMatch(
      /gives out the IPv4 address of home\.example\.org, but for IPv6 it gives none: /,
    );
    expect(says(publicView)).toBe('warning public/SOME_FAIL');
    expect(publicView.sentence).toMatch(/over IPv4, but not over IPv6, as the servers in charge say/);
  });
});

describe('the public resolvers', () => {
  const GOOD = answers('ok');

  test.each<{ name: string; more: Partial<Verification>; ageMs?: number; expected: string }>([
    { name: 'all right', more: { publicView: answers('ok', 'ok') }, expected: 'ok public/OK' },
    { name: 'one silent', more: { publicView: answers('ok', 'unreachable') }, expected: 'ok public/OK' },
    { name: 'one late', more: { publicView: answers('ok', 'wrong') }, expected: 'pending public/CACHED' },
    { name: 'all late', more: { publicView: answers('wrong') }, expected: 'pending public/CACHED' },
    { name: 'not there yet', more: { publicView: answers('gone') }, expected: 'pending public/CACHED' },
    {
      name: 'one at fault',
      more: { publicView: answers('ok', 'fault') },
      expected: 'warning public/SOME_FAIL',
    },
    {
      name: 'one at fault, another silent',
      more: { publicView: answers('fault', 'ok', 'unreachable') },
      expected: 'warning public/SOME_FAIL',
    },
    {
      name: 'one at fault, just after an update',
      more: { publicView: answers('ok', 'fault') },
      ageMs: YOUNG_MS,
      expected: 'pending public/NOT_YET',
    },
    {
      name: 'one at fault, another late',
      more: { publicView: answers('ok', 'fault', 'wrong') },
      expected: 'pending public/CACHED',
    },
    {
      name: 'all at fault',
      more: { publicView: answers('fault', 'fault') },
      expected: 'failed public/FAULT',
    },
    {
      name: 'all at fault, just after an update',
      more: { publicView: answers('fault', 'fault') },
      ageMs: YOUNG_MS,
      expected: 'pending public/NOT_YET',
    },
    {
      name: 'at fault or silent',
      more: { publicView: answers('fault', 'unreachable') },
      expected: 'failed public/FAULT',
    },
    {
      name: 'as wrong as the servers',
      more: { publicView: answers('wrong'), authority: answers('wrong') },
      expected: 'failed public/WRONG',
    },
    {
      name: 'all silent',
      more: { publicView: answers('unreachable') },
      expected: 'unknown public/CANNOT_CHECK',
    },
    { name: 'nobody asked', more: { publicView: [] }, expected: 'unknown public/CANNOT_CHECK' },
    {
      name: 'intercepted',
      more: { publicView: answers('wrong'), control: INTERCEPTED },
      expected: 'unknown public/INTERCEPTED',
    },
    {
      name: 'intercepted, and seen over HTTPS',
      more: { publicView: answers('ok'), control: INTERCEPTED, overHttps: true },
      expected: 'ok public/OK',
    },
    {
      name: 'blocked at home',
      more: { publicView: answers('ok', 'ok'), ownView: answers('blocked') },
      expected: 'warning public/LOCAL_FILTER act',
    },
    {
      name: 'blocked at home, just after an update',
      more: { publicView: answers('ok', 'ok'), ownView: answers('blocked') },
      ageMs: YOUNG_MS,
      expected: 'ok public/OK',
    },
    {
      name: 'blocked at home, where the public ones cannot be asked',
      more: { publicView: answers('unreachable'), ownView: answers('blocked') },
      expected: 'warning public/LOCAL_FILTER act',
    },
    {
      name: 'blocked everywhere is no local filter',
      more: { publicView: answers('gone'), ownView: answers('blocked'), authority: answers('gone') },
      expected: 'failed public/WRONG',
    },
    {
      name: 'one of two resolvers at home answers',
      more: { publicView: answers('ok'), ownView: answers('blocked', 'ok') },
      expected: 'ok public/OK',
    },
    {
      name: 'one that has no such name yet',
      more: { publicView: answers('ok', 'gone') },
      ageMs: AGED_MS - 1,
      expected: 'pending public/CACHED',
    },
    {
      name: 'one that has no such name for good',
      more: { publicView: answers('ok', 'gone') },
      ageMs: AGED_MS,
      expected: 'warning public/SOME_FAIL',
    },
    {
      name: 'one that has no address for good, and some servers out of order',
      more: { publicView: answers('no-data', 'ok'), authority: answers('ok', 'unreachable') },
      ageMs: AGED_MS,
      expected: 'warning public/SOME_FAIL',
    },
    {
      name: 'one that has no such name, another late',
      more: { publicView: answers('ok', 'gone', 'wrong') },
      ageMs: AGED_MS,
      expected: 'pending public/CACHED',
    },
    {
      name: 'none that has the name, though the servers do',
      more: { publicView: answers('gone', 'gone') },
      ageMs: AGED_MS,
      expected: 'pending public/CACHED',
    },
    {
      name: 'all elsewhere over HTTPS, where the servers cannot be asked',
      more: { publicView: answers('wrong', 'gone'), control: INTERCEPTED, overHttps: true },
      ageMs: AGED_MS,
      expected: 'failed public/WRONG act',
    },
    {
      name: 'all elsewhere over HTTPS, but for a while',
      more: { publicView: answers('wrong'), control: INTERCEPTED, overHttps: true },
      ageMs: AGED_MS - 1,
      expected: 'pending public/CACHED',
    },
    {
      name: 'none that said anything of it',
      more: { publicView: answers('intercepted'), authority: answers('intercepted') },
      ageMs: AGED_MS,
      expected: 'pending public/CACHED',
    },
    {
      name: 'one elsewhere over HTTPS',
      more: { publicView: answers('ok', 'wrong'), control: INTERCEPTED, overHttps: true },
      ageMs: AGED_MS,
      expected: 'pending public/CACHED',
    },
  ])('$name: $expected', ({ more, ageMs = OLD_MS, expected }) => {
    const { publicView } = judge(found({ authority: GOOD, ...more }), asked({ ageMs, ttlSec: 60 })).axes;

    expect(says(publicView)).toBe(expected);
  });

  test.each<{ name: string; more: Partial<Verification>; expected: string }>([
    {
      name: 'all elsewhere',
      more: { publicView: answers('wrong', 'wrong') },
      expected: 'failed public/WRONG',
    },
    {
      name: 'none knows it',
      more: { publicView: answers('gone', 'fault') },
      expected: 'failed public/WRONG',
    },
    {
      name: 'one elsewhere',
      more: { publicView: answers('ok', 'wrong') },
      expected: 'warning public/SOME_FAIL',
    },
    { name: 'all right', more: { publicView: answers('ok', 'ok') }, expected: 'ok public/OK' },
    {
      name: 'all elsewhere, as the servers in charge say',
      more: { authority: answers('wrong'), publicView: answers('wrong') },
      expected: 'failed public/WRONG',
    },
    {
      name: 'all elsewhere, and the servers in charge cannot be asked',
      more: { authority: answers('intercepted'), publicView: answers('ok', 'wrong') },
      expected: 'pending public/CACHED',
    },
  ])('for longer than they may remember, $name: $expected', ({ more, expected }) => {
    const { publicView } = judge(found({ authority: GOOD, ...more }), asked({ lingering: true })).axes;

    expect(says(publicView)).toBe(expected);
  });

  test.each<{ ttlSec?: number; ageMs: number; code: string }>([
    { ttlSec: 7200, ageMs: 2 * AGED_MS - 1, code: 'public/CACHED' },
    { ttlSec: 7200, ageMs: 2 * AGED_MS, code: 'public/WRONG' },
    { ageMs: DAY_MS - 1, code: 'public/CACHED' },
    { ageMs: DAY_MS, code: 'public/WRONG' },
  ])('may remember for the lifetime of the record, $ttlSec s: $code after $ageMs ms', ({ code, ...more }) => {
    const publicView = answers('wrong');

    const { axes } = judge(found({ publicView, control: INTERCEPTED, overHttps: true }), asked(more));

    expect(axes.publicView.code).toBe(code);
  });

  test('that lead elsewhere say where', () => {
    const more = { publicView: answers('wrong', 'gone'), control: INTERCEPTED, overHttps: true as const };

    const { publicView } = judge(found(more), asked({ ageMs: DAY_MS })).axes;
    const nowhere = judge(found({ ...more, publicView: answers('gone') }), asked({ ageMs: DAY_MS })).axes;

    expect(publicView.sentence).toContain(`lead people to ${ELSEWHERE} and not to you`);
    expect(nowhere.publicView.sentence).toContain('lead people nowhere; from here');
  });
});

describe('the delegation', () => {
  test.each<{ name: string; more: Partial<Asked>; has: string }>([
    { name: 'is up to date', more: {}, has: 'your right address' },
    {
      name: 'has not taken the address of now',
      more: { outdated: true },
      has: 'the address that it took last',
    },
  ])('that was taken from a provider that $name', ({ more, has }) => {
    const { delegation } = judge(
      found({ delegation: TAKEN, authority: answers('lame'), former: answers('ok') }),
      asked(more),
    ).axes;

    expect(delegation.sentence).toContain(
      `Example DNS itself still has ${has}: there is nothing to repair here.`,
    );
  });

  test.each<{ name: string; delegation: ParentAnswer[]; before?: string[]; expected: string }>([
    { name: 'as ever', delegation: AS_EVER, expected: 'ok delegation/OK' },
    {
      name: 'in another order',
      delegation: [parent('ns2.example.net', 'ns1.example.net')],
      expected: 'ok delegation/OK',
    },
    { name: 'seen for the first time', delegation: TAKEN, before: [], expected: 'ok delegation/OK' },
    { name: 'one server less', delegation: [parent('ns1.example.net')], expected: 'ok delegation/OK' },
    {
      name: 'one server more of the same operator',
      delegation: [parent(...BEFORE, 'ns3.example.net')],
      expected: 'ok delegation/OK',
    },
    {
      name: 'all servers new, of the same operator',
      delegation: [parent('a.dns.example.net', 'b.dns.example.net')],
      expected: 'ok delegation/OK',
    },
    {
      name: 'one of two replaced',
      delegation: [parent('ns1.example.net', 'ns7.example.com')],
      expected: 'warning delegation/EXTENDED',
    },
    {
      name: 'taken away, as half of the parent servers say so far',
      delegation: [...TAKEN, parent(...BEFORE)],
      expected: 'warning delegation/EXTENDED',
    },
    { name: 'taken away', delegation: TAKEN, expected: 'failed delegation/CHANGED' },
    { name: 'nobody answered', delegation: [], expected: 'unknown delegation/CANNOT_CHECK' },
    { name: 'nobody knows it', delegation: [parent()], expected: 'unknown delegation/CANNOT_CHECK' },
    {
      name: 'delegated to nobody',
      delegation: [{ ...parent(), kind: 'absent' }],
      expected: 'failed delegation/REMOVED act',
    },
    {
      name: 'delegated to nobody, and never known',
      delegation: [{ ...parent(), kind: 'absent' }],
      before: [],
      expected: 'unknown delegation/CANNOT_CHECK',
    },
    {
      name: 'intercepted',
      delegation: [{ ...parent(), kind: 'intercepted' }],
      expected: 'unknown delegation/INTERCEPTED',
    },
  ])('$name: $expected', ({ delegation, before = BEFORE, expected }) => {
    const known = { zone: 'example.org', nameServers: before.map((name) => ({ name, addresses: [] })) };
    const all = found({ delegation, authority: answers('gone') });

    const { delegation: axis } = judge(all, asked({ before: known })).axes;

    expect(says(axis)).toBe(expected);
  });

  test('a baseline of another zone does not count', () => {
    const known = { zone: 'org', nameServers: [{ name: 'ns1.example.net', addresses: [] }] };

    const { delegation } = judge(found({ delegation: TAKEN }), asked({ before: known })).axes;

    expect(delegation.code).toBe('delegation/OK');
  });

  test('names that moved into the zone above were not taken away', () => {
    const all = found({ delegation: [{ ...parent(), kind: 'absent' }], authority: answers('ok') });

    const { delegation } = judge(all, asked()).axes;

    expect(delegation.code).toBe('delegation/OK');
  });

  test.each<{ name: string; more: Partial<Verification>; expected: RegExp; mustAct?: true }>([
    {
      name: 'and the name works',
      more: { authority: answers('ok') },
      expected: /Your name still works there\. /,
    },
    {
      name: 'and the name works in part',
      more: { authority: answers('ok', 'unreachable') },
      expected: /Your name still works there, but only in part/,
    },
    {
      name: 'and the old servers are right',
      more: { authority: answers('unreachable'), former: answers('ok'), control: FINE },
      expected: /taken away from Example DNS .* Example DNS itself still has your right address/,
    },
    {
      name: 'and the old servers are wrong',
      more: { authority: answers('lame'), former: answers('lame'), control: FINE },
      expected: /neither they nor the old ones give your address/,
      mustAct: true,
    },
    {
      name: 'and the old servers are silent',
      more: { authority: answers('lame'), former: answers('unreachable'), control: FINE },
      expected: /neither they nor the old ones give your address/,
      mustAct: true,
    },
    {
      name: 'and nobody knows the old servers',
      more: { authority: answers('lame'), control: FINE },
      expected: /There is nothing to repair here/,
    },
  ])('taken away $name', ({ more, expected, mustAct = false }) => {
    const { delegation } = judge(found({ delegation: TAKEN, ...more }), asked()).axes;

    expect(delegation.code).toBe('delegation/CHANGED');
    expect(delegation.sentence).toMatch(expected);
    expect(delegation.sentence).toMatch(/example\.com in place of example\.net/);
    expect(delegation.mustAct).toBe(mustAct);
  });

  test('is the union of what the parent servers gave, sorted, each name once', () => {
    const delegation = [parent('b.example.net', 'a.example.net'), parent('a.example.net', 'c.example.net')];

    expect(namesOf(found({ delegation }))).toEqual(['a.example.net', 'b.example.net', 'c.example.net']);
  });
});

test.each([
  ['ns1.example.net', 'example.net'],
  ['a.b.c.example.net', 'example.net'],
  ['ns1.example.co.uk', 'example.co.uk'],
  ['ns1.longer.de', 'longer.de'],
  ['ns1.org.de', 'ns1.org.de'],
  ['example', 'example'],
])('the operator of %s is %s', (server, operator) => {
  expect(operatorOf(server)).toBe(operator);
});

test('the axes stand for themselves: a zone taken away, a dead public view, an authority that is fine', () => {
  const all = found({
    authority: answers('ok', 'ok'),
    publicView: answers('fault', 'fault'),
    delegation: TAKEN,
  });

  const { authority, publicView, delegation } = judge(all, asked()).axes;

  expect([authority.verdict, publicView.verdict, delegation.verdict]).toEqual(['ok', 'failed', 'failed']);
});

test('each axis has its evidence, one line for each server and each look', () => {
  const all = found({
    authority: answers('ok', 'wrong'),
    publicView: answers('gone'),
    ownView: answers('blocked'),
    former: answers('ok'),
    sibling: { addresses: [], detail: 'A none (NXDOMAIN)' },
    control: FINE,
    view: { nameServers: [], owner: 'new.example.com admin.example.com' },
  });
  const before = {
    zone: 'example.org',
    nameServers: [{ name: 'ns1.example.net', addresses: [] }],
    owner: 'old',
  };

  const { authority, publicView, delegation } = judge(all, asked({ before })).axes;

  expect(authority.evidence).toEqual([
    'ns1.example.net (192.0.2.1): is ok',
    'ns2.example.net (192.0.2.2): is wrong',
    'before: ns1.example.net (192.0.2.1): is ok',
    'a name that nobody has: A none (NXDOMAIN)',
    'control 192.0.2.41: NOERROR, AA',
  ]);
  expect(publicView.evidence).toEqual([
    'ns1.example.net (192.0.2.1): is gone',
    'this network: ns1.example.net (192.0.2.1): is blocked',
  ]);
  expect(delegation.evidence).toEqual([
    'a.tld.example: NS ns1.example.net ns2.example.net',
    'before: NS ns1.example.net',
    'SOA new.example.com admin.example.com; before: old',
  ]);
});

test.each<{ name: string; said: ParentAnswer; line: string }>([
  { name: 'names', said: parent('ns1.example.net'), line: 'a.tld.example: NS ns1.example.net' },
  { name: 'nobody', said: { ...parent(), kind: 'absent' }, line: 'a.tld.example: no delegation' },
  {
    name: 'nobody, with what it said',
    said: { ...parent(), kind: 'absent', detail: 'NXDOMAIN' },
    line: 'a.tld.example: no delegation (NXDOMAIN)',
  },
  {
    name: 'something by somebody else',
    said: { ...parent(), kind: 'intercepted' },
    line: 'a.tld.example: answered by somebody else',
  },
])('a parent server that names $name is quoted', ({ said, line }) => {
  expect(judge(found({ delegation: [said] }), asked()).axes.delegation.evidence[0]).toBe(line);
});

test.each<{ kinds: AnswerKind[]; delegation: ParentAnswer[]; says: string }>([
  { kinds: ['wrong'], delegation: AS_EVER, says: `gives out ${ELSEWHERE}.` },
  { kinds: ['no-data'], delegation: AS_EVER, says: 'gives out none.' },
  { kinds: ['wrong'], delegation: TAKEN, says: `lead visitors to ${ELSEWHERE} and not to you.` },
  { kinds: ['blocked'], delegation: TAKEN, says: 'lead visitors to nowhere and not to you.' },
])('servers that say $kinds: "$says"', ({ kinds, delegation, says: text }) => {
  const { authority } = judge(found({ authority: answers(...kinds), delegation }), asked()).axes;

  expect(authority.sentence).toContain(text);
});

test('the lifetime of the record is the shortest that a right answer has', () => {
  const [first, second, third] = answers('ok', 'ok', 'wrong');
  const authority = [
    ...(first ? [{ ...first, ttlSec: 300 }] : []),
    ...(second ? [{ ...second, ttlSec: 60 }] : []),
    ...(third ? [{ ...third, ttlSec: 5 }] : []),
  ];

  expect(judge(found({ authority }), asked()).ttlSec).toBe(60);
  expect(judge(found({ authority: answers('gone') }), asked())).not.toHaveProperty('ttlSec');
});

describe('the evidence for a zone', () => {
  const OWNER = 'ns1.example.net hostmaster.example.net';
  const OTHER = 'ns7.example.com hostmaster.example.com';

  test.each<{ name: string; before: string | undefined; now: string | undefined; isTold: boolean }>([
    { name: 'the same', before: OWNER, now: OWNER, isTold: false },
    { name: 'another one', before: OWNER, now: OTHER, isTold: true },
    { name: 'one that was not known before', before: undefined, now: OTHER, isTold: false },
    { name: 'none', before: OWNER, now: undefined, isTold: false },
  ])('names its owner where that is another: $name', ({ before, now, isTold }) => {
    const { before: zone = { zone: '', nameServers: [] } } = asked();
    const view = { nameServers: [], ...(now !== undefined && { owner: now }) };
    const known = { ...zone, ...(before !== undefined && { owner: before }) };

    const { evidence } = judge(found({ view }), asked({ before: known })).axes.delegation;

    expect(evidence.filter((line) => line.startsWith('SOA'))).toEqual(
      isTold ? [`SOA ${OTHER}; before: ${OWNER}`] : [],
    );
  });

  test('names four operators, and how many more there are', () => {
    const names = ['a', 'b', 'c', 'd', 'e'].map((label) => `ns1.${label}.example`);
    const { before: _, ...first } = asked();

    const { sentence } = judge(found({ delegation: [parent(...names)] }), first).axes.delegation;

    expect(sentence).toContain('in the hands of a.example, b.example, c.example, d.example and 1 more; ');
  });
});

describe('who must repair what resolvers cannot find', () => {
  test.each([
    { name: 'the provider', delegation: AS_EVER, who: /^.* Example DNS must repair that\./ },
    {
      name: 'whoever has the zone now',
      delegation: TAKEN,
      who: /^.* Whoever has the zone now must repair that\./,
    },
  ])('$name', ({ delegation, who }) => {
    const seen = found({ delegation, authority: answers('ok'), publicView: answers('fault', 'lame') });

    const { publicView } = judge(seen, asked()).axes;

    expect(publicView).toMatchObject({ code: 'public/FAULT', sentence: expect.stringMatching(who) });
  });

  test.each<{ name: string; more: Partial<Verification>; blames: boolean }>([
    {
      name: 'the zone above and the root are silent',
      more: { delegation: [], control: SILENT },
      blames: false,
    },
    { name: 'the zone above alone is silent', more: { delegation: [], control: FINE }, blames: true },
    { name: 'the root alone is silent', more: { control: SILENT }, blames: true },
  ])('is said only where it is known: $name', ({ more, blames }) => {
    const nobody = found({
      authority: answers('lame', 'unreachable'),
      publicView: answers('fault'),
      ...more,
    });
    const some = found({ authority: answers('ok'), publicView: answers('ok', 'fault'), ...more });

    const axes = [nobody, some].flatMap((one) => Object.values(judge(one, asked()).axes));
    const sentences = (code: string) =>
      axes.filter((axis) => axis.code === code).map(({ sentence }) => sentence);

    for (const code of ['authority/ZONE_FAULT', 'public/FAULT', 'public/SOME_FAIL']) {
      expect(sentences(code)).toEqual([
        expect.stringContaining(
          blames
            ? 'Example DNS must repair that'
            : 'does not answer here either, so it may be this line as well as Example DNS.',
        ),
      ]);
    }
  });
});

test.each<{ kinds: AnswerKind[]; authority: AnswerKind[]; code: string }>([
  { kinds: [], authority: ['ok'], code: 'public/LOCAL_FILTER' },
  { kinds: ['ok'], authority: ['ok'], code: 'public/LOCAL_FILTER' },
  { kinds: ['ok', 'unreachable'], authority: ['wrong'], code: 'public/LOCAL_FILTER' },
  { kinds: ['wrong'], authority: ['ok'], code: 'public/CACHED' },
  { kinds: ['wrong', 'wrong'], authority: ['ok'], code: 'public/CACHED' },
  { kinds: ['unreachable'], authority: ['wrong'], code: 'public/CANNOT_CHECK' },
  { kinds: [], authority: ['wrong'], code: 'public/CANNOT_CHECK' },
])('a filter of the network is to blame only where the world is well: $kinds, $authority', (row) => {
  const ownView = answers('blocked');
  const seen = found({ ownView, publicView: answers(...row.kinds), authority: answers(...row.authority) });

  expect(judge(seen, asked()).axes.publicView.code).toBe(row.code);
});

test('a zone that cannot be found is nothing that somebody could do something about', () => {
  const problem = { code: 'authority/CANNOT_CHECK', sentence: 'The zone cannot be found.' };

  const { authority } = judge(found({ problem }), asked()).axes;

  expect(authority).toMatchObject({ ...problem, verdict: 'unknown', mustAct: false });
});

test.each([
  { delegation: AS_EVER, control: INTERCEPTED, code: 'delegation/OK' },
  { delegation: [], control: INTERCEPTED, code: 'delegation/INTERCEPTED' },
  { delegation: [], control: SILENT, code: 'delegation/CANNOT_CHECK' },
  { delegation: [], control: FINE, code: 'delegation/CANNOT_CHECK' },
])('who has the zone is hidden by what answers in its place only where nobody said: $code', (row) => {
  const { delegation, control, code } = row;

  expect(judge(found({ delegation, control }), asked()).axes.delegation.code).toBe(code);
});
