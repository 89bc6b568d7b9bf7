/** A record behind the provider's proxy: its own answer counts, and the DNS is not asked about it. */
import { beforeAll, expect, test } from 'vitest';
import { statusOf } from '../../agent/engine/status.ts';
import type { InterfaceStatus } from '../fakes/netifd-feed.ts';
import { type ScenarioAgent, says, scenario } from './agent.ts';

const CONFIG = `
config agent
	option verify '1'
	option resync '86400'

config account 'cf'
	option provider 'cloudflare.com-v4'
	option password 'secret-token'

config hostname 'home'
	option hostname 'home.example.org'
	option account 'cf'
	option allow_private '1'
`;
const HOUR_MS = 3_600_000;

function wan(address: string): InterfaceStatus {
  return {
    interface: 'wan',
    up: true,
    l3_device: 'eth1',
    'ipv4-address': [{ address, mask: 24 }],
    route: [{ target: '0.0.0.0', mask: 0 }],
  };
}

// Protocols but dyndns2 are loaded on demand, which virtual time does not wait for.
beforeAll(() => import('../../agent/providers/on-demand.ts'));

/** Cloudflare with one record, and an agent that keeps it; `line` is the address of the router. */
async function begin(state: { line: string; stored: string; proxied: boolean }) {
  const checks: string[] = [];
  const json = (result: unknown) => says(JSON.stringify({ success: true, errors: [], messages: [], result }));
  const record = () => ({
    id: 'r1',
    type: 'A',
    name: 'home.example.org',
    content: state.stored,
    proxied: state.proxied,
  });
  const agent = await scenario({
    config: CONFIG,
    fixture: { name: 'made', description: '', dumpBefore: { interface: [wan(state.line)] }, steps: [] },
    replies({ url }) {
      const { pathname, searchParams } = new URL(url);
      if (pathname.endsWith('/zones')) {
        const isOurs = searchParams.get('name') === 'example.org';
        return json(isOurs ? [{ id: 'z1', name: 'example.org' }] : []);
      }
      if (pathname.endsWith('/r1')) {
        state.stored = state.line;
        return json(record());
      }
      return json([record()]);
    },
    verify({ hostname, ipv4 }) {
      checks.push(`${hostname} ${ipv4}`);
      return { zone: 'example.org', authority: [], publicView: [], delegation: [] };
    },
  });
  return { agent, checks };
}

function authorityOf(agent: ScenarioAgent) {
  const now = { ms: agent.clock.monotonicMs(), wallMs: agent.clock.nowMs(), random: 0.5 };
  const facts = { version: '', runtime: '', startedAt: '', memoryKib: 0, pid: 1 };
  const [host] = statusOf(agent.state(), now, facts, [], []).hostnames;
  return host?.axes.authority;
}

test('no check while it is proxied, over a restart and a reboot; and again once it is not', async () => {
  const state = { line: '198.51.100.10', stored: '198.51.100.9', proxied: true };
  const { agent, checks } = await begin(state);

  await agent.advance(2 * HOUR_MS);

  expect(agent.state().hosts.home?.confirmed.ipv4?.address).toBe('198.51.100.10');
  expect(checks).toEqual([]);
  expect(authorityOf(agent)).toMatchObject({ verdict: 'off', code: 'check/UNSEEN' });
  expect(authorityOf(agent)?.sentence).toMatch(/proxy/);

  await agent.restart();
  await agent.advance(2 * HOUR_MS);
  await agent.reboot();
  await agent.advance(2 * HOUR_MS);

  expect(checks).toEqual([]);
  expect(authorityOf(agent)).toMatchObject({ verdict: 'off', code: 'check/UNSEEN' });

  state.line = '198.51.100.20';
  state.proxied = false;
  agent.feed.notify(wan(state.line));
  await agent.advance(1000);

  expect(checks).toEqual(['home.example.org 198.51.100.20']);
  expect(authorityOf(agent)?.verdict).not.toBe('off');
});

test('what the servers said before is forgotten when a proxy is put before the record', async () => {
  const state = { line: '198.51.100.10', stored: '198.51.100.9', proxied: false };
  const { agent, checks } = await begin(state);
  await agent.advance(1000);
  const before = authorityOf(agent);

  state.proxied = true;
  await agent.request();
  await agent.advance(1000);

  expect(before?.verdict).not.toBe('off');
  expect(checks).toHaveLength(1);
  expect(authorityOf(agent)).toMatchObject({ verdict: 'off', code: 'check/UNSEEN' });
});
