/** A line that flaps: what is told of it, and that nothing else is lost for it. */
import { describe, expect, test } from 'vitest';
import type { InterfaceStatus } from '../fakes/netifd-feed.ts';
import { good, type ScenarioAgent, type ScenarioParts, scenario } from './agent.ts';

const IPV4 = '192.0.2.1';
const IPV6 = '2001:db8::1';
const STEADY_MS = 10_000;

const CONFIG = `
config agent
	option verify '0'
	option contact 'admin@example.org'

config account 'noip'
	option provider 'no-ip.com'
	option username 'user'
	option password 'secret'

config hostname 'home'
	option hostname 'home.ddns.net'
	option account 'noip'
	option family 'dual'
	option allow_private '1'
	list network 'wan'
	list network 'wan6'

config hostname 'six'
	option hostname 'six.ddns.net'
	option account 'noip'
	option family 'ipv6'
	option allow_private '1'
	list network 'wan6'
`;

function wan(address = IPV4, up = true): InterfaceStatus {
  return {
    interface: 'wan',
    up,
    l3_device: 'eth1',
    'ipv4-address': up ? [{ address, mask: 24 }] : [],
    route: up ? [{ target: '0.0.0.0', mask: 0 }] : [],
  };
}

function wan6(address?: string): InterfaceStatus {
  return {
    interface: 'wan6',
    up: address !== undefined,
    ...(address !== undefined && { l3_device: 'eth1', 'ipv6-address': [{ address, mask: 64 }] }),
    route: address === undefined ? [] : [{ target: '::', mask: 0 }],
  };
}

/** At rest, with everything confirmed. */
async function atRest(
  published: NonNullable<ScenarioParts['published']> = {
    home: { ipv4: IPV4, ipv6: IPV6 },
    six: { ipv6: IPV6 },
  },
  interfaces = [wan(), wan6(IPV6)],
): Promise<ScenarioAgent> {
  const agent = await scenario({
    config: CONFIG,
    fixture: { name: '', description: '', dumpBefore: { interface: interfaces }, steps: [] },
    replies: good,
    published,
  });
  await agent.advance(60_000);
  agent.events.length = 0;
  return agent;
}

/** wan6 goes and comes every 200 ms. */
async function storm(agent: ScenarioAgent, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    agent.feed.notify(wan6());
    await agent.advance(100);
    agent.feed.notify(wan6(IPV6));
    await agent.advance(100);
  }
}

function told(agent: ScenarioAgent, host: string): string[] {
  return agent.events.filter((one) => one.host === host).map(({ code }) => code);
}

test('saving the settings several times within seconds is no change of the line', async () => {
  const agent = await atRest();

  for (const contact of ['a@example.org', 'b@example.org', 'c@example.org']) {
    await agent.reload(CONFIG.replace('admin@example.org', contact));
    await agent.advance(3000);
  }
  await agent.advance(STEADY_MS);

  expect(told(agent, 'six').length).toBeGreaterThan(0);
  expect(agent.events.map(({ sentence }) => sentence).filter((one) => one.includes('changed'))).toEqual([]);
  expect(agent.requests).toEqual([]);
});

describe('a storm of notifications', () => {
  test('is told by its two states, and once more when it is over', async () => {
    const agent = await atRest();

    await storm(agent, 100);
    const during = [told(agent, 'home'), told(agent, 'six')];
    await agent.advance(STEADY_MS);

    expect(during).toEqual([
      ['wan/NO_ADDRESS', 'wan/SAME'],
      ['wan/DOWN', 'wan/SAME'],
    ]);
    expect([told(agent, 'home'), told(agent, 'six')]).toEqual([
      ['wan/NO_ADDRESS', 'wan/SAME', 'wan/SAME'],
      ['wan/DOWN', 'wan/SAME', 'wan/SAME'],
    ]);
    expect(agent.events.at(-1)).toMatchObject({
      level: 'notice',
      sentence: `six.ddns.net: wan6 has ${IPV6}, as published. It changed 200 times in 20 s.`,
    });
    expect(agent.requests).toEqual([]);
  });

  test('ends with the state that is there then', async () => {
    const agent = await atRest();

    await storm(agent, 10);
    agent.feed.notify(wan6());
    await agent.advance(STEADY_MS + 1000);

    expect(told(agent, 'six')).toEqual(['wan/DOWN', 'wan/SAME', 'wan/DOWN']);
    expect(agent.events.at(-1)).toMatchObject({ level: 'warning', host: 'six', code: 'wan/DOWN' });
  });

  test('without an end is told every five minutes', async () => {
    const agent = await atRest();

    await storm(agent, 5 * 610);

    expect(told(agent, 'six')).toEqual(['wan/DOWN', 'wan/SAME', 'wan/SAME', 'wan/SAME']);
    expect(agent.events.at(-1)?.sentence).toMatch(/It keeps changing: 30\d\d times in 300 s\.$/);
  });

  test('that ends as soon as its lasting was told is followed by one word more', async () => {
    const agent = await atRest();

    await storm(agent, 5 * 299);
    await agent.advance(10 * STEADY_MS);

    const said = agent.events.filter(({ host }) => host === 'six').map(({ sentence }) => sentence);
    expect(said.slice(-2)).toEqual([
      expect.stringMatching(/ It keeps changing: \d+ times in 299 s\.$/),
      expect.stringMatching(/ It is steady now\.$/),
    ]);
  });

  test('holds back neither a new address nor its confirmation', async () => {
    const agent = await atRest();

    await storm(agent, 5);
    agent.feed.notify(wan6('2001:db8::2'));
    await agent.advance(1000);

    expect(told(agent, 'six')).toEqual(['wan/DOWN', 'wan/SAME', 'wan/CHANGED', 'update/CONFIRMED']);
  });

  test('of ever new addresses is told by the first of them and by the last', async () => {
    const agent = await atRest();

    for (let count = 1; count <= 20; count++) {
      agent.feed.notify(wan6(`2001:db8:1::${count}`));
      await agent.advance(500);
    }
    await agent.advance(60_000);

    const addresses = agent.events.flatMap(({ host, code, sentence }) =>
      host === 'six' && code.startsWith('wan/') ? (/2001:db8:1::\d+/.exec(sentence)?.[0] ?? []) : [],
    );
    expect(addresses.map((address) => address.slice('2001:db8:1::'.length))).toEqual([
      '1',
      '2',
      '3',
      '4',
      '20',
    ]);
  });
});

describe('a single change is told at once', () => {
  test('down, then up again, and the same half a minute later', async () => {
    const agent = await atRest();

    for (let round = 0; round < 2; round++) {
      agent.feed.notify(wan6());
      await agent.advance(3000);
      agent.feed.notify(wan6(IPV6));
      await agent.advance(30_000);
    }

    expect(told(agent, 'six')).toEqual(['wan/DOWN', 'wan/SAME', 'wan/DOWN', 'wan/SAME']);
  });

  test('what both families have to say of one name is said once', async () => {
    const agent = await atRest();

    agent.feed.notify(wan6());
    await agent.advance(20_000);
    agent.events.length = 0;
    agent.feed.notify(wan(IPV4, false));
    await agent.advance(1000);

    expect(agent.events.filter(({ host }) => host === 'home').map(({ sentence }) => sentence)).toEqual([
      "home.ddns.net: Interfaces 'wan' and 'wan6' are down; the name keeps its last address.",
    ]);
  });

  test('also where only one of them was ever published', async () => {
    const agent = await atRest({ home: { ipv4: IPV4 } }, [wan(), wan6()]);

    agent.feed.notify(wan(IPV4, false));
    await agent.advance(1000);

    expect(agent.events.filter(({ host }) => host === 'home')).toHaveLength(1);
  });
});
