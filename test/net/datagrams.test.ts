import * as dgram from 'node:dgram';
import * as net from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { nodeDatagrams } from '../../agent/net/datagrams.ts';
import type { DatagramExchange } from '../../agent/ports.ts';
import { inVirtualTime } from './loopback.ts';

const HELLO = Uint8Array.from([1, 2, 3]);

interface Peer {
  port: number;
  /** Each message as hex, with the address that it came from. */
  heard: { message: string; from: string }[];
}

/** Answers each message with what `reply` gives for it; nothing for silence. */
async function peer(
  reply: (count: number) => Uint8Array | undefined,
  address = '127.0.0.1',
  replyFrom?: string,
): Promise<Peer> {
  const socket = dgram.createSocket(net.isIPv6(address) ? 'udp6' : 'udp4');
  const other = replyFrom === undefined ? socket : dgram.createSocket('udp4');
  const it: Peer = { port: 0, heard: [] };
  socket.on('message', (message, from) => {
    it.heard.push({ message: message.toString('hex'), from: from.address });
    const answer = reply(it.heard.length);
    if (answer) {
      other.send(answer, from.port, from.address);
    }
  });
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  if (replyFrom !== undefined) {
    await new Promise<void>((resolve) => other.bind(0, replyFrom, resolve));
  }
  onTestFinished(() => {
    socket.close();
    if (other !== socket) {
      other.close();
    }
  });
  it.port = socket.address().port;
  return it;
}

function exchange(port: number, more: Partial<DatagramExchange<string>> = {}) {
  const { exchange: send } = nodeDatagrams(async () => Promise.reject(new Error('no names here')));
  return inVirtualTime(() =>
    send<string>({
      to: [{ host: '127.0.0.1', port }],
      family: 'ipv4',
      message: HELLO,
      sendAtMs: [0, 500, 1500],
      timeoutMs: 3500,
      accept: (bytes) => Buffer.from(bytes).toString('hex'),
      ...more,
    }),
  );
}

describe('an exchange', () => {
  test('gets the reply', async () => {
    const { port, heard } = await peer(() => Uint8Array.from([9]));

    expect(await exchange(port)).toEqual({ ok: true, value: '09' });
    expect(heard).toEqual([{ message: '010203', from: '127.0.0.1' }]);
  });

  test('sends again until something comes', async () => {
    const { port, heard } = await peer((count) => (count < 3 ? undefined : Uint8Array.from([9])));

    expect(await exchange(port)).toEqual({ ok: true, value: '09' });
    expect(heard).toHaveLength(3);
  });

  test('goes on waiting when a message is not accepted', async () => {
    const { port } = await peer((count) => Uint8Array.from([count]));
    const accept = (bytes: Uint8Array) => (bytes[0] === 2 ? 'second' : undefined);

    expect(await exchange(port, { accept })).toEqual({ ok: true, value: 'second' });
  });

  test('ends', async () => {
    const { port, heard } = await peer(() => undefined);

    expect(await exchange(port)).toEqual({ ok: false, fault: 'timeout' });
    expect(heard).toHaveLength(3);
  });

  test('hears at once that nothing listens', async () => {
    const { port } = await peer(() => undefined);

    expect(await exchange(port, { to: [{ host: '127.0.0.9', port }] })).toEqual({
      ok: false,
      fault: 'unreachable',
    });
  });

  test('leaves from the local address', async () => {
    const { port, heard } = await peer(() => HELLO);
    await exchange(port, { from: '127.0.0.7' });

    expect(heard[0]?.from).toBe('127.0.0.7');
  });

  test('does not leave from an address that is not there', async () => {
    const { port, heard } = await peer(() => HELLO);

    expect(await exchange(port, { from: '192.0.2.77' })).toEqual({ ok: false, fault: 'unreachable' });
    expect(heard).toEqual([]);
  });

  test('hears nobody else', async () => {
    const { port } = await peer(() => HELLO, '127.0.0.1', '127.0.0.8');

    expect(await exchange(port)).toEqual({ ok: false, fault: 'timeout' });
  });

  test('hears nobody else where it goes to several either', async () => {
    const silent = await peer(() => undefined);
    const { port } = await peer(() => HELLO, '127.0.0.1', '127.0.0.8');
    const to = [silent.port, port].map((one) => ({ host: '127.0.0.1', port: one }));

    expect(await exchange(port, { to })).toEqual({ ok: false, fault: 'timeout' });
  });

  test.each([
    ['another port only where that is allowed', true, { ok: true, value: '010203' }],
    ['and not elsewhere', undefined, { ok: false, fault: 'timeout' }],
  ] as const)('hears %s', async (_, anyPort, expected) => {
    const { port } = await peer(() => HELLO, '127.0.0.1', '127.0.0.1');

    expect(await exchange(port, anyPort ? { anyPort } : {})).toEqual(expected);
  });

  test('goes to several at once', async () => {
    const silent = await peer(() => undefined);
    const { port } = await peer(() => HELLO);
    const to = [silent.port, port].map((one) => ({ host: '127.0.0.1', port: one }));

    expect(await exchange(port, { to })).toEqual({ ok: true, value: '010203' });
    expect(silent.heard).toHaveLength(1);
  });

  test.each([
    ['a name that cannot be looked up', { host: 'stun.example', port: 1 }],
    ['an address of the other family', { host: '::1', port: 1 }],
  ])('%s', async (_, target) => {
    expect(await exchange(1, { to: [target] })).toEqual({ ok: false, fault: 'no-name' });
  });

  test('takes the address of the family that a name has', async () => {
    const { port } = await peer(() => HELLO);
    const { exchange: send } = nodeDatagrams(async (host, family) =>
      host === 'stun.example' && family === 'ipv4' ? '127.0.0.1' : '::1',
    );

    const result = await send({
      to: [{ host: 'stun.example', port }],
      family: 'ipv4',
      message: HELLO,
      sendAtMs: [0],
      timeoutMs: 3000,
      accept: () => 'yes',
    });

    expect(result).toEqual({ ok: true, value: 'yes' });
  });
});

test('transaction ids are random', () => {
  const { randomOctets } = nodeDatagrams();

  expect(randomOctets(12)).toHaveLength(12);
  expect(randomOctets(12)).not.toEqual(randomOctets(12));
});
