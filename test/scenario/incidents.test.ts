/** What goes wrong around a name, how often people hear of it, and that it never makes more updates. */
import { describe, expect, test } from 'vitest';
import type { AnswerKind, ServerAnswer, Verification } from '../../agent/core/health.ts';
import { statusOf } from '../../agent/engine/status.ts';
import { good, moveTo, type Reply, type ScenarioAgent, says, scenario, unreachable } from './agent.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WAN = '198.51.100.10';

const AGENT = `
config agent
	option verify '1'
	option resync '86400'
	option contact 'admin@example.org'
	list notify 'https://hooks.example.net/secret'

config account 'noip'
	option provider 'no-ip.com'
	option username 'noip-user'
	option password 'secret-noip'
`;

function host(id: string, hostname: string): string {
  return `
config hostname '${id}'
	option hostname '${hostname}'
	option account 'noip'
	option allow_private '1'
`;
}

const HOME = AGENT + host('home', 'home.ddns.net');
const TWO = HOME + host('cam', 'cam.ddns.net');

/** What the DNS is like today. */
type Day =
  | 'fine'
  | 'taken'
  | 'copied'
  | 'sinkholed'
  | 'dead'
  | 'stale'
  | 'gone'
  | 'no-line'
  | 'filtered'
  | 'extended';

const OWN = ['nf1.no-ip.com', 'nf2.no-ip.com'];
const TAKERS = ['ns7.seizure.example', 'ns8.seizure.example'];
const KINDS: Record<Day, AnswerKind> = {
  fine: 'ok',
  copied: 'ok',
  taken: 'unreachable',
  sinkholed: 'wrong',
  dead: 'unreachable',
  stale: 'wrong',
  gone: 'gone',
  'no-line': 'unreachable',
  filtered: 'ok',
  extended: 'ok',
};

function answer(kind: AnswerKind, address: string): ServerAnswer {
  const addresses = kind === 'ok' ? [address] : kind === 'wrong' ? ['203.0.113.66'] : [];
  const server = { server: `${OWN[0]} (192.0.2.53)`, family: 'ipv4' as const, kind, addresses, ttlSec: 60 };
  return { ...server, detail: `A ${addresses.join(' ') || 'none'}` };
}

function sight(day: Day, address = ''): Verification {
  const isTaken = day === 'taken' || day === 'copied' || day === 'sinkholed';
  const names = isTaken ? TAKERS : day === 'extended' ? [...OWN, ...TAKERS] : OWN;
  const view = { nameServers: names.map((name) => ({ name, addresses: ['192.0.2.53'] })) };
  const control = { kind: day === 'no-line' ? ('silent' as const) : ('fine' as const), evidence: [] };
  return {
    zone: 'ddns.net',
    ...(day !== 'no-line' && { view }),
    delegation: day === 'no-line' ? [] : [{ server: 'a.net.example', nameServers: names }],
    authority: [answer(KINDS[day], address)],
    ...(isTaken && { former: [answer('ok', address)] }),
    ...(day === 'sinkholed' && { sibling: { addresses: ['203.0.113.66'], detail: '' } }),
    control,
    publicView: [answer(day === 'dead' || day === 'taken' ? 'fault' : KINDS[day], address)],
    ...(day === 'filtered' && { ownView: [{ ...answer('wrong', ''), kind: 'blocked' as const }] }),
  };
}

interface Played {
  agent: ScenarioAgent;
  /** Moments of all checks of `home`. */
  checkedMs: number[];
  /** `only`: the other names have a fine day. */
  turn(day: Day, more?: Partial<Verification>, only?: string): void;
}

/** An agent whose name is confirmed and fine, and a DNS that a test turns. */
async function begin(config = HOME, replies: Reply | Reply[] = good): Promise<Played> {
  let day: Day = 'fine';
  let extra: Partial<Verification> = {};
  let only: string | undefined;
  const checkedMs: number[] = [];
  const agent: ScenarioAgent = await scenario({
    config,
    replies,
    verify({ host: id, ipv4 }) {
      if (id === 'home') {
        checkedMs.push(atMs());
      }
      return only === undefined || only === id ? { ...sight(day, ipv4), ...extra } : sight('fine', ipv4);
    },
  });
  const startMs = agent.clock.monotonicMs();
  function atMs(): number {
    return agent.clock.monotonicMs() - startMs;
  }
  return {
    agent,
    checkedMs,
    turn(next, more = {}, host) {
      only = host;
      day = next;
      extra = more;
    },
  };
}

/** `opened CODE SUBJECT` and `closed CODE SUBJECT`, as a channel got them. */
function told({ told: messages }: ScenarioAgent): string[] {
  return messages
    .filter(({ channel }) => channel === 'web')
    .map(({ message: { kind, incident } }) => `${kind} ${incident.code} ${incident.subject}`);
}

function openOf(agent: ScenarioAgent) {
  return agent.state().incidents.filter(({ closedWallMs }) => closedWallMs === undefined);
}

function statusNow(agent: ScenarioAgent) {
  const now = { ms: agent.clock.monotonicMs(), wallMs: agent.clock.nowMs(), random: 0.5 };
  const facts = { version: '', runtime: '', startedAt: '', memoryKib: 0, pid: 1, limits: [] };
  return statusOf(agent.state(), now, facts, [], []);
}

describe('a zone in other hands', () => {
  test('is told once for all its names, at the next check, and once more when it is over', async () => {
    const { agent, turn } = await begin(TWO);
    await agent.advance(2 * HOUR_MS);
    const sent = agent.requests.length;

    turn('taken');
    await agent.advance(70 * MINUTE_MS);
    const [incident] = openOf(agent);

    expect(told(agent)).toEqual(['opened delegation/CHANGED ddns.net']);
    expect(incident).toMatchObject({ hosts: ['home', 'cam'], mustAct: false });
    expect(incident?.sentence).toMatch(/No-IP itself still has your right address.*Seen since .* UTC\.$/);

    await agent.advance(48 * HOUR_MS);
    turn('fine');
    await agent.advance(HOUR_MS);

    expect(told(agent)).toEqual(['opened delegation/CHANGED ddns.net', 'closed delegation/CHANGED ddns.net']);
    expect(openOf(agent)).toEqual([]);
    expect(agent.state().incidents[0]?.sentence).toMatch(/^ddns\.net is all right again\. It took 2 days/);
    expect(agent.requests).toHaveLength(sent);
  });

  test('is an incident even while the names work there', async () => {
    const { agent, turn } = await begin();
    turn('copied');
    await agent.advance(2 * HOUR_MS);

    // Nothing was known of the zone before: the first hands that serve the name are taken for the right ones.
    expect(told(agent)).toEqual([]);

    turn('fine');
    await agent.advance(2 * HOUR_MS);

    expect(told(agent)).toEqual(['opened delegation/CHANGED ddns.net']);
    expect(statusNow(agent).hostnames[0]).toMatchObject({ works: 'yes' });
  });

  test('keeps its text while less is seen of it, and gets a better one without a message', async () => {
    const { agent, turn } = await begin();
    await agent.advance(HOUR_MS);
    turn('dead');
    await agent.advance(90 * MINUTE_MS);
    const [dead] = openOf(agent);

    turn('sinkholed');
    await agent.advance(10 * MINUTE_MS);
    const [sunk] = openOf(agent);
    turn('dead');
    await agent.advance(HOUR_MS);
    const [last] = openOf(agent);

    expect([dead?.code, sunk?.code, last?.code]).toEqual([
      'authority/ZONE_FAULT',
      'delegation/CHANGED',
      'delegation/CHANGED',
    ]);
    expect(new Set([dead?.id, sunk?.id, last?.id]).size).toBe(1);
    expect(told(agent)).toEqual(['opened authority/ZONE_FAULT ddns.net']);
  });

  test('takes in the incident of a single name', async () => {
    const { agent, turn } = await begin();
    await agent.advance(HOUR_MS);
    turn('stale');
    await agent.advance(2 * HOUR_MS);
    turn('taken');
    await agent.advance(HOUR_MS);

    expect(told(agent)).toEqual([
      'opened authority/STALE home.ddns.net',
      'opened delegation/CHANGED ddns.net',
      'closed authority/STALE home.ddns.net',
    ]);
    expect(openOf(agent).map(({ subject }) => subject)).toEqual(['ddns.net']);
    expect(agent.state().incidents[0]?.sentence).toMatch(/is now part of what happened to ddns\.net/);
  });

  test('waits for a good word of each of its names that was given after it began', async () => {
    const { agent, turn, checkedMs } = await begin(TWO);
    await agent.advance(65 * MINUTE_MS);
    turn('dead', {}, 'cam');
    await agent.advance(2 * HOUR_MS);
    const [incident] = openOf(agent);
    const before = checkedMs.filter((time) => time < 65 * MINUTE_MS).length;

    expect(incident?.hosts).toEqual(['home', 'cam']);
    // The name that was fine is looked at within minutes of the opening, and not at its next hour.
    const openedMs = agent.events.find(({ code }) => code === 'incident/OPENED')?.atMs ?? 0;
    const next = checkedMs.slice(before).find((time) => time > openedMs) ?? 0;
    expect(next - openedMs).toBeLessThan(7 * MINUTE_MS);
  });

  test('becomes the right one after a week of working answers, and not before', async () => {
    const { agent, turn } = await begin();
    await agent.advance(HOUR_MS);
    turn('copied');
    await agent.advance(6.5 * DAY_MS);
    const before = told(agent);
    await agent.advance(DAY_MS);

    expect(before).toEqual(['opened delegation/CHANGED ddns.net']);
    expect(told(agent).at(-1)).toBe('closed delegation/CHANGED ddns.net');
    expect(agent.state().incidents[0]?.sentence).toMatch(/have worked for a week/);
    expect(agent.state().baselines['ddns.net']?.nameServers.map(({ name }) => name)).toEqual(TAKERS);
  });

  test('begins its week anew after it failed for a moment', async () => {
    const { agent, turn } = await begin();
    await agent.advance(HOUR_MS);
    turn('copied');
    await agent.advance(5 * DAY_MS);
    turn('sinkholed');
    await agent.advance(HOUR_MS);
    turn('copied');
    await agent.advance(5 * DAY_MS);

    expect(agent.state().baselines['ddns.net']?.nameServers.map(({ name }) => name)).toEqual(OWN);
    expect(told(agent)).toEqual(['opened delegation/CHANGED ddns.net']);
  });

  test('is not told again after a restart or a reboot', async () => {
    const { agent, turn } = await begin();
    await agent.advance(HOUR_MS);
    turn('taken');
    await agent.advance(2 * HOUR_MS);

    await agent.restart();
    await agent.advance(2 * HOUR_MS);
    await agent.reboot();
    await agent.advance(2 * HOUR_MS);

    expect(told(agent)).toEqual(['opened delegation/CHANGED ddns.net']);

    turn('fine');
    await agent.restart();
    await agent.advance(2 * HOUR_MS);

    expect(told(agent)).toEqual(['opened delegation/CHANGED ddns.net', 'closed delegation/CHANGED ddns.net']);
  });

  test('servers of another operator beside the own ones are a warning and no incident', async () => {
    const { agent, turn } = await begin();
    await agent.advance(HOUR_MS);
    turn('extended');
    await agent.advance(3 * HOUR_MS);

    expect(told(agent)).toEqual([]);
    expect(agent.codes().filter((code) => code === 'delegation/EXTENDED')).toHaveLength(1);
  });
});

describe('a single name', () => {
  test.each<{ day: Day; code: string; subject: string }>([
    { day: 'stale', code: 'authority/STALE', subject: 'home.ddns.net' },
    { day: 'dead', code: 'authority/ZONE_FAULT', subject: 'ddns.net' },
  ])('$day: confirmed by a second check, then told', async ({ day, code, subject }) => {
    const { agent, turn, checkedMs } = await begin();
    await agent.advance(HOUR_MS);
    const checks = checkedMs.length;
    turn(day);

    while (checkedMs.length < checks + 1) {
      await agent.advance(MINUTE_MS);
    }
    const afterOne = told(agent);
    while (checkedMs.length < checks + 2) {
      await agent.advance(MINUTE_MS);
    }

    expect(afterOne).toEqual([]);
    expect(told(agent)).toEqual([`opened ${code} ${subject}`]);
  });

  test('one bad check among good ones is no incident', async () => {
    const { agent, turn, checkedMs } = await begin();
    await agent.advance(HOUR_MS);
    for (const day of ['stale', 'fine', 'stale', 'fine', 'stale', 'fine'] as const) {
      turn(day);
      const before = checkedMs.length;
      while (checkedMs.length === before) {
        await agent.advance(MINUTE_MS);
      }
    }

    expect(told(agent)).toEqual([]);
  });

  test.each<Day>(['stale', 'dead'])(
    '%s within five minutes of an update: it may be on its way',
    async (day) => {
      const { agent, turn } = await begin();
      turn(day);
      await agent.advance(HOUR_MS);
      const first = agent.events.find(({ code }) => code === 'incident/OPENED');

      expect(first?.atMs).toBeGreaterThan(9 * MINUTE_MS);
      expect(first?.atMs).toBeLessThan(12 * MINUTE_MS);
    },
  );

  test('gone: one more update, and a page to confirm the name', async () => {
    const { agent, turn } = await begin();
    await agent.advance(HOUR_MS);
    turn('gone');
    await agent.advance(2 * DAY_MS);

    expect(agent.requests).toHaveLength(2);
    expect(told(agent)).toEqual(['opened authority/GONE home.ddns.net']);
    expect(openOf(agent)[0]).toMatchObject({ mustAct: true });
    expect(openOf(agent)[0]?.sentence).toMatch(/every 30 days: log in at https:\/\/my\.noip\.com\//);
    expect(statusNow(agent).hostnames[0]).toMatchObject({ works: 'no' });

    turn('fine');
    await agent.advance(HOUR_MS);

    expect(told(agent).at(-1)).toBe('closed authority/GONE home.ddns.net');
    expect(agent.requests).toHaveLength(2);
  });

  test('gone and therefore refused: one cause, one incident', async () => {
    const { agent, turn } = await begin(HOME, [good, () => says('nohost'), good]);
    await agent.advance(HOUR_MS);
    turn('gone');
    await agent.advance(2 * DAY_MS);

    expect(agent.state().hosts.home?.block?.code).toBe('dyndns2/NOHOST');
    expect(told(agent)).toEqual(['opened authority/GONE home.ddns.net']);

    turn('fine');
    await agent.request(['home']);
    await agent.advance(HOUR_MS);

    expect(told(agent).slice(1)).toEqual(['closed authority/GONE home.ddns.net']);
  });

  test.each<{ name: string; days: Day[] }>([
    { name: 'as it was', days: ['fine'] },
    { name: 'with another address', days: ['stale', 'fine'] },
    { name: 'for a while', days: ['fine', 'gone', 'fine'] },
    { name: 'while the line is down', days: ['no-line', 'fine'] },
  ])('gone, refused and there again $name: one incident, until its updates go on', async ({ days }) => {
    const { agent, turn } = await begin(HOME, [good, () => says('nohost'), good]);
    await agent.advance(HOUR_MS);
    turn('gone');
    await agent.advance(5 * HOUR_MS);
    const opened = agent.told[0]?.message.incident;

    for (const day of days) {
      turn(day);
      await agent.advance(5 * HOUR_MS);
    }
    const [open, ...others] = openOf(agent);

    expect(told(agent)).toEqual(['opened authority/GONE home.ddns.net']);
    expect(opened?.sentence).toMatch(/log in at .* After that, save the settings or ask for an update/);
    expect(others).toEqual([]);
    expect(open).toMatchObject({ id: opened?.id, mustAct: true });
    expect(open?.sentence).toMatch(/^home\.ddns\.net is there again, but its updates are stopped: save/);

    await agent.restart();
    await agent.request(['home']);
    await agent.advance(HOUR_MS);

    expect(told(agent)).toEqual([
      'opened authority/GONE home.ddns.net',
      'closed dyndns2/NOHOST home.ddns.net',
    ]);
    expect(agent.told.at(-1)?.message.incident).toMatchObject({ id: opened?.id });
    expect(agent.state().incidents[0]?.sentence).toMatch(/^home\.ddns\.net is all right again\. It took/);
  });

  test.each<{ name: string; days: Day[] }>([
    { name: 'as it was', days: ['fine'] },
    { name: 'with another address', days: ['stale'] },
    { name: 'with another address, after a while', days: ['no-line', 'stale'] },
  ])(
    'refused before a check has seen that it is gone, and there again $name: one incident',
    async (story) => {
      const { agent, turn } = await begin(HOME, [good, () => says('nohost'), good]);
      await agent.advance(HOUR_MS);
      turn('gone');
      moveTo(agent, '198.51.100.77');
      await agent.advance(5 * HOUR_MS);
      for (const day of story.days) {
        turn(day);
        await agent.advance(5 * HOUR_MS);
      }

      expect(told(agent)).toEqual(['opened dyndns2/NOHOST home.ddns.net']);

      turn('fine');
      await agent.request(['home']);
      await agent.advance(5 * HOUR_MS);

      expect(told(agent).slice(1)).toEqual(['closed dyndns2/NOHOST home.ddns.net']);
      expect(openOf(agent)).toEqual([]);
    },
  );

  test('blocked by the filter at home: a warning, and no incident', async () => {
    const { agent, turn } = await begin();
    await agent.advance(HOUR_MS);
    turn('filtered');
    await agent.advance(3 * HOUR_MS);

    expect(told(agent)).toEqual([]);
    expect(agent.codes().filter((code) => code === 'public/LOCAL_FILTER')).toHaveLength(1);
    expect(statusNow(agent).hostnames[0]).toMatchObject({
      works: 'yes',
      axes: { publicView: { verdict: 'warning', mustAct: true } },
    });
  });

  test.each<{ kind: AnswerKind; when: string; says: RegExp }>([
    {
      kind: 'wrong',
      when: 'elsewhere',
      says: /have led people to 203\.0\.113\.66 and not to you for more than a day/,
    },
    { kind: 'gone', when: 'nowhere', says: /have led people nowhere for more than a day/ },
  ])(
    'is led $when by all public resolvers, alone: an old answer for a day, then an incident',
    async (row) => {
      const { agent, turn } = await begin();
      await agent.advance(30 * HOUR_MS);
      turn('fine', { publicView: [answer(row.kind, '')] });
      await agent.advance(23 * HOUR_MS);
      const axis = statusNow(agent).hostnames[0]?.axes.publicView;
      const before = told(agent);

      await agent.advance(3 * HOUR_MS);

      expect(axis).toMatchObject({ verdict: 'pending', code: 'public/CACHED' });
      expect(before).toEqual([]);
      expect(told(agent)).toEqual(['opened public/WRONG home.ddns.net']);
      expect(openOf(agent)[0]?.sentence).toMatch(row.says);

      turn('fine');
      await agent.advance(HOUR_MS);

      expect(told(agent).slice(1)).toEqual(['closed public/WRONG home.ddns.net']);
      expect(agent.requests).toHaveLength(1);
    },
  );

  test('is led elsewhere by all public resolvers: a line that is dead meanwhile is no all-clear', async () => {
    const { agent, turn } = await begin();
    const wrong = { publicView: [answer('wrong', '')] };
    await agent.advance(30 * HOUR_MS);
    turn('fine', wrong);
    await agent.advance(26 * HOUR_MS);
    turn('no-line');
    await agent.advance(HOUR_MS);
    turn('fine', wrong);
    await agent.advance(3 * HOUR_MS);

    expect(told(agent)).toEqual(['opened public/WRONG home.ddns.net']);
    expect(openOf(agent)[0]?.sentence).toMatch(/for more than a day/);
  });

  test('is led elsewhere by all public resolvers after a new address: a day is counted from there', async () => {
    const { agent, turn } = await begin();
    turn('fine', { publicView: [answer('wrong', '')] });
    await agent.advance(23 * HOUR_MS);
    moveTo(agent, '198.51.100.77');
    await agent.advance(23 * HOUR_MS);

    expect(told(agent)).toEqual([]);

    await agent.advance(3 * HOUR_MS);

    expect(told(agent)).toEqual(['opened public/WRONG home.ddns.net']);
  });

  test('that is not checked any more ends its incident', async () => {
    const { agent, turn } = await begin();
    await agent.advance(HOUR_MS);
    turn('stale');
    await agent.advance(2 * HOUR_MS);

    await agent.reload(HOME.replace("verify '1'", "verify '0'"));
    await agent.advance(MINUTE_MS);

    expect(told(agent)).toEqual([
      'opened authority/STALE home.ddns.net',
      'closed authority/STALE home.ddns.net',
    ]);
    expect(agent.told.at(-1)?.message.incident).toMatchObject({
      ...{ sentence: 'home.ddns.net is not checked any more.', unresolved: true },
    });
    expect(agent.codes()).toContain('incident/ENDED');
    expect(agent.codes()).not.toContain('incident/CLOSED');
  });

  test('that is switched off ends its incident, and nobody says that all is clear', async () => {
    const { agent, turn } = await begin(TWO);
    await agent.advance(HOUR_MS);
    turn('stale', {}, 'home');
    await agent.advance(2 * HOUR_MS);

    await agent.reload(TWO.replace("hostname 'home'", "hostname 'home'\n\toption enabled '0'"));
    await agent.advance(MINUTE_MS);

    expect(told(agent)).toEqual([
      'opened authority/STALE home.ddns.net',
      'closed authority/STALE home.ddns.net',
    ]);
    expect(agent.told.at(-1)?.message.incident.unresolved).toBe(true);

    await agent.reload(TWO);
    await agent.advance(HOUR_MS);

    expect(told(agent).at(-1)).toBe('opened authority/STALE home.ddns.net');
    expect(openOf(agent)[0]?.sentence).not.toMatch(/number 2/);
  });
});

describe('what cannot be checked', () => {
  test('opens nothing', async () => {
    const { agent, turn } = await begin();
    await agent.advance(HOUR_MS);
    turn('no-line');
    await agent.advance(DAY_MS);

    expect(told(agent)).toEqual([]);
    expect(statusNow(agent).hostnames[0]).toMatchObject({
      works: 'unknown',
      axes: { authority: { code: 'authority/CANNOT_CHECK' } },
    });
  });

  test('closes nothing, and does not end a row', async () => {
    const { agent, turn } = await begin();
    await agent.advance(HOUR_MS);
    turn('taken');
    await agent.advance(2 * HOUR_MS);
    turn('no-line');
    await agent.advance(DAY_MS);

    expect(told(agent)).toEqual(['opened delegation/CHANGED ddns.net']);
    expect(openOf(agent)).toHaveLength(1);
  });
});

describe('the web site of the provider', () => {
  test('is looked at only while something is wrong, and said to be the web site alone', async () => {
    const { agent, turn } = await begin();
    await agent.advance(HOUR_MS);
    turn('stale', { web: { up: false, detail: 'https://www.noip.com: status 503' } });
    await agent.advance(2 * HOUR_MS);
    turn('fine', { web: { up: false, detail: 'https://www.noip.com: status 503' } });
    await agent.advance(2 * HOUR_MS);
    const [shown] = statusNow(agent).hostnames;

    expect(agent.codes().filter((code) => code.startsWith('provider/'))).toEqual(['provider/WEB_DOWN']);
    expect(shown?.axes.update).toMatchObject({ verdict: 'ok' });
    expect(shown?.axes.update.evidence.join('\n')).toMatch(/web site of No-IP does not answer/);
    expect(shown?.works).toBe('yes');

    turn('fine', { web: { up: true, detail: '' } });
    await agent.advance(2 * HOUR_MS);

    expect(agent.codes().filter((code) => code.startsWith('provider/'))).toEqual([
      'provider/WEB_DOWN',
      'provider/WEB_UP',
    ]);
    // The name was stale for a while; nobody was told of an outage because of the web site.
    expect(told(agent)).toEqual([
      'opened authority/STALE home.ddns.net',
      'closed authority/STALE home.ddns.net',
    ]);
  });
});

describe('updates', () => {
  test('a blocked account is told once, until an update is taken', async () => {
    const refused: Reply = () => says('badauth');
    const { agent } = await begin(TWO, [refused, refused, good]);
    await agent.advance(DAY_MS);

    expect(told(agent)).toEqual(['opened dyndns2/BADAUTH noip']);
    expect(openOf(agent)[0]).toMatchObject({ hosts: ['home', 'cam'], mustAct: true });

    await agent.request();
    await agent.advance(DAY_MS);

    expect(told(agent)).toEqual(['opened dyndns2/BADAUTH noip']);

    await agent.request();
    await agent.advance(DAY_MS);

    expect(told(agent)).toEqual(['opened dyndns2/BADAUTH noip', 'closed dyndns2/BADAUTH noip']);
    expect(agent.state().incidents[0]?.sentence).toMatch(/^No-IP takes updates again\. It took 2 days/);
  });

  test('one of two accounts at a provider is told by both its names', async () => {
    const second = HOME.replace("account 'noip'\n\toption provider", "account 'second'\n\toption provider");
    const both = `${second.replace("option account 'noip'", "option account 'second'")}
config account 'noip'
	option provider 'no-ip.com'
	option username 'noip-user'
	option password 'secret-noip'
`;
    const { agent } = await begin(both, [() => says('badauth'), good]);
    await agent.advance(HOUR_MS);

    expect(told(agent)).toEqual(['opened dyndns2/BADAUTH second']);
    expect(openOf(agent)[0]).toMatchObject({ title: 'No-IP (second)' });
    expect(openOf(agent)[0]?.sentence).toMatch(/^No-IP \(second\): /);

    await agent.reload(HOME);
    await agent.advance(MINUTE_MS);

    expect(agent.told.at(-1)?.message.incident).toMatchObject({ title: 'No-IP (second)', unresolved: true });
  });

  test('a blocked name is told once', async () => {
    const { agent } = await begin(HOME, [() => says('nohost'), good]);
    await agent.advance(DAY_MS);

    expect(told(agent)).toEqual(['opened dyndns2/NOHOST home.ddns.net']);

    await agent.request(['home']);
    await agent.advance(HOUR_MS);

    expect(told(agent).at(-1)).toBe('closed dyndns2/NOHOST home.ddns.net');
  });

  test.each([
    { name: '911 for three hours', reply: () => says('911'), code: 'dyndns2/911' },
    { name: '5xx for three hours', reply: () => says('', 503), code: 'reply/HTTP_5XX' },
  ])('$name: told after one', async ({ reply, code }) => {
    let isUp = false;
    const { agent } = await begin(HOME, (request) => (isUp ? good(request) : reply()));
    await agent.advance(59 * MINUTE_MS);
    const early = told(agent);
    await agent.advance(2 * HOUR_MS);
    isUp = true;
    await agent.advance(6 * HOUR_MS);

    expect(early).toEqual([]);
    expect(told(agent)).toEqual([`opened ${code} noip`, `closed ${code} noip`]);
  });

  test('an interface that nobody reaches is told only if others are reached from here', async () => {
    let isUp = true;
    const replies: Reply = (request) => (isUp ? good(request) : unreachable());
    const { agent, turn } = await begin(HOME, replies);
    await agent.advance(HOUR_MS);
    isUp = false;
    turn('no-line');
    await agent.request();
    await agent.advance(4 * HOUR_MS);
    const alone = told(agent);
    turn('fine');
    await agent.advance(2 * HOUR_MS);

    expect(alone).toEqual([]);
    expect(told(agent)).toEqual(['opened net/UNREACHABLE noip']);
    expect(statusNow(agent).hostnames[0]?.axes.update.sentence).toMatch(/The name works meanwhile/);
  });
});

describe('a new address that the provider does not take', () => {
  test.each([
    { name: 'blocked', replies: [good, () => says('badauth')], verdict: 'failed' },
    { name: 'failing', replies: [good, () => says('911'), good], verdict: 'failed' },
  ])('$name: the name works no more, though its servers give what was published', async (row) => {
    const { agent } = await begin(HOME, row.replies);
    await agent.advance(HOUR_MS);
    const before = statusNow(agent).hostnames[0];

    moveTo(agent, '198.51.100.77');
    await agent.advance(MINUTE_MS);
    await agent.request(['home'], true);
    await agent.advance(MINUTE_MS);
    const after = statusNow(agent).hostnames[0];

    expect(before).toMatchObject({ works: 'yes', verdict: 'ok' });
    expect(after).toMatchObject({
      works: 'no',
      verdict: row.verdict,
      axes: {
        authority: { verdict: 'ok', sentence: expect.stringContaining('gives the published address') },
      },
    });
    // The next try comes soon enough: then it works again.
    await agent.advance(HOUR_MS);
    expect(statusNow(agent).hostnames[0]?.works).toBe(row.name === 'blocked' ? 'no' : 'yes');
  });
});

describe('the pace of checks', () => {
  const gaps = (times: readonly number[]) =>
    times.slice(1).map((time, index) => (time - (times[index] ?? 0)) / 1000);

  test('after an update: at once, then until the answer is there at 5, 15, 45, 120 and 300 seconds', async () => {
    const { agent, turn, checkedMs } = await begin();
    turn('stale');
    await agent.advance(5.5 * MINUTE_MS);
    const [first = 0, ...rest] = checkedMs;

    expect(rest.map((time) => Math.round((time - first) / 1000))).toEqual([5, 15, 45, 120, 300]);
  });

  test('hourly while all is well, every five minutes while something is wrong', async () => {
    const { agent, turn, checkedMs } = await begin();
    await agent.advance(10 * HOUR_MS);
    const calm = gaps(checkedMs);
    turn('taken');
    await agent.advance(2 * HOUR_MS);
    const [, ...alarmed] = gaps(checkedMs).slice(calm.length);

    expect(calm.every((gap) => gap >= 3240 && gap <= 3960)).toBe(true);
    expect(alarmed.length).toBeGreaterThan(10);
    expect(alarmed.every((gap) => gap >= 240 && gap <= 360)).toBe(true);
  });

  test('never more often than half the lifetime of the record', async () => {
    const { agent, turn, checkedMs } = await begin();
    turn('fine', { authority: [{ ...answer('ok', WAN), ttlSec: 3600 }] });
    await agent.advance(3 * HOUR_MS);
    const before = checkedMs.length;
    turn('taken');
    await agent.advance(6 * HOUR_MS);
    const alarmed = gaps(checkedMs).slice(before);

    expect(alarmed.length).toBeGreaterThan(3);
    expect(alarmed.every((gap) => gap >= 1800)).toBe(true);
  });
});

test('the status lists what is open first, then what is over, latest first', async () => {
  const { agent, turn } = await begin();
  await agent.advance(HOUR_MS);
  for (let round = 0; round < 25; round++) {
    turn('stale');
    await agent.advance(2 * HOUR_MS);
    turn('fine');
    await agent.advance(26 * HOUR_MS);
  }
  turn('taken');
  await agent.advance(2 * HOUR_MS);
  const { incidents } = statusNow(agent);

  expect(agent.state().incidents).toHaveLength(20);
  expect(incidents).toHaveLength(20);
  expect(incidents[0]).toMatchObject({ code: 'delegation/CHANGED', hosts: ['home'] });
  expect(incidents[0]).not.toHaveProperty('closedAt');
  expect(incidents.slice(1).every(({ closedAt }) => closedAt !== undefined)).toBe(true);
  expect(incidents.slice(1).map(({ openedAt }) => openedAt)).toEqual(
    incidents
      .slice(1)
      .map(({ openedAt }) => openedAt)
      .sort()
      .reverse(),
  );
});
