import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpRequest } from '../../agent/ports.ts';
import { closedPort, get, listen, rawServer, verdict, webServer } from '../net/loopback.ts';
import { ownFolder, script } from './programs.ts';
import { buildHostProgram, type RemoteHost, removeHostProgram, startRemoteHost } from './remote-host.ts';

let program: string;
beforeAll(async () => {
  program = await buildHostProgram();
});
afterAll(() => removeHostProgram(program));

function host(options?: Parameters<typeof startRemoteHost>[1]): Promise<RemoteHost> {
  return startRemoteHost(program, options);
}

describe('requests', () => {
  test('carry method, headers and body as given, and nothing else', async () => {
    const server = await webServer((_request, response) =>
      response.writeHead(201, { 'X-Thing': 'a' }).end('göod'),
    );
    const body = '{"ü":"a\\n\\"b\\"",\n\r\t"c":"@/etc/passwd %{x} # \u000b"}';

    const result = await (await host()).http(
      get(`http://127.0.0.1:${server.port}/nic/update?hostname=a.example,b.example&myip=[1]{2}`, {
        method: 'PUT',
        headers: { 'User-Agent': 'Holdfast/1 "test" \\', 'Content-Type': 'application/json', 'X-Empty': '' },
        body,
      }),
    );

    expect(result).toMatchObject({
      kind: 'reply',
      reply: { status: 201, body: 'göod', truncated: false, headers: { 'x-thing': 'a' } },
    });
    expect(server.requests).toMatchObject([{ method: 'PUT', body }]);
    const { headers, url } = server.requests[0] ?? { headers: {} };
    expect(decodeURI(url ?? '')).toBe('/nic/update?hostname=a.example,b.example&myip=[1]{2}');
    expect(Object.keys(headers).sort()).toEqual([
      'accept',
      'accept-encoding',
      'content-length',
      'content-type',
      'host',
      'user-agent',
      'x-empty',
    ]);
    expect(headers).toMatchObject({
      'accept-encoding': 'identity',
      'user-agent': 'Holdfast/1 "test" \\',
      'x-empty': '',
    });
  });

  test('of more than 64 KiB arrive whole', async () => {
    const server = await webServer((request, response) => response.end(String(request.body.length)));
    const body = 'x'.repeat(90_000);

    const result = await (await host()).http(
      get(`http://127.0.0.1:${server.port}/`, { method: 'POST', body, phaseTimeoutMs: 20_000 }),
    );

    expect(result).toMatchObject({ kind: 'reply', reply: { body: '90000' } });
    expect(server.requests[0]?.body === body).toBe(true);
  });

  test.each<[NonNullable<HttpRequest['authorization']>, Record<string, string>]>([
    [
      { scheme: 'basic', username: 'group:user', password: 'pässwörd' },
      { authorization: 'Basic Z3JvdXA6dXNlcjpww6Rzc3fDtnJk' },
    ],
    [{ scheme: 'bearer', token: 'abc-123' }, { authorization: 'Bearer abc-123' }],
    [{ scheme: 'header', name: 'X-Api-Key', value: '"abc\\' }, { 'x-api-key': '"abc\\' }],
  ])('carry the credential with the first request: %j', async (authorization, expected) => {
    const server = await webServer((_request, response) => response.end('good'));

    await (await host()).http(get(`http://127.0.0.1:${server.port}/`, { authorization }));

    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.headers).toMatchObject(expected);
  });

  test('show no secret to other processes', async () => {
    const folder = ownFolder();
    script(
      folder,
      'curl',
      `cat /proc/self/cmdline /proc/self/environ | tr '\\0' '\\n' >${folder}/seen; exec /usr/bin/curl "$@"`,
    );
    const server = await webServer((_request, response) => response.end('good'));
    const authorization = { scheme: 'basic', username: 'user', password: 's3cret' } as const;

    const remote = await host({ path: folder, env: { DDNS_PASSWORD: 's3cret' } });
    const result = await remote.http(
      get(`http://127.0.0.1:${server.port}/?key=s3cret`, { authorization, headers: { 'X-Key': 's3cret' } }),
    );

    expect(verdict(result)).toBe('status 200');
    expect(readFileSync(join(folder, 'seen'), 'utf8')).toMatch(/PATH=/);
    expect(readFileSync(join(folder, 'seen'), 'utf8')).not.toMatch(/s3cret|czNjcmV0|user/);
    expect(remote.stderr()).toBe('');
  });

  test('go neither through a proxy nor where a .curlrc says', async () => {
    const folder = ownFolder();
    writeFileSync(join(folder, '.curlrc'), 'user-agent = "of the file"\n');
    const server = await webServer((_request, response) => response.end('good'));
    const proxy = `http://127.0.0.1:${await closedPort()}`;

    const remote = await host({ env: { http_proxy: proxy, ALL_PROXY: proxy, HOME: folder } });
    const result = await remote.http(get(`http://127.0.0.1:${server.port}/`));

    expect(verdict(result)).toBe('status 200');
    expect(server.requests[0]?.headers['user-agent']).toBeUndefined();
  });

  test('leave through the local address of the uplink', async () => {
    const server = await webServer((_request, response) => response.end('good'));

    const result = await (await host()).http(
      get(`http://127.0.0.1:${server.port}/`, { via: { device: 'wanb', ipv4: '127.0.0.2' } }),
    );

    expect(verdict(result)).toBe('status 200');
    expect(server.requests[0]?.remoteAddress).toBe('127.0.0.2');
  });

  test.each<[string, Partial<HttpRequest>, string]>([
    ['uplink without the family', { via: { device: 'wanb', ipv6: '::1' } }, 'unreachable http/NO_PATH'],
    ['uplink without any address', { via: { device: 'wanb' } }, 'unreachable http/NO_PATH'],
    [
      'address the router does not have',
      { via: { device: 'wanb', ipv4: '192.0.2.1' } },
      'offline http/NO_ROUTE',
    ],
    ['family the server lacks', { family: 'ipv6' }, 'unreachable http/NO_PATH'],
    ['header with a line break', { headers: { 'X-A': 'a\r\nX-B: b' } }, 'refused http/BAD_REQUEST'],
    [
      'header that curl would read from a file',
      { headers: { '@/etc/passwd': 'a' } },
      'refused http/BAD_REQUEST',
    ],
    ['body that curl cannot be told', { method: 'POST', body: 'a\0b' }, 'refused http/BAD_REQUEST'],
    ['missing trust anchors', { caFile: '/nonexistent/ca.pem' }, 'unreachable http/CA_FILE'],
    ['trust anchors that are none', { caFile: '/proc/self/status' }, 'unreachable http/CA_FILE'],
  ])('do not leave at all: %s', async (_name, more, expected) => {
    const server = await webServer((_request, response) => response.end('good'));

    const result = await (await host()).http(get(`http://127.0.0.1:${server.port}/`, more));

    expect(verdict(result)).toBe(expected);
    expect(server.connections()).toBe(0);
  });

  test.each(['not a url', 'ftp://server.example/', 'file:///etc/passwd', 'http://user:s3cret@127.0.0.1/'])(
    'refuse the URL %s without repeating it',
    async (url) => {
      const result = await (await host()).http(get(url));

      expect(verdict(result)).toBe('refused http/BAD_REQUEST');
      expect(JSON.stringify(result)).not.toMatch(/s3cret|user|passwd/);
    },
  );
});

describe('a server that cannot be reached', () => {
  test('refuses', async () => {
    const result = await (await host()).http(get(`http://127.0.0.1:${await closedPort()}/`));

    expect(verdict(result)).toBe('unreachable http/REFUSED');
  });

  test('has no address', async () => {
    const result = await (await host()).http(get('http://nothing.invalid/', { phaseTimeoutMs: 5000 }));

    expect(verdict(result)).toBe('offline http/DNS');
  });

  test('does not finish the TLS handshake', async () => {
    const port = await rawServer((socket) => socket.resume());

    const result = await (await host()).http(get(`https://127.0.0.1:${port}/`, { phaseTimeoutMs: 300 }));

    expect(verdict(result)).toBe('unreachable http/TLS_TIMEOUT');
  });

  test('speaks no TLS', async () => {
    const port = await rawServer((socket) => socket.end('220 mail.example ESMTP\r\n'));

    const result = await (await host()).http(get(`https://127.0.0.1:${port}/`));

    expect(verdict(result)).toBe('unreachable http/TLS_HANDSHAKE');
  });

  test('speaks only an old TLS', async () => {
    const server = tls.createServer({
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL:@SECLEVEL=0',
    });
    const port = await listen(server);

    const result = await (await host()).http(get(`https://127.0.0.1:${port}/`));

    expect(verdict(result)).toBe('unreachable http/TLS_HANDSHAKE');
  });
});

describe('a server that breaks off or hangs after the request', () => {
  const HEAD = 'HTTP/1.1 200 OK\r\n';
  test.each<[string, string, 'close' | 'reset' | 'hang', string]>([
    ['before the first byte: closes', '', 'close', 'unconfirmed http/RESET'],
    ['before the first byte: resets', '', 'reset', 'unconfirmed http/RESET'],
    ['before the first byte: hangs', '', 'hang', 'unconfirmed http/NO_REPLY'],
    ['in the head: closes', HEAD, 'close', 'unconfirmed http/BAD_REPLY'],
    ['in the head: hangs', HEAD, 'hang', 'unconfirmed http/NO_REPLY'],
    ['in the body: closes', `${HEAD}Content-Length: 9\r\n\r\ngood`, 'close', 'unconfirmed http/RESET'],
    ['in the body: resets', `${HEAD}Content-Length: 9\r\n\r\ngood`, 'reset', 'unconfirmed http/RESET'],
    ['in the body: hangs', `${HEAD}Content-Length: 9\r\n\r\ngood`, 'hang', 'unconfirmed http/BODY_TIMEOUT'],
    [
      'in a chunk: hangs',
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\ngo`,
      'hang',
      'unconfirmed http/BODY_TIMEOUT',
    ],
    ['is no HTTP', '220 mail.example ESMTP\r\n', 'close', 'unconfirmed http/BAD_REPLY'],
    [
      'has a broken chunk',
      `${HEAD}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`,
      'close',
      'unconfirmed http/BAD_REPLY',
    ],
    [
      'has no end of its head',
      `${HEAD}${'X-A: aaaaaaaa\r\n'.repeat(10_000)}`,
      'hang',
      'unconfirmed http/BAD_REPLY',
    ],
  ])('%s', async (_name, reply, then, expected) => {
    const port = await rawServer((socket) => {
      socket.once('data', () => {
        socket.write(reply, () => {
          if (then === 'close') {
            socket.end();
          } else if (then === 'reset') {
            setTimeout(() => socket.resetAndDestroy(), 50);
          }
        });
      });
    });

    const result = await (await host()).http(get(`http://127.0.0.1:${port}/`, { phaseTimeoutMs: 400 }));

    expect(verdict(result)).toBe(expected);
  });

  test('an interim reply is not the reply', async () => {
    const port = await rawServer((socket) => {
      socket.once('data', () =>
        socket.end(
          'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nX-A: 1\r\n\r\nHTTP/1.1 200 OK\r\nX-B: 1\r\nX-B: 2\r\n\r\ngood',
        ),
      );
    });

    const result = await (await host()).http(get(`http://127.0.0.1:${port}/`));

    expect(result).toMatchObject({
      kind: 'reply',
      reply: { status: 200, body: 'good', headers: { 'x-b': '1, 2' } },
    });
  });
});

describe('bodies', () => {
  test.each([
    ['with a length', {}],
    ['in chunks', { 'Transfer-Encoding': 'chunked' }],
  ])('of 10 MB %s are cut at the limit, and curl ends', async (_name, headers) => {
    const server = await webServer((_request, response) => {
      response.writeHead(200, headers);
      response.end(Buffer.alloc(10_000_000, 'a'));
    });
    const remote = await host();
    const before = await remote.facts();

    const result = await remote.http(
      get(`http://127.0.0.1:${server.port}/`, { maxBodyBytes: 5000, phaseTimeoutMs: 20_000 }),
    );

    expect(result).toMatchObject({ kind: 'reply', reply: { body: 'a'.repeat(5000), truncated: true } });
    const after = await remote.facts();
    expect(after.descriptors).toBe(before.descriptors);
    expect(after.memoryKib - before.memoryKib).toBeLessThan(1000);
  });

  test.each([
    ['as text', undefined, 'aäb\ufffd'],
    ['as octets', true, 'a\xc3\xa4b\xff'],
  ] as const)('of exactly the limit are whole, %s', async (_name, octets, body) => {
    const server = await webServer((_request, response) => response.end(Buffer.from('61c3a462ff', 'hex')));

    const result = await (await host()).http(
      get(`http://127.0.0.1:${server.port}/`, { maxBodyBytes: 5, ...(octets && { octets }) }),
    );

    expect(result).toMatchObject({ kind: 'reply', reply: { body, truncated: false } });
  });

  test('that were packed unasked are refused', async () => {
    const server = await webServer((_request, response) =>
      response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync('good')),
    );

    const result = await (await host()).http(get(`http://127.0.0.1:${server.port}/`));

    expect(verdict(result)).toBe('unconfirmed http/PACKED');
  });
});

describe('redirects', () => {
  const CREDENTIAL = { authorization: { scheme: 'bearer', token: 'abc' } } as const;

  test.each<[string, (port: number) => string, string[]]>([
    ['to a path', () => '/b?c=1', ['/a/x', '/b?c=1']],
    ['to a neighbour', () => 'b', ['/a/x', '/a/b']],
    ['to another query', () => '?c', ['/a/x', '/a/x?c']],
    ['to the same origin', (port) => `http://127.0.0.1:${port}/b`, ['/a/x', '/b']],
    ['to another port', (port) => `http://127.0.0.1:${port + 1}/b`, ['/a/x']],
    ['to another host', (port) => `http://localhost:${port}/b`, ['/a/x']],
    ['to another host, without a scheme', () => '//localhost/b', ['/a/x']],
    ['to another scheme', (port) => `https://127.0.0.1:${port}/b`, ['/a/x']],
    ['to a file', () => 'file:///etc/passwd', ['/a/x']],
  ])('%s', async (_name, location, expected) => {
    const server = await webServer((request, response) =>
      request.url === '/a/x'
        ? response.writeHead(302, { Location: location(server.port) }).end()
        : response.end('good'),
    );

    const result = await (await host()).http(get(`http://127.0.0.1:${server.port}/a/x`, CREDENTIAL));

    expect(server.requests.map(({ url }) => url)).toEqual(expected);
    expect(server.requests.every(({ headers }) => headers.authorization === 'Bearer abc')).toBe(true);
    expect(verdict(result)).toBe(expected.length === 1 ? 'status 302' : 'status 200');
  });

  test.each<[string, Partial<HttpRequest>, number]>([
    ['end after the second', {}, 3],
    ['are not followed where they are refused', { redirects: 'refuse' }, 1],
    ['are not followed with a body', { method: 'POST', body: '' }, 1],
  ])('%s', async (_name, more, requests) => {
    const server = await webServer((_request, response) =>
      response.writeHead(302, { Location: '/again' }).end(),
    );

    const result = await (await host()).http(get(`http://127.0.0.1:${server.port}/`, more));

    expect(verdict(result)).toBe('status 302');
    expect(server.requests).toHaveLength(requests);
  });
});

describe('curl', () => {
  test('is missing', async () => {
    const remote = await host({ onlyPath: ownFolder() });

    const result = await remote.http(get('https://server.example/'));

    expect(verdict(result)).toBe('unreachable http/NO_CURL');
    expect(JSON.stringify(result)).toMatch(/Install the packages curl and ca-bundle/);
  });

  test.each([
    [
      'does not know an option',
      'echo "option --http1.1: is unknown" >&2; exit 2',
      'unreachable http/NO_CURL',
    ],
    ['is killed before it connects', 'kill -9 $$', 'unreachable http/CONNECT_FAILED'],
    ['is killed after the request', 'echo "> GET / HTTP/1.1" >&2; kill -9 $$', 'unconfirmed http/RESET'],
    ['says nothing and ends', 'exit 0', 'unconfirmed http/BAD_REPLY'],
    ['has an unknown end', 'exit 99', 'unreachable http/CONNECT_FAILED'],
    ['hangs after the request', 'echo "> GET / HTTP/1.1" >&2; sleep 1000', 'unconfirmed http/NO_REPLY'],
  ])('%s', async (_name, body, expected) => {
    const folder = ownFolder();
    script(folder, 'curl', body);
    const remote = await host({ path: folder });
    const { descriptors } = await remote.facts();

    const result = await remote.http(get('http://127.0.0.1/', { phaseTimeoutMs: 200 }));

    expect(verdict(result)).toBe(expected);
    expect((await remote.facts()).descriptors).toBe(descriptors);
  });

  test('hangs before it connects', async () => {
    const folder = ownFolder();
    script(folder, 'curl', 'sleep 1000');
    const remote = await host({ path: folder });

    const result = await remote.http(get('http://127.0.0.1/', { phaseTimeoutMs: 100 }));

    expect(verdict(result)).toBe('unreachable http/CONNECT_TIMEOUT');
  });
});
