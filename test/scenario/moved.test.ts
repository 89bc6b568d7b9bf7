/** A name that its owner takes to another provider: the record there is another one, and its servers are no thieves. */
import { describe, expect, test } from 'vitest';
import type { Verification } from '../../agent/core/health.ts';
import { good, lineAt, moveTo, type ScenarioAgent, says, scenario } from './agent.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const WAN = '198.51.100.10';
const NEXT = '198.51.100.11';

const AGENT = `
config agent
	option resync '86400'
	option contact 'admin@example.org'
	list notify 'https://hooks.example.net/secret'
`;

interface Account {
  id?: string;
  provider?: string;
  username?: string;
  password?: string;
  server?: string;
}

function account({ id = 'ddns', provider = 'no-ip.com', server, ...login }: Account = {}): string {
  return `
config account '${id}'
	option provider '${provider}'
	option username '${login.username ?? 'user'}'
	option password '${login.password ?? 'secret'}'
${server === undefined ? '' : `\toption server '${server}'`}
`;
}

function host(accountId = 'ddns', { id = 'home', name = 'home' } = {}): string {
  return `
config hostname '${id}'
	option hostname '${name}.example.org'
	option account '${accountId}'
	option allow_private '1'
`;
}

const ONE = AGENT + account() + host();
const OTHER = AGENT + account({ provider: 'dyn.com' }) + host();

interface Played {
  agent: ScenarioAgent;
  /** The owner lets these servers have the zone. */
  delegate(operator: string): void;
}

async function begin(config = ONE, latencyMs = 20): Promise<Played> {
  let operator = 'first.example';
  const agent: ScenarioAgent = await scenario({
    config,
    fixture: lineAt(WAN),
    replies: (request) => (request.addresses[0] === '198.51.100.91' ? says('911') : good(request)),
    latencyMs,
    verify({ ipv4 = '', unheard }): Verification {
      const names = [`ns1.${operator}`, `ns2.${operator}`];
      // Served as soon as the request is there, before the reply.
      const record = agent.requests.at(-1)?.addresses[0] ?? '';
      const kind = [ipv4, ...(unheard?.ipv4 ?? [])].includes(record) ? 'ok' : 'wrong';
      const answer = { server: '', family: 'ipv4', kind, detail: '' } as const;
      const answers = [{ ...answer, addresses: [record] }];
      return {
        zone: 'example.org',
        view: { nameServers: names.map((name) => ({ name, addresses: ['192.0.2.53'] })) },
        delegation: [{ server: 'a.org.example', nameServers: names }],
        authority: answers,
        publicView: answers,
      };
    },
  });
  await agent.advance(HOUR_MS);
  return {
    agent,
    delegate(next) {
      operator = next;
    },
  };
}

function sentTo({ requests }: ScenarioAgent): string[] {
  return requests.map(({ url, addresses }) => `${/^https:..([^/]+)/.exec(url)?.[1]} ${addresses.join(',')}`);
}

describe('a name at another provider', () => {
  const servers = [{ server: 'https://one.example' }, { server: 'https://two.example' }];
  const [own, next] = servers.map((one) => AGENT + account({ provider: 'dyndns2', ...one }) + host());
  const both = AGENT + account() + account({ id: 'new', provider: 'dyn.com' });
  const cam = { id: 'cam', name: 'cam' };

  test.each([
    { name: 'with the provider of its account', from: ONE, to: OTHER, at: 'members.dyndns.org' },
    { name: 'with the server of its account', from: own, to: next, at: 'two.example' },
    { name: 'with its account', from: both + host(), to: both + host('new'), at: 'members.dyndns.org' },
  ])('$name is sent there at once, and its new servers are the right ones', async ({ from, to, at }) => {
    const { agent, delegate } = await begin(from);

    delegate('second.example');
    await agent.reload(to ?? '');
    await agent.advance(MINUTE_MS);
    const sent = sentTo(agent);
    await agent.advance(3 * HOUR_MS);
    delegate('thief.example');
    await agent.advance(3 * HOUR_MS);

    expect(sent.slice(1)).toEqual([`${at} ${WAN}`]);
    expect(sentTo(agent)).toEqual(sent);
    expect(agent.told.map(({ message }) => message.incident.sentence)).toEqual([
      expect.stringContaining('(thief.example in place of second.example)'),
      expect.stringContaining('(thief.example in place of second.example)'),
    ]);
  });

  test.each([
    { name: 'the password', to: AGENT + account({ password: 'secret-2' }) + host() },
    { name: 'the user', to: AGENT + account({ username: 'other' }) + host() },
  ])('where only $name is another nothing is sent', async ({ to }) => {
    const { agent, delegate } = await begin();

    delegate('thief.example');
    await agent.reload(to);
    await agent.advance(2 * HOUR_MS);

    expect(sentTo(agent)).toHaveLength(1);
    expect(agent.told[0]?.message.incident.code).toBe('delegation/CHANGED');
  });

  test.each([
    { name: 'a restart', times: 1, change: (agent: ScenarioAgent) => agent.restart(OTHER) },
    {
      name: 'a reload, and once more after a power cut while the reply is awaited',
      times: 2,
      async change(agent: ScenarioAgent) {
        await agent.reload(OTHER);
        await agent.reboot();
      },
    },
  ])('is sent there after $name', async ({ change, times }) => {
    const { agent } = await begin();

    await change(agent);
    await agent.advance(HOUR_MS);
    await agent.reboot();
    await agent.advance(HOUR_MS);

    expect(sentTo(agent).filter((one) => one === `members.dyndns.org ${WAN}`)).toHaveLength(times);
    expect(agent.state().hosts.home?.confirmed.ipv4?.address).toBe(WAN);
  });

  test('the reply of the old one is no word of the new one, nor awaited', async () => {
    const { agent } = await begin(ONE, 4000);
    moveTo(agent, NEXT);
    await agent.advance(1000);

    await agent.reload(OTHER);
    await agent.advance(3500);
    const confirmed = agent.state().hosts.home?.confirmed;
    await agent.advance(HOUR_MS);

    expect(sentTo(agent).slice(1)).toEqual([`dynupdate.no-ip.com ${NEXT}`, `members.dyndns.org ${NEXT}`]);
    expect(confirmed).toEqual({});
    expect(agent.events.filter(({ code }) => code === 'update/CONFIRMED')).toHaveLength(2);
  });

  test.each(['reload', 'restart'] as const)(
    'the wait that the old one has asked for is not its own, after a %s',
    async (how) => {
      const { agent } = await begin();
      moveTo(agent, '198.51.100.91');
      await agent.advance(MINUTE_MS);

      moveTo(agent, NEXT);
      await agent[how](OTHER);
      await agent.advance(MINUTE_MS);

      expect(sentTo(agent).at(-1)).toBe(`members.dyndns.org ${NEXT}`);
    },
  );

  const renamed = account({ id: 'renamed' }) + host('renamed');

  test.each([
    { name: 'at rest', next: WAN, sent: 1, change: 'reload' as const },
    { name: 'during a wait', next: '198.51.100.91', sent: 2, change: 'reload' as const },
    { name: 'during a wait, at a restart', next: '198.51.100.91', sent: 2, change: 'restart' as const },
    {
      name: 'while the one of before has another provider',
      next: '198.51.100.91',
      sent: 2,
      change: 'reload' as const,
      also: account({ provider: 'dyn.com' }),
    },
  ])('is none where the section of the account has another name, $name', async (row) => {
    const { next, sent, change, also = '' } = row;
    const { agent } = await begin();
    moveTo(agent, next);
    await agent.advance(MINUTE_MS);

    await agent[change](AGENT + also + renamed);
    await agent.advance(10 * MINUTE_MS);
    await agent.restart();
    await agent.advance(10 * MINUTE_MS);

    expect(sentTo(agent)).toHaveLength(sent);
    expect(agent.state().hosts.home).toMatchObject({
      account: 'renamed',
      confirmed: { ipv4: { address: WAN } },
    });

    moveTo(agent, NEXT);
    await agent.advance(HOUR_MS);

    expect(sentTo(agent).at(-1)).toBe(`dynupdate.no-ip.com ${NEXT}`);
    expect(agent.state().hosts.home?.confirmed.ipv4?.address).toBe(NEXT);
  });

  test('the wait that its own has asked for holds when its sections were taken out and are back', async () => {
    const { agent } = await begin();
    moveTo(agent, '198.51.100.91');
    await agent.advance(MINUTE_MS);
    await agent.reload(AGENT + account({ id: 'new' }) + host('new', cam));
    moveTo(agent, NEXT);
    await agent.reload(ONE);
    await agent.advance(10 * MINUTE_MS);
    const sent = sentTo(agent);
    await agent.advance(HOUR_MS);

    expect(sent).toHaveLength(2);
    expect(sentTo(agent).slice(2)).toEqual([`dynupdate.no-ip.com ${NEXT}`]);
  });

  test('and back: what the others have is still known', async () => {
    const { agent } = await begin();
    const [third = ''] = servers.map((one) => AGENT + account({ provider: 'dyndns2', ...one }) + host());
    for (const config of [OTHER, third, OTHER, ONE, third]) {
      await agent.reload(config);
      await agent.advance(HOUR_MS);
    }

    expect(sentTo(agent)).toEqual(
      ['dynupdate.no-ip.com', 'members.dyndns.org', 'one.example'].map((one) => `${one} ${WAN}`),
    );
  });

  test('is sent there also where it was taken out meanwhile', async () => {
    const { agent } = await begin();
    await agent.reload(AGENT + account() + host('ddns', cam));
    await agent.advance(MINUTE_MS);

    await agent.reload(OTHER);
    await agent.advance(MINUTE_MS);

    expect(sentTo(agent).slice(2)).toEqual([`members.dyndns.org ${WAN}`]);
  });

  test.each([
    { name: 'its account', to: AGENT + renamed },
    { name: 'its own', to: AGENT + account() + host('ddns', { id: 'house' }) },
  ])(
    'that an update may have overwritten is sent again when the section of $name has another name',
    async ({ to }) => {
      const { agent } = await begin(ONE, 4000);
      moveTo(agent, NEXT);
      await agent.advance(1000);

      moveTo(agent, WAN);
      await agent.reload(to);
      await agent.advance(HOUR_MS);

      expect(sentTo(agent)).toEqual([WAN, NEXT, WAN].map((one) => `dynupdate.no-ip.com ${one}`));
    },
  );

  const twice = both + host() + host('new', { id: 'again', name: 'home' });

  test.each([
    { name: 'another name comes to the zone', from: ONE, to: ONE + host('ddns', cam), isTold: true },
    { name: 'a name stays at two providers', from: twice, to: `${twice}\n`, isTold: true },
    { name: 'it leaves one of two providers', from: twice, to: both + host(), isTold: true },
    {
      name: 'it goes to where its neighbour is',
      from: both + host() + host('new', cam),
      to: both + host('new') + host('new', cam),
      isTold: false,
    },
  ])('other servers of the zone are told of when $name: $isTold', async ({ from, to, isTold }) => {
    const { agent, delegate } = await begin(from);

    delegate('second.example');
    await agent.reload(to);
    await agent.advance(3 * HOUR_MS);

    const codes = agent.told.map(({ message }) => message.incident.code);
    expect(codes.includes('delegation/CHANGED')).toBe(isTold);
  });
});

test('a check while an update is on its way: the new address is no fault', async () => {
  const { agent } = await begin(ONE, 4000);
  moveTo(agent, NEXT);
  await agent.advance(1000);

  await agent.request(['home'], true);
  await agent.advance(1000);

  expect(agent.codes().filter((code) => code === 'authority/STALE')).toEqual([]);
});
