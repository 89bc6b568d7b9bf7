import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { buildSync } from 'esbuild';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { nodeHttp } from '../../agent/net/http.ts';
import type { Lookup } from '../../agent/net/http-connect.ts';
import { httpFailure } from '../../agent/net/http-failure.ts';
import type { Http, HttpRequest } from '../../agent/ports.ts';
import { closedPort, get, inVirtualTime, rawServer, verdict, webServer } from './loopback.ts';

const logged: string[] = [];
const open: Http[] = [];

function client(lookup?: Lookup): Http {
  const http = nodeHttp((_level, message) => logged.push(message), lookup);
  open.push(http);
  return http;
}

afterEach(() => {
  for (const http of open.splice(0)) {
    http.idle();
  }
  logged.length = 0;
});

describe('requests', () => {
  test('carry method, headers and body as given, and nothing that invites encoding', async () => {
    const server = await webServer((_request, response) =>
      response.writeHead(201, { 'X-Thing': 'a' }).end('good'),
    );

    const result = await client().request(
      get(`http://127.0.0.1:${server.port}/nic/update?hostname=a.example,b.example&myip=192.0.2.1`, {
        method: 'POST',
        headers: { 'User-Agent': 'Holdfast/1 test', 'Content-Type': 'application/json' },
        body: '{"ü":1}',
      }),
    );

    expect(result).toMatchObject({
      kind: 'reply',
      reply: { status: 201, body: 'good', truncated: false, headers: { 'x-thing': 'a' } },
    });
    expect(server.requests).toMatchObject([
      {
        method: 'POST',
        url: '/nic/update?hostname=a.example,b.example&myip=192.0.2.1',
        body: '{"ü":1}',
        headers: {
          host: `127.0.0.1:${server.port}`,
          'user-agent': 'Holdfast/1 test',
          'content-type': 'application/json',
          'accept-encoding': 'identity',
        },
      },
    ]);
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
  });

  test.each([
    ['plain', 'user', 'pass', 'Basic dXNlcjpwYXNz'],
    ['group login with a colon, UTF-8', 'group:user', 'pässwörd', 'Basic Z3JvdXA6dXNlcjpww6Rzc3fDtnJk'],
    ['empty password', 'token', '', 'Basic dG9rZW46'],
  ])('send Authorization with the first request: %s', async (_name, username, password, expected) => {
    const server = await webServer((_request, response) => response.end('good'));

    await client().request(
      get(`http://127.0.0.1:${server.port}/`, { authorization: { scheme: 'basic', username, password } }),
    );

    expect(server.requests.map((request) => request.headers.authorization)).toEqual([expected]);
  });

  test.each<[NonNullable<HttpRequest['authorization']>, Record<string, string>]>([
    [{ scheme: 'bearer', token: 'abc-123' }, { authorization: 'Bearer abc-123' }],
    [{ scheme: 'header', name: 'X-Api-Key', value: 'abc-123' }, { 'x-api-key': 'abc-123' }],
  ])('send other credentials in their header: %j', async (authorization, expected) => {
    const server = await webServer((_request, response) => response.end('good'));

    await client().request(get(`http://127.0.0.1:${server.port}/`, { authorization }));

    expect(server.requests[0]?.headers).toMatchObject(expected);
  });

  test('leave through the local address of the uplink', async () => {
    const server = await webServer((_request, response) => response.end('good'));

    const result = await client().request(
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
    ['missing trust anchors', { caFile: '/nonexistent/ca.pem' }, 'unreachable http/CA_FILE'],
    ['trust anchors that are none', { caFile: '/proc/self/status' }, 'unreachable http/CA_FILE'],
  ])('do not leave at all: %s', async (_name, more, expected) => {
    const server = await webServer((_request, response) => response.end('good'));

    const result = await client().request(get(`http://127.0.0.1:${server.port}/`, more));

    expect(verdict(result)).toBe(expected);
    expect(server.connections()).toBe(0);
  });

  test.each(['not a url', 'ftp://server.example/', 'data:text/plain,good', 'http://user:s3cret@127.0.0.1/'])(
    'refuse the URL %s without repeating it',
    async (url) => {
      const result = await client().request(get(url));

      expect(verdict(result)).toBe('refused http/BAD_REQUEST');
      expect(JSON.stringify(result) + logged.join()).not.toMatch(/s3cret|user/);
    },
  );

  test.skipIf(!hasIpv6())('reach IPv6 literals and honour the family', async () => {
    const server = await webServer((_request, response) => response.end('good'), '::1');
    const url = `http://[::1]:${server.port}/`;
    const http = client();

    expect(verdict(await http.request(get(url, { family: 'ipv6' })))).toBe('status 200');
    expect(verdict(await http.request(get(url, { via: { device: 'wan', ipv6: '::1' } })))).toBe('status 200');
    expect(verdict(await http.request(get(url, { family: 'ipv4' })))).toBe('unreachable http/NO_PATH');
  });
});

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === '::1'),
  );
}

describe('addresses of the server', () => {
  test('are tried in order until one connects', async () => {
    const server = await webServer((_request, response) => response.end('good'));
    const http = client(async () => addresses('127.0.0.3', '127.0.0.4', '127.0.0.1'));

    const result = await http.request(get(`http://server.example:${server.port}/`));

    expect(verdict(result)).toBe('status 200');
    expect(server.requests[0]?.headers.host).toBe(`server.example:${server.port}`);
  });

  test('are looked up again for each connection', async () => {
    let asked = 0;
    const server = await webServer((_request, response) => response.end('good'));
    const http = client(async () => {
      asked++;
      return addresses('127.0.0.1');
    });

    await http.request(get(`http://server.example:${server.port}/`));
    http.idle();
    await http.request(get(`http://server.example:${server.port}/`));

    expect(asked).toBe(2);
  });

  test('are not tried further once the request has left', async () => {
    const port = await rawServer((socket) => socket.once('data', () => socket.destroy()));
    const second = await webServer((_request, response) => response.end('good'), '127.0.0.2');
    const http = client(async () => addresses('127.0.0.1', '127.0.0.2'));

    const result = await http.request(get(`http://server.example:${port}/`));

    expect(verdict(result)).toBe('unconfirmed http/RESET');
    expect(second.connections()).toBe(0);
  });

  const refusing = (code: string) => () => Promise.reject(Object.assign(new Error('no'), { code }));

  test.each<[string, Lookup, string]>([
    ['name that does not exist', refusing('ENOTFOUND'), 'unreachable http/NO_NAME'],
    ['no address', async () => [], 'unreachable http/NO_NAME'],
    ['no name server answers', refusing('EAI_AGAIN'), 'offline http/DNS'],
    ['the name server will not', refusing('EAI_FAIL'), 'offline http/DNS'],
    ['lookup that hangs', () => new Promise(() => {}), 'offline http/DNS'],
  ])('cannot be found: %s', async (_name, lookup, expected) => {
    const result = await inVirtualTime(() => client(lookup).request(get('http://server.example/')));

    expect(verdict(result)).toBe(expected);
  });

  test.each([
    ['127.0.0.1', '255.255.255.255'],
    ['255.255.255.255', '127.0.0.1'],
  ])('all fail, and one without a route tells less: %s, %s', async (first, second) => {
    const http = client(async () => addresses(first, second));

    const result = await http.request(get(`http://server.example:${await closedPort()}/`));

    expect(verdict(result)).toBe('unreachable http/REFUSED');
  });

  test('all refuse', async () => {
    const result = await client().request(get(`http://127.0.0.1:${await closedPort()}/`));

    expect(verdict(result)).toBe('unreachable http/REFUSED');
  });
});

function addresses(...list: string[]): { address: string; family: number }[] {
  return list.map((address) => ({ address, family: 4 }));
}

describe('a server that breaks off or hangs after the request', () => {
  const HEAD = 'HTTP/1.1 200 OK\r\n';
  test.each<[string, string | undefined, 'close' | 'reset' | 'hang', string]>([
    ['closes without a word', undefined, 'close', 'unconfirmed http/RESET'],
    ['resets without a word', undefined, 'reset', 'unconfirmed http/RESET'],
    ['is silent', undefined, 'hang', 'unconfirmed http/NO_REPLY'],
    ['closes within the header', HEAD, 'close', 'unconfirmed http/RESET'],
    ['hangs within the header', HEAD, 'hang', 'unconfirmed http/NO_REPLY'],
    ['closes within the body', `${HEAD}Content-Length: 9\r\n\r\ngood`, 'close', 'unconfirmed http/RESET'],
    ['resets within the body', `${HEAD}Content-Length: 9\r\n\r\ngood`, 'reset', 'unconfirmed http/RESET'],
    [
      'hangs within the body',
      `${HEAD}Content-Length: 9\r\n\r\ngood`,
      'hang',
      'unconfirmed http/BODY_TIMEOUT',
    ],
    [
      'closes within a chunk',
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n9\r\ngood`,
      'close',
      'unconfirmed http/RESET',
    ],
    [
      'closes without the last chunk',
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n`,
      'close',
      'unconfirmed http/RESET',
    ],
    ['speaks no HTTP', 'SSH-2.0-OpenSSH_9.9\r\n', 'hang', 'unconfirmed http/BAD_REPLY'],
    [
      'sends two lengths',
      `${HEAD}Content-Length: 4\r\nContent-Length: 5\r\n\r\ngood`,
      'hang',
      'unconfirmed http/BAD_REPLY',
    ],
    ['sends an endless header', `${HEAD}X: ${'x'.repeat(20_000)}`, 'hang', 'unconfirmed http/BAD_REPLY'],
    [
      'switches protocols',
      'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      'hang',
      'unconfirmed http/NO_REPLY',
    ],
    ['ends the body by closing', `${HEAD}\r\ngood`, 'close', 'status 200'],
  ])('%s', async (_name, reply, then, expected) => {
    const port = await rawServer((socket) => {
      socket.once('data', () => {
        if (reply !== undefined) {
          socket.write(reply);
        }
        if (then === 'close') {
          socket.end();
        } else if (then === 'reset') {
          setTimeout(() => socket.resetAndDestroy(), 10);
        }
      });
    });

    const result = await inVirtualTime(() => client().request(get(`http://127.0.0.1:${port}/`)));

    expect(verdict(result)).toBe(expected);
  });

  test.each([
    ['0', '\r\n\r\n'],
    ['0\r', '\n\r\n'],
    ['0\r\n', '\r\n'],
    ['0\r\n\r', '\n'],
    ['0\r\nX-Trailer: a\r\n', '\r\n'],
  ])('a chunked body whose end comes in pieces is whole: %j %j', async (first, second) => {
    const port = await rawServer((socket) => {
      socket.once('data', () => {
        socket.write(
          'HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n',
        );
        setTimeout(() => socket.write(first), 5);
        setTimeout(() => socket.end(second), 10);
      });
    });

    const result = await client().request(get(`http://127.0.0.1:${port}/`));

    expect(result).toMatchObject({ kind: 'reply', reply: { body: 'good' } });
  });
});

describe('bodies', () => {
  test('are cut at the limit, and the rest is not waited for', async () => {
    let sent = 0;
    const port = await rawServer((socket) => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${10 * 2 ** 20}\r\n\r\n`);
        const block = Buffer.alloc(64 * 1024, 'x');
        function pour(): void {
          while (sent < 10 * 2 ** 20 && !socket.destroyed) {
            sent += block.length;
            if (!socket.write(block)) {
              socket.once('drain', pour);
              return;
            }
          }
        }
        pour();
      });
    });

    const result = await client().request(get(`http://127.0.0.1:${port}/`, { maxBodyBytes: 1000 }));

    expect(result).toMatchObject({ kind: 'reply', reply: { status: 200, truncated: true } });
    expect(result.kind === 'reply' && result.reply.body).toBe('x'.repeat(1000));
    expect(sent).toBeLessThan(10 * 2 ** 20);
  });

  test('of exactly the limit are whole', async () => {
    const server = await webServer((_request, response) => response.end('good'));

    const result = await client().request(get(`http://127.0.0.1:${server.port}/`, { maxBodyBytes: 4 }));

    expect(result).toMatchObject({ kind: 'reply', reply: { body: 'good', truncated: false } });
  });

  test('that were packed unasked are refused, not unpacked', async () => {
    const server = await webServer((_request, response) =>
      response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync('good')),
    );

    const result = await client().request(get(`http://127.0.0.1:${server.port}/`));

    expect(verdict(result)).toBe('unconfirmed http/PACKED');
    expect(result.kind === 'failed' && result.failure.sentence).toMatch(
      /compressed answer.*switch the compression off/,
    );
  });

  test('that drip slower than the phase are given up', async () => {
    const port = await rawServer((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n');
        const drip = setInterval(() => socket.write('x'), 1);
        socket.on('close', () => clearInterval(drip));
      });
    });

    const result = await inVirtualTime(() => client().request(get(`http://127.0.0.1:${port}/`)));

    expect(verdict(result)).toBe('unconfirmed http/BODY_TIMEOUT');
  });
});

describe('redirects', () => {
  test('are returned as they are where they are refused', async () => {
    const server = await webServer((_request, response) => {
      response.writeHead(302, { location: '/elsewhere' }).end('192.0.2.1');
    });
    const url = `http://127.0.0.1:${server.port}/`;

    const result = await nodeHttp(() => {}).request(get(url, { redirects: 'refuse' }));

    expect(verdict(result)).toBe('status 302');
    expect(server.requests).toHaveLength(1);
  });

  test('are followed on the same origin, with the credential', async () => {
    const server = await webServer((request, response) =>
      request.url === '/c'
        ? response.end('good')
        : response.writeHead(302, { Location: request.url === '/a' ? 'b' : '/c' }).end(),
    );

    const result = await client().request(
      get(`http://127.0.0.1:${server.port}/a`, {
        authorization: { scheme: 'basic', username: 'u', password: 'p' },
      }),
    );

    expect(result).toMatchObject({ kind: 'reply', reply: { status: 200, body: 'good' } });
    expect(server.requests.map(({ url, headers }) => `${url} ${headers.authorization}`)).toEqual([
      '/a Basic dTpw',
      '/b Basic dTpw',
      '/c Basic dTpw',
    ]);
  });

  test('end after the second', async () => {
    const server = await webServer((request, response) =>
      response.writeHead(307, { Location: `${request.url}x` }).end(),
    );

    const result = await client().request(get(`http://127.0.0.1:${server.port}/a`));

    expect(verdict(result)).toBe('status 307');
    expect(server.requests.map(({ url }) => url)).toEqual(['/a', '/ax', '/axx']);
  });

  test.each<[string, (port: number) => string, Partial<HttpRequest>]>([
    ['to another host', () => 'http://127.0.0.2/', {}],
    ['to another port', (port) => `http://127.0.0.1:${port === 65535 ? 1 : port + 1}/`, {}],
    ['to another scheme', (port) => `https://127.0.0.1:${port}/`, {}],
    ['with credentials in it', (port) => `http://u:p@127.0.0.1:${port}/`, {}],
    ['to nowhere', () => 'http://[', {}],
    ['of a POST', () => '/b', { method: 'POST', body: 'x' }],
  ])('are returned as they are: %s', async (_name, location, more) => {
    const server = await webServer((_request, response) =>
      response.writeHead(301, { Location: location(server.port) }).end('moved'),
    );

    const result = await client().request(get(`http://127.0.0.1:${server.port}/a`, more));

    expect(result).toMatchObject({
      kind: 'reply',
      reply: { status: 301, body: 'moved', headers: { location: location(server.port) } },
    });
    expect(server.requests).toHaveLength(1);
  });
});

describe('connections', () => {
  test('are kept for the next request, until idle closes them', async () => {
    const server = await webServer((_request, response) => response.end('good'));
    const http = client();
    const request = get(`http://127.0.0.1:${server.port}/`);

    await http.request(request);
    await http.request(request);
    expect(server.connections()).toBe(1);

    http.idle();
    await http.request(request);
    expect(server.connections()).toBe(2);
  });

  test('are kept however long the work lasts', async () => {
    const server = await webServer((_request, response) => response.end('good'));
    const http = client();
    const request = get(`http://127.0.0.1:${server.port}/`);

    await inVirtualTime(async () => {
      await http.request(request);
      await new Promise((resolve) => {
        setTimeout(resolve, 4 * request.phaseTimeoutMs);
      });
      await http.request(request);
    });

    expect(server.connections()).toBe(1);
  });

  test('are not shared between uplinks', async () => {
    const server = await webServer((_request, response) => response.end('good'));
    const http = client();

    for (const ipv4 of ['127.0.0.1', '127.0.0.2', '127.0.0.1']) {
      await http.request(get(`http://127.0.0.1:${server.port}/`, { via: { device: 'wan', ipv4 } }));
    }

    expect(server.requests.map((request) => request.remoteAddress)).toEqual([
      '127.0.0.1',
      '127.0.0.2',
      '127.0.0.1',
    ]);
  });

  test('at work survive idle, and close when done', async () => {
    let closed: Promise<unknown> = Promise.resolve();
    const port = await rawServer((socket) => {
      closed = once(socket, 'close');
      socket.once('data', () => {
        http.idle();
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood');
      });
    });
    const http = client();

    const result = await http.request(get(`http://127.0.0.1:${port}/`));

    expect(verdict(result)).toBe('status 200');
    await closed;
  });

  test('kept ones that the server resets count as unconfirmed', async () => {
    let served = 0;
    const port = await rawServer((socket) => {
      socket.on('data', () => {
        if (served++ === 0) {
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood');
        } else {
          socket.resetAndDestroy();
        }
      });
    });
    const http = client();
    const request = get(`http://127.0.0.1:${port}/`);

    expect(verdict(await http.request(request))).toBe('status 200');
    expect(verdict(await http.request(request))).toBe('unconfirmed http/RESET');
    expect(served).toBe(2);
  });

  test('kept ones are timed anew', async () => {
    let served = 0;
    const port = await rawServer((socket) => {
      socket.on(
        'data',
        () => served++ === 0 && socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood'),
      );
    });
    const http = client();
    const request = get(`http://127.0.0.1:${port}/`);

    expect(verdict(await http.request(request))).toBe('status 200');
    expect(verdict(await inVirtualTime(() => http.request(request)))).toBe('unconfirmed http/NO_REPLY');
  });

  test('kept ones do not hold the process, nor does the bundle that ships', async () => {
    const server = await webServer((_request, response) => response.end('good'));
    const [bundle] = buildSync({
      entryPoints: [fileURLToPath(new URL('../../agent/net/http.ts', import.meta.url))],
      bundle: true,
      platform: 'node',
      format: 'cjs',
      minify: true,
      external: ['web-streams-polyfill'],
      write: false,
    }).outputFiles;
    const script = `${bundle?.text}
      module.exports.nodeHttp(() => {})
        .request(${JSON.stringify(get(`http://127.0.0.1:${server.port}/`))})
        .then((result) => console.log(result.kind));`;

    const child = spawn(process.execPath, ['-'], { stdio: 'pipe' });
    child.stdin.end(script);
    const output = child.stdout.setEncoding('utf8').toArray();
    const [status] = await once(child, 'exit');

    expect(await output).toEqual(['reply\n']);
    expect(status).toBe(0);
  });

  test('that are not accepted in time are given up', async () => {
    // Linux drops connections beyond the backlog of a listener whose thread sleeps.
    const sleeper = new Worker(
      `const server = require('node:net').createServer();
       server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
         require('node:worker_threads').parentPort.postMessage(server.address().port);
         setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
       });`,
      { eval: true },
    );
    const [port] = await once(sleeper, 'message');
    const fillers = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    onTestFinished(async () => {
      for (const filler of fillers) {
        filler.destroy();
      }
      await sleeper.terminate();
    });
    await Promise.race(fillers.map((filler) => once(filler, 'connect')));

    const result = await inVirtualTime(() => client().request(get(`http://127.0.0.1:${port}/`)));

    expect(verdict(result)).toBe('unreachable http/CONNECT_TIMEOUT');
  });
});

describe('failures', () => {
  test('name host and port, and nothing else of the request', async () => {
    const port = await closedPort();
    const url = `http://127.0.0.1:${port}/private-path?private=query`;

    const result = await client().request(
      get(url, {
        authorization: { scheme: 'basic', username: 'private-user', password: 'private-password' },
      }),
    );

    const text = JSON.stringify(result) + logged.join();
    expect(text).toContain(`127.0.0.1:${port}`);
    expect(text).not.toMatch(/private|cHJpdmF0ZS/);
  });

  test.each([
    ['http/TLS_NOT_YET_VALID', Date.UTC(1970, 0, 1), true],
    ['http/TLS_EXPIRED', Date.UTC(2024, 11, 31), true],
    ['http/TLS_NOT_YET_VALID', Date.UTC(2026, 0, 1), false],
    ['http/TLS_EXPIRED', Date.UTC(2026, 0, 1), false],
    ['http/REFUSED', Date.UTC(1970, 0, 1), false],
  ] as const)('%s at %d speaks of an unset clock: %s', (code, nowMs, expected) => {
    const failure = httpFailure(code, 'server.example:443', nowMs);

    expect(/clock is not set/.test(failure.sentence)).toBe(expected);
    expect(failure).toMatchObject({ code, kind: 'unreachable', scope: 'attempt' });
  });
});
