/** A standby name has the address of the main one all the time, whatever its own section leaves unsaid. */
import { describe, expect, test } from 'vitest';
import type { AnswerKind } from '../../agent/core/health.ts';
import { worksOf } from '../../agent/core/works.ts';
import { statusOf } from '../../agent/engine/status.ts';
import type { InterfaceStatus } from '../fakes/netifd-feed.ts';
import { good, type Reply, type ScenarioAgent, says, scenario, updatesOf } from './agent.ts';

const MINUTE_MS = 60_000;
const HOME = 'home.ddns.net';
const DUCK = 'home.dynu.net';

function config(duck = ''): string {
  return `
config agent
	option contact 'admin@example.org'

config account 'noip'
	option provider 'no-ip.com'
	option username 'user'
	option password 'secret-1'

config account 'dynu'
	option provider 'dynu.com'
	option username 'user'
	option password 'secret-2'

config hostname 'home'
	option hostname '${HOME}'
	option account 'noip'
	list network 'wanb'
	list network 'wan'
	option allow_private '1'
	list standby 'duck'

config hostname 'duck'
	option hostname '${DUCK}'
	option account 'dynu'
${duck}`;
}

function line(name: string, address: string, up = true): InterfaceStatus {
  return {
    interface: name,
    up,
    l3_device: name === 'wan' ? 'eth1' : 'eth2',
    'ipv4-address': up ? [{ address, mask: 24 }] : [],
    route: up ? [{ target: '0.0.0.0', mask: 0 }] : [],
  };
}

async function begin(
  text: string,
  replies: Reply = good,
  kinds: Record<string, AnswerKind> = {},
  problems: string[] = [],
): Promise<ScenarioAgent> {
  return await scenario({
    config: text,
    problems,
    fixture: {
      name: 'made',
      description: '',
      dumpBefore: { interface: [line('wan', '192.0.2.10'), line('wanb', '198.51.100.10')] },
      steps: [],
    },
    replies,
    verify: ({ hostname }) => {
      const zone = hostname.split('.').slice(-2).join('.');
      const kind = kinds[hostname] ?? 'ok';
      return {
        zone,
        delegation: [{ server: 'a.nic.example', nameServers: [`ns1.${zone}`] }],
        authority: [{ server: `ns1.${zone}`, family: 'ipv4', kind, detail: kind }],
        publicView: [],
      };
    },
  });
}

/** The last address that was sent for each name. */
function published(agent: ScenarioAgent): Record<string, string> {
  return Object.fromEntries(updatesOf(agent.requests).map(([, text]) => text.split(' ') as [string, string]));
}

test('both names follow the same line, through its end and its return', async () => {
  const agent = await begin(config());
  await agent.advance(MINUTE_MS);
  expect(published(agent)).toEqual({ [HOME]: '198.51.100.10', [DUCK]: '198.51.100.10' });

  agent.feed.notify(line('wanb', '', false));
  await agent.advance(5 * MINUTE_MS);
  expect(published(agent)).toEqual({ [HOME]: '192.0.2.10', [DUCK]: '192.0.2.10' });

  agent.feed.notify(line('wanb', '198.51.100.20'));
  await agent.advance(5 * MINUTE_MS);
  expect(published(agent)).toEqual({ [HOME]: '198.51.100.20', [DUCK]: '198.51.100.20' });
});

test('a main name that is refused does not keep its standby from following', async () => {
  const agent = await begin(config(), (request) =>
    request.hostnames.includes(HOME) ? says('badauth') : good(request),
  );
  await agent.advance(MINUTE_MS);

  agent.feed.notify(line('wanb', '198.51.100.20'));
  await agent.advance(5 * MINUTE_MS);

  const { home, duck } = agent.state().hosts;
  expect(agent.requests.filter(({ hostnames }) => hostnames.includes(HOME))).toHaveLength(1);
  expect(home?.confirmed).toEqual({});
  expect(duck?.confirmed.ipv4?.address).toBe('198.51.100.20');
});

test('a standby with a network of its own follows that one', async () => {
  const own = "\tlist network 'wan'\n\toption allow_private '1'\n";
  const agent = await begin(config(own), good, {}, ['config/STANDBY_DIFFERS']);

  await agent.advance(MINUTE_MS);

  expect(published(agent)).toEqual({ [HOME]: '198.51.100.10', [DUCK]: '192.0.2.10' });
});

describe('the status', () => {
  test('says which names work now', async () => {
    const agent = await begin(config(), good, { [HOME]: 'fault' });
    await agent.advance(30 * MINUTE_MS);
    const facts = { ...{ version: '0', runtime: 'test', pid: 1, startedAt: '', memoryKib: 0, limits: [] } };
    const now = { ms: agent.clock.monotonicMs(), wallMs: agent.clock.nowMs(), random: 0.5 };

    const { hostnames } = statusOf(agent.state(), now, facts, [], []);

    expect(hostnames.map(({ id, standby }) => [id, standby])).toEqual([
      ['home', ['duck']],
      ['duck', []],
    ]);
    expect(Object.entries(agent.state().hosts).map(([id, { axes }]) => [id, worksOf(axes)])).toEqual([
      ['home', 'no'],
      ['duck', 'yes'],
    ]);
  });
});
