/** A router behind another one: the address comes from the web, and netifd only tells when to ask. */
import { expect, test } from 'vitest';
import type { HttpResult } from '../../agent/ports.ts';
import { type EchoRequest, good, says, scenario, unreachable, updatesOf } from './agent.ts';

const FIRST = '203.0.114.1';
const SECOND = '203.0.114.2';
const HOME = `
config account 'a'
	option provider 'no-ip.com'
	option username 'user'
	option password 'secret'

config agent
	option contact 'admin@example.org'
	option verify '0'

config hostname 'home'
	option hostname 'home.ddns.net'
	option account 'a'
	option source 'web'
`;

/** Web services that see this address until a test says otherwise. */
function world(address: string) {
  const asked: EchoRequest[] = [];
  const state = { address, oneLies: '', down: false };
  function echo(request: EchoRequest): HttpResult {
    asked.push(request);
    if (state.down) {
      return unreachable();
    }
    const seen = request.url.includes('ident.me') && state.oneLies !== '' ? state.oneLies : state.address;
    return says(request.url.includes('trace') ? `ip=${seen}\nwarp=off\n` : `${seen}\n`);
  }
  return { asked, state, echo };
}

test('is published as two of them see it, through the WAN', async () => {
  const { asked, echo } = world(FIRST);
  const agent = await scenario({ config: HOME, echo, replies: [good] });
  await agent.advance(1000);

  expect(updatesOf(agent.requests).map(([, update]) => update)).toEqual([`home.ddns.net ${FIRST}`]);
  expect(asked).toHaveLength(2);
  expect(new Set(asked.map(({ via }) => JSON.stringify(via)))).toEqual(
    new Set([JSON.stringify({ device: 'eth1', ipv4: '198.51.100.10' })]),
  );
});

test('the rest of the day costs one question every ten minutes, and no update', async () => {
  const { asked, echo } = world(FIRST);
  const agent = await scenario({ config: HOME, echo, replies: [good] });
  await agent.advance(24 * 3_600_000);

  expect(agent.requests).toHaveLength(1);
  expect(asked.length).toBeGreaterThan(120);
  expect(asked.length).toBeLessThan(150);
});

test('a new address behind the other router is found at the next question', async () => {
  const { state, echo } = world(FIRST);
  const agent = await scenario({ config: HOME, echo, replies: [good, good] });
  await agent.advance(60_000);
  state.address = SECOND;
  await agent.advance(700_000);

  expect(updatesOf(agent.requests).map(([, update]) => update)).toEqual([
    `home.ddns.net ${FIRST}`,
    `home.ddns.net ${SECOND}`,
  ]);
});

test('one service that lies changes nothing for days', async () => {
  const { state, echo } = world(FIRST);
  state.oneLies = '203.0.114.66';
  const agent = await scenario({ config: HOME, echo, replies: [good] });
  await agent.advance(48 * 3_600_000);

  expect(updatesOf(agent.requests).map(([, update]) => update)).toEqual([`home.ddns.net ${FIRST}`]);
});

test('while nobody answers, nothing is published and nothing is taken back', async () => {
  const { state, asked, echo } = world(FIRST);
  const agent = await scenario({ config: HOME, echo, replies: [good] });
  await agent.advance(60_000);
  state.down = true;
  await agent.advance(3_600_000);
  const afterAnHour = asked.length;

  expect(agent.requests).toHaveLength(1);
  expect(agent.codes()).toContain('source/NO_ANSWER');
  // Four at a time, every five minutes in the end.
  expect(afterAnHour).toBeLessThan(90);
  state.down = false;
  await agent.advance(400_000);
  expect(agent.requests).toHaveLength(1);
  expect(agent.state().hosts.home?.choices.ipv4).toMatchObject({ address: FIRST });
});

test('an event of netifd asks at once', async () => {
  const { state, echo } = world(FIRST);
  const agent = await scenario({ config: HOME, echo, replies: [good, good] });
  await agent.advance(60_000);
  state.address = SECOND;
  const atMs = 60_000;
  agent.feed.notify({
    interface: 'wan',
    up: true,
    l3_device: 'eth1',
    'ipv4-address': [{ address: '192.168.1.7', mask: 24 }],
    route: [{ target: '0.0.0.0', mask: 0, nexthop: '192.168.1.1' }],
  });
  await agent.advance(1000);

  const [, second] = updatesOf(agent.requests);
  expect(second?.[1]).toBe(`home.ddns.net ${SECOND}`);
  expect((second?.[0] ?? 0) - atMs).toBeLessThan(300);
});

test('a WAN that goes down is no reason to publish anything', async () => {
  const { echo } = world(FIRST);
  const agent = await scenario({ config: HOME, echo, replies: [good] });
  await agent.advance(60_000);
  agent.feed.notify({ interface: 'wan', up: false });
  await agent.advance(600_000);

  expect(agent.requests).toHaveLength(1);
  expect(agent.codes()).toContain('wan/DOWN');
});

test('beside a hostname that publishes the address of the interface, nobody is asked twice', async () => {
  const { asked, echo } = world(FIRST);
  const direct = HOME.slice(HOME.indexOf('config hostname'))
    .replace("'home'", "'direct'")
    .replace('home.ddns', 'direct.ddns')
    .replace("option source 'web'", "option allow_private '1'");
  const agent = await scenario({ config: HOME + direct, echo, replies: good });
  // The second update of an account keeps its distance.
  await agent.advance(20_000);

  expect(asked).toHaveLength(2);
  expect(
    updatesOf(agent.requests)
      .map(([, update]) => update)
      .sort(),
  ).toEqual(['direct.ddns.net 198.51.100.10', `home.ddns.net ${FIRST}`]);
});
