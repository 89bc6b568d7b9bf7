/** Runs on `qjs`: does with the QuickJS host what lines of JSON on standard input ask for. */
import * as os from 'quickjs:os';
import { quickjsHost } from '../../agent/hosts/quickjs.ts';
import { octetText } from '../../agent/hosts/quickjs-octets.ts';
import type { Stop } from '../../agent/ports.ts';

export type Call =
  | { call: 'http'; args: Parameters<Host['http']['request']> }
  | { call: 'run'; args: Parameters<Host['run']> }
  | { call: 'lines'; args: [argv: string[]] }
  | { call: 'stop'; args: [id: number] }
  | { call: 'readText' | 'remove' | 'listFolder'; args: [path: string] }
  | { call: 'writeAtomic'; args: Parameters<Host['writeAtomic']> }
  | { call: 'rename'; args: Parameters<Host['rename']> }
  | { call: 'makeFolder'; args: Parameters<Host['makeFolder']> }
  | { call: 'ask'; args: Parameters<Host['dns']['ask']> }
  | {
      call: 'exchange';
      args: [transport: 'udp' | 'tcp', server: { address: string; port: number }, message: number[]];
    }
  | { call: 'datagram'; args: [] }
  | { call: 'after'; args: [delayMs: number] }
  | { call: 'signRsa'; args: [privateKeyPem: string, message: number[]] }
  | { call: 'facts'; args: [] };
type Host = ReturnType<typeof quickjsHost>;

const EXCHANGE_TIMEOUT_MS = 2000;
const host = quickjsHost();
const held = new Map<number, Stop>();

async function answer(id: number, asked: Call): Promise<unknown> {
  switch (asked.call) {
    case 'http':
      return host.http.request(...asked.args);
    case 'run':
      return host.run(...asked.args);
    case 'lines':
      held.set(
        id,
        host.lines(
          ...asked.args,
          (line) => tell({ id, line }),
          (exit) => tell({ id, exit }),
        ),
      );
      return null;
    case 'stop':
      held.get(asked.args[0])?.();
      return null;
    case 'readText':
      return (await host.readText(...asked.args)) ?? null;
    case 'remove':
      return host.remove(...asked.args);
    case 'listFolder':
      return host.listFolder(...asked.args);
    case 'writeAtomic':
      return host.writeAtomic(...asked.args);
    case 'rename':
      return host.rename(...asked.args);
    case 'makeFolder':
      return host.makeFolder(...asked.args);
    case 'ask':
      return host.dns.ask(...asked.args);
    case 'exchange': {
      const [transport, server, message] = asked.args;
      const octets = Uint8Array.from(message);
      return host.exchangeDns(transport, server, octets, EXCHANGE_TIMEOUT_MS, (reply) => [...reply]);
    }
    case 'datagram':
      return host.datagrams.exchange({
        to: [],
        family: 'ipv4',
        message: new Uint8Array(0),
        sendAtMs: [],
        timeoutMs: 1,
        accept: () => undefined,
      });
    case 'signRsa': {
      const [privateKeyPem, message] = asked.args;
      const signature = await host.crypto.signRsa('sha256', privateKeyPem, Uint8Array.from(message));
      return signature && [...signature];
    }
    case 'after': {
      const startMs = host.monotonicMs();
      return new Promise((resolve) => host.after(asked.args[0], () => resolve(host.monotonicMs() - startMs)));
    }
    case 'facts': {
      const [descriptors] = os.readdir('/proc/self/fd');
      return {
        descriptors: descriptors.length,
        memoryKib: host.memoryKib(),
        monotonicMs: host.monotonicMs(),
        runtime: host.runtime,
        pid: host.pid,
        argv: host.argv,
        isAlive: [host.pid, 1, 0, -1, Number.NaN, 2 ** 40].map(host.isAlive),
        random: [...host.crypto.randomOctets(16)],
        limits: host.limits.map(({ code }) => code),
      };
    }
  }
}

function tell(value: unknown): void {
  host.writeOut(`${JSON.stringify(value)}\n`);
}

const buffer = new Uint8Array(65_536);
let rest = '';
os.setReadHandler(0, () => {
  const count = os.read(0, buffer.buffer, 0, buffer.length);
  if (count <= 0) {
    host.exit(0);
  }
  rest += octetText(buffer.subarray(0, count));
  const lines = rest.split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) {
    const { id, ...asked } = JSON.parse(decodeURIComponent(line));
    answer(id, asked).then(
      (value) => tell({ id, value: value ?? null }),
      (error) => tell({ id, error: String(error), code: error?.code }),
    );
  }
});
