/** A check takes seconds; what it finds must not be taken for the answer to another question. */
import { expect, test } from 'vitest';
import { judge } from '../../agent/core/verdicts.ts';
import type { Verifier } from '../../agent/engine/checks/parts.ts';
import type { VirtualClock } from '../fakes/virtual-clock.ts';
import { good, lineAt, moveTo, type ScenarioAgent, scenario } from './agent.ts';

const HOUR_MS = 3_600_000;
const CHECK_MS = 3000;
const WAN = '198.51.100.10';
const NEXT = '198.51.100.11';

function config(hostname = 'home.ddns.net'): string {
  return `
config agent
	option resync '86400'
	option contact 'admin@example.org'

config account 'noip'
	option provider 'no-ip.com'
	option username 'user'
	option password 'secret'

config hostname 'home'
	option hostname '${hostname}'
	option account 'noip'
	option allow_private '1'
`;
}

/** Servers that go on giving the first address they had, and answer late. */
function slowServers(clock: VirtualClock): Verifier {
  return async (asked) => {
    await new Promise<void>((resolve) => clock.after(CHECK_MS, resolve));
    const kind = asked.ipv4 === WAN && asked.hostname === 'home.ddns.net' ? 'ok' : 'wrong';
    const answer = { server: 'ns1', family: 'ipv4', kind, detail: '' } as const;
    const answers = [{ ...answer, addresses: [WAN] }];
    return judge({ zone: 'ddns.net', delegation: [], authority: answers, publicView: answers }, asked);
  };
}

test.each([
  { name: 'a new address', change: async (agent: ScenarioAgent) => moveTo(agent, NEXT) },
  { name: 'another name', change: (agent: ScenarioAgent) => agent.reload(config('house.ddns.net')) },
  {
    name: 'a restart with another name',
    change: (agent: ScenarioAgent) => agent.restart(config('house.ddns.net')),
  },
])('a check that was under way says nothing of $name', async ({ change }) => {
  const agent = await scenario({
    config: config(),
    fixture: lineAt(WAN),
    replies: good,
    verifier: slowServers,
  });
  await agent.advance(HOUR_MS);
  const before = agent.state().hosts.home?.axes.authority?.code;
  await agent.request(['home'], true);
  await agent.advance(1000);

  await change(agent);
  await agent.advance(CHECK_MS - 500);
  const meanwhile = agent.state().hosts.home;
  await agent.advance(1000);

  expect(before).toBe('authority/OK');
  expect(meanwhile?.check).toMatchObject({ count: 0, pending: true });
  expect(agent.state().hosts.home?.axes.authority?.code).toBe('authority/SPREADING');
});
