import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { generate } from 'selfsigned';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { nodeHttp } from '../../agent/net/http.ts';
import type { Http, HttpRequest, HttpResult } from '../../agent/ports.ts';
import { closedPort, get, inVirtualTime, listen, rawServer, verdict } from './loopback.ts';

const HOST = 'server.example';
const DAY_MS = 86_400_000;
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood';

interface Certificate {
  key: string;
  cert: string;
}

let folder: string;
let caFile: string;
let authority: Certificate;
const certificates: Record<string, Certificate> = {};
let http: Http;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-tls-'));
  caFile = join(folder, 'ca.pem');
  authority = await certificate({ name: 'Test CA', ca: true });
  await writeFile(caFile, authority.cert);
  certificates.good = await certificate({ signedBy: authority });
  certificates.address = await certificate({ signedBy: authority, address: '127.0.0.1' });
  certificates.expired = await certificate({ signedBy: authority, fromDays: -20, toDays: -10 });
  certificates.early = await certificate({ signedBy: authority, fromDays: 10, toDays: 20 });
  certificates.other = await certificate({ signedBy: authority, name: 'other.example' });
  certificates.selfSigned = await certificate({});
});

afterAll(() => rm(folder, { recursive: true }));

afterEach(() => http.idle());

async function certificate(wish: {
  name?: string;
  address?: string;
  ca?: boolean;
  signedBy?: Certificate;
  fromDays?: number;
  toDays?: number;
}): Promise<Certificate> {
  const { name = HOST, address, ca = false, signedBy, fromDays = -1, toDays = 30 } = wish;
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() + fromDays * DAY_MS),
    notAfterDate: new Date(Date.now() + toDays * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: ca },
      ...(ca ? [{ name: 'keyUsage' as const, keyCertSign: true }] : []),
      {
        name: 'subjectAltName',
        altNames: [address === undefined ? { type: 2, value: name } : { type: 7, ip: address }],
      },
    ],
    ...(signedBy === undefined ? {} : { ca: signedBy }),
  });
  return { key: made.private, cert: made.cert };
}

/** A TLS server that answers each request with `good`. */
async function secureServer(
  kind: string,
  more: tls.TlsOptions = {},
): Promise<{ port: number; sessions: tls.TLSSocket[] }> {
  const sessions: tls.TLSSocket[] = [];
  const server = tls.createServer({ ...certificates[kind], ...more }, (socket) => {
    sessions.push(socket);
    socket.on('error', () => {}).on('data', () => socket.write(ANSWER));
  });
  server.on('tlsClientError', () => {});
  return { port: await listen(server), sessions };
}

function ask(port: number, more: Partial<HttpRequest> = {}, addresses = ['127.0.0.1']): Promise<HttpResult> {
  http = nodeHttp(
    () => {},
    async () => addresses.map((address) => ({ address, family: 4 })),
  );
  return http.request(get(`https://${HOST}:${port}/`, { caFile, ...more }));
}

describe('certificates', () => {
  test.each([
    ['good', 'status 200'],
    ['expired', 'unreachable http/TLS_EXPIRED'],
    ['early', 'unreachable http/TLS_NOT_YET_VALID'],
    ['other', 'unreachable http/TLS_WRONG_HOST'],
    ['selfSigned', 'unreachable http/TLS_UNKNOWN_CA'],
  ])('%s: %s', async (kind, expected) => {
    const { port } = await secureServer(kind);

    expect(verdict(await ask(port))).toBe(expected);
  });

  test('of an authority of our own are unknown without its file', async () => {
    const { port } = await secureServer('good');
    http = nodeHttp(
      () => {},
      async () => [{ address: '127.0.0.1', family: 4 }],
    );

    expect(verdict(await http.request(get(`https://${HOST}:${port}/`)))).toBe(
      'unreachable http/TLS_UNKNOWN_CA',
    );
  });

  test.each([
    ['address', 'status 200'],
    ['good', 'unreachable http/TLS_WRONG_HOST'],
  ])('for a server named by its address must carry it: %s', async (kind, expected) => {
    const { port } = await secureServer(kind);
    http = nodeHttp(() => {});

    expect(verdict(await http.request(get(`https://127.0.0.1:${port}/`, { caFile })))).toBe(expected);
  });

  test('are checked whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const { port } = await secureServer('selfSigned');

    expect(verdict(await ask(port))).toBe('unreachable http/TLS_UNKNOWN_CA');
  });

  test('that are not valid yet point at the clock while it is not set', async () => {
    const { port } = await secureServer('early');
    vi.useFakeTimers({ toFake: ['Date'], now: 0 });
    onTestFinished(() => {
      vi.useRealTimers();
    });

    const result = await ask(port);

    expect(result).toMatchObject({
      kind: 'failed',
      failure: { code: 'http/TLS_NOT_YET_VALID', sentence: expect.stringContaining('clock is not set') },
    });
  });

  test('are judged by the trust anchors that the file holds now', async () => {
    const { port } = await secureServer('selfSigned');
    const file = join(folder, 'changing.pem');
    await writeFile(file, authority.cert);
    expect(verdict(await ask(port, { caFile: file }))).toBe('unreachable http/TLS_UNKNOWN_CA');

    const request = get(`https://${HOST}:${port}/`, { caFile: file });
    await writeFile(file, certificates.selfSigned?.cert ?? '');
    await utimes(file, 1, 1);

    expect(verdict(await http.request(request))).toBe('status 200');
  });
});

describe('the handshake', () => {
  test('names the server and offers HTTP/1.1 over TLS 1.2 or newer', async () => {
    const { port, sessions } = await secureServer('good', { ALPNProtocols: ['h2', 'http/1.1'] });

    await ask(port);

    expect(sessions).toHaveLength(1);
    expect(sessions[0]).toMatchObject({ servername: HOST, alpnProtocol: 'http/1.1' });
    expect(sessions[0]?.getProtocol()).toBe('TLSv1.3');
  });

  test('sessions are kept for the next request', async () => {
    const { port, sessions } = await secureServer('good');

    await ask(port);
    await http.request(get(`https://${HOST}:${port}/`, { caFile }));

    expect(sessions).toHaveLength(1);
  });

  test.each([
    ['own', () => ({ caFile })],
    ['system', () => ({ caFile: undefined })],
  ])('is refused to servers older than TLS 1.2, with %s trust anchors', async (_name, trust) => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const { port } = await secureServer('good', old);

    expect(verdict(await ask(port, trust()))).toBe('unreachable http/TLS_HANDSHAKE');
  });

  test.each<[string, (socket: net.Socket) => void, string]>([
    ['silence', () => {}, 'unreachable http/TLS_TIMEOUT'],
    [
      'a reset',
      (socket) => socket.once('data', () => socket.resetAndDestroy()),
      'unreachable http/TLS_HANDSHAKE',
    ],
    ['an early end', (socket) => socket.once('data', () => socket.end()), 'unreachable http/TLS_HANDSHAKE'],
    [
      'plain HTTP',
      (socket) => socket.once('data', () => socket.end(ANSWER)),
      'unreachable http/TLS_HANDSHAKE',
    ],
  ])('meets %s', async (_name, onConnection, expected) => {
    const port = await rawServer(onConnection);

    expect(verdict(await inVirtualTime(() => ask(port)))).toBe(expected);
  });

  test('that hangs at one address is tried at the next', async () => {
    const { port } = await secureServer('good');
    await listen(net.createServer(), '127.0.0.2', port);

    const result = await inVirtualTime(() => ask(port, {}, ['127.0.0.2', '127.0.0.1']));

    expect(verdict(result)).toBe('status 200');
  });

  test('with a refused certificate is not tried at the next', async () => {
    const { port } = await secureServer('expired');
    const server = tls.createServer({ ...certificates.good });
    let asked = 0;
    server.on('connection', () => asked++);
    await listen(server, '127.0.0.2', port);

    expect(verdict(await ask(port, {}, ['127.0.0.1', '127.0.0.2']))).toBe('unreachable http/TLS_EXPIRED');
    expect(asked).toBe(0);
  });

  test('is not reached when the port is closed', async () => {
    expect(verdict(await ask(await closedPort()))).toBe('unreachable http/REFUSED');
  });
});
