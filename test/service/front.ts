/** An HTTPS listener whose line can be cut in the ways networks and overloaded servers cut it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { KeyPair } from './certificates.ts';
import type { OnSilence } from './dns-socket.ts';

/**
 * `refuse`: nobody listens; `reset`: accepted, then RST; `hang`: accepted, then silence; `no-tls`: answers in
 * plain text; `reset-in-handshake`: RST when TLS begins; `reset-after-request`: the request is carried out, then
 * RST; `hang-after-request`: carried out, no reply.
 */
export const cutOffModes = [
  ...(['refuse', 'reset', 'hang', 'no-tls', 'reset-in-handshake'] as const),
  ...(['reset-after-request', 'hang-after-request'] as const),
] as const;
export type CutOffMode = (typeof cutOffModes)[number];

export interface Front {
  port: number;
  setCertificate(pair: KeyPair): void;
  /** Cuts or (`off`) mends the line; connections that are open end. */
  setCutOff(mode: CutOffMode | 'off'): Promise<void>;
  close(): Promise<void>;
}

/** `serve` must end the response (or `reset` the line); what it did stands even when the line is cut after the request. */
export async function startFront(options: {
  address: string;
  port: number;
  certificate: KeyPair;
  serve: (request: IncomingMessage, response: ServerResponse, reset: () => void) => void;
  /** `serve` reads the body of the request itself; otherwise it goes unread. */
  keepBody?: boolean;
  onSilence?: OnSilence;
}): Promise<Front> {
  let mode: CutOffMode | 'off' = 'off';
  const open = new Map<string, Socket>();
  const https = createHttpsServer(options.certificate, (request, response) => {
    if (!options.keepBody) request.resume();
    const reset = () => open.get(lineOf(request.socket))?.resetAndDestroy();
    if (mode === 'reset-after-request' || mode === 'hang-after-request') {
      // Carried out, but the reply goes nowhere.
      response.write = () => true;
      response.end = () => response;
      response.writeHead = () => response;
      options.serve(request, response, reset);
      if (mode === 'reset-after-request') reset();
      else options.onSilence?.(request.socket.remotePort ?? 0);
      return;
    }
    options.serve(request, response, reset);
  });
  https.on('tlsClientError', (_error, socket) => socket.destroy());
  // TLS runs on top of plain sockets that are ours, so that they can be reset below it.
  const tcp = createServer((socket) => {
    const line = lineOf(socket);
    open.set(line, socket);
    socket.on('close', () => open.delete(line)).on('error', () => socket.destroy());
    if (mode === 'reset') socket.resetAndDestroy();
    else if (mode === 'no-tls') socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    else if (mode === 'reset-in-handshake') socket.once('data', () => socket.resetAndDestroy());
    else if (mode === 'hang') options.onSilence?.(socket.remotePort ?? 0);
    else https.emit('connection', socket);
  });

  async function listen(port: number): Promise<number> {
    await new Promise<void>((bound, failed) => {
      tcp.once('error', failed).listen(port, options.address, () => {
        tcp.off('error', failed);
        bound();
      });
    });
    return (tcp.address() as AddressInfo).port;
  }

  async function stop(): Promise<void> {
    if (tcp.listening) {
      const ended = new Promise<void>((done) => tcp.close(() => done()));
      dropConnections();
      await ended;
    }
  }

  function dropConnections(): void {
    for (const socket of open.values()) socket.destroy();
  }

  const port = await listen(options.port);
  return {
    port,
    setCertificate(pair) {
      https.setSecureContext(pair);
      dropConnections();
    },
    async setCutOff(next) {
      mode = next;
      dropConnections();
      if (next === 'refuse') await stop();
      else if (!tcp.listening) await listen(port);
    },
    close: stop,
  };
}

function lineOf(socket: { remoteAddress?: string; remotePort?: number }): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
