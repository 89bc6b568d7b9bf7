/** A place that messages are posted to, with sockets of its own; it can go away and come back. */
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Posted {
  path: string;
  headers: http.IncomingHttpHeaders;
  body: unknown;
}

export interface Webhook {
  port: number;
  /** Everything that was posted and read to its end, whatever the answer. */
  readonly posted: Posted[];
  /** Statuses of the next answers; then 200. */
  answer(...statuses: number[]): void;
  /** Nobody listens any more. */
  stop(): Promise<void>;
  /** Listens again, on the same port. */
  start(): Promise<void>;
}

export async function startWebhook(): Promise<Webhook> {
  const posted: Posted[] = [];
  const statuses: number[] = [];
  let server: http.Server | undefined;
  let port = 0;

  async function start(): Promise<void> {
    const made = http.createServer(async (incoming, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) {
        chunks.push(chunk);
      }
      const { url = '', headers } = incoming;
      posted.push({ path: url, headers, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) });
      response.writeHead(statuses.shift() ?? 200, { connection: 'close' }).end('ok');
    });
    await new Promise<void>((resolve, reject) => {
      made.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    ({ port } = made.address() as AddressInfo);
    server = made;
  }

  async function stop(): Promise<void> {
    const ended = server;
    server = undefined;
    ended?.closeAllConnections();
    await new Promise<void>((resolve) => (ended ? ended.close(() => resolve()) : resolve()));
  }

  await start();
  return { port, posted, answer: (...next) => void statuses.push(...next), stop, start };
}
