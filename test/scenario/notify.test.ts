/** Telling people through the whole agent: when a message goes out, and when it is tried again. */
import { describe, expect, test } from 'vitest';
import type { Failure } from '../../agent/core/failure.ts';
import type { InterfaceStatus, NetifdFixture } from '../fakes/netifd-feed.ts';
import { good, type ScenarioAgent, says, scenario, type ToldMessage } from './agent.ts';

const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;

const AGENT = `
config agent
	option verify '0'
	option resync '86400'
	option contact 'admin@example.org'
	list notify 'https://hooks.example.org/in'
`;
const ACCOUNT = `
config account 'noip'
	option provider 'no-ip.com'
	option username 'user'
	option password 'secret'
`;
const HOST = `
config hostname 'home'
	option hostname 'home.example.org'
	option account 'noip'
	option allow_private '1'
`;
const CONFIG = AGENT + ACCOUNT + HOST;
const CORRECTED = CONFIG.replace("'secret'", "'secret-right'");

const AWAY: Failure = {
  kind: 'unreachable',
  scope: 'attempt',
  code: 'http/NO_ROUTE',
  sentence: 'There is no route to hooks.example.org:443.',
};

function wan(address: string): InterfaceStatus {
  return {
    interface: 'wan',
    up: true,
    l3_device: 'eth1',
    'ipv4-address': [{ address, mask: 24 }],
    route: [{ target: '0.0.0.0', mask: 0 }],
  };
}

const ROUTER: NetifdFixture = {
  ...{ name: 'made', description: '', steps: [] },
  dumpBefore: { interface: [wan('198.51.100.10')] },
};

/** `CHANNEL KIND` of everything that was sent. */
function toldBy({ told }: ScenarioAgent): string[] {
  return told.map(({ channel, message }) => `${channel} ${message.kind}`);
}

describe('a password that is refused', () => {
  test('is told at once, once, and the end of it once', async () => {
    const agent = await scenario({
      config: CONFIG,
      fixture: ROUTER,
      replies: [() => says('badauth'), good],
    });
    await agent.advance(24 * HOUR_MS);
    const before = toldBy(agent);
    const [first] = agent.told;

    await agent.reload(CORRECTED);
    await agent.advance(24 * HOUR_MS);

    expect(before).toEqual(['web opened', 'ubus opened']);
    expect(first?.atMs).toBeLessThan(SECOND_MS);
    expect(first?.message).toMatchObject({
      incident: { code: 'dyndns2/BADAUTH', mustAct: true },
      hostnames: ['home.example.org'],
    });
    expect(toldBy(agent)).toEqual([...before, 'web closed', 'ubus closed']);
  });

  test('is not told again after a restart, nor after a reboot', async () => {
    const agent = await scenario({ config: CONFIG, fixture: ROUTER, replies: [() => says('badauth')] });
    await agent.advance(HOUR_MS);

    await agent.restart();
    await agent.advance(HOUR_MS);
    await agent.reboot();
    await agent.advance(HOUR_MS);

    expect(toldBy(agent)).toEqual(['web opened', 'ubus opened']);
  });
});

describe('a message that did not get through', () => {
  async function waiting(notify: (told: ToldMessage) => Failure | undefined) {
    const agent = await scenario({
      config: CONFIG,
      fixture: ROUTER,
      replies: [() => says('badauth')],
      notify,
    });
    await agent.advance(6 * HOUR_MS);
    return agent;
  }

  test('goes out as soon as the line is back, and to whom it did not reach only', async () => {
    let online = false;
    const agent = await waiting(({ channel }) => (channel === 'web' && !online ? AWAY : undefined));
    agent.feed.notify({ interface: 'wan', up: false });
    await agent.advance(10 * 60 * SECOND_MS);
    const before = agent.told.length;
    online = true;

    agent.feed.notify(wan('198.51.100.10'));
    await agent.advance(SECOND_MS);
    const atOnce = agent.told.slice(before);
    await agent.advance(24 * HOUR_MS);

    expect(atOnce).toMatchObject([{ channel: 'web', message: { kind: 'opened' } }]);
    expect(agent.told).toHaveLength(before + 1);
    expect(toldBy(agent).filter((one) => one === 'ubus opened')).toHaveLength(1);
  });

  test('goes out as soon as the clock is set, for certificates can be checked then', async () => {
    let clockSet = false;
    const agent = await waiting(({ channel }) => (channel === 'web' && !clockSet ? AWAY : undefined));
    const before = agent.told.length;
    clockSet = true;

    await agent.clockSet();
    await agent.advance(SECOND_MS);

    expect(agent.told).toHaveLength(before + 1);
    expect(agent.state().outbox.messages).toEqual([]);
  });

  test('is tried again with a growing distance, and said once', async () => {
    const agent = await waiting(({ channel }) => (channel === 'web' ? AWAY : undefined));

    const tries = agent.told.filter(({ channel }) => channel === 'web').map(({ atMs }) => atMs);
    const gaps = tries.slice(1).map((atMs, index) => Math.round((atMs - (tries[index] ?? 0)) / SECOND_MS));
    expect(gaps).toEqual([30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]);
    expect(agent.codes().filter((code) => code.startsWith('notify/'))).toEqual(['notify/DELAYED']);
  });
});
