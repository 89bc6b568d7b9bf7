/** What was confirmed stays known while a hostname is switched off, and for a while after it was taken out. */
import { describe, expect, test } from 'vitest';
import { statusOf } from '../../agent/engine/status.ts';
import { good, moveTo, type ScenarioAgent, scenario, updatesOf } from './agent.ts';

/** As the recording has it. */
const IPV4 = '198.51.100.10';
const IPV6 = '2001:db8:1::1000';
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

interface Host {
  id?: string;
  hostname?: string;
  account?: string;
  family?: string;
  enabled?: string;
}

function section({ id = 'home', hostname = 'home.ddns.net', ...options }: Host): string {
  const { account = 'noip', family = 'ipv4', enabled = '1' } = options;
  return `
config hostname '${id}'
	option hostname '${hostname}'
	option account '${account}'
	option family '${family}'
	option enabled '${enabled}'
	option allow_private '1'
	list network 'wan'
	list network 'wan6'
`;
}

function config(hosts: string, agent = ''): string {
  return `
config agent
	option verify '0'
	option contact 'admin@example.org'
${agent}
config account 'noip'
	option provider 'no-ip.com'
	option username 'user'
	option password 'secret'

config account 'other'
	option provider 'no-ip.com'
	option username 'other'
	option password 'secret-2'
${section({ id: 'spare', hostname: 'spare.ddns.net' })}${hosts}`;
}

const ON = config(section({}));
const OFF = config(
  section({ enabled: '0' }) + section({ id: 'idle', hostname: 'idle.ddns.net', enabled: '0' }),
);

async function begin(text = ON, latencyMs = 20): Promise<ScenarioAgent> {
  const agent = await scenario({
    config: text,
    fixture: '03-dhcp-renew-same',
    replies: good,
    published: { spare: { ipv4: IPV4 } },
    latencyMs,
  });
  await agent.advance(MINUTE_MS);
  return agent;
}

/** What was sent for names other than the one that always rests at its address. */
function sentBy(agent: ScenarioAgent): string[] {
  return updatesOf(agent.requests).flatMap(([, update]) => (update.startsWith('spare') ? [] : update));
}

describe('the same address is not sent again', () => {
  test.each<{ name: string; between: string; after?: string; forMs?: number; also?: string[] }>([
    { name: 'a hostname that was off for a minute', between: OFF },
    { name: 'a hostname that was off for a month', between: OFF, forMs: 30 * DAY_MS },
    { name: 'an agent that was off', between: config(section({}), "\toption enabled '0'\n") },
    { name: 'a section that was taken out and is back', between: config('') },
    {
      name: 'a section that had another hostname',
      between: config(section({ hostname: 'a.ddns.net' })),
      also: [`a.ddns.net ${IPV4}`],
    },
    {
      name: 'a section that had another account',
      between: config(section({ account: 'other' })),
      also: [`home.ddns.net ${IPV4}`],
    },
    { name: 'a section with another name', between: config(''), after: config(section({ id: 'house' })) },
  ])('$name', async ({ between, after = ON, forMs = MINUTE_MS, also = [] }) => {
    const agent = await begin();

    await agent.reload(between);
    await agent.advance(forMs);
    await agent.reload(after);
    await agent.advance(MINUTE_MS);

    expect(sentBy(agent)).toEqual([`home.ddns.net ${IPV4}`, ...also]);
  });

  test.each(['restart', 'reboot'] as const)('also when it is switched on at a %s', async (how) => {
    const agent = await begin();
    await agent.reload(OFF);
    await agent.advance(MINUTE_MS);

    await agent[how]();
    await agent.advance(3 * DAY_MS);
    await agent.restart(OFF);
    await agent.advance(MINUTE_MS);
    await agent.reload(ON);
    await agent.advance(MINUTE_MS);

    expect(sentBy(agent)).toHaveLength(1);
  });
});

describe('a section that was taken out', () => {
  test.each([
    { name: 'an hour ago is known', passes: [60 * MINUTE_MS], known: true },
    {
      name: 'an hour ago is known, whatever was read meanwhile',
      passes: [1, 60 * MINUTE_MS, 1],
      known: true,
    },
    { name: 'days ago is forgotten', passes: [DAY_MS + MINUTE_MS], known: false },
    {
      name: 'days ago is forgotten, whatever was read meanwhile',
      passes: [DAY_MS / 2, DAY_MS / 2, 2 * MINUTE_MS],
      known: false,
    },
  ])('$name', async ({ passes, known }) => {
    const agent = await begin();
    for (const durationMs of passes) {
      await agent.reload(config(''));
      await agent.advance(durationMs);
    }

    await agent.reload(ON);
    await agent.advance(MINUTE_MS);

    expect(sentBy(agent)).toHaveLength(known ? 1 : 2);
  });

  test('and had been off long ago is known for a day as well', async () => {
    const agent = await begin();
    await agent.reload(OFF);
    await agent.advance(MINUTE_MS);
    await agent.reload(ON);
    await agent.advance(2 * DAY_MS);
    await agent.reload(config(''));
    await agent.advance(MINUTE_MS);

    await agent.reload(ON);
    await agent.advance(MINUTE_MS);

    expect(sentBy(agent)).toHaveLength(1);
  });

  test('leaves nothing behind in the end', async () => {
    const agent = await begin();
    await agent.reload(config(''));
    await agent.advance(DAY_MS + MINUTE_MS);

    await agent.reload(config(''));

    expect(Object.keys(agent.state().hosts)).toEqual(['spare']);
  });

  test('and had been off for a month before is known for another day', async () => {
    const agent = await begin();
    await agent.reload(OFF);
    await agent.advance(30 * DAY_MS);
    await agent.reload(config(''));
    await agent.advance(DAY_MS / 2);

    await agent.reload(ON);
    await agent.advance(MINUTE_MS);

    expect(sentBy(agent)).toHaveLength(1);
  });
});

test('however many are taken out, only so many are remembered', async () => {
  const many = Array.from({ length: 60 }, (_, count) =>
    section({ id: `h${count}`, hostname: `h${count}.ddns.net` }),
  );
  const agent = await begin(config(many.join('')));

  await agent.reload(config(''));

  expect(Object.keys(agent.state().hosts)).toHaveLength(50 + 1);
});

test('what may have been overwritten by an update on its way is sent again', async () => {
  const agent = await begin(ON, 5000);
  moveTo(agent, '198.51.100.11');
  await agent.advance(1000);
  await agent.reload(OFF);
  moveTo(agent, IPV4);
  await agent.advance(15 * MINUTE_MS);

  await agent.reload(ON);
  await agent.advance(15 * MINUTE_MS);

  expect(sentBy(agent)).toEqual([IPV4, '198.51.100.11', IPV4].map((one) => `home.ddns.net ${one}`));
});

test('one of two sections of the same name that is switched off keeps what is its own', async () => {
  const both = section({}) + section({ id: 'six', family: 'ipv6' });
  const one = section({}) + section({ id: 'six', family: 'ipv6', enabled: '0' });
  const agent = await begin(config(both));

  await agent.reload(config(one));
  await agent.advance(MINUTE_MS);
  await agent.reload(config(both));
  await agent.advance(MINUTE_MS);

  expect(sentBy(agent)).toEqual([`home.ddns.net ${IPV4}`, `home.ddns.net ${IPV6}`]);
});

describe('a family that is not published any more', () => {
  const SIX = config(section({ family: 'ipv6' }));

  test('is told of once, and stands in the status', async () => {
    const agent = await begin();

    await agent.reload(SIX);
    await agent.advance(MINUTE_MS);
    await agent.reload(SIX);
    await agent.restart();
    await agent.reboot();
    await agent.advance(MINUTE_MS);
    const facts = { version: '1', runtime: 'test', pid: 1, startedAt: '', memoryKib: 1 };
    const now = { ms: agent.clock.monotonicMs(), wallMs: agent.clock.nowMs(), random: 0 };
    const home = statusOf(agent.state(), now, facts, [], []).hostnames.find(({ id }) => id === 'home');

    const said = agent.events.filter(({ code }) => code === 'update/LEFT');
    expect(said.map(({ sentence }) => sentence)).toEqual([
      'home.ddns.net: IPv4 is not published any more, but its A record stays at No-IP. ' +
        'Delete it there, or visitors are still led to it.',
    ]);
    expect(home?.confirmed.ipv4).toMatchObject({ address: IPV4, note: expect.stringContaining('A record') });
    expect(home?.confirmed.ipv6).toEqual({ address: IPV6, since: expect.any(String) });
  });

  test('and that is published again counts as before', async () => {
    const agent = await begin();
    await agent.reload(SIX);
    await agent.advance(MINUTE_MS);

    await agent.reload(ON);
    await agent.advance(MINUTE_MS);

    expect(agent.state().hosts.home?.confirmed.ipv4?.left).toBeUndefined();
    expect(sentBy(agent)).toHaveLength(2);
  });
});

test('a shorter hold-down shortens a wait that is running', async () => {
  const wait = (holdDown: string) => config(section({}), `\toption hold_down '${holdDown}'\n`);
  const agent = await begin(wait('300'));
  moveTo(agent, '198.51.100.11');
  await agent.advance(5000);
  const before = sentBy(agent).length;

  await agent.reload(wait('5'));
  await agent.advance(5000);

  expect([before, sentBy(agent).length]).toEqual([1, 2]);
});
