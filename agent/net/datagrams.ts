/** UDP exchanges over Node's sockets. */
import { randomBytes } from 'node:crypto';
import * as dgram from 'node:dgram';
import { promises as dns } from 'node:dns';
import * as net from 'node:net';
import type { Family } from '../core/address.ts';
import type { DatagramExchange, DatagramFault, DatagramResult, Datagrams } from '../ports.ts';

interface Target {
  address: string;
  port: number;
}

type Lookup = (host: string, family: Family) => Promise<string>;

async function systemLookup(host: string, family: Family): Promise<string> {
  return (await dns.lookup(host, { family: family === 'ipv4' ? 4 : 6 })).address;
}

export function nodeDatagrams(lookup: Lookup = systemLookup): Datagrams {
  return {
    exchange: <T>(exchange: DatagramExchange<T>) =>
      new Promise<DatagramResult<T>>((resolve) => {
        let close = () => {};
        const timer = setTimeout(finish, exchange.timeoutMs, { ok: false, fault: 'timeout' });
        let finished = false;
        function finish(result: DatagramResult<T>): void {
          finished = true;
          clearTimeout(timer);
          close();
          resolve(result);
        }
        targetsOf(exchange.to, exchange.family, lookup).then((targets) => {
          if (targets.length === 0) {
            finish({ ok: false, fault: 'no-name' });
          } else if (!finished) {
            close = converse(exchange, targets, finish);
          }
        });
      }),
    randomOctets: (count) => new Uint8Array(randomBytes(count)),
  };
}

async function targetsOf(
  to: DatagramExchange<unknown>['to'],
  family: Family,
  lookup: Lookup,
): Promise<Target[]> {
  const found = await Promise.all(
    to.map(async ({ host, port }): Promise<Target[]> => {
      const literal = net.isIP(host);
      if (literal !== 0) {
        return literal === (family === 'ipv4' ? 4 : 6) ? [{ address: host, port }] : [];
      }
      return lookup(host, family).then(
        (address) => [{ address, port }],
        () => [],
      );
    }),
  );
  return found.flat();
}

/** Sends at each of the times; returns how to end it. */
function converse<T>(
  exchange: DatagramExchange<T>,
  targets: readonly Target[],
  finish: (result: DatagramResult<T>) => void,
): () => void {
  const socket = dgram.createSocket(exchange.family === 'ipv4' ? 'udp4' : 'udp6');
  const [only] = targets.length === 1 && exchange.anyPort !== true ? targets : [];
  const timers: NodeJS.Timeout[] = [];
  let open = true;

  function fail(fault: DatagramFault): void {
    if (open) {
      finish({ ok: false, fault });
    }
  }
  function isAsked(from: dgram.RemoteInfo): boolean {
    return targets.some(
      ({ address, port }) => address === from.address && (exchange.anyPort === true || port === from.port),
    );
  }
  function send(): void {
    if (only) {
      // An error comes as an event.
      socket.send(exchange.message, () => {});
      return;
    }
    let failures = 0;
    for (const { address, port } of targets) {
      socket.send(exchange.message, port, address, (error) => {
        failures += error ? 1 : 0;
        if (failures === targets.length) {
          fail('unreachable');
        }
      });
    }
  }
  function begin(): void {
    for (const atMs of exchange.sendAtMs) {
      timers.push(setTimeout(() => open && send(), atMs));
    }
  }

  socket.on('error', () => fail('unreachable'));
  socket.on('message', (message, from) => {
    const value = open && isAsked(from) ? exchange.accept(message) : undefined;
    if (value !== undefined) {
      finish({ ok: true, value });
    }
  });
  socket.on('connect', begin);
  // Connected, it hears this server alone, and hears of a closed port (ICMP).
  socket.bind({ port: 0, ...(exchange.from !== undefined && { address: exchange.from }) }, () => {
    if (!open) {
      return;
    }
    if (exchange.from !== undefined && targets.some(({ address }) => isMulticast(address))) {
      // By the device of this address; the kernel would take its default route.
      try {
        socket.setMulticastInterface(exchange.from);
      } catch {
        fail('unreachable');
        return;
      }
    }
    if (only) {
      socket.connect(only.port, only.address);
    } else {
      begin();
    }
  });
  return () => {
    open = false;
    timers.forEach(clearTimeout);
    socket.close();
  };
}

function isMulticast(address: string): boolean {
  return /^2(?:2[4-9]|3\d)\./.test(address);
}
