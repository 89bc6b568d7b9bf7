/** Runs on `qjs`: waits as lines of JSON on standard input ask for, and tells on standard output what has fired. */
import * as os from 'quickjs:os';
import * as std from 'quickjs:std';
import { obeyChildren } from '../../agent/hosts/quickjs-child.ts';
import { quickjsTimers } from '../../agent/hosts/quickjs-timer.ts';
import type { Stop } from '../../agent/ports.ts';

export type Order = { after: number; id: number } | { stop: number };

obeyChildren();
/** Shorter than on a router, for a test must not take minutes. */
const { after } = quickjsTimers({ longMs: 3000, calmMs: 200, lateMs: 5000, distrustMs: 60_000 });
const stops = new Map<number, Stop>();

function obey(order: Order): void {
  if ('stop' in order) {
    stops.get(order.stop)?.();
    return;
  }
  const beganMs = os.now();
  const { id } = order;
  stops.set(
    id,
    after(order.after, () => {
      std.out.puts(`${JSON.stringify({ id, waitedMs: os.now() - beganMs })}\n`);
      std.out.flush();
    }),
  );
}

const buffer = new Uint8Array(65_536);
let rest = '';
os.setReadHandler(0, () => {
  const count = os.read(0, buffer.buffer, 0, buffer.length);
  if (count <= 0) {
    std.exit(0);
  }
  rest += String.fromCharCode(...buffer.subarray(0, count));
  const lines = rest.split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) {
    obey(JSON.parse(line));
  }
});
