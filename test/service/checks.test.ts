/** What the service offers to whoever checks DNS with suspicion: another operator, DoH, filters, impostors. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { callUpdate, fetchPage, lookUp, lookUpDoh } from './client.ts';
import { exampleConfig } from './example-config.ts';
import { type Service, startService } from './service.ts';
import { sinkhole } from './world.ts';

const home = 'home.ddns.example';
const address = '203.0.113.4';
const [first, second] = ['ns1.provider.example', 'ns2.provider.example'];
const root = 'a.root.nic.example';
const [publicResolver, localResolver] = ['127.0.53.53', '127.0.53.55'];
let service: Service;

beforeAll(async () => {
  service = await startService({ resolverTimeoutMs: 150 });
});
beforeEach(async () => {
  await service.levers.reset();
  service.levers.setRecord(home, 'A', address);
});
afterAll(() => service.close());

describe('a root server of another operator', () => {
  test.each([
    { ask: ['.', 'SOA'], expected: { rcode: 'NOERROR', aa: true, answers: ['SOA .'] } },
    { ask: ['.', 'NS'], expected: { rcode: 'NOERROR', aa: true, answers: [`NS ${root}`] } },
    { ask: ['.', 'A'], expected: { rcode: 'NOERROR', aa: true, answers: [], authorities: ['SOA .'] } },
    { ask: ['nobody.test', 'A'], expected: { rcode: 'NXDOMAIN', aa: true, authorities: ['SOA .'] } },
    {
      ask: [home, 'A'],
      expected: {
        ...{ rcode: 'NOERROR', aa: false, answers: [] },
        authorities: ['NS a.nic.example', 'NS b.nic.example'],
        additionals: ['A 127.0.53.1', 'A 127.0.53.2'],
      },
    },
  ] as const)('$ask', async ({ ask: [name, type], expected }) => {
    expect(await lookUp(service, root, name, type)).toMatchObject(expected);
  });

  test('falls silent with its lever, and only it', async () => {
    service.levers.rootUnreachable();

    expect(await lookUp(service, root, '.', 'SOA', { timeoutMs: 60 })).toBeUndefined();
    expect(await lookUp(service, first, home, 'A')).toMatchObject({ aa: true });
  });
});

describe('DNS over HTTPS', () => {
  test('answers as the public resolver does', async () => {
    const [url = ''] = service.dns.dohUrls;

    expect(await lookUpDoh(service, url, home, 'A')).toMatchObject({ answers: [`A ${address}`], aa: false });
    expect(await lookUpDoh(service, url, 'none.ddns.example', 'A')).toMatchObject({ rcode: 'NXDOMAIN' });
  });

  test.each([
    { what: 'another path', path: '/resolve?dns=AAAA', status: 404 },
    { what: 'no question', path: '/dns-query', status: 400 },
    { what: 'another method', path: '/dns-query', method: 'PUT', status: 405 },
  ])('$what gets $status', async ({ path, method, status }) => {
    const url = new URL(path, service.dns.dohUrls[0]);

    expect(await fetchPage(url, service.caPem, { method })).toMatchObject({ status });
  });
});

test('an interceptor answers for every server without authority; DNS over HTTPS stays right', async () => {
  service.levers.interceptPort53();
  const wild = await lookUp(service, '127.0.53.31', home, 'A');

  expect(wild).toMatchObject({ aa: false, answers: [`A ${address}`] });
  expect(await lookUp(service, root, '.', 'SOA')).toMatchObject({ aa: false, answers: ['SOA .'] });
  expect(await lookUpDoh(service, service.dns.dohUrls[1] ?? '', home, 'A')).toMatchObject({
    answers: [`A ${address}`],
  });
});

test('a wall before port 53 leaves DNS over HTTPS alone', async () => {
  service.levers.blockPort53();

  expect(await lookUp(service, root, '.', 'SOA', { timeoutMs: 60 })).toBeUndefined();
  expect(await lookUp(service, publicResolver, home, 'A', { timeoutMs: 60 })).toBeUndefined();
  expect(await lookUp(service, localResolver, home, 'A')).toMatchObject({ rcode: 'SERVFAIL' });
  expect(await lookUpDoh(service, service.dns.dohUrls[0] ?? '', home, 'A')).toMatchObject({
    answers: [`A ${address}`],
  });
});

describe('the resolver at home', () => {
  test('resolves as the public ones do', async () => {
    expect(await lookUp(service, localResolver, home, 'A')).toMatchObject({ answers: [`A ${address}`] });
  });

  test.each([
    { mode: 'zero', expected: { rcode: 'NOERROR', answers: ['A 0.0.0.0'] } },
    { mode: 'nxdomain', expected: { rcode: 'NXDOMAIN', answers: [] } },
    { mode: 'refused', expected: { rcode: 'REFUSED', answers: [] } },
    { mode: 'servfail', expected: { rcode: 'SERVFAIL', answers: [] } },
  ] as const)('filters with $mode, and keeps the rest', async ({ mode, expected }) => {
    service.levers.localFilter('ddns.example', mode);

    expect(await lookUp(service, localResolver, home, 'A')).toMatchObject(expected);
    expect(await lookUp(service, localResolver, 'hopto.example', 'NS')).toMatchObject({ rcode: 'NOERROR' });
    expect(await lookUp(service, publicResolver, home, 'A')).toMatchObject({ answers: [`A ${address}`] });
  });
});

describe('answers that prove nothing', () => {
  test('a wildcard answers for every name that does not exist', async () => {
    service.levers.wildcard('ddns.example', '198.51.100.9');

    expect(await lookUp(service, first, 'random.ddns.example', 'A')).toMatchObject({
      answers: ['A 198.51.100.9'],
    });
    expect(await lookUp(service, first, home, 'A')).toMatchObject({ answers: [`A ${address}`] });

    service.levers.wildcard('ddns.example', undefined);

    expect(await lookUp(service, first, 'random.ddns.example', 'A')).toMatchObject({ rcode: 'NXDOMAIN' });
    expect(service.levers.pulled()).not.toHaveProperty('wildcard ddns.example');
  });

  test('servers that took the zone answer some questions and drop the rest', async () => {
    service.levers.seize('ddns.example', 'partial');
    const seen = await Promise.all(
      Array.from({ length: 20 }, () =>
        lookUp(service, 'ns7.seizure.example', home, 'A', { timeoutMs: 1000 }),
      ),
    );
    const answered = seen.flatMap((one) => one ?? []);

    expect(answered.length).toBeGreaterThan(3);
    expect(answered.length).toBeLessThan(17);
    expect(answered.every(({ answers }) => answers.join() === `A ${address}`)).toBe(true);
  });

  test.each([
    { fault: 'udp-dead', ask: { transport: 'udp-only', timeoutMs: 60 }, expected: undefined },
    { fault: 'udp-dead', ask: { transport: 'tcp' }, expected: { answers: [`A ${address}`] } },
    { fault: 'tcp-dead', ask: { transport: 'tcp', timeoutMs: 60 }, expected: undefined },
    { fault: 'no-edns', ask: {}, expected: { rcode: 'FORMERR' } },
    { fault: 'no-edns', ask: { edns: false }, expected: { answers: [`A ${address}`] } },
    {
      fault: 'nxdomain',
      ask: {},
      expected: { rcode: 'NXDOMAIN', aa: true, authorities: ['SOA ddns.example'] },
    },
    {
      fault: 'nodata',
      ask: {},
      expected: { rcode: 'NOERROR', answers: [], authorities: ['SOA ddns.example'] },
    },
    { fault: 'forged-udp', ask: {}, expected: { answers: [`A ${sinkhole.ipv4}`] } },
    { fault: 'forged-udp', ask: { transport: 'tcp' }, expected: { answers: [`A ${address}`] } },
    { fault: 'no-authority', ask: {}, expected: { aa: false, answers: [`A ${address}`] } },
    { fault: 'garbage', ask: { timeoutMs: 60 }, expected: undefined },
  ] as const)('$fault on one server: $ask', async ({ fault, ask, expected }) => {
    service.levers.serverFault(0, fault);
    const seen = await lookUp(service, first, home, 'A', ask);

    expect(seen).toEqual(expected && expect.objectContaining(expected));
    expect(await lookUp(service, second, home, 'A')).toMatchObject({ answers: [`A ${address}`] });
  });
});

test('the update API drowns alone', async () => {
  service.levers.drownApi();

  await expect(fetchPage(service.api.url, service.caPem, { timeoutMs: 100 })).rejects.toThrow();
  expect(await fetchPage(service.web.url, service.caPem)).toMatchObject({ status: 200 });
});

test('the example configuration names what the checks need', () => {
  const { port, dohUrls } = service.dns;
  const config = exampleConfig(service);

  expect(config).toContain(`list resolver '127.0.53.55#${port}'`);
  expect(config).toContain(`list public_resolver '127.0.53.53#${port}'`);
  expect(config).toContain(`list control_server '127.0.53.41#${port}'`);
  expect(dohUrls).toHaveLength(2);
  expect(dohUrls.every((url) => config.includes(`list doh_url '${url}'`))).toBe(true);
});

test('the parent delegates to whom the lever says, and back', async () => {
  service.levers.delegate('ddns.example', [first, 'ns1.standby.example']);
  const during = await lookUp(service, 'a.nic.example', 'ddns.example', 'NS');
  service.levers.delegate('ddns.example', undefined);

  expect(during?.authorities).toEqual([`NS ${first}`, 'NS ns1.standby.example']);
  expect((await lookUp(service, 'a.nic.example', 'ddns.example', 'NS'))?.authorities).toEqual([
    `NS ${first}`,
    `NS ${second}`,
  ]);
});

test('echo services say what they see, or what the lever lets them say', async () => {
  const [one = '', other = ''] = service.echoUrls;
  service.levers.echo('192.0.2.77', 1);

  expect(await fetchPage(one, service.caPem)).toMatchObject({ body: '127.0.0.1\n' });
  expect(await fetchPage(other, service.caPem)).toMatchObject({ body: '192.0.2.77\n' });

  service.levers.captivePortal();

  expect((await fetchPage(one, service.caPem)).body).toContain('guest network');
});

test.each([
  { mode: 'cut', code: 'ECONNRESET' },
  { mode: 'reset-in-body', code: 'ECONNRESET' },
  { mode: 'empty', code: 'ECONNRESET' },
  { mode: 'no-http', code: 'HPE_INVALID_CONSTANT' },
  { mode: 'long-headers', code: 'HPE_HEADER_OVERFLOW' },
] as const)('a garbled reply ($mode) is carried out, and no client can read it', async ({ mode, code }) => {
  service.levers.garble(mode);
  const before = service.requests().length;
  const call = callUpdate(service, { hostname: home, myip: '192.0.2.78', timeoutMs: 2000 });

  await expect(call).rejects.toMatchObject({ code });
  expect(service.requests()).toHaveLength(before + 1);
  expect(service.values(home, 'A')).toEqual(['192.0.2.78']);
});

test('the standby provider has an interface of its own', async () => {
  service.levers.drownApi();
  const reply = await callUpdate(
    { ...service, api: { ...service.api, url: service.standbyApi.url } },
    { hostname: home, myip: '192.0.2.79' },
  );

  expect(reply.body).toBe('good 192.0.2.79\r\n');
});
