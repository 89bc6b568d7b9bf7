import { Agent } from 'node:https';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { callUpdate, fetchPage, lookUp } from './client.ts';
import { leverNames } from './control.ts';
import { type Service, startService } from './service.ts';

const home = 'home.ddns.example';
const zone = 'ddns.example';
const [first, second] = ['ns1.provider.example', 'ns2.provider.example'];
const [seventh, eighth] = ['ns7.seizure.example', 'ns8.seizure.example'];
let service: Service;
let lastOctet = 0;

beforeAll(async () => {
  service = await startService({ temper: { maxRequestsPerMinute: 1000 } });
});
beforeEach(() => service.levers.reset());
afterAll(() => service.close());

/** Publishes an address that was not used before. */
async function publish(host = home): Promise<string> {
  lastOctet += 1;
  const address = `192.0.2.${lastOctet}`;
  const { body } = await callUpdate(service, { hostname: host, myip: address });
  expect(body).toBe(`good ${address}\r\n`);
  return address;
}

describe('a zone taken away', () => {
  async function delegation(): Promise<string[] | undefined> {
    return (await lookUp(service, 'a.nic.example', zone, 'NS'))?.authorities;
  }

  test('the parent names other servers with their addresses; the old ones and the API know nothing of it', async () => {
    service.levers.seize(zone, 'drop');
    const address = await publish();
    const referral = await lookUp(service, 'b.nic.example', home, 'A');
    const old = await lookUp(service, first, home, 'A');
    const otherZone = await lookUp(service, 'a.nic.example', 'hopto.example', 'NS');
    service.levers.handBack(zone);

    expect(referral).toMatchObject({
      aa: false,
      authorities: [`NS ${seventh}`, `NS ${eighth}`],
      additionals: ['A 127.0.53.21', 'A 127.0.53.22'],
    });
    expect(old).toMatchObject({ aa: true, answers: [`A ${address}`] });
    expect(otherZone?.authorities).toEqual([`NS ${first}`, `NS ${second}`]);
    expect(await delegation()).toEqual([`NS ${first}`, `NS ${second}`]);
  });

  test('copy: right answers, own NS set, no NXDOMAIN, a sinkhole for bad names', async () => {
    await publish();
    service.levers.seize(zone, 'copy', { badNames: ['bad.ddns.example'] });
    const address = await publish();
    const asked = (name: string, type: string) => lookUp(service, seventh, name, type);

    expect(await asked(home, 'A')).toMatchObject({ aa: true, answers: [`A ${address}`] });
    expect((await asked(zone, 'NS'))?.answers).toEqual([`NS ${seventh}`, `NS ${eighth}`]);
    expect(await asked('random.ddns.example', 'A')).toMatchObject({ rcode: 'NOERROR', answers: [] });
    expect((await asked('bad.ddns.example', 'A'))?.answers).toEqual(['A 198.51.100.66']);
    expect((await lookUp(service, '127.0.53.53', home, 'A'))?.answers).toEqual([`A ${address}`]);
  });

  test('stale: what was true when it was taken', async () => {
    const before = await publish();
    service.levers.seize(zone, 'copy');
    await publish();
    service.levers.seize(zone, 'stale');

    expect((await lookUp(service, eighth, home, 'A'))?.answers).toEqual([`A ${before}`]);
  });

  test('sinkhole: one address for every name', async () => {
    service.levers.seize(zone, 'sinkhole');
    const answers = await Promise.all(
      [home, 'random.ddns.example'].map((name) => lookUp(service, seventh, name, 'A')),
    );
    const ipv6 = await lookUp(service, seventh, home, 'AAAA');

    expect(answers.map((seen) => seen?.answers)).toEqual([['A 198.51.100.66'], ['A 198.51.100.66']]);
    expect(ipv6?.answers).toEqual(['AAAA 2001:db8:dead::66']);
  });

  test('drop: most questions unanswered, the rest referred upwards', async () => {
    service.levers.seize(zone, 'drop');
    const asked = Array.from({ length: 200 }, () => lookUp(service, seventh, home, 'A', { timeoutMs: 1000 }));
    const seen = (await Promise.all(asked)).filter((answer) => answer !== undefined);

    expect(seen.length).toBeGreaterThan(0);
    expect(seen.length).toBeLessThan(40);
    expect(seen[0]).toMatchObject({
      rcode: 'NOERROR',
      aa: false,
      answers: [],
      authorities: ['NS a.nic.example', 'NS b.nic.example'],
    });
  });

  test('after the return, old caches still lead to the other servers until reset', async () => {
    service.levers.seize(zone, 'sinkhole');
    service.levers.handBack(zone);
    const lingering = await lookUp(service, seventh, home, 'A');
    await service.levers.reset();
    const gone = await lookUp(service, seventh, home, 'A');

    expect(lingering?.answers).toEqual(['A 198.51.100.66']);
    expect(gone?.rcode).toBe('REFUSED');
  });
});

describe('name servers', () => {
  test('stale: one server stops following', async () => {
    const old = await publish();
    service.levers.stale(1);
    const recent = await publish();
    const seen = await Promise.all([first, second].map((server) => lookUp(service, server, home, 'A')));
    service.levers.stale(1, false);
    const after = await lookUp(service, second, home, 'A');

    expect(seen.map((answer) => answer?.answers)).toEqual([[`A ${recent}`], [`A ${old}`]]);
    expect(after?.answers).toEqual([`A ${recent}`]);
  });

  test('propagation delay: copies follow later, in the time of the world', async () => {
    const old = await publish();
    service.levers.propagationDelay(30_000);
    service.levers.propagationDelay(0, first);
    service.advance(30_000);
    const recent = await publish();
    const soon = await Promise.all([first, second].map((server) => lookUp(service, server, home, 'A')));
    service.advance(30_000);
    const later = await lookUp(service, second, home, 'A');

    expect(soon.map((answer) => answer?.answers)).toEqual([[`A ${recent}`], [`A ${old}`]]);
    expect(later?.answers).toEqual([`A ${recent}`]);
  });

  test('lame, upward referral, servfail, truncate: on and off', async () => {
    const { levers } = service;
    const address = await publish();
    const seen: unknown[] = [];
    for (const pull of [
      (on: boolean) => levers.lame(0, on),
      (on: boolean) => levers.lame('ns1.provider.example', on, 'referral'),
      (on: boolean) => levers.servfail(0, on),
      (on: boolean) => levers.truncate('127.0.53.11', on),
    ]) {
      pull(true);
      const answer = await lookUp(service, first, home, 'A');
      seen.push([answer?.rcode, answer?.transport, answer?.answers.length, answer?.authorities.length]);
      pull(false);
    }
    const after = await lookUp(service, first, home, 'A');

    expect(seen).toEqual([
      ['REFUSED', 'udp', 0, 0],
      ['NOERROR', 'udp', 0, 2],
      ['SERVFAIL', 'udp', 0, 0],
      ['NOERROR', 'tcp', 1, 0],
    ]);
    expect(after).toMatchObject({ transport: 'udp', answers: [`A ${address}`] });
  });

  test('dead: silence over UDP and TCP, the others answer', async () => {
    service.levers.deadServer(0);
    const dead = (['udp', 'tcp'] as const).map((transport) =>
      lookUp(service, first, home, 'A', { transport, timeoutMs: 15 }),
    );

    expect(await Promise.all(dead)).toEqual([undefined, undefined]);
    expect(await lookUp(service, second, home, 'A')).toBeDefined();
  });

  test('an unknown server or zone is a mistake of the test', () => {
    expect(() => service.levers.stale('ns9.provider.example')).toThrow('ns9.provider.example');
    expect(() => service.levers.seize('other.example', 'drop')).toThrow('other.example');
    expect(() => service.levers.deleteHost('other.ddns.example')).toThrow('other.ddns.example');
    expect(service.state().levers).toEqual({});
  });

  test('flush: a resolver asks again', async () => {
    await publish();
    await lookUp(service, '127.0.53.53', home, 'A');
    const address = await publish();
    service.levers.flushResolver(0);

    expect((await lookUp(service, '127.0.53.53', home, 'A'))?.answers).toEqual([`A ${address}`]);
  });
});

describe('hosts', () => {
  test.each(['deleteHost', 'expireHost'] as const)('%s: out of DNS and account, and back', async (lever) => {
    const address = await publish();
    service.levers[lever](home);
    const seen = await lookUp(service, first, home, 'A');
    const reply = await callUpdate(service, { hostname: home, myip: address });
    const { gone } = service.state().hosts[home] ?? {};
    service.levers.restoreHost(home);
    const after = await lookUp(service, first, home, 'A');

    expect(seen?.rcode).toBe('NXDOMAIN');
    expect(reply.body).toBe('nohost\r\n');
    expect(gone).toBe(lever === 'deleteHost' ? 'deleted' : 'expired');
    expect(after?.answers).toEqual([`A ${address}`]);
  });

  test('setRecord: another value in DNS, back after reset', async () => {
    const address = await publish();
    service.levers.setRecord(home, 'A', ['198.51.100.1', '198.51.100.2']);
    service.levers.setRecord(home, 'TXT', 'hello');
    const seen = await lookUp(service, first, home, 'A');
    await service.levers.reset();
    const after = await lookUp(service, first, home, 'A');

    expect(seen?.answers).toEqual(['A 198.51.100.1', 'A 198.51.100.2']);
    expect(after?.answers).toEqual([`A ${address}`]);
    expect((await lookUp(service, first, home, 'TXT'))?.answers).toEqual([]);
  });
});

describe('the update API', () => {
  test.each([
    { kind: 'expired', code: 'CERT_HAS_EXPIRED' },
    { kind: 'wrong-host', code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    { kind: 'unknown-ca', code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
  ] as const)('certificate $kind, also on a connection kept alive', async ({ kind, code }) => {
    const agent = new Agent({ keepAlive: true });
    await callUpdate(service, { hostname: 'bad', agent });
    service.levers.certificate(kind);
    await vi.waitFor(() => expect(agent.freeSockets).toEqual({}), { interval: 1 });
    const count = service.requests().length;

    await expect(callUpdate(service, { hostname: 'bad', agent })).rejects.toMatchObject({ code });
    expect(service.requests()).toHaveLength(count);
    service.levers.certificate('good');
    expect((await callUpdate(service, { hostname: 'bad', agent })).body).toBe('notfqdn\r\n');
    agent.destroy();
  });

  test.each([
    { mode: 'refuse', code: 'ECONNREFUSED', applied: false, timeoutMs: 2000 },
    { mode: 'reset', code: 'ECONNRESET', applied: false, timeoutMs: 2000 },
    { mode: 'hang', code: 'TIMEOUT', applied: false, timeoutMs: 30 },
    { mode: 'reset-after-request', code: 'ECONNRESET', applied: true, timeoutMs: 2000 },
    { mode: 'hang-after-request', code: 'TIMEOUT', applied: true, timeoutMs: 1000 },
  ] as const)('cut off: $mode', async ({ mode, code, applied, timeoutMs }) => {
    service.levers.setRecord(home, 'A', '203.0.113.1');
    await service.levers.cutOff(mode);
    const call = { hostname: home, myip: '203.0.113.2' };

    await expect(callUpdate(service, { ...call, timeoutMs })).rejects.toMatchObject({ code });
    expect(service.values(home, 'A')).toEqual([applied ? '203.0.113.2' : '203.0.113.1']);
    await service.levers.cutOff('off');
    expect((await callUpdate(service, call)).body).toBe(`${applied ? 'nochg' : 'good'} 203.0.113.2\r\n`);
  });

  test('overload, captive portal, slowness: on and off', async () => {
    const { levers } = service;
    const call = { hostname: 'bad' };
    levers.overload();
    const busy = await callUpdate(service, call);
    levers.overload(false);
    levers.captivePortal();
    const portal = await callUpdate(service, { ...call, path: '/anything' });
    levers.captivePortal(false);
    levers.slow(40);
    await expect(callUpdate(service, { ...call, timeoutMs: 10 })).rejects.toMatchObject({ code: 'TIMEOUT' });
    levers.slow(0);
    const after = await callUpdate(service, { ...call, timeoutMs: 1000 });

    expect(busy).toMatchObject({ status: 500, body: '911\r\n' });
    expect(portal).toMatchObject({ status: 200, headers: { 'content-type': 'text/html' } });
    expect(portal.body).toMatch(/^<html>/);
    expect(after.body).toBe('notfqdn\r\n');
  });

  test('scripted replies, in order; the requests are not carried out', async () => {
    const { levers } = service;
    levers.setRecord(home, 'A', '203.0.113.1');
    const call = { hostname: home, myip: '203.0.113.2' };
    levers.replyAlways({ body: 'dnserr' });
    levers.replyOnce({ status: 503, headers: { 'Retry-After': '120' } });
    levers.replyOnce({ body: 'good 203.0.113.9' });
    expect(() => service.assertQuiet()).toThrow('503');
    const replies = [
      await callUpdate(service, call),
      await callUpdate(service, call),
      await callUpdate(service, call),
    ];
    service.assertQuiet();
    levers.replyAlways(undefined);

    expect(replies.map(({ status, body }) => [status, body])).toEqual([
      [503, ''],
      [200, 'good 203.0.113.9'],
      [200, 'dnserr'],
    ]);
    expect(replies[0]?.headers).toMatchObject({ 'retry-after': '120' });
    expect(service.requests().at(-1)).toMatchObject({ username: 'demo', hosts: [home], replyBody: 'dnserr' });
    expect(service.values(home, 'A')).toEqual(['203.0.113.1']);
    expect((await callUpdate(service, call)).body).toBe('good 203.0.113.2\r\n');
  });

  test('a drowned web site harms nothing else', async () => {
    service.levers.drownWeb();

    await expect(fetchPage(service.web.url, service.caPem, { timeoutMs: 30 })).rejects.toMatchObject({
      code: 'TIMEOUT',
    });
    const address = await publish();
    expect((await lookUp(service, first, home, 'A'))?.answers).toEqual([`A ${address}`]);
    service.levers.drownWeb(false);
    expect((await fetchPage(service.web.url, service.caPem)).status).toBe(200);
  });
});

test('reset undoes everything at once', async () => {
  const { levers } = service;
  const address = await publish();
  levers.seize(zone, 'sinkhole');
  levers.stale(0);
  levers.lame(1);
  levers.deleteHost(home);
  levers.overload();
  levers.captivePortal();
  levers.requireContact();
  levers.certificate('expired');
  levers.drownWeb();
  levers.propagationDelay(1000);
  levers.replyOnce({ body: 'never fetched' });
  await levers.cutOff('refuse');
  expect(Object.keys(levers.pulled())).toHaveLength(11);
  await levers.reset();
  const userAgent = 'Example Tester/1.0';
  const reply = await callUpdate(service, { hostname: home, myip: address, userAgent });
  const resolved = await lookUp(service, '127.0.53.54', home, 'A');

  expect(levers.pulled()).toEqual({});
  expect(reply.body).toBe(`nochg ${address}\r\n`);
  expect(resolved?.answers).toEqual([`A ${address}`]);
  expect((await lookUp(service, second, home, 'A'))?.answers).toEqual([`A ${address}`]);
});

describe('control over HTTP', () => {
  async function pull(name: string, body: unknown) {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${service.control.url}/levers/${name}`, { method: 'POST', body: text });
    return { status: response.status, body: await response.json() };
  }

  const bodies: Record<string, unknown> = {
    seize: { zone, mode: 'partial', badNames: ['bad.ddns.example'], forwardedShare: 0.1 },
    handBack: { zone },
    drownWeb: { on: true },
    drownApi: {},
    drownDoh: { on: true },
    wildcard: { zone, address: '198.51.100.9' },
    interceptPort53: {},
    blockPort53: {},
    localFilter: { suffix: zone, mode: 'zero' },
    rootUnreachable: {},
    serverFault: { server: 0, fault: 'no-edns' },
    stale: { server: 0 },
    lame: { server: second, how: 'referral' },
    servfail: { server: '127.0.53.12' },
    deadServer: { server: 1, on: true },
    truncate: { server: 0 },
    deleteHost: { host: home },
    expireHost: { host: 'nas.hopto.example' },
    restoreHost: { host: home },
    slow: { ms: 5 },
    cutOff: { mode: 'refuse' },
    overload: {},
    captivePortal: {},
    requireContact: {},
    replyOnce: { status: 500, body: '911', headers: { 'Retry-After': '1' } },
    replyAlways: { body: 'good' },
    propagationDelay: { ms: 1000, server: 1 },
    garble: { mode: 'cut' },
    echo: { text: '192.0.2.4', position: 1 },
    delegate: { zone, nameServers: [first, 'ns1.standby.example'] },
    certificate: { kind: 'expired' },
    setRecord: { name: home, type: 'A', value: '198.51.100.7' },
    flushResolver: {},
    unblock: { username: 'demo' },
    advance: { ms: 1 },
    reset: {},
  };

  test('has every lever, and each can be undone', async () => {
    expect(Object.keys(bodies).sort()).toEqual([...leverNames].sort());
    for (const name of leverNames) expect(await pull(name, bodies[name])).toMatchObject({ status: 200 });

    expect(service.state().levers).toEqual({});
  });

  test('a lever pulled here shows in the state and works', async () => {
    const pulled = await pull('setRecord', bodies.setRecord);
    await pull('overload', { on: true });
    const reply = await callUpdate(service, { hostname: home });
    const state: unknown = await (await fetch(`${service.control.url}/state`)).json();
    const requests: unknown = await (await fetch(`${service.control.url}/requests`)).json();

    expect(pulled.body).toEqual({ levers: { 'record home.ddns.example A': ['198.51.100.7'] } });
    expect(reply.body).toBe('911\r\n');
    expect(state).toMatchObject({ levers: { overload: true }, hosts: { [home]: { A: ['198.51.100.7'] } } });
    expect(state).toMatchObject({ zones: { [zone]: { delegatedTo: [first, second] } } });
    expect(requests).toEqual(JSON.parse(JSON.stringify(service.requests())));
  });

  test.each([
    {
      name: 'seize',
      body: { zone, mode: 'steal' },
      status: 400,
      error: 'copy, drop, sinkhole, partial, stale',
    },
    { name: 'seize', body: { mode: 'drop' }, status: 400, error: '"zone"' },
    { name: 'overload', body: { on: 'yes' }, status: 400, error: '"on"' },
    { name: 'slow', body: { ms: -1 }, status: 400, error: '"ms"' },
    { name: 'replyOnce', body: { status: 99 }, status: 400, error: '"status"' },
    { name: 'replyOnce', body: { headers: { a: 1 } }, status: 400, error: '"a"' },
    {
      name: 'setRecord',
      body: { name: 'www.example.org', type: 'A' },
      status: 400,
      error: 'www.example.org',
    },
    { name: 'stale', body: { server: 7 }, status: 400, error: '7' },
    { name: 'reset', body: '[]', status: 400, error: 'object' },
    { name: 'reset', body: '{', status: 400, error: 'JSON' },
    { name: 'reset', body: `"${'x'.repeat(70_000)}"`, status: 400, error: 'too long' },
    { name: 'constructor', body: {}, status: 404, error: 'reset' },
  ])('$name refuses what makes no sense ($error)', async ({ name, body, status, error }) => {
    expect(await pull(name, body)).toMatchObject({ status, body: { error: expect.stringContaining(error) } });
    expect(service.state().levers).toEqual({});
  });
});
