/**
 * What the agent makes of every reply that a dyndns2 server can give, over two days of virtual time: which
 * attempts follow, and what a restart, a reload and the operator change about that.
 */
import { describe, expect, test } from 'vitest';
import type { HttpResult } from '../../agent/ports.ts';
import type { InterfaceStatus, NetifdFixture } from '../fakes/netifd-feed.ts';
import { good, hang, type Reply, type SentRequest, says, scenario, unreachable, updatesOf } from './agent.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const WAN = '198.51.100.10';
const WAN6 = '2001:db8:1::1000';

function account(id: string, options = '', provider = 'no-ip.com'): string {
  return `
config account '${id}'
	option provider '${provider}'
	option username '${id}-user'
	option password 'secret-of-${id}'
	${options}
`;
}

function host(id: string, options = '', owner = 'noip', hostname = `${id}.example.org`): string {
  return `
config hostname '${id}'
	option hostname '${hostname}'
	option account '${owner}'
	option allow_private '1'
	${options}
`;
}

const AGENT = `
config agent
	option verify '0'
	option resync '86400'
	option contact 'admin@example.org'
`;
const ONE = AGENT + account('noip') + host('home');
const ONE_CHANGED = ONE.replace('secret-of-noip', 'secret-other');

function wan(address: string, name = 'wan', device = 'eth1'): InterfaceStatus {
  return {
    interface: name,
    up: true,
    l3_device: device,
    'ipv4-address': [{ address, mask: 24 }],
    route: [{ target: '0.0.0.0', mask: 0 }],
  };
}

function router(...interfaces: InterfaceStatus[]): NetifdFixture {
  return { name: 'made', description: '', dumpBefore: { interface: interfaces }, steps: [] };
}

/** Attempts in minutes, to a tenth, since the first. */
function minutesOf(requests: readonly SentRequest[]): number[] {
  return requests.map(({ atMs }) => Math.round((10 * atMs) / MINUTE_MS) / 10);
}

/** Minutes of attempts that begin with `firstMin` after the first one and double up to `maxMin`. */
function ladder(firstMin: number, maxMin: number): number[] {
  const minutes = [0];
  for (let gap = firstMin; (minutes.at(-1) ?? 0) + gap <= 48 * 60; gap = Math.min(2 * gap, maxMin)) {
    minutes.push(Math.round(10 * ((minutes.at(-1) ?? 0) + gap)) / 10);
  }
  return minutes;
}

/** With the jitter in the middle a demanded wait is 10 % longer, every other one as it stands. */
const BUSY = ladder(33, 396);
const SHORT_FAULT = ladder(12.5, 25);
const THROTTLED = ladder(11, 396);
const ODD = ladder(1, 360);

/**
 * done     confirmed; only the operator has it sent again
 * stop     blocked until the configuration changes or the operator asks
 * wait     demanded by the provider: neither a restart nor a change nor the operator shortens it
 * retry    our own patience: a change or the operator ends it, a restart or a reload alone does not
 */
type Policy = 'done' | 'stop' | 'wait' | 'retry';

interface Row {
  name: string;
  body?: string;
  status?: number;
  headers?: Record<string, string>;
  truncated?: boolean;
  code: string;
  policy: Policy;
  attemptsMin?: number[];
}

const TEN_MEGABYTES_CUT = 'good\n'.repeat(3000);

const ROWS: Row[] = [
  { name: 'good', body: 'good', code: 'update/CONFIRMED', policy: 'done' },
  { name: 'good with the address', body: `good ${WAN}`, code: 'update/CONFIRMED', policy: 'done' },
  { name: 'good in upper case', body: `GOOD ${WAN}\r\n`, code: 'update/CONFIRMED', policy: 'done' },
  { name: 'good with another address', body: 'good 203.0.113.9', code: 'update/CONFIRMED', policy: 'done' },
  { name: 'nochg', body: `nochg ${WAN}`, code: 'update/CONFIRMED', policy: 'done' },
  { name: 'more lines than hosts', body: 'good\nnohost\nbadauth', code: 'update/CONFIRMED', policy: 'done' },
  { name: 'good 127.0.0.1', body: 'good 127.0.0.1', code: 'dyndns2/DISCARDED', policy: 'stop' },
  { name: 'badauth', body: 'badauth', code: 'dyndns2/BADAUTH', policy: 'stop' },
  { name: 'badauth with 401', body: 'badauth', status: 401, code: 'dyndns2/BADAUTH', policy: 'stop' },
  { name: '401 with a page', body: '<html>', status: 401, code: 'reply/HTTP_401', policy: 'stop' },
  { name: '!donator', body: '!donator', code: 'dyndns2/DONATOR', policy: 'stop' },
  { name: 'notfqdn', body: 'notfqdn', code: 'dyndns2/NOTFQDN', policy: 'stop' },
  { name: 'nohost', body: 'nohost', code: 'dyndns2/NOHOST', policy: 'stop' },
  { name: 'numhost', body: 'numhost', code: 'dyndns2/NUMHOST', policy: 'stop' },
  { name: 'abuse', body: 'abuse', code: 'dyndns2/ABUSE', policy: 'stop' },
  { name: 'badagent', body: 'badagent', code: 'dyndns2/BADAGENT', policy: 'stop' },
  { name: 'badsys', body: 'badsys', code: 'dyndns2/BADSYS', policy: 'stop' },
  { name: '!yours', body: '!yours', code: 'dyndns2/YOURS', policy: 'stop' },
  { name: '!active', body: '!active', code: 'dyndns2/ACTIVE', policy: 'stop' },
  { name: 'dnserr', body: 'dnserr', code: 'dyndns2/DNSERR', policy: 'wait', attemptsMin: BUSY },
  { name: '911', body: '911', code: 'dyndns2/911', policy: 'wait', attemptsMin: BUSY },
  { name: '911 with 500', body: '911', status: 500, code: 'dyndns2/911', policy: 'wait', attemptsMin: BUSY },
  {
    name: '911 with a shorter Retry-After',
    body: '911',
    headers: { 'retry-after': '5' },
    code: 'dyndns2/911',
    policy: 'wait',
    attemptsMin: BUSY,
  },
  {
    name: '911 with a longer Retry-After',
    body: '911',
    headers: { 'retry-after': '7200' },
    code: 'dyndns2/911',
    policy: 'wait',
    attemptsMin: ladder(132, 132),
  },
  { name: 'w2h', body: 'w2h', code: 'dyndns2/WAIT', policy: 'wait', attemptsMin: ladder(132, 132) },
  { name: 'w120m', body: 'w120m wait', code: 'dyndns2/WAIT', policy: 'wait', attemptsMin: ladder(132, 132) },
  { name: 'w7200', body: 'w7200', code: 'dyndns2/WAIT', policy: 'wait', attemptsMin: ladder(132, 132) },
  {
    name: '429 with Retry-After',
    body: 'slow down',
    status: 429,
    headers: { 'retry-after': '7200' },
    code: 'reply/HTTP_429',
    policy: 'wait',
    attemptsMin: ladder(132, 132),
  },
  {
    name: '429 with Retry-After and a success that it cannot be',
    body: `good ${WAN}`,
    status: 429,
    headers: { 'retry-after': '7200' },
    code: 'reply/HTTP_429',
    policy: 'wait',
    attemptsMin: ladder(132, 132),
  },
  { name: '429', status: 429, code: 'reply/HTTP_429', policy: 'wait', attemptsMin: THROTTLED },
  {
    name: '503',
    body: '<html>down</html>',
    status: 503,
    code: 'reply/HTTP_5XX',
    policy: 'retry',
    attemptsMin: SHORT_FAULT,
  },
  {
    name: '503 with Retry-After',
    status: 503,
    headers: { 'retry-after': '7200' },
    code: 'reply/HTTP_5XX',
    policy: 'wait',
    attemptsMin: ladder(132, 132),
  },
  { name: 'nothing', code: 'reply/NO_ANSWER', policy: 'retry', attemptsMin: ODD },
  {
    name: 'HTML with 200',
    body: '<!doctype html><title>good login</title>',
    code: 'reply/HTML',
    policy: 'retry',
    attemptsMin: ODD,
  },
  {
    name: 'a redirection to another host',
    body: 'good',
    status: 302,
    headers: { location: 'https://portal.example.net/login' },
    code: 'reply/REDIRECTED',
    policy: 'retry',
    attemptsMin: ODD,
  },
  {
    name: '10 MB of good',
    body: TEN_MEGABYTES_CUT,
    truncated: true,
    code: 'reply/NO_ANSWER',
    policy: 'retry',
    attemptsMin: ODD,
  },
  {
    name: 'an unknown word',
    body: 'successfully_changed',
    code: 'dyndns2/UNINTELLIGIBLE',
    policy: 'retry',
    attemptsMin: ODD,
  },
  {
    name: 'a sentence with a code',
    body: 'no good',
    code: 'dyndns2/UNINTELLIGIBLE',
    policy: 'retry',
    attemptsMin: ODD,
  },
  {
    name: 'a word that begins like a code',
    body: 'goodbye',
    code: 'dyndns2/UNINTELLIGIBLE',
    policy: 'retry',
    attemptsMin: ODD,
  },
  {
    name: 'good and a word that is no address',
    body: 'good morning',
    code: 'dyndns2/UNINTELLIGIBLE',
    policy: 'retry',
    attemptsMin: ODD,
  },
  {
    name: 'good with 404',
    body: 'good',
    status: 404,
    code: 'dyndns2/UNINTELLIGIBLE',
    policy: 'retry',
    attemptsMin: ODD,
  },
];

function replyOf({ body = '', status = 200, headers = {}, truncated = false }: Row): Reply {
  const result: HttpResult = { kind: 'reply', reply: { status, headers, body, truncated } };
  return () => result;
}

describe.each(ROWS)('the reply $name', (row) => {
  const { code, policy, attemptsMin = [0] } = row;
  const within = (minutes: readonly number[], limitMin: number) => minutes.filter((one) => one <= limitMin);
  const start = () => scenario({ config: ONE, replies: replyOf(row), latencyMs: 0 });
  /** What the agent sends over half a day when something happens after half a minute. */
  async function afterHalfAMinute(happen: (agent: Awaited<ReturnType<typeof start>>) => Promise<void>) {
    const agent = await start();
    await agent.advance(MINUTE_MS / 2);
    await happen(agent);
    await agent.advance(12 * HOUR_MS);
    return minutesOf(agent.requests);
  }
  const asBefore = within(attemptsMin, 12 * 60);
  const onceMore = {
    done: [0, 0.5],
    stop: [0, 0.5],
    wait: asBefore,
    retry: [0, ...within(attemptsMin, 12 * 60 - 1).map((minute) => minute + 0.5)],
  }[policy];

  test(`is ${code} and sent again ${attemptsMin.length - 1} times in two days`, async () => {
    const agent = await start();

    await agent.advance(48 * HOUR_MS);

    expect(minutesOf(agent.requests)).toEqual(attemptsMin);
    const codes = agent.codes().filter((one) => !one.startsWith('wan/'));
    expect(codes.filter((one) => !one.startsWith('incident/'))).toEqual(attemptsMin.map(() => code));
    // However often it failed, it is told once.
    expect(codes.filter((one) => one.startsWith('incident/'))).toEqual(
      code === 'update/CONFIRMED' ? [] : ['incident/OPENED'],
    );
  });

  test('a restart changes nothing', async () => {
    expect(await afterHalfAMinute((agent) => agent.restart())).toEqual(asBefore);
  });

  test('a reload without a change changes nothing', async () => {
    expect(await afterHalfAMinute((agent) => agent.reload(`${ONE}\n# a comment\n`))).toEqual(asBefore);
  });

  test(`a reload with another password: ${policy === 'done' ? 'nothing to send' : onceMore.length > 1 && policy !== 'wait' ? 'sent at once' : 'as before'}`, async () => {
    const attempts = await afterHalfAMinute((agent) => agent.reload(ONE_CHANGED));

    expect(attempts).toEqual(policy === 'done' ? [0] : onceMore);
  });

  test(`the operator asks: ${policy === 'wait' ? 'as before' : 'sent at once'}`, async () => {
    expect(await afterHalfAMinute((agent) => agent.request())).toEqual(onceMore);
  });
});

describe('many hostnames on one account', () => {
  const names = (count: number) => Array.from({ length: count }, (_, index) => `h${index + 10}`);
  const many = (count: number) =>
    AGENT +
    account('noip') +
    names(count)
      .map((id) => host(id))
      .join('');
  const fqdns = (ids: string[]) => ids.map((id) => `${id}.example.org`);

  test('20 are one request, at the start and for each change', async () => {
    const agent = await scenario({ config: many(20), replies: [good, good] });
    await agent.advance(HOUR_MS);

    agent.feed.notify(wan('198.51.100.20'));
    await agent.advance(HOUR_MS);

    expect(agent.requests.map(({ hostnames, addresses }) => [hostnames, addresses])).toEqual([
      [fqdns(names(20)), [WAN]],
      [fqdns(names(20)), ['198.51.100.20']],
    ]);
  });

  test('45 are three requests', async () => {
    const agent = await scenario({ config: many(45), replies: [good, good, good] });

    await agent.advance(HOUR_MS);

    expect(agent.requests.map(({ hostnames }) => hostnames.length)).toEqual([20, 20, 5]);
    expect(new Set(agent.requests.flatMap(({ hostnames }) => hostnames)).size).toBe(45);
  });

  test('one nohost among 20 stops that one only', async () => {
    const lost = 'h17.example.org';
    const oneLost: Reply = ({ hostnames }) =>
      says(hostnames.map((name) => (name === lost ? 'nohost' : `good ${WAN}`)).join('\n'));
    const agent = await scenario({ config: many(20), replies: [oneLost, good] });
    await agent.advance(HOUR_MS);

    agent.feed.notify(wan('198.51.100.20'));
    await agent.advance(HOUR_MS);

    expect(agent.requests[1]?.hostnames).toEqual(fqdns(names(20)).filter((name) => name !== lost));
    expect(agent.state().hosts.h17?.block?.code).toBe('dyndns2/NOHOST');
    expect(Object.values(agent.state().hosts).filter(({ block }) => block)).toHaveLength(1);
  });

  test('an error of the account that comes once counts for all and is said once', async () => {
    const agent = await scenario({ config: many(20), replies: [() => says('badauth')] });

    await agent.advance(48 * HOUR_MS);

    expect(agent.codes().filter((code) => code === 'dyndns2/BADAUTH')).toHaveLength(1);
    expect(agent.state().accounts.noip?.block?.code).toBe('dyndns2/BADAUTH');
  });

  test('one good for all is taken, with a remark', async () => {
    const agent = await scenario({ config: many(3), replies: [() => says(`good ${WAN}`)] });

    await agent.advance(HOUR_MS);

    const confirmed = agent.events.filter(({ code }) => code === 'update/CONFIRMED');
    expect(confirmed.map(({ level }) => level)).toEqual(['warning', 'warning', 'warning']);
  });

  test('where lines are missing only the names without one are sent again', async () => {
    const agent = await scenario({ config: many(3), replies: [() => says('good\nnochg'), good] });

    await agent.advance(HOUR_MS);

    expect(agent.requests[1]).toMatchObject({ hostnames: ['h12.example.org'], atMs: MINUTE_MS + 20 });
  });

  test('911 after two good lines: two are done, the others wait half an hour', async () => {
    const agent = await scenario({ config: many(4), replies: [() => says('good\ngood\n911'), good] });

    await agent.advance(HOUR_MS);

    expect(agent.requests[1]?.hostnames).toEqual(['h12.example.org', 'h13.example.org']);
    expect(minutesOf(agent.requests)).toEqual([0, 33]);
  });

  test('the second of three requests fails on the way: the third is not tried, the first is not repeated', async () => {
    const agent = await scenario({ config: many(45), replies: [good, unreachable, good, good] });

    await agent.advance(HOUR_MS);

    expect(agent.requests.map(({ hostnames }) => hostnames.length)).toEqual([20, 20, 20, 5]);
    expect(agent.requests[2]?.hostnames).toEqual(agent.requests[1]?.hostnames);
  });
});

describe('the request', () => {
  const dual = "option family 'dual'";

  test('has both families in one myip where the provider takes that', async () => {
    const agent = await scenario({ config: AGENT + account('noip') + host('home', dual), replies: [good] });

    await agent.advance(HOUR_MS);

    expect(agent.requests[0]?.url).toBe(
      'https://dynupdate.no-ip.com/nic/update?hostname=home.example.org&myip=198.51.100.10,2001%3Adb8%3A1%3A%3A1000',
    );
  });

  const generic = account('own', "option server 'https://ddns.example.net:8443'", 'dyndns2');

  test('is one for each family where it does not', async () => {
    const config = AGENT + generic + host('one', dual, 'own') + host('two', dual, 'own');
    const agent = await scenario({ config, replies: [good, good] });

    await agent.advance(HOUR_MS);

    expect(
      agent.requests.map(({ url, hostnames, addresses }) => [url.split('?')[0], hostnames, addresses]),
    ).toEqual([
      ['https://ddns.example.net:8443/nic/update', ['one.example.org', 'two.example.org'], [WAN]],
      ['https://ddns.example.net:8443/nic/update', ['one.example.org', 'two.example.org'], [WAN6]],
    ]);
  });

  test('for one family that is answered by 911 keeps its distance, although the other was confirmed', async () => {
    const config = AGENT + generic + host('one', dual, 'own') + host('two', dual, 'own');
    const agent = await scenario({ config, replies: [good, () => says('911'), good] });

    await agent.advance(HOUR_MS);

    expect(minutesOf(agent.requests)).toEqual([0, 0, 33]);
    expect(agent.requests[2]?.addresses).toEqual([WAN6]);
  });

  test('carries the User-Agent that No-IP asks for', async () => {
    const agent = await scenario({ config: ONE, replies: [good] });

    await agent.advance(HOUR_MS);

    expect(agent.requests[0]?.userAgent).toBe('Holdfast DDNS-Agent/OpenWrt24.10.0-0.1.0 admin@example.org');
  });

  test.each([
    { written: 'group%3Auser', provider: 'no-ip.com', sent: 'group:user', problems: [] },
    { written: 'group%3auser', provider: 'no-ip.com', sent: 'group:user', problems: [] },
    { written: 'group:user', provider: 'no-ip.com', sent: 'group:user', problems: [] },
    { written: 'a%2Bb', provider: 'no-ip.com', sent: 'a%2Bb', problems: [] },
    {
      written: 'group%3Auser',
      provider: 'dyndns2',
      sent: 'group%3Auser',
      problems: ['config/ENCODED_USERNAME'],
    },
  ])('with user name $written goes to $provider as $sent', async ({ written, provider, sent, problems }) => {
    const section = account('noip', "option server 'https://ddns.example.net'", provider);
    const config = AGENT + section.replace('noip-user', written) + host('home');
    const agent = await scenario({ config, replies: [good], problems });

    await agent.advance(HOUR_MS);

    expect(agent.requests[0]?.user).toBe(sent);
  });

  test.each([
    { name: 'all.ddnskey.com', body: 'good\nnochg', code: 'update/CONFIRMED' },
    { name: 'family', body: 'good\ngood\ngood', code: 'update/CONFIRMED' },
    // Whichever member fails, the group needs a look.
    { name: 'family', body: 'good\nnohost', code: 'dyndns2/NOHOST' },
    { name: 'all.ddnskey.com', body: '911', code: 'dyndns2/911' },
  ])('for $name, answered by $body, is $code', async ({ name, body, code }) => {
    const config =
      AGENT.replace("verify '0'", "verify '1'") + account('noip') + host('all', '', 'noip', name);
    const agent = await scenario({ config, replies: [() => says(body)] });

    await agent.advance(20 * MINUTE_MS);

    // No check of the DNS either: the scenario has none.
    expect(agent.requests[0]?.hostnames).toEqual([name]);
    expect(agent.codes()).toContain(code);
  });

  test('shows its password nowhere: not in the URL, an event or the state, even when the reply repeats it', async () => {
    const echo: Reply = () => says('unknown secret-of-noip');
    const agent = await scenario({ config: ONE, replies: echo });

    await agent.advance(10 * MINUTE_MS);

    const shown = JSON.stringify([agent.requests, agent.events, agent.state()]);
    expect(shown).toContain('unknown ***');
    expect(shown).not.toContain('secret');
  });
});

describe('what fails keeps to itself', () => {
  test('two accounts, one of which hangs', async () => {
    const config = AGENT + account('slow') + account('fast') + host('a', '', 'slow') + host('b', '', 'fast');
    const byUser: Reply = (request) => (request.user === 'slow-user' ? hang() : good(request));
    const agent = await scenario({ config, replies: byUser, latencyMs: 0 });
    await agent.advance(HOUR_MS);

    agent.feed.notify(wan('198.51.100.20'));
    await agent.advance(HOUR_MS);

    expect(updatesOf(agent.requests)).toEqual([
      [0, `a.example.org ${WAN}`],
      [0, `b.example.org ${WAN}`],
      [HOUR_MS, 'b.example.org 198.51.100.20'],
    ]);
  });

  const TWO_WANS =
    AGENT + account('noip') + host('a', "list network 'wan'") + host('b', "list network 'wanb'");

  test('two WANs, one of which is down: the other is updated, through its own device', async () => {
    const fixture = router({ interface: 'wan', up: false }, wan('203.0.113.7', 'wanb', 'eth2'));
    const agent = await scenario({ config: TWO_WANS, fixture, replies: [good] });

    await agent.advance(HOUR_MS);

    expect(updatesOf(agent.requests)).toEqual([[0, 'b.example.org 203.0.113.7']]);
    expect(agent.codes()).toContain('wan/DOWN');
  });

  test('two WANs: each update is bound to its own, and one that cannot leave delays no other', async () => {
    const fixture = router(wan('198.51.100.10'), wan('203.0.113.7', 'wanb', 'eth2'));
    const byWan: Reply = (request) => (request.via?.device === 'eth1' ? unreachable() : good(request));
    const agent = await scenario({ config: TWO_WANS, fixture, replies: byWan });

    await agent.advance(MINUTE_MS);

    expect(
      agent.requests.filter(({ atMs }) => atMs === 0).map(({ via, addresses }) => [via, addresses]),
    ).toEqual([
      [{ device: 'eth1', ipv4: WAN }, [WAN]],
      [{ device: 'eth2', ipv4: '203.0.113.7' }, ['203.0.113.7']],
    ]);
    expect(agent.state().hosts.b?.confirmed.ipv4?.address).toBe('203.0.113.7');
    expect(agent.state().hosts.a?.confirmed).toEqual({});
  });

  test('networks in order of preference: the name moves to the next WAN and back', async () => {
    const fixture = router(wan('198.51.100.10'), wan('203.0.113.7', 'wanb', 'eth2'));
    const config = AGENT + account('noip') + host('home', "list network 'wan'\n\tlist network 'wanb'");
    const agent = await scenario({ config, fixture, replies: [good, good, good], latencyMs: 0 });
    await agent.advance(HOUR_MS);

    agent.feed.notify({ interface: 'wan', up: false });
    await agent.advance(HOUR_MS);
    agent.feed.notify(wan('198.51.100.10'));
    await agent.advance(HOUR_MS);

    expect(updatesOf(agent.requests)).toEqual([
      [0, `home.example.org ${WAN}`],
      [HOUR_MS, 'home.example.org 203.0.113.7'],
      [2 * HOUR_MS, `home.example.org ${WAN}`],
    ]);
  });
});

describe('waits', () => {
  test('a server that says "wait a second" for ever is asked less and less', async () => {
    const agent = await scenario({ config: ONE, replies: () => says('w1s'), latencyMs: 0 });

    await agent.advance(24 * HOUR_MS);

    expect(agent.requests.slice(0, 4).map(({ atMs }) => atMs)).toEqual([0, 5500, 16_500, 38_500]);
    // At last every eleven minutes.
    expect(agent.requests.length).toBeLessThan(140);
  });

  test.each([
    { name: 'w0s', reply: says('w0s') },
    { name: 'Retry-After: 0', reply: says('', 429, { 'retry-after': '0' }) },
    { name: 'Retry-After: 1', reply: says('', 429, { 'retry-after': '1' }) },
    {
      name: 'Retry-After in the past',
      reply: says('', 503, { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }),
    },
  ])('$name is no invitation to a storm', async ({ reply }) => {
    const agent = await scenario({ config: ONE, replies: () => reply });

    await agent.advance(HOUR_MS);

    expect(agent.requests.length).toBeLessThan(14);
  });

  test('nobody is obeyed for longer than a day, with the usual tenth on top', async () => {
    const agent = await scenario({ config: ONE, replies: [() => says('w9999h'), good] });

    await agent.advance(48 * HOUR_MS);

    expect(minutesOf(agent.requests)).toEqual([0, 1584]);
  });

  test('a demanded wait goes on after a reboot, for the latest address', async () => {
    const agent = await scenario({ config: ONE, replies: [() => says('911'), good] });
    await agent.advance(10 * MINUTE_MS);

    await agent.reboot();
    agent.feed.notify(wan('198.51.100.20'));
    await agent.advance(HOUR_MS);

    expect(minutesOf(agent.requests)).toEqual([0, 33]);
    expect(agent.requests[1]?.addresses).toEqual(['198.51.100.20']);
  });

  test('nothing reached the provider: a new address goes out without the rest of the wait', async () => {
    const replies = [...Array(4).fill(unreachable), good];
    const agent = await scenario({ config: ONE, replies, latencyMs: 0 });
    await agent.advance(30 * MINUTE_MS);

    agent.feed.notify(wan('198.51.100.20'));
    await agent.advance(HOUR_MS);

    expect(agent.requests.slice(0, 4).map(({ atMs }) => atMs / 1000)).toEqual([0, 5, 85, 1345]);
    expect(updatesOf(agent.requests).at(-1)).toEqual([30 * MINUTE_MS, 'home.example.org 198.51.100.20']);
  });

  test('the operator asks again and again while nothing reaches the provider: one attempt for each', async () => {
    const agent = await scenario({ config: ONE, replies: Array(4).fill(unreachable), latencyMs: 0 });
    await agent.advance(1000);

    for (let count = 0; count < 3; count++) {
      await agent.request();
      await agent.advance(1000);
    }

    expect(agent.requests.map(({ atMs }) => atMs)).toEqual([0, 1000, 2000, 3000]);
  });
});

describe('a change in the middle of an attempt', () => {
  test('the process dies while the reply is awaited: one repetition, after a pause', async () => {
    const agent = await scenario({ config: ONE, replies: [hang, good] });
    await agent.advance(1000);

    await agent.restart();
    await agent.advance(HOUR_MS);

    expect(agent.requests.map(({ atMs, addresses }) => [atMs, addresses])).toEqual([
      [0, [WAN]],
      [6000, [WAN]],
    ]);
  });

  test('the password is corrected meanwhile: the refusal of the old one does not block the new one', async () => {
    const agent = await scenario({
      config: ONE,
      replies: [() => says('badauth'), good],
      latencyMs: 5000,
    });
    await agent.advance(1000);

    await agent.reload(ONE_CHANGED);
    await agent.advance(HOUR_MS);

    expect(agent.state().accounts.noip?.block).toBeUndefined();
    expect(agent.state().hosts.home?.confirmed.ipv4?.address).toBe(WAN);
  });

  test('the address changes meanwhile: the new one follows, the old one is not repeated', async () => {
    const agent = await scenario({ config: ONE, replies: [good, good], latencyMs: 5000 });
    await agent.advance(1000);

    agent.feed.notify(wan('198.51.100.20'));
    await agent.advance(HOUR_MS);

    expect(agent.requests.map(({ addresses }) => addresses[0])).toEqual([WAN, '198.51.100.20']);
    expect(agent.state().hosts.home?.confirmed.ipv4?.address).toBe('198.51.100.20');
  });

  test('the hostname is removed meanwhile: its reply is nobody’s', async () => {
    const agent = await scenario({ config: ONE, replies: [good], latencyMs: 5000 });
    await agent.advance(1000);

    await agent.reload(
      AGENT +
        account('noip') +
        host('home').replaceAll('home', 'other').replace("private '1'", "private '0'"),
    );
    await agent.advance(HOUR_MS);

    expect(Object.keys(agent.state().hosts)).toEqual(['other']);
    expect(agent.state().hosts.other?.confirmed).toEqual({});
  });
});
