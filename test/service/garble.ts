/** Replies that no honest HTTP library sends: too long, too slow, cut, or no HTTP at all. */
import type { Socket } from 'node:net';

/**
 * `endless`: ten megabytes of successes; `dripping`: octet by octet, never to an end; `cut`: less than was
 * promised, then the end; `reset-in-body`: the same with RST; `no-http`: bytes of something else; `long-headers`:
 * more than any client reads; `packed`: compressed without having been asked to; `empty`: nothing at all.
 */
export const garbleModes = [
  ...(['endless', 'dripping', 'cut', 'reset-in-body', 'no-http', 'long-headers', 'packed'] as const),
  'empty',
] as const;
export type GarbleMode = (typeof garbleModes)[number];

const tenMegabytes = 10_000_000;
const dripEveryMs = 5;

/** Answers on the line below HTTP. `silence`: the client waits for something that never comes. */
export function garble(
  socket: Socket,
  mode: GarbleMode,
  { silence, reset }: { silence: () => void; reset: () => void },
): void {
  const head = (length: number, more = '') =>
    `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\n${more}\r\n`;
  socket.on('error', () => {});
  switch (mode) {
    case 'endless':
      socket.write(head(tenMegabytes));
      socket.end('good 198.51.100.20\r\n'.repeat(tenMegabytes / 20));
      break;
    case 'dripping': {
      socket.write(head(tenMegabytes));
      silence();
      const timer = setInterval(() => socket.write('g'), dripEveryMs);
      socket.on('close', () => clearInterval(timer));
      break;
    }
    case 'cut':
      socket.end(`${head(100)}good 198.51.1`);
      break;
    case 'reset-in-body':
      socket.write(`${head(100)}good 198.51.1`, reset);
      break;
    case 'no-http':
      socket.end('220 mail.example ESMTP ready\r\n');
      break;
    case 'long-headers':
      socket.end(head(4, `X-Filler: ${'x'.repeat(100_000)}\r\n`));
      break;
    case 'packed':
      socket.end(`${head(4, 'Content-Encoding: gzip\r\n')}good`);
      break;
    case 'empty':
      socket.end();
      break;
  }
}
