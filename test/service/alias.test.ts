/**
 * An alias against the whole service: the zone of the first name is taken away, the alias in the user's own zone
 * leaves it, and comes back when the zone does. Real sockets, and a clock that runs a hundred times as fast.
 */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { loadConfig } from '../../agent/config/load.ts';
import { planOf } from '../../agent/config/plan.ts';
import type { Report } from '../../agent/core/draft.ts';
import { runAlias } from '../../agent/engine/alias.ts';
import { type Loop, startLoop } from '../../agent/engine/loop.ts';
import { runUpdate } from '../../agent/engine/update.ts';
import { createVerifier } from '../../agent/engine/verify.ts';
import { nodeHost } from '../../agent/hosts/node.ts';
import type { AddressSource, Clock } from '../../agent/ports.ts';
import { PROTOCOLS } from '../../agent/providers/registry.ts';
import { userAgentOf } from '../../agent/providers/user-agent.ts';
import { CATALOGUE } from '../fakes/catalogue.ts';
import { lookUp } from './client.ts';
import { exampleConfig } from './example-config.ts';
import { type Service, startService } from './service.ts';

const SPEED = 100;
/** For a machine that is busy with other things. */
const PATIENCE_MS = 120_000;
const HOME = 'home.ddns.example';
const NAS = 'nas.hopto.example';
const ALIAS = 'www.standby.example';

let service: Service;
let loop: Loop | undefined;

beforeAll(async () => {
  service = await startService({ resolverTimeoutMs: 150, temper: {} });
});
afterEach(async () => {
  loop?.stop();
  loop = undefined;
  await service.levers.reset();
});
afterAll(() => service.close());

/** The clock of a hasty world: what it says and what it waits for is a hundred times too fast. */
function hastyClock(): Clock {
  const startMs = performance.now();
  const passedMs = () => (performance.now() - startMs) * SPEED;
  return {
    monotonicMs: () => 60_000 + passedMs(),
    nowMs: () => Date.UTC(2026, 0, 1) + passedMs(),
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs / SPEED);
      return () => clearTimeout(timer);
    },
  };
}

/** An agent in this process, with everything real but its clock and its line. */
function startAgent(): { reports: Report[] } {
  const text = `${exampleConfig(service)}
config account 'zone'
	option provider 'pdns'
	option password '${service.zoneApi.key}'
	option server '${service.zoneApi.url}'
	option ca_file '${service.caFile}'

config alias 'www'
	option hostname '${ALIAS}'
	option account 'zone'
	list target '${HOME.replaceAll('.', '_')}'
	list target '${NAS.replaceAll('.', '_')}'
	option outage '300'
	option recovery '300'
`;
  const { config, problems } = loadConfig(text, 'holdfast', CATALOGUE, () => undefined);
  expect(problems).toEqual([]);
  const host = nodeHost([], {});
  const clock = hastyClock();
  const reports: Report[] = [];
  const line: AddressSource = {
    read: async () => ({
      known: true,
      snapshot: {
        wan: {
          name: 'wan',
          up: true,
          device: 'eth1',
          addresses: [{ address: '192.0.2.10', prefixLength: 24 }],
          prefixes: [],
          defaultRoute: ['ipv4'],
        },
      },
    }),
    watch: () => () => {},
  };
  const parts = {
    ...{ http: host.http, processes: host, clock: host, crypto: host.crypto, dns: host.dns },
    ...{ exchangeDns: host.exchangeDns, resolvers: async () => config.agent.resolvers },
    protocols: PROTOCOLS,
    account(id: string) {
      const account = config.accounts.get(id);
      const { username = '', password = '' } = account ?? {};
      return account && { ...account, credential: { username, password } };
    },
    userAgent: () => userAgentOf(undefined, '0.1.0', config.agent.contact),
    redact: (foreignText: string) => foreignText,
    onExchange() {},
  };
  loop = startLoop(
    {
      clock,
      random: Math.random,
      source: () => line,
      update: (command, state) => runUpdate(parts, command, state),
      verify: createVerifier({
        ...{ ...parts, clock, random: Math.random, dnsOverHttps: host.dnsOverHttps },
        settings: () => config.agent,
      }),
      notify: async () => undefined,
      alias: (command) => runAlias({ ...parts, authorityPort: () => config.agent.dnsPort }, command),
      onStep: (_, more) => reports.push(...more),
      onDefect(cause) {
        throw cause;
      },
    },
    undefined,
  );
  loop.dispatch({ type: 'planned', plan: planOf(config, 'salt') });
  return { reports };
}

/** What the name servers of the user's own zone answer. */
async function cname(): Promise<string | undefined> {
  const reply = await lookUp(service, 'ns1.standby.example', ALIAS, 'CNAME');
  return reply?.answers[0]?.replace('CNAME ', '');
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  await vi.waitFor(async () => expect(await condition()).toBe(true), { timeout: PATIENCE_MS, interval: 50 });
}

test('a zone that is taken away moves the alias, and its return moves it back', {
  timeout: 400_000,
}, async () => {
  const { reports } = startAgent();
  await until(async () => (await cname()) === HOME);
  await until(() => loop?.state().aliases.www?.health.nas_hopto_example?.works === 'yes');
  const view = () => loop?.state().aliases.www?.seen?.code;
  await until(() => view() === 'alias/OK');

  service.levers.seize('ddns.example', 'drop');
  await until(async () => (await cname()) === NAS);
  await until(() => loop?.state().aliases.www?.target === 'nas_hopto_example');

  service.levers.handBack('ddns.example');
  await until(async () => (await cname()) === HOME);
  await until(() => loop?.state().aliases.www?.target === 'home_ddns_example');

  const moves = reports.filter(({ code }) => code === 'alias/MOVED').map(({ sentence }) => sentence);
  expect(moves).toEqual([
    `${ALIAS} points at ${HOME} now.`,
    expect.stringMatching(/^www\.standby\.example points at nas\.hopto\.example now, because home\./),
    expect.stringMatching(/ points at home\.ddns\.example now, which has worked for \d+ min without a break/),
  ]);
  expect(service.requests().filter(({ hosts }) => hosts.includes(HOME))).toHaveLength(1);
});

test('a name that has an address is refused and stays as it is', { timeout: 150_000 }, async () => {
  service.levers.setRecord(ALIAS, 'CNAME', undefined);
  service.levers.setRecord(ALIAS, 'A', '192.0.2.99');

  const { reports } = startAgent();
  await until(() => reports.some(({ code }) => code === 'alias/FAILED'));

  expect(reports.find(({ code }) => code === 'alias/FAILED')).toMatchObject({
    level: 'error',
    account: 'zone',
  });
  expect(loop?.state().aliases.www?.block?.code).toBe('rest/NAME_TAKEN');
  expect(await lookUp(service, 'ns1.standby.example', ALIAS, 'A')).toMatchObject({
    answers: ['A 192.0.2.99'],
  });
});
