/** Servers on loopback addresses that close with the test. */
import * as http from 'node:http';
import * as net from 'node:net';
import { onTestFinished, vi } from 'vitest';
import type { HttpRequest, HttpResult } from '../../agent/ports.ts';

/** Listens on a free port and returns it. */
export async function listen(server: net.Server, address = '127.0.0.1', port = 0): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, address, resolve);
  });
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) {
          socket.destroy();
        }
        server.close(() => resolve());
      }),
  );
  const bound = server.address();
  if (bound === null || typeof bound === 'string') {
    throw new Error('no port');
  }
  return bound.port;
}

export interface Seen {
  method: string;
  url: string;
  headers: http.IncomingHttpHeaders;
  body: string;
  remoteAddress: string;
}

export interface WebServer {
  port: number;
  requests: Seen[];
  connections: () => number;
}

/** An HTTP server that records what it sees. */
export async function webServer(
  answer: (request: Seen, response: http.ServerResponse) => void,
  address = '127.0.0.1',
): Promise<WebServer> {
  const requests: Seen[] = [];
  let connections = 0;
  const server = http.createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) {
      chunks.push(chunk);
    }
    const seen: Seen = {
      method: incoming.method ?? '',
      url: incoming.url ?? '',
      headers: incoming.headers,
      body: Buffer.concat(chunks).toString('utf8'),
      remoteAddress: incoming.socket.remoteAddress ?? '',
    };
    requests.push(seen);
    answer(seen, response);
  });
  server.on('connection', () => {
    connections++;
  });
  const port = await listen(server, address);
  return { port, requests, connections: () => connections };
}

/** A server that speaks raw octets. */
export function rawServer(onConnection: (socket: net.Socket) => void): Promise<number> {
  return listen(net.createServer(onConnection));
}

/** A port on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const bound = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}

export function get(url: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return { method: 'GET', url, headers: {}, phaseTimeoutMs: 1000, maxBodyBytes: 4096, ...more };
}

/** The status of a reply or the kind and code of a failure: what tests compare. */
export function verdict(result: HttpResult): string {
  return result.kind === 'reply'
    ? `status ${result.reply.status}`
    : `${result.failure.kind} ${result.failure.code}`;
}

const VIRTUAL_MS_PER_TURN = 20;

/**
 * Lets a request meet its timeouts at once: sockets are real, but each turn of the event loop counts as 20 ms.
 * Loopback delivers within a turn or two, so even a busy machine cannot make an answer look late.
 */
export async function inVirtualTime<T>(start: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    let settled = false;
    const work = start().finally(() => {
      settled = true;
    });
    while (!settled) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      vi.advanceTimersByTime(VIRTUAL_MS_PER_TURN);
    }
    return await work;
  } finally {
    vi.useRealTimers();
  }
}
