import { once } from 'node:events';
import * as net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { nodeHttp } from '../../agent/net/http.ts';
import type { Http, HttpResult } from '../../agent/ports.ts';
import { get, listen, verdict } from './loopback.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood';

const open: Http[] = [];

afterEach(() => {
  for (const http of open.splice(0)) {
    http.idle();
  }
});

interface Line {
  /** The text of the first request on it; empty when it was closed without one. */
  request: Promise<string>;
  socket: net.Socket;
}

interface RecordingServer {
  port: number;
  lines: Line[];
  /** Resolves with the next connection. */
  nextLine(): Promise<Line>;
}

async function recordingServer(address = '127.0.0.1', wantedPort = 0): Promise<RecordingServer> {
  const lines: Line[] = [];
  const server = net.createServer((socket) => {
    const request = new Promise<string>((resolve) => {
      socket.once('data', (octets) => {
        resolve(octets.toString('latin1'));
        socket.write(ANSWER);
      });
      socket.once('close', () => resolve(''));
    });
    const line = { request, socket };
    lines.push(line);
    server.emit('line', line);
  });
  const port = await listen(server, address, wantedPort);
  return { port, lines, nextLine: async () => (await once(server, 'line'))[0] };
}

/** A client that has made one request, and its next lookup, which is answered when the test says so. */
async function clientThatWasThere(url: string) {
  let answer: (addresses: readonly string[] | 'nothing') => void = () => {};
  let lookups = 0;
  const http = nodeHttp(
    () => {},
    () => {
      lookups += 1;
      return lookups === 1
        ? Promise.resolve([{ address: '127.0.0.1', family: 4 }])
        : new Promise((resolve, reject) => {
            answer = (addresses) =>
              addresses === 'nothing'
                ? reject(Object.assign(new Error('no answer'), { code: 'EAI_AGAIN' }))
                : resolve(addresses.map((address) => ({ address, family: 4 })));
          });
    },
  );
  open.push(http);
  const first = await http.request(get(url));
  expect(verdict(first)).toBe('status 200');
  http.idle();
  const again = (): Promise<HttpResult> => http.request(get(url, { phaseTimeoutMs: 20_000 }));
  return { again, answerLookup: (addresses: readonly string[] | 'nothing') => answer(addresses) };
}

describe('a connection that begins beside the lookup', () => {
  test('carries the request once the lookup names the same address', async () => {
    const server = await recordingServer();
    const { again, answerLookup } = await clientThatWasThere(`http://server.example:${server.port}/`);
    const connected = server.nextLine();

    const asked = again();
    const early = await connected;
    const sentBefore = early.socket.bytesRead;
    answerLookup(['127.0.0.2', '127.0.0.1']);

    expect(verdict(await asked)).toBe('status 200');
    expect(sentBefore).toBe(0);
    expect(await early.request).toContain('GET / HTTP/1.1');
    expect(server.lines).toHaveLength(2);
  });

  test('is closed without a word when the server has moved', async () => {
    const server = await recordingServer();
    const moved = await recordingServer('127.0.0.2', server.port);
    const { again, answerLookup } = await clientThatWasThere(`http://server.example:${server.port}/`);
    const connected = server.nextLine();

    const asked = again();
    const early = await connected;
    answerLookup(['127.0.0.2']);

    expect(verdict(await asked)).toBe('status 200');
    expect(await early.request).toBe('');
    expect(moved.lines).toHaveLength(1);
  });

  test('is closed without a word when the lookup fails', async () => {
    const server = await recordingServer();
    const { again, answerLookup } = await clientThatWasThere(`http://server.example:${server.port}/`);
    const connected = server.nextLine();

    const asked = again();
    const early = await connected;
    answerLookup('nothing');

    expect(verdict(await asked)).toMatch(/ http\/DNS$/);
    expect(await early.request).toBe('');
  });

  test('is made anew when the server has closed it meanwhile', async () => {
    const server = await recordingServer();
    const { again, answerLookup } = await clientThatWasThere(`http://server.example:${server.port}/`);
    const connected = server.nextLine();

    const asked = again();
    const early = await connected;
    early.socket.end();
    await once(early.socket, 'close');
    answerLookup(['127.0.0.1']);

    expect(verdict(await asked)).toBe('status 200');
    expect(server.lines).toHaveLength(3);
  });
});
