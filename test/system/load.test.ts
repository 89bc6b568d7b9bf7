import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  accountSection,
  agentSection,
  hostSection,
  makeRouter,
  makeService,
  until,
} from './agent-process.ts';

const NAMES = Array.from({ length: 20 }, (_, index) => `h${index}.ddns.example`);
/** So long must be nothing after a reply that demands half an hour. */
const QUIET_MS = 4000;

/** An agent that keeps twenty names on one account, all published at 203.0.113.1. */
async function twentyNames() {
  const service = await makeService({ accounts: [{ username: 'many', password: 'names', hosts: NAMES }] });
  const router = makeRouter();
  router.configure(
    agentSection(service, { hold_down: '1' }) +
      accountSection(service, 'many') +
      NAMES.map((name, index) => hostSection(`h${index}`, name, 'many')).join(''),
  );
  router.moveTo('203.0.113.1');
  const agent = await router.boot();
  const confirmedAt = (address: string) =>
    (router.status()?.hostnames ?? []).filter(({ confirmed }) => confirmed.ipv4?.address === address).length;
  await until('all twenty confirmed', () => confirmedAt('203.0.113.1') === 20);
  return { service, router, agent, confirmedAt };
}

test('one change is one request for all twenty names', async () => {
  const { service, router, confirmedAt } = await twentyNames();
  router.moveTo('203.0.113.2');
  await until('all twenty confirmed again', () => confirmedAt('203.0.113.2') === 20);

  expect(service.requests().map(({ hosts, query }) => [hosts.length, query.myip])).toEqual([
    [20, '203.0.113.1'],
    [20, '203.0.113.2'],
  ]);
  expect(NAMES.map((name) => service.values(name, 'A'))).toEqual(Array(20).fill(['203.0.113.2']));
});

test('one unknown name is blocked alone and left out from then on', async () => {
  const { service, router, confirmedAt } = await twentyNames();
  service.levers.deleteHost('h7.ddns.example');
  router.moveTo('203.0.113.2');
  await until('nineteen confirmed', () => confirmedAt('203.0.113.2') === 19);
  const refused = router.host('h7');
  router.moveTo('203.0.113.3');
  await until('nineteen confirmed again', () => confirmedAt('203.0.113.3') === 19);
  const blocked = router.status()?.hostnames.filter(({ block }) => block !== undefined);

  expect(refused?.block?.code).toBe('dyndns2/NOHOST');
  expect(blocked?.map(({ id }) => id)).toEqual(['h7']);
  expect(service.requests().map(({ hosts }) => hosts.length)).toEqual([20, 20, 19]);
  expect(service.requests()[2]?.hosts).not.toContain('h7.ddns.example');
});

test('after 911 nothing is sent, neither for a new address nor for an impatient operator', async () => {
  const { service, router, agent } = await twentyNames();
  service.levers.overload();
  router.moveTo('203.0.113.2');
  await until('the wait', () => router.status()?.accounts[0]?.state === 'waiting');
  router.moveTo('203.0.113.3');
  agent.signal('USR1');
  await pause(QUIET_MS);
  const { accounts: [account] = [], hostnames = [], writtenAt = '' } = router.status() ?? {};

  expect(
    service
      .requests()
      .map(({ replyBody }) => replyBody.trim())
      .slice(1),
  ).toEqual(['911']);
  expect(Date.parse(account?.waitUntil ?? '') - Date.parse(writtenAt)).toBeGreaterThan(29 * 60_000);
  expect(hostnames.map(({ axes }) => axes.update.code)).toEqual(Array(20).fill('dyndns2/911'));
});

test('a server that hangs holds up its own account only', async () => {
  const hung = await makeService();
  const healthy = await makeService({
    accounts: [{ username: 'other', password: 'other', hosts: ['other.ddns.example'] }],
  });
  await hung.levers.cutOff('hang');
  const router = makeRouter();
  router.configure(
    agentSection(healthy, { hold_down: '1' }) +
      accountSection(hung, 'hung') +
      accountSection(healthy, 'healthy') +
      hostSection('home', 'home.ddns.example', 'hung') +
      hostSection('other', 'other.ddns.example', 'healthy'),
  );
  router.moveTo('203.0.113.1');
  await router.boot();
  const duringHang = await until('the healthy one confirmed', () => {
    const other = router.host('other');
    return other?.confirmed.ipv4?.address === '203.0.113.1' && router.host('home');
  });
  router.moveTo('203.0.113.2');
  await until('the change', () => router.host('other')?.confirmed.ipv4?.address === '203.0.113.2');
  const stillHung = router.host('home');
  await hung.levers.cutOff('off');
  await until('the hung one confirmed', () => router.host('home')?.confirmed.ipv4?.address === '203.0.113.2');

  expect(duringHang.axes.update).toMatchObject({ verdict: 'pending', code: 'update/SENDING' });
  expect(stillHung?.confirmed).toEqual({});
  expect(healthy.requests().map(({ query }) => query.myip)).toEqual(['203.0.113.1', '203.0.113.2']);
});
