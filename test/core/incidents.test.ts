/** When an incident opens, what it says, whom it touches, and when it is over: at the limits. */
import { describe, expect, test } from 'vitest';
import { NO_RETRY } from '../../agent/core/backoff.ts';
import type { Report } from '../../agent/core/draft.ts';
import type { Failure } from '../../agent/core/failure.ts';
import type { Axis, AxisVerdict, DnsAxes, Judged, Judgement } from '../../agent/core/health.ts';
import type { Incident } from '../../agent/core/incident.ts';
import { hasOpenIncident } from '../../agent/core/incidents.ts';
import type { AccountPlan } from '../../agent/core/plan.ts';
import type { AgentState, HostState, Streak } from '../../agent/core/state.ts';
import { type AgentEvent, step } from '../../agent/core/step.ts';
import { agentState, type Changes, confirmation, IPV4, IPV6, NOW } from './agent-state.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const ZONE = 'example.org';
/** Confirmed so long ago that a wrong answer is no late one any more. */
const OLD = {
  ipv4: { ...confirmation(IPV4), atMs: NOW.ms - 5 * MINUTE_MS },
  ipv6: { ...confirmation(IPV6), atMs: NOW.ms - 5 * MINUTE_MS },
};

function judged(code: string, verdict: AxisVerdict = code.endsWith('/OK') ? 'ok' : 'failed'): Judged {
  return { verdict, code, sentence: `It is ${code}.`, evidence: [`${code} of ns1`], mustAct: false };
}

function judgement(changes: Partial<Record<keyof DnsAxes, Judged>> = {}): Judgement {
  const delegation = judged('delegation/OK');
  const authority = judged('authority/OK');
  return { zone: ZONE, axes: { delegation, authority, publicView: judged('public/OK'), ...changes } };
}

const STALE = judgement({ authority: judged('authority/STALE') });
const GONE = judgement({ authority: judged('authority/GONE') });
const FAULT = judgement({ authority: judged('authority/ZONE_FAULT') });
const MOVED = judgement({ delegation: judged('delegation/CHANGED') });
const WELL = judgement();

function incident(about: string, changes: Partial<Incident> = {}): Incident {
  return {
    ...{ id: `${about}@5`, code: 'authority/STALE', subject: 'home.example.org', hosts: ['home'] },
    ...{ sentence: 'It began.', evidence: [], mustAct: false, openedWallMs: NOW.wallMs - HOUR_MS },
    ...changes,
  };
}

interface World {
  /** Of `home`, which is checked now. */
  home?: Partial<HostState>;
  streak?: Streak;
  /** Of `cam`, in the same zone. */
  cam?: Partial<HostState>;
  incidents?: Incident[];
  changes?: Changes;
}

function streak(about: string, count: number, agoMs = 10 * MINUTE_MS): Streak {
  return { about, count, firstMs: NOW.ms - agoMs, lastMs: NOW.ms - agoMs };
}

/** Two names of one account in one zone; a check of `home` is under way. */
function world({ home, streak: before, cam, incidents = [], changes }: World = {}): AgentState {
  const state = agentState(changes);
  const { home: plan } = state.plan.hosts;
  const { home: host } = state.hosts;
  if (!plan || !host) {
    throw new Error('the agent at rest has lost its hostname');
  }
  const check = { count: 9, nextMs: NOW.ms + HOUR_MS, pending: false, zone: ZONE };
  return {
    ...state,
    plan: {
      ...state.plan,
      hosts: { home: plan, cam: { ...plan, id: 'cam', hostname: 'cam.example.org' } },
    },
    hosts: {
      home: {
        ...{ ...host, confirmed: OLD },
        check: { ...check, pending: true, ...(before && { streak: before }) },
        ...home,
      },
      cam: { ...host, hostname: 'cam.example.org', confirmed: OLD, check, ...cam },
    },
    incidents,
  };
}

interface After {
  state: AgentState;
  reports: Report[];
  /** What is open, as `ABOUT CODE: HOSTS`. */
  open: string[];
}

function after(before: AgentState, event: AgentEvent, now = NOW): After {
  const { state, commands } = step(before, event, now);
  const open = state.incidents
    .filter(({ closedWallMs }) => closedWallMs === undefined)
    .map(({ id, code, hosts }) => `${id.slice(0, id.lastIndexOf('@'))} ${code}: ${hosts.join(' ')}`);
  const all = commands.flatMap((one) => (one.type === 'report' ? one.report : []));
  return { state, open, reports: all.filter(({ code }) => code.startsWith('incident/')) };
}

function checked(found: Judgement, before: World = {}): After {
  return after(world(before), { type: 'verified', host: 'home', found });
}

function woken(before: World): After {
  return after(world(before), { type: 'woken' });
}

const PENDING = { count: 9, nextMs: 0, pending: true, zone: ZONE };
/** Of a block: whose it is stands before it, and how to go on behind it. */
const RESUME = 'After that, save the settings or ask for an update (holdfast update).';
const STOPPED = `Stopped. ${RESUME}`;

function sentencesOf({ reports }: After): string[] {
  return reports.map(({ code, sentence }) => `${code} ${sentence}`);
}

describe('a check', () => {
  const ONE_STALE = streak('host:home', 1);
  const young = { ...OLD, ipv4: { ...confirmation(IPV4), atMs: NOW.ms - 5 * MINUTE_MS + 1 } };

  test.each<{ name: string; found: Judgement; before?: World; open: string[] }>([
    { name: 'that is well opens nothing', found: WELL, open: [] },
    { name: 'that is wrong opens nothing by itself', found: STALE, open: [] },
    {
      name: 'that is wrong for the second time in a row opens one',
      found: STALE,
      before: { streak: ONE_STALE },
      open: ['host:home authority/STALE: home'],
    },
    {
      name: 'that is wrong after one about something else opens nothing',
      found: STALE,
      before: { streak: streak(`zone:${ZONE}`, 5) },
      open: [],
    },
    {
      name: 'soon after an update does not count',
      found: STALE,
      before: { streak: ONE_STALE, home: { confirmed: young } },
      open: [],
    },
    {
      name: 'that finds the zone in other hands opens one at once, for all its names',
      found: MOVED,
      open: [`zone:${ZONE} delegation/CHANGED: home cam`],
    },
    {
      name: 'that finds so soon after an update opens one too',
      found: MOVED,
      before: { home: { confirmed: young } },
      open: [`zone:${ZONE} delegation/CHANGED: home cam`],
    },
    {
      name: 'of a zone leaves out the names that nobody checks',
      found: MOVED,
      before: { cam: { confirmed: {} } },
      open: [`zone:${ZONE} delegation/CHANGED: home`],
    },
    {
      name: 'of a zone leaves out the names of others',
      found: MOVED,
      before: { cam: { check: { count: 9, nextMs: NOW.ms + HOUR_MS, pending: false, zone: 'example.net' } } },
      open: [`zone:${ZONE} delegation/CHANGED: home`],
    },
    {
      name: 'of a zone needs a second one where it is not in other hands',
      found: FAULT,
      open: [],
    },
    {
      name: 'of a zone for the second time opens one',
      found: FAULT,
      before: { streak: streak(`zone:${ZONE}`, 1) },
      open: [`zone:${ZONE} authority/ZONE_FAULT: home cam`],
    },
    {
      name: 'of a name whose zone has an incident joins that',
      found: STALE,
      before: {
        streak: ONE_STALE,
        incidents: [incident(`zone:${ZONE}`, { code: 'delegation/CHANGED', hosts: ['cam'] })],
      },
      open: [`zone:${ZONE} delegation/CHANGED: cam home`],
    },
    {
      name: 'of a name that is gone and therefore refused opens no second one',
      found: GONE,
      before: { streak: ONE_STALE, incidents: [incident('name:home', { code: 'dyndns2/NOHOST' })] },
      open: ['name:home dyndns2/NOHOST: home'],
    },
    {
      name: 'of a name that is gone and not refused opens one',
      found: GONE,
      before: { streak: ONE_STALE },
      open: ['host:home authority/GONE: home'],
    },
    {
      name: 'of a name that is refused and there with another address opens none: no update could change that',
      found: STALE,
      before: { streak: ONE_STALE, incidents: [incident('name:home', { code: 'dyndns2/NOHOST' })] },
      open: ['name:home dyndns2/NOHOST: home'],
    },
    {
      name: 'that could not tell leaves all as it was',
      found: judgement({ authority: judged('authority/UNREACHABLE', 'unknown') }),
      before: { streak: streak('', 1), incidents: [incident('host:home')] },
      open: ['host:home authority/STALE: home'],
    },
  ])('$name', ({ found, before, open }) => {
    // A name that is refused stays so: its block is what keeps that incident open.
    const isRefused = before?.incidents?.some(({ id }) => id.startsWith('name:'));
    const block = { code: 'dyndns2/NOHOST', sentence: 'Refused.', sinceWallMs: 0 };

    const given = isRefused ? { ...before, home: { ...before?.home, block } } : before;
    const check = { count: 9, nextMs: 0, pending: true, zone: ZONE };
    const home = { ...given?.home, check: { ...check, ...(given?.streak && { streak: given.streak }) } };

    expect(checked(found, { ...given, home }).open.filter((one) => !one.startsWith('account:'))).toEqual(
      open,
    );
  });

  test('of a zone takes in what was open for its names, and has the others looked at soon', () => {
    const own = incident('host:cam', { subject: 'cam.example.org', hosts: ['cam'] });
    const check = { count: 9, nextMs: NOW.ms + HOUR_MS, pending: false, zone: ZONE, streak: streak('', 7) };

    const { state, open, reports } = checked(MOVED, { incidents: [own], cam: { check } });

    expect(open).toEqual([`zone:${ZONE} delegation/CHANGED: home cam`]);
    expect(reports.map(({ sentence }) => sentence)).toContainEqual(
      `cam.example.org is now part of what happened to ${ZONE}.`,
    );
    expect(state.hosts.cam?.check.streak).toBeUndefined();
    expect(state.hosts.cam?.check.nextMs).toBe(NOW.ms + 5 * MINUTE_MS);
  });

  test('of a zone leaves a name alone that has found the same, and is looked at sooner anyway', () => {
    const same = streak(`zone:${ZONE}`, 1);
    const check = { count: 9, nextMs: NOW.ms + MINUTE_MS, pending: false, zone: ZONE };

    const agreeing = checked(MOVED, { cam: { check: { ...check, streak: same } } });
    const sooner = checked(MOVED, { cam: { check } });

    expect(agreeing.state.hosts.cam?.check.streak).toEqual(same);
    expect(sooner.state.hosts.cam?.check.nextMs).toBe(NOW.ms + MINUTE_MS);
  });

  test('counts its like in a row', () => {
    const before = streak('', 4);

    const again = checked(WELL, { streak: before }).state.hosts.home?.check.streak;
    const other = checked(STALE, { streak: before }).state.hosts.home?.check.streak;

    expect(again).toEqual({ ...before, count: 5, lastMs: NOW.ms });
    expect(other).toEqual({ about: 'host:home', count: 1, firstMs: NOW.ms, lastMs: NOW.ms });
  });

  test('makes the text better, never worse, and tells it to nobody again', () => {
    const open = [incident(`zone:${ZONE}`, { code: 'authority/ZONE_FAULT', sentence: 'A fault.' })];
    const moved = [incident(`zone:${ZONE}`, { code: 'delegation/CHANGED', sentence: 'In other hands.' })];

    const better = checked(MOVED, { incidents: open });
    const worse = checked(FAULT, { incidents: moved });

    expect(better.state.incidents[0]).toMatchObject({
      code: 'delegation/CHANGED',
      sentence: 'It is delegation/CHANGED. Seen since 31 December, 23:00 UTC.',
      evidence: ['delegation/CHANGED of ns1', 'authority/OK of ns1'],
    });
    expect(worse.state.incidents[0]).toMatchObject({
      code: 'delegation/CHANGED',
      sentence: 'In other hands.',
    });
    expect([...better.reports, ...worse.reports]).toEqual([]);
  });

  test("tells of a zone in other hands that it is in nobody's now, and goes on saying since when", () => {
    const open = [incident(`zone:${ZONE}`, { code: 'delegation/CHANGED', sentence: 'In other hands.' })];
    const removed = judgement({ delegation: judged('delegation/REMOVED') });
    const known = {
      ...judged('delegation/REMOVED'),
      sinceWallMs: NOW.wallMs - 2 * HOUR_MS,
      checkedWallMs: 0,
    };

    const { state } = checked(removed, {
      incidents: open,
      home: { check: PENDING, axes: { delegation: known } },
    });

    expect(state.incidents[0]).toMatchObject({
      code: 'delegation/REMOVED',
      sentence: 'It is delegation/REMOVED. Seen since 31 December, 22:00 UTC.',
    });
  });

  test('that finds the same again brings its evidence up to date', () => {
    const open = [incident(`zone:${ZONE}`, { code: 'delegation/CHANGED', evidence: ['ns9.example.com'] })];

    const { state } = checked(MOVED, { incidents: open });

    expect(state.incidents[0]?.evidence).toEqual(['delegation/CHANGED of ns1', 'authority/OK of ns1']);
  });

  test.each<{ delegation?: string; authority?: string; publicView?: string; about: string }>([
    { delegation: 'delegation/REMOVED', authority: 'authority/SINKHOLED', about: 'delegation/REMOVED' },
    { delegation: 'delegation/OK', authority: 'authority/SINKHOLED', about: 'authority/SINKHOLED' },
    { delegation: 'authority/ZONE_FAULT', authority: 'authority/SINKHOLED', about: 'authority/SINKHOLED' },
    { authority: 'authority/STALE', publicView: 'public/WRONG', about: 'authority/STALE' },
    { authority: 'authority/PARTIAL', publicView: 'authority/GONE', about: 'authority/GONE' },
    { authority: 'authority/ZONE_FAULT', publicView: 'authority/GONE', about: 'authority/ZONE_FAULT' },
  ])('is about the most telling: $about', ({ about, ...codes }) => {
    const found = judgement(
      Object.fromEntries(Object.entries(codes).map(([of, code]) => [of, judged(code)])),
    );
    const isOfZone = /CHANGED|REMOVED|SINKHOLED|ZONE_FAULT/.test(about);

    const { state } = checked(found, { streak: streak(isOfZone ? `zone:${ZONE}` : 'host:home', 1) });

    expect(state.incidents.map(({ code }) => code)).toEqual([about]);
  });

  test.each<{ name: string; incidents: Incident[]; isOpen: boolean }>([
    { name: 'none', incidents: [], isOpen: false },
    { name: 'one', incidents: [incident('host:home')], isOpen: true },
    { name: 'one that is over', incidents: [incident('host:home', { closedWallMs: 7 })], isOpen: false },
    { name: "another's", incidents: [incident('host:cam', { hosts: ['cam'] })], isOpen: false },
  ])('knows whether something is wrong with the name already: $name', ({ incidents, isOpen }) => {
    expect(hasOpenIncident(world({ incidents }), 'home')).toBe(isOpen);
  });

  test.each([
    { times: 0, says: '' },
    {
      times: 1,
      says: ' That is number 2 within a day; the all-clear comes after 1 hour without a fault.',
    },
    {
      times: 2,
      says: ' That is number 3 within a day; the all-clear comes after 2 hours without a fault.',
    },
  ])('that finds what was over $times times within a day says:$says', ({ times, says }) => {
    const before = Array.from({ length: times }, (_, at) =>
      incident('host:home', { id: `host:home@${at}`, closedWallMs: NOW.wallMs - HOUR_MS }),
    );

    const { reports } = checked(STALE, { streak: ONE_STALE, incidents: before });

    expect(reports[0]?.sentence).toBe(
      `home.example.org: It is authority/STALE.${says} Seen since 1 January, 00:00 UTC.`,
    );
  });

  test('has the evidence of the servers once', () => {
    const { state } = checked(STALE, { streak: ONE_STALE });

    expect(state.incidents[0]?.evidence).toEqual(['authority/STALE of ns1']);
  });
});

describe('the end of what checks have found', () => {
  /** Good for the second time now; the first time was so long ago. */
  const goodSince = (agoMs: number) => streak('', 1, agoMs);

  test.each<{ name: string; before: World; isOver: boolean }>([
    { name: 'two good checks two minutes apart', before: { streak: goodSince(2 * MINUTE_MS) }, isOver: true },
    {
      name: 'two good checks closer than that',
      before: { streak: goodSince(2 * MINUTE_MS - 1) },
      isOver: false,
    },
    { name: 'one good check', before: { streak: streak('host:home', 5) }, isOver: false },
    { name: 'the first check of all', before: {}, isOver: false },
  ])('$name: $isOver', ({ before, isOver }) => {
    const { open } = checked(WELL, { ...before, incidents: [incident('host:home')] });

    expect(open).toEqual(isOver ? [] : ['host:home authority/STALE: home']);
  });

  test.each<{ times: number; goodMs: number; isOver: boolean }>([
    { times: 1, goodMs: HOUR_MS - 1, isOver: false },
    { times: 1, goodMs: HOUR_MS, isOver: true },
    { times: 3, goodMs: 3 * HOUR_MS - 1, isOver: false },
    { times: 3, goodMs: 3 * HOUR_MS, isOver: true },
    { times: 9, goodMs: 6 * HOUR_MS - 1, isOver: false },
    { times: 9, goodMs: 6 * HOUR_MS, isOver: true },
  ])('for the time number $times + 1 within a day: $isOver after $goodMs ms', ({ times, goodMs, isOver }) => {
    const incidents = [...overBefore(times), incident('host:home')];

    const { open } = checked(WELL, { streak: goodSince(goodMs), incidents });

    expect(open).toEqual(isOver ? [] : ['host:home authority/STALE: home']);
  });

  test.each<{ name: string; before: Incident[] }>([
    { name: 'a day ago', before: overBefore(3, 24 * HOUR_MS) },
    { name: 'of another name', before: overBefore(3, HOUR_MS, 'host:cam') },
    { name: 'at a moment that the clock has not reached', before: overBefore(3, -24 * HOUR_MS) },
  ])('is not put off by what was over $name', ({ before }) => {
    const incidents = [...before, incident('host:home')];

    expect(checked(WELL, { streak: goodSince(2 * MINUTE_MS), incidents }).open).toEqual([]);
  });

  test('that is put off leaves a word of it, once, until it fails again', () => {
    const incidents = [...overBefore(1), incident('host:home')];

    const once = checked(WELL, { streak: goodSince(2 * MINUTE_MS), incidents });
    const twice = checked(WELL, { streak: goodSince(2 * MINUTE_MS), incidents: once.state.incidents });
    const again = checked(STALE, { streak: goodSince(2 * MINUTE_MS), incidents: once.state.incidents });

    expect(once.reports).toEqual([]);
    expect(once.state.incidents.at(-1)?.sentence).toBe('It began. At the moment all is well.');
    expect(twice.state.incidents.at(-1)?.sentence).toBe('It began. At the moment all is well.');
    expect(again.state.incidents.at(-1)?.sentence).not.toContain('At the moment');
  });

  test.each<{ name: string; before: World }>([
    { name: 'the first time within a day', before: { incidents: [incident('host:home')] } },
    {
      name: 'while another name of the zone is not',
      before: {
        cam: { check: checkOf(streak(`zone:${ZONE}`, 3)) },
        incidents: [
          ...overBefore(1, HOUR_MS, `zone:${ZONE}`),
          incident(`zone:${ZONE}`, { subject: ZONE, hosts: ['home', 'cam'] }),
        ],
      },
    },
  ])('leaves no such word where a name is well $name', ({ before }) => {
    const { state } = checked(WELL, { streak: goodSince(MINUTE_MS), ...before });

    expect(state.incidents.at(-1)).toMatchObject({ sentence: 'It began.' });
    expect(state.incidents.at(-1)).not.toHaveProperty('closedWallMs');
  });

  test('is not told by a check of a name that is not watched any more', () => {
    const home = { confirmed: {}, check: { ...PENDING, streak: goodSince(10 * MINUTE_MS) } };

    const found = checked(WELL, { home, incidents: [incident('host:home')] });

    expect(sentencesOf(found)).toEqual(['incident/ENDED home.example.org is not checked any more.']);
  });

  function overBefore(times: number, agoMs = HOUR_MS, about = 'host:home'): Incident[] {
    return Array.from({ length: times }, (_, at) =>
      incident(about, { id: `${about}@${at + 10}`, closedWallMs: NOW.wallMs - agoMs }),
    );
  }

  const SEEN = judgement({
    delegation: judged('delegation/INTERCEPTED', 'unknown'),
    authority: judged('authority/INTERCEPTED', 'unknown'),
  });

  test('the word of public resolvers alone is a good check where nothing is open', () => {
    const { state } = checked(SEEN, { streak: streak('host:home', 1) });

    expect(state.hosts.home?.check.streak).toMatchObject({ about: '', count: 1 });
  });

  test.each<{ name: string; open: Incident; isOver: boolean }>([
    {
      name: 'of a name that they alone have shown to be wrong',
      open: incident('host:home', { code: 'public/WRONG' }),
      isOver: true,
    },
    { name: 'of a name whose servers were wrong', open: incident('host:home'), isOver: false },
    {
      name: 'of a zone in other hands',
      open: incident(`zone:${ZONE}`, { code: 'delegation/CHANGED' }),
      isOver: false,
    },
  ])(
    'comes with the word of public resolvers, where nobody else can be asked, $name: $isOver',
    ({ open, isOver }) => {
      const found = checked(SEEN, { streak: goodSince(10 * MINUTE_MS), incidents: [open] });

      expect(found.open).toHaveLength(isOver ? 0 : 1);
    },
  );

  test.each<{ name: string; cam: Partial<HostState>; isOver: boolean }>([
    { name: 'is good as well', cam: { check: checkOf(goodTwice()) }, isOver: true },
    { name: 'is not good yet', cam: { check: checkOf(streak(`zone:${ZONE}`, 3)) }, isOver: false },
    { name: 'was good once', cam: { check: checkOf({ ...goodTwice(), count: 1 }) }, isOver: false },
    { name: 'was not looked at', cam: { check: checkOf(undefined) }, isOver: false },
    { name: 'is not checked any more', cam: { check: checkOf(undefined), confirmed: {} }, isOver: true },
  ])('of a zone comes when its other name $name: $isOver', ({ cam, isOver }) => {
    const open = incident(`zone:${ZONE}`, {
      subject: ZONE,
      code: 'authority/ZONE_FAULT',
      hosts: ['home', 'cam'],
    });

    const found = checked(WELL, { streak: goodSince(10 * MINUTE_MS), cam, incidents: [open] });

    expect(found.open).toHaveLength(isOver ? 0 : 1);
  });

  function goodTwice(): Streak {
    return { about: '', count: 2, firstMs: NOW.ms - 10 * MINUTE_MS, lastMs: NOW.ms - 5 * MINUTE_MS };
  }

  function checkOf(of: Streak | undefined) {
    return { count: 9, nextMs: NOW.ms + HOUR_MS, pending: false, zone: ZONE, ...(of && { streak: of }) };
  }

  test('is told with its length, once', () => {
    const found = checked(WELL, { streak: goodSince(10 * MINUTE_MS), incidents: [incident('host:home')] });

    expect(sentencesOf(found)).toEqual([
      'incident/CLOSED home.example.org is all right again. It took 1 hour.',
    ]);
    expect(found.reports[0]).toMatchObject({ level: 'notice', incident: 'host:home@5', host: 'home' });
    expect(found.state.incidents[0]).toMatchObject({ mustAct: false, closedWallMs: NOW.wallMs });
  });

  test.each<{ name: string; code: string; adopted?: true; says: string }>([
    { name: 'comes back', code: 'delegation/CHANGED', says: 'example.org is all right again.' },
    {
      name: 'is in its new hands for good',
      code: 'delegation/CHANGED',
      adopted: true,
      says: 'The new servers of example.org have worked for a week and are now taken for the right ones.',
    },
    {
      name: 'was adopted long ago and had a fault',
      code: 'authority/ZONE_FAULT',
      adopted: true,
      says: 'example.org is all right again.',
    },
  ])('says that a zone $name', ({ code, adopted, says }) => {
    const zone = incident(`zone:${ZONE}`, { subject: ZONE, code });
    const state = world({ streak: goodSince(10 * MINUTE_MS), incidents: [zone] });
    const baseline = { nameServers: [], sinceWallMs: 0, ...(adopted && { adopted }) };

    const found = after(
      { ...state, baselines: { [ZONE]: baseline } },
      { type: 'verified', host: 'home', found: WELL },
    );

    expect(sentencesOf(found)).toEqual([`incident/CLOSED ${says} It took 1 hour.`]);
  });

  test.each([
    { name: 'before the clock was set', openedWallMs: 60_000 },
    { name: 'later than now, by a clock that was wrong', openedWallMs: NOW.wallMs + 1 },
    { name: 'at this moment', openedWallMs: NOW.wallMs },
  ])('says no length where it began $name', ({ openedWallMs }) => {
    const open = incident('host:home', { openedWallMs });

    const found = checked(WELL, { streak: goodSince(10 * MINUTE_MS), incidents: [open] });

    expect(sentencesOf(found)).toEqual(['incident/CLOSED home.example.org is all right again.']);
  });

  test('says the least length where it began a moment ago', () => {
    const open = incident('host:home', { openedWallMs: NOW.wallMs - 1 });

    const found = checked(WELL, { streak: goodSince(10 * MINUTE_MS), incidents: [open] });

    expect(sentencesOf(found)).toEqual([
      'incident/CLOSED home.example.org is all right again. It took 1 minute.',
    ]);
  });
});

describe('what is not there any more', () => {
  test.each<{ name: string; before: World; says: string | undefined }>([
    {
      name: 'a zone of which one name is still checked',
      before: {
        incidents: [incident(`zone:${ZONE}`, { subject: ZONE, hosts: ['home', 'cam'] })],
        cam: { confirmed: {} },
      },
      says: undefined,
    },
    {
      name: 'a zone of which no name is checked',
      before: {
        incidents: [incident(`zone:${ZONE}`, { subject: ZONE, hosts: ['home', 'cam'] })],
        home: { confirmed: {}, choices: {} },
        cam: { confirmed: {}, choices: {} },
      },
      says: `${ZONE} is not checked any more.`,
    },
    {
      name: 'a name that is not checked',
      before: { incidents: [incident('host:home')], home: { confirmed: {}, choices: {} } },
      says: 'home.example.org is not checked any more.',
    },
    {
      name: 'an account',
      before: { incidents: [incident('account:other', { subject: 'other' })] },
      says: 'other: The account is not configured any more.',
    },
    {
      name: 'a hostname',
      before: { incidents: [incident('name:other', { subject: 'other.example.org', hosts: ['other'] })] },
      says: 'other.example.org is not configured any more.',
    },
  ])('$name: $says', ({ before, says }) => {
    const { state, ...found } = woken(before);

    expect(sentencesOf({ state, ...found })).toEqual(says === undefined ? [] : [`incident/ENDED ${says}`]);
    expect(state.incidents[0]?.unresolved).toBe(says === undefined ? undefined : true);
  });

  test('an account goes by the name that it was told with', () => {
    const told = incident('account:other', { subject: 'other', title: 'Example DDNS (other)' });

    expect(sentencesOf(woken({ incidents: [told] }))).toEqual([
      'incident/ENDED Example DDNS (other): The account is not configured any more.',
    ]);
  });

  test('is told of one that is over no more', () => {
    const closed = incident('account:other', { subject: 'other', closedWallMs: NOW.wallMs - 1 });

    expect(woken({ incidents: [closed] }).reports).toEqual([]);
  });
});

describe('updates that are not taken', () => {
  const CHANGED: Partial<HostState> = {
    choices: { ipv4: { address: '192.0.2.99', network: 'wan', device: 'eth1' } },
  };
  const failure = (kind: Failure['kind'], scope: Failure['scope']): Failure => ({
    ...{ kind, scope },
    ...{ code: 'http/TEST', sentence: 'It did not work.', reply: 'no' },
  });
  const waiting = (of: Failure) => ({ failures: 3, notBeforeMs: NOW.ms + MINUTE_MS, failure: of });
  const since = (agoMs: number) => ({ sinceMs: NOW.ms - agoMs, sinceWallMs: NOW.wallMs - agoMs });
  const BUSY = waiting(failure('busy', 'account'));
  const SILENT = waiting(failure('unreachable', 'attempt'));
  const heard = (checkedWallMs: number): Axis => ({
    ...judged('authority/OK'),
    ...{ sinceWallMs: 0, checkedWallMs },
  });

  test.each<{ name: string; home?: Partial<HostState>; changes: Changes; open: string[] }>([
    {
      name: 'for less than an hour',
      changes: { account: { wait: BUSY, failing: since(HOUR_MS - 1) } },
      open: [],
    },
    {
      name: 'for an hour',
      changes: { account: { wait: BUSY, failing: since(HOUR_MS) } },
      open: ['account:a http/TEST: home cam'],
    },
    {
      name: 'for an hour, of one name',
      home: { retry: BUSY, failing: since(HOUR_MS) },
      changes: {},
      open: ['name:home http/TEST: home'],
    },
    {
      name: 'for an hour, while no server of the DNS answers either',
      home: { axes: { authority: heard(NOW.wallMs - HOUR_MS) } },
      changes: { lane: { retry: SILENT }, account: { failing: since(HOUR_MS) } },
      open: [],
    },
    {
      name: 'for an hour, while the servers of the DNS answer',
      home: { axes: { authority: heard(NOW.wallMs - HOUR_MS + 1) } },
      changes: { lane: { retry: SILENT }, account: { failing: since(HOUR_MS) } },
      open: ['account:a http/TEST: home cam'],
    },
  ])('$name', ({ home, changes, open }) => {
    const found = woken({ home: { ...CHANGED, ...home }, changes });

    expect(found.open).toEqual(open);
  });

  test('where nothing is checked, nobody knows better', () => {
    const state = world({
      home: CHANGED,
      changes: { lane: { retry: SILENT }, account: { failing: since(HOUR_MS) } },
    });
    const agent = { ...state.plan.agent, verify: false };

    const { open } = after({ ...state, plan: { ...state.plan, agent } }, { type: 'woken' });

    expect(open).toEqual(['account:a http/TEST: home cam']);
  });

  test('is told with since when and with the reply', () => {
    const account = woken({ home: CHANGED, changes: { account: { wait: BUSY, failing: since(HOUR_MS) } } });
    const name = woken({ home: { ...CHANGED, retry: BUSY, failing: since(HOUR_MS) } });

    const when = 'Seen since 31 December, 23:00 UTC.';
    expect(sentencesOf(account)).toEqual([
      `incident/OPENED Example DDNS has taken no update of home.example.org for an hour. It did not work. ${when}`,
    ]);
    expect(account.reports[0]).toMatchObject({ level: 'warning', account: 'a' });
    expect(account.state.incidents[0]).toMatchObject({ evidence: ['Reply: no'], mustAct: false });
    expect(sentencesOf(name)).toEqual([
      `incident/OPENED The update of home.example.org has failed for an hour. It did not work. ${when}`,
    ]);
    expect(name.reports[0]).toMatchObject({ level: 'warning', host: 'home' });
  });

  test('is told of the whole account, where none of its names has its address', () => {
    const account = { wait: BUSY, failing: since(HOUR_MS) };

    const found = woken({ home: CHANGED, cam: CHANGED, changes: { account } });

    expect(sentencesOf(found)[0]).toContain('Example DDNS has taken no update for an hour.');
  });

  test('is told of four names, and how many more there are', () => {
    const ids = ['n1', 'n2', 'n3', 'n4', 'n5'];
    const state = world({ home: CHANGED, changes: { account: { wait: BUSY, failing: since(HOUR_MS) } } });
    const { home: plan } = state.plan.hosts;
    const { home, cam } = state.hosts;
    if (!plan || !home || !cam) {
      throw new Error('the agent at rest has lost its hostname');
    }
    const named = <Of>(one: Of) => ids.map((id) => [id, { ...one, id, hostname: `${id}.example.org` }]);
    const plans = { ...Object.fromEntries(named(plan)), cam: { ...plan, id: 'cam' } };
    const hosts = { ...Object.fromEntries(named(home)), cam };

    const found = after({ ...state, plan: { ...state.plan, hosts: plans }, hosts }, { type: 'woken' });

    expect(sentencesOf(found)[0]).toContain(
      'has taken no update of n1.example.org, n2.example.org, n3.example.org, n4.example.org and 1 more for an hour.',
    );
  });

  test('is looked at when the hour is over', () => {
    const far = waiting(failure('busy', 'account'));
    const account = { wait: { ...far, notBeforeMs: NOW.ms + 10 * HOUR_MS }, failing: since(50 * MINUTE_MS) };
    const check = { count: 9, nextMs: NOW.ms + HOUR_MS, pending: false };
    const state = world({ home: { ...CHANGED, check }, cam: { check }, changes: { account } });
    const reads = {
      network: { nextMs: NOW.ms + HOUR_MS, pending: false, again: false, outdated: false, failures: 0 },
    };

    const { wakeMs, state: next } = step({ ...state, reads }, { type: 'woken' }, NOW);

    expect((wakeMs ?? 0) - NOW.ms).toBe(10 * MINUTE_MS);
    expect(next.accounts.a?.failing).toEqual(since(50 * MINUTE_MS));
  });

  test('is told with what the account waits for, and not with what its line does', () => {
    const other = { ...failure('unreachable', 'attempt'), code: 'http/OTHER' };
    const account = { wait: BUSY, failing: since(HOUR_MS) };

    const found = woken({ home: CHANGED, changes: { account, lane: { retry: waiting(other) } } });

    expect(found.open).toEqual(['account:a http/TEST: home cam']);
  });

  test('is remembered from the first failure on, and forgotten with the first success', () => {
    const begun = woken({ home: CHANGED, changes: { account: { wait: BUSY } } });
    const name = woken({ home: { ...CHANGED, retry: { ...BUSY, failures: 1 } } });
    const over = woken({ changes: { account: { failing: since(MINUTE_MS) } } });

    expect(begun.state.accounts.a?.failing).toEqual(since(0));
    expect(name.state.hosts.home?.failing).toEqual(since(0));
    expect(over.state.accounts.a).not.toHaveProperty('failing');
  });

  test.each<{ name: string; home: Partial<HostState> }>([
    { name: 'nothing is due', home: {} },
    { name: 'what is due is blocked', home: { ...CHANGED, block: blockOf('x/NO') } },
  ])('are none where $name', ({ home }) => {
    const { state } = woken({ home, changes: { account: { wait: BUSY } } });

    expect(state.accounts.a).not.toHaveProperty('failing');
  });

  test.each<{ name: string; home: Partial<HostState>; changes: Changes; end?: string }>([
    { name: 'none is due', home: {}, changes: {}, end: 'No update for Example DDNS is waiting any more' },
    { name: 'one is still due', home: { ...CHANGED, retry: BUSY }, changes: {} },
    {
      name: 'the line is down',
      home: { choices: { ipv4: { code: 'wan/DOWN', sentence: 'Down.' } } },
      changes: {},
    },
    {
      name: 'one is due, and another was taken since',
      home: { ...CHANGED, confirmed: takenAgo(2 * HOUR_MS, HOUR_MS - 1) },
      changes: {},
      end: 'Example DDNS takes updates again',
    },
    {
      name: 'one is due, and another was taken just before it began',
      home: { ...CHANGED, confirmed: takenAgo(2 * HOUR_MS, HOUR_MS) },
      changes: {},
    },
    {
      name: 'it is still blocked',
      home: {},
      changes: { account: { block: blockOf('http/TEST') } },
    },
  ])('end when $name: $end', ({ home, changes, end }) => {
    const open = incident('account:a', { subject: 'a', hosts: ['home', 'cam'], code: 'http/TEST' });
    const lane = { retry: { failures: 0, notBeforeMs: NOW.ms + MINUTE_MS } };

    const found = woken({
      home: { confirmed: takenAgo(2 * HOUR_MS), ...home },
      cam: { confirmed: takenAgo(2 * HOUR_MS) },
      incidents: [open],
      changes: { lane, ...changes },
    });

    expect(found.open.filter((one) => one.startsWith('account:'))).toHaveLength(end ? 0 : 1);
    expect(sentencesOf(found)).toEqual(end ? [`incident/CLOSED ${end}. It took 1 hour.`] : []);
  });

  test('of one name end when none is due', () => {
    const open = incident('name:home', { code: 'http/TEST' });

    const found = woken({ home: { confirmed: takenAgo(2 * HOUR_MS) }, incidents: [open] });

    expect(sentencesOf(found)).toEqual([
      'incident/CLOSED No update of home.example.org is waiting any more. It took 1 hour.',
    ]);
  });

  test.each<{ unread: boolean; end?: string }>([
    { unread: true },
    { unread: false, end: 'Example DDNS takes updates again' },
  ])(
    'of an account that has an alias alone end when that was read, unread $unread: $end',
    ({ unread, end }) => {
      const state = world({ incidents: [incident('account:a', { subject: 'a', hosts: [] })] });
      const check = { count: 0, nextMs: NOW.ms + HOUR_MS };
      const alias = {
        hostname: 'www.example.info',
        account: 'a',
        revision: '1',
        health: {},
        retry: NO_RETRY,
      };

      const found = after(
        { ...state, plan: { ...state.plan, hosts: {} }, aliases: { www: { ...alias, unread, check } } },
        { type: 'woken' },
      );

      expect(sentencesOf(found)).toEqual(end ? [`incident/CLOSED ${end}. It took 1 hour.`] : []);
    },
  );

  test.each<{ name: string; changes: Changes; home?: Partial<HostState>; open: string; says: string }>([
    {
      name: 'account',
      changes: { account: { block: blockOf('x/NO') } },
      open: 'account:a x/NO: home cam',
      says: 'Example DDNS',
    },
    {
      name: 'hostname',
      changes: {},
      home: { block: blockOf('x/NO') },
      open: 'name:home x/NO: home',
      says: 'home.example.org',
    },
  ])('a block of the $name is told at once, and that somebody must act', ({ changes, home, open, says }) => {
    const found = woken({ changes, ...(home && { home }) });

    expect(found.open).toEqual([open]);
    expect(found.state.incidents[0]).toMatchObject({ mustAct: true, evidence: [] });
    expect(sentencesOf(found)).toEqual([
      `incident/OPENED ${says}: ${STOPPED} Seen since 31 December, 23:00 UTC.`,
    ]);
  });

  test('a block for another reason is the same incident with another text', () => {
    const open = incident('account:a', { subject: 'a', code: 'x/OLD', sentence: 'Old.' });

    const found = woken({ changes: { account: { block: blockOf('x/NEW') } }, incidents: [open] });

    expect(found.reports).toEqual([]);
    expect(found.state.incidents).toMatchObject([
      {
        id: 'account:a@5',
        code: 'x/NEW',
        sentence: `Example DDNS: ${STOPPED} Seen since 31 December, 23:00 UTC.`,
        mustAct: true,
      },
    ]);
  });

  test('a name that is gone and therefore refused is one incident', () => {
    const authority = { ...judged('authority/GONE'), sinceWallMs: 0, checkedWallMs: 0 };
    const home = { block: blockOf('x/NOHOST'), axes: { authority } };

    expect(woken({ home }).open).toEqual([]);
    expect(woken({ home, incidents: [incident('name:home', { code: 'x/OLD' })] }).open).toEqual([
      'name:home x/NOHOST: home',
    ]);
  });

  const NOHOST = blockOf('x/NOHOST');
  const told = (code: string) => [incident('host:home', { code, sentence: 'It is gone.' })];
  const axes = (code: string, verdict?: AxisVerdict) => ({
    authority: { ...judged(code, verdict), sinceWallMs: 0, checkedWallMs: 0 },
  });

  test.each<{ name: string; code: string; verdict?: AxisVerdict; open: string; says: RegExp }>([
    {
      name: 'well',
      code: 'authority/OK',
      open: 'x/NOHOST',
      says: /there again, but its updates are stopped/,
    },
    {
      name: 'well, with a warning',
      ...{ code: 'authority/SOME_DOWN', verdict: 'warning' },
      ...{ open: 'x/NOHOST', says: /there again, but its updates are stopped/ },
    },
    {
      name: 'there with another address',
      ...{ code: 'authority/STALE', open: 'x/NOHOST', says: /there again, but its updates are stopped/ },
    },
    { name: 'not to be asked', code: 'x/SILENT', verdict: 'unknown', open: 'authority/GONE', says: /gone/ },
    { name: 'still gone', code: 'authority/GONE', open: 'authority/GONE', says: /gone/ },
  ])('a name that was gone and is refused stays one incident when it is $name', (row) => {
    const home = { block: NOHOST, axes: axes(row.code, row.verdict) };

    const found = woken({ home, incidents: told('authority/GONE') });

    expect(found.open).toEqual([`host:home ${row.open}: home`]);
    expect(found.state.incidents[0]?.sentence).toMatch(row.says);
    expect(found.reports).toEqual([]);
  });

  test.each([
    { found: WELL, code: 'x/NOHOST', says: 'It is gone.' },
    { found: STALE, code: 'x/NOHOST', says: 'It is gone.' },
    // It was taken away again.
    { found: GONE, code: 'authority/GONE', says: `It is authority/GONE. ${RESUME} Seen since` },
  ])('that is there again and refused keeps its text until it is gone again: $code', (row) => {
    const since = streak(row.found === WELL ? '' : 'host:home', 4, HOUR_MS);
    const home = { block: NOHOST, check: { ...PENDING, streak: since } };

    const { open, reports, state } = checked(row.found, { home, incidents: told('x/NOHOST') });

    expect(open).toEqual([`host:home ${row.code}: home`]);
    expect(state.incidents[0]?.sentence).toContain(row.says);
    expect(reports).toEqual([]);
  });

  test('that is there again is over once its updates are not refused any more', () => {
    const home = { check: { ...PENDING, streak: streak('', 4, HOUR_MS) } };

    const { open, reports } = checked(WELL, { home, incidents: told('x/NOHOST') });

    expect(open).toEqual([]);
    expect(reports.map(({ code }) => code)).toEqual(['incident/CLOSED']);
  });

  test.each<{ name: string; found: Judgement; home: Partial<HostState>; says: string }>([
    {
      name: 'that is gone and refused is told with how to go on',
      ...{ found: GONE, home: { block: NOHOST }, says: `It is authority/GONE. ${RESUME} Seen` },
    },
    {
      name: 'that is gone alone is told without it',
      ...{ found: GONE, home: {}, says: 'It is authority/GONE. Seen' },
    },
    {
      name: 'that is refused and has another address is told without it',
      ...{ found: STALE, home: { block: NOHOST }, says: 'It is authority/STALE. Seen' },
    },
  ])('$name', ({ found, home, says }) => {
    const check = { ...PENDING, streak: streak('host:home', 1) };

    const { reports } = checked(found, { home: { ...home, check } });

    expect(reports[0]?.sentence).toContain(says);
  });

  test.each<{ name: string; found: Judgement; home: Partial<HostState>; isTold: boolean }>([
    { name: 'gone', found: GONE, home: { retry: BUSY }, isTold: false },
    { name: 'gone, and refused', found: GONE, home: { block: NOHOST }, isTold: false },
    { name: 'elsewhere', found: STALE, home: { retry: BUSY }, isTold: true },
    { name: 'elsewhere, and refused', found: STALE, home: { block: NOHOST }, isTold: false },
  ])('of a name that is $name are told; so is what the servers say: $isTold', ({ found, home, isTold }) => {
    const open = incident('name:home', { code: home.block?.code ?? 'http/TEST' });
    const check = { ...PENDING, streak: streak('host:home', 1) };

    const after = checked(found, { home: { ...CHANGED, ...home, check }, incidents: [open] });

    const told = isTold ? ['host:home authority/STALE: home'] : [];
    expect(after.open).toEqual([`name:home ${open.code}: home`, ...told]);
  });

  test('an account shares the name of its provider only where it is the only one there', () => {
    const state = world({ changes: { account: { block: blockOf('x/NO') } } });
    const { a } = state.plan.accounts;
    if (!a) {
      throw new Error('the agent at rest has lost its account');
    }
    const withOther = (other: AccountPlan) =>
      after({ ...state, plan: { ...state.plan, accounts: { a, other } } }, { type: 'woken' });

    const alone = withOther({ ...a, id: 'other', providerTitle: 'Other DDNS' });
    const together = withOther({ ...a, id: 'other' });

    expect([alone, together].map(({ state: { incidents } }) => incidents[0]?.title)).toEqual([
      'Example DDNS',
      'Example DDNS (a)',
    ]);
    expect(sentencesOf(together)).toEqual([
      `incident/OPENED Example DDNS (a): ${STOPPED} Seen since 31 December, 23:00 UTC.`,
    ]);
  });

  test('of an account that has no names any more end, and nobody knows whether all is well', () => {
    const open = incident('account:a', { subject: 'a', hosts: [], mustAct: true });
    const state = world({ incidents: [open] });

    const found = after({ ...state, plan: { ...state.plan, hosts: {} } }, { type: 'woken' });

    expect(sentencesOf(found)).toEqual(['incident/ENDED No update for Example DDNS is waiting any more.']);
    expect(found.state.incidents[0]).toMatchObject({
      ...{ unresolved: true, mustAct: false, closedWallMs: NOW.wallMs },
    });
  });

  function takenAgo(ipv4Ms: number, ipv6Ms = ipv4Ms) {
    return {
      ipv4: { ...OLD.ipv4, wallMs: NOW.wallMs - ipv4Ms },
      ipv6: { ...OLD.ipv6, wallMs: NOW.wallMs - ipv6Ms },
    };
  }

  function blockOf(code: string) {
    return { code, sentence: 'Stopped.', sinceWallMs: NOW.wallMs - HOUR_MS };
  }
});

describe('the list of incidents', () => {
  const closed = (number: number) =>
    incident(`host:${number}`, { id: `host:h${number}@${number}`, closedWallMs: NOW.wallMs });
  const open = (number: number) =>
    incident(`zone:${number}`, { id: `zone:z${number}@${number}`, hosts: ['cam'] });

  test.each([
    {
      name: 'twenty with the new one',
      before: [closed(0), ...many(closed, 18)],
      left: 20,
      dropsFirst: false,
    },
    { name: 'one more than twenty', before: [closed(0), ...many(closed, 19)], left: 20, dropsFirst: true },
    { name: 'those that are open', before: [open(0), ...many(open, 24)], left: 26, dropsFirst: false },
    {
      name: 'the open ones first',
      before: [open(0), closed(50), ...many(closed, 18)],
      left: 20,
      dropsFirst: false,
    },
  ])('keeps $name', ({ before, left, dropsFirst }) => {
    const { state } = checked(STALE, { streak: streak('host:home', 1), incidents: before });

    expect(state.incidents).toHaveLength(left);
    expect(state.incidents.some(({ id }) => id === before[0]?.id)).toBe(!dropsFirst);
    expect(state.incidents.at(-1)?.id).toMatch(/^host:home@/);
  });

  function many(make: (number: number) => Incident, count: number): Incident[] {
    return Array.from({ length: count }, (_, index) => make(index + 1));
  }

  test.each([1, 2])('gives each its own id, also as the one after %i within one second', (others) => {
    const second = NOW.wallMs / 1000;
    const before = Array.from({ length: others }, (_, more) =>
      incident('host:home', { id: `host:home@${second + more}`, closedWallMs: NOW.wallMs }),
    );

    const { state } = checked(STALE, { streak: streak('host:home', 1), incidents: before });

    expect(state.incidents.at(-1)?.id).toBe(`host:home@${second + others}`);
  });
});
