/** When other clients ask, and ask again, as their sources say. Each keeps only the moment of its next look. */
import type { Clients, Reply, World } from './world.ts';

interface PeerPolicy {
  name: string;
  /** From the change to the first request. */
  noticeMs(world: World): number;
  /** From a failure to the next request; `failures` counts from 1. */
  retryMs(failures: number, reply: Reply, world: World): number;
}

const MINUTE_MS = 60_000;

const POLICIES: readonly PeerPolicy[] = [
  {
    // Hotplug starts it (median 243 ms, quoted); the transfer loop repeats every 60 s for ever.
    name: 'ddns-scripts',
    noticeMs: () => 243,
    retryMs: () => MINUTE_MS,
  },
  {
    // Looks every 120 s; 600 s after a code that the server sends for a fault of its own.
    name: 'inadyn',
    noticeMs: (world) => world.random() * 2 * MINUTE_MS,
    retryMs: (_, reply) => (reply === 'unavailable' ? 10 : 2) * MINUTE_MS,
  },
  {
    // Looks every 300 s with 20 % jitter, failed or not.
    name: 'ddclient',
    noticeMs: (world) => world.random() * 5 * MINUTE_MS,
    retryMs: (_, __, world) => 5 * MINUTE_MS * (1 + 0.2 * (world.random() - 0.5) * 2),
  },
  {
    // Looks every 5 min; repeats after 0, 0, 5, 10 and 60 min, then daily.
    name: 'noip-duc',
    noticeMs: (world) => world.random() * 5 * MINUTE_MS,
    retryMs: (failures) => ([0, 0, 5, 10, 60][failures - 1] ?? 1440) * MINUTE_MS,
  },
];

export const PEERS: readonly ((count: number) => (world: World) => Clients)[] = POLICIES.map(
  (policy) => (count) => (world) => {
    const failures = new Uint16Array(count);
    return {
      name: policy.name,
      changed(client, nowMs) {
        world.wakeAt(client, nowMs + policy.noticeMs(world));
      },
      woken(client, nowMs) {
        world.send(client, nowMs);
      },
      replied(client, nowMs, reply) {
        if (reply !== 'good') {
          failures[client] = (failures[client] ?? 0) + 1;
          world.wakeAt(client, nowMs + policy.retryMs(failures[client] ?? 1, reply, world));
        }
      },
    };
  },
);
