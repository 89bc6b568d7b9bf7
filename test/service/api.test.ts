import { Agent } from 'node:https';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { callUpdate, fetchPage, type UpdateCall } from './client.ts';
import { type Service, startService } from './service.ts';

const many = Array.from({ length: 25 }, (_, number) => `host${number}.ddns.example`);
let service: Service;

beforeAll(async () => {
  service = await startService({
    accounts: [
      {
        username: 'demo',
        password: 'demo-password',
        hosts: ['home.ddns.example', 'office.ddns.example', 'nas.hopto.example'],
        keys: [
          { username: 'key-one', password: 'one:with:colons', hosts: ['home.ddns.example'] },
          { username: 'key-two', password: 'two', hosts: ['cams'] },
        ],
        groups: {
          cams: { hosts: ['cam1.ddns.example', 'cam2.ddns.example'] },
          doors: { hosts: ['door.ddns.example'], password: 'knock:knock' },
        },
      },
      { username: 'crowd', password: 'many', hosts: many },
    ],
    temper: { maxRequestsPerMinute: 1000 },
  });
});
beforeEach(() => service.levers.reset());
afterAll(() => service.close());

/** Puts the records back to a known state, out of band. */
function clear(...hosts: string[]): void {
  for (const host of hosts) {
    service.levers.setRecord(host, 'A', undefined);
    service.levers.setRecord(host, 'AAAA', undefined);
  }
}

const home = 'home.ddns.example';

describe('reply codes', () => {
  const cases: { name: string; call: UpdateCall; status?: number; body: string }[] = [
    { name: 'good', call: { hostname: home, myip: '192.0.2.1' }, body: 'good 192.0.2.1' },
    { name: 'IPv6 alone', call: { hostname: home, myip: '2001:DB8:0::1' }, body: 'good 2001:db8::1' },
    {
      name: 'both families',
      call: { hostname: home, myip: '192.0.2.1,2001:db8::1' },
      body: 'good 192.0.2.1,2001:db8::1',
    },
    {
      name: 'myipv6',
      call: { hostname: home, myip: '192.0.2.1', myipv6: '2001:db8::2' },
      body: 'good 192.0.2.1,2001:db8::2',
    },
    { name: 'no address means the source', call: { hostname: home }, body: 'good 127.0.0.1' },
    {
      name: 'letters of any case',
      call: { hostname: 'HOME.ddns.Example', myip: '192.0.2.1' },
      body: 'good 192.0.2.1',
    },
    { name: 'foreign host', call: { hostname: 'other.ddns.example', myip: '192.0.2.1' }, body: 'nohost' },
    { name: 'no full name', call: { hostname: 'home', myip: '192.0.2.1' }, body: 'notfqdn' },
    { name: 'no name', call: { myip: '192.0.2.1' }, body: 'notfqdn' },
    {
      name: 'one line for each host in order',
      call: { hostname: `${home},nowhere.example,bad,nas.hopto.example`, myip: '192.0.2.1' },
      body: 'good 192.0.2.1\r\nnohost\r\nnotfqdn\r\ngood 192.0.2.1',
    },
    { name: 'offline', call: { hostname: home, offline: 'YES' }, body: '!donator' },
    {
      name: 'wrong password, once for two hosts',
      call: { hostname: `${home},nas.hopto.example`, password: 'guess' },
      status: 401,
      body: 'badauth',
    },
    { name: 'unknown user', call: { hostname: home, username: 'nobody' }, status: 401, body: 'badauth' },
    { name: 'no credentials', call: { hostname: home, password: '' }, status: 401, body: 'badauth' },
    {
      name: 'more than twenty hosts',
      call: { username: 'crowd', password: 'many', hostname: many.slice(0, 21).join(), myip: '192.0.2.1' },
      body: 'numhost',
    },
    {
      name: 'key for its host, colons in the password',
      call: { username: 'key-one', password: 'one:with:colons', hostname: home, myip: '192.0.2.1' },
      body: 'good 192.0.2.1',
    },
    {
      name: 'key for a host of another key',
      call: { username: 'key-one', password: 'one:with:colons', hostname: 'cam1.ddns.example' },
      body: 'nohost',
    },
    {
      name: 'every host of a key',
      call: { username: 'key-two', password: 'two', hostname: 'all.ddnskey.com', myip: '192.0.2.9' },
      body: 'good 192.0.2.9',
    },
    {
      name: 'group by name',
      call: { hostname: `cams,${home}`, myip: '192.0.2.8' },
      body: 'good 192.0.2.8\r\ngood 192.0.2.8',
    },
    {
      name: 'group login without hostname',
      call: { username: 'cams:demo', myip: '192.0.2.7' },
      body: 'good 192.0.2.7',
    },
    {
      name: 'group login with its own password',
      call: { username: 'doors:demo', password: 'knock:knock', myip: '192.0.2.7' },
      body: 'good 192.0.2.7',
    },
    {
      name: 'group login reaches no other host',
      call: { username: 'cams:demo', hostname: home, myip: '192.0.2.7' },
      body: 'nohost',
    },
  ];

  test.each(cases)('$name', async ({ call, status = 200, body }) => {
    clear(home, 'nas.hopto.example', 'cam1.ddns.example', 'cam2.ddns.example', 'door.ddns.example');

    const reply = await callUpdate(service, call);

    expect(reply).toMatchObject({ status, body: `${body}\r\n` });
  });

  test('twenty hosts fit in one call', async () => {
    const hostname = many.slice(0, 20).join();

    const reply = await callUpdate(service, {
      username: 'crowd',
      password: 'many',
      hostname,
      myip: '192.0.2.3',
    });

    expect(reply.body.trim().split('\r\n')).toEqual(Array(20).fill('good 192.0.2.3'));
  });

  test('one family keeps the other; a group changes all members', async () => {
    clear(home, 'cam1.ddns.example', 'cam2.ddns.example');
    await callUpdate(service, { hostname: home, myip: '192.0.2.1,2001:db8::1' });
    await callUpdate(service, { hostname: home, myip: '192.0.2.2' });
    await callUpdate(service, { hostname: 'cams', myip: '192.0.2.5' });

    const { hosts } = service.state();
    expect(hosts[home]).toMatchObject({ A: ['192.0.2.2'], AAAA: ['2001:db8::1'] });
    expect(hosts['cam1.ddns.example']).toMatchObject({ A: ['192.0.2.5'] });
    expect(hosts['cam2.ddns.example']).toMatchObject({ A: ['192.0.2.5'] });
  });
});

describe('temper', () => {
  test.each([
    '',
    'curl/8.0',
    'Wget/1.21',
    'node-fetch',
    'node-fetch/1.0 (+https://example.org)',
    'Mozilla/5.0 (X11) Gecko/20100101',
    'python-requests/2.31',
    'Example',
    'Example Tester',
    'Tester/1.0',
  ])('refuses the User-Agent %j', async (userAgent) => {
    const reply = await callUpdate(service, { hostname: home, myip: '192.0.2.1', userAgent });

    expect(reply.body).toBe('badagent\r\n');
  });

  test('an address to write to, when asked for', async () => {
    service.levers.requireContact();

    const without = await callUpdate(service, { hostname: home, userAgent: 'Example Tester/1.0' });
    const withIt = await callUpdate(service, {
      hostname: home,
      userAgent: 'Example Tester/1.0 me@example.org',
    });

    expect(without.body).toBe('badagent\r\n');
    expect(withIt.body).toMatch(/^(good|nochg) /);
  });

  test('a client that repeats itself is blocked until the user lifts it', async () => {
    const call = { hostname: 'office.ddns.example', myip: '192.0.2.20' };
    const replies: string[] = [];
    clear(call.hostname);
    for (let time = 0; time < 6; time += 1) replies.push((await callUpdate(service, call)).body.trim());
    const other = await callUpdate(service, {
      ...call,
      username: 'key-one',
      password: 'one:with:colons',
      hostname: home,
    });
    service.levers.unblock('demo');
    const after = await callUpdate(service, { ...call, myip: '192.0.2.21' });

    expect(replies).toEqual(['good 192.0.2.20', ...Array(3).fill('nochg 192.0.2.20'), 'abuse', 'abuse']);
    expect(other.body).not.toContain('abuse');
    expect(after.body).toBe('good 192.0.2.21\r\n');
  });

  test('repeats are forgotten after the window', async () => {
    const call = { hostname: 'office.ddns.example', myip: '192.0.2.30' };
    clear(call.hostname);
    for (let time = 0; time < 4; time += 1) await callUpdate(service, call);
    service.advance(10 * 60_000);

    expect((await callUpdate(service, call)).body).toBe('nochg 192.0.2.30\r\n');
  });
});

test('haste is answered with 911 until a minute has passed', async () => {
  const strict = await startService({ temper: { maxRequestsPerMinute: 2 } });
  const statuses: number[] = [];
  for (const last of [1, 2, 3]) {
    statuses.push((await callUpdate(strict, { hostname: home, myip: `192.0.2.${last}` })).status);
  }
  strict.advance(60_000);
  const later = await callUpdate(strict, { hostname: home, myip: '192.0.2.4' });
  await strict.close();

  expect(statuses).toEqual([200, 200, 500]);
  expect(later.body).toBe('good 192.0.2.4\r\n');
});

describe('recording', () => {
  test('says what was asked, never the password', async () => {
    const next = service.nextRequest(1000);
    await callUpdate(service, { hostname: `${home},cams`, myip: '192.0.2.1', password: 'wrong:secret' });
    const recorded = await next;

    expect(recorded).toMatchObject({
      method: 'GET',
      path: '/nic/update',
      query: { hostname: `${home},cams`, myip: '192.0.2.1' },
      userAgent: 'Example Tester/1.0 tester@example.org',
      username: 'demo',
      authorizationPresent: true,
      remoteAddress: '127.0.0.1',
      status: 401,
      replyBody: 'badauth\r\n',
      hosts: [home, 'cams'],
    });
    expect(service.requests().at(-1)).toBe(recorded);
    expect(JSON.stringify(service.requests())).not.toContain('secret');
  });

  test.each([
    { username: 'cams:demo', expected: 'cams:demo' },
    { username: 'stranger', expected: 'stranger' },
  ])('names the login $username', async ({ username, expected }) => {
    const next = service.nextRequest(1000);
    await callUpdate(service, { username, password: 'has:colons', hostname: home });

    expect((await next).username).toBe(expected);
  });

  test('a listener ends when told; waiting ends in time', async () => {
    const seen: string[] = [];
    const stop = service.onRequest(({ replyBody }) => seen.push(replyBody));
    await callUpdate(service, { hostname: 'bad' });
    stop();
    await callUpdate(service, { hostname: 'bad' });

    expect(seen).toEqual(['notfqdn\r\n']);
    await expect(service.nextRequest(5)).rejects.toThrow('5 ms');
  });

  test('other paths and methods are unexpected', async () => {
    const strict = await startService();
    expect(() => strict.assertQuiet()).not.toThrow();
    const path = await callUpdate(strict, { path: '/other', hostname: home });
    const method = await callUpdate(strict, { method: 'POST', hostname: home });
    await strict.close();

    expect([path.status, method.status]).toEqual([404, 405]);
    expect(() => strict.assertQuiet()).toThrow(/GET \/other\nunexpected request: POST/);
  });
});

test('the web site answers beside the API; a keep-alive connection does not delay the end', async () => {
  const own = await startService();
  const page = await fetchPage(own.web.url, own.caPem);
  const agent = new Agent({ keepAlive: true });
  await callUpdate(own, { hostname: home, agent });
  const beganMs = performance.now();
  await own.close();
  const tookMs = performance.now() - beganMs;
  agent.destroy();

  expect(page.body).toContain('<h1>Provider</h1>');
  expect(tookMs).toBeLessThan(1000);
  await expect(callUpdate(own, { hostname: home })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('a host outside the zones is a mistake of the test', async () => {
  const accounts = [{ username: 'u', password: 'p', hosts: ['home.example.org'] }];

  await expect(startService({ accounts })).rejects.toThrow('home.example.org');
});
