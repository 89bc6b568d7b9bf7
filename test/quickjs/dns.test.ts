import * as net from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { DnsQuestion } from '../../agent/ports.ts';
import { closedPort, listen } from '../net/loopback.ts';
import { ownFolder, script } from './programs.ts';
import { buildHostProgram, childrenOf, removeHostProgram, startRemoteHost } from './remote-host.ts';

let program: string;
beforeAll(async () => {
  program = await buildHostProgram();
});
afterAll(() => removeHostProgram(program));

const QUESTION: DnsQuestion = { name: 'a.example', type: 'A', recursionDesired: true };

/** Answers every query with the address 192.0.2.7, and in pieces. */
function nameServer(onConnection?: (socket: net.Socket) => void): Promise<number> {
  return listen(
    net.createServer((socket) => {
      onConnection?.(socket);
      let seen = Buffer.alloc(0);
      socket.on('data', (part) => {
        seen = Buffer.concat([seen, part]);
        const size = seen.length < 2 ? Number.POSITIVE_INFINITY : seen.readUInt16BE(0);
        if (seen.length >= 2 + size) {
          const reply = replyTo(seen.subarray(2, 2 + size));
          socket.write(Buffer.from([reply.length >> 8]));
          setTimeout(() => socket.write(Buffer.concat([Buffer.from([reply.length & 0xff]), reply])), 5);
        }
      });
    }),
  );
}

/** The question as it came and one answer; the name of the answer points to it. */
function replyTo(query: Buffer): Buffer {
  const end = query.indexOf(0, 12) + 5;
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(0x8400, 2);
  head.writeUInt16BE(1, 6);
  head.writeUInt16BE(0, 10);
  const answer = Buffer.from('c00c00010001000000050004c0000207', 'hex');
  return Buffer.concat([head, query.subarray(12, end), answer]);
}

describe('a question', () => {
  test('goes over TCP', async () => {
    const remote = await startRemoteHost(program);

    const result = await remote.ask({ address: '127.0.0.1', port: await nameServer() }, QUESTION);

    expect(result).toMatchObject({
      kind: 'reply',
      reply: { rcode: 'NOERROR', transport: 'tcp', answers: [{ type: 'A', value: '192.0.2.7' }] },
    });
  });

  test('leaves from the local address that the kernel chooses, and from no other', async () => {
    const port = await nameServer();
    const remote = await startRemoteHost(program);

    const own = await remote.ask({ address: '127.0.0.1', port }, QUESTION, '127.0.0.1');
    const other = await remote.ask({ address: '127.0.0.1', port }, QUESTION, '127.0.0.2');

    expect(own.kind).toBe('reply');
    expect(other).toMatchObject({ kind: 'failed', failure: { code: 'dns/UNAVAILABLE' } });
  });

  test('waits for its turn when many are under way; all are answered, and nothing is left', async () => {
    let open = 0;
    let most = 0;
    const port = await nameServer((socket) => {
      open += 1;
      most = Math.max(most, open);
      socket.on('close', () => {
        open -= 1;
      });
    });
    const remote = await startRemoteHost(program);
    const { descriptors } = await remote.facts();

    const results = await Promise.all(
      Array.from({ length: 60 }, () => remote.ask({ address: '127.0.0.1', port }, QUESTION)),
    );

    expect(results.map(({ kind }) => kind)).toEqual(results.map(() => 'reply'));
    expect(most).toBeLessThanOrEqual(8);
    expect((await remote.facts()).descriptors).toBe(descriptors);
    expect(childrenOf(remote.pid)).toEqual([]);
  });
});

describe('a server that', () => {
  test.each<[string, () => Promise<number>, string]>([
    ['is not there', closedPort, 'dns/REFUSED_PORT'],
    ['hangs up', () => listen(net.createServer((socket) => socket.end())), 'dns/BAD_REPLY'],
    ['says nothing', () => listen(net.createServer((socket) => socket.resume())), 'dns/TIMEOUT'],
  ])('%s', async (_name, start, code) => {
    const remote = await startRemoteHost(program);

    const result = await remote.ask({ address: '127.0.0.1', port: await start() }, QUESTION);

    expect(result).toMatchObject({ kind: 'failed', failure: { code } });
    await vi.waitFor(() => expect(childrenOf(remote.pid)).toEqual([]));
  });
});

test.each<[string, string | undefined, string]>([
  ['is missing', undefined, 'dns/UNAVAILABLE'],
  ['is not in BusyBox', 'echo "nc: applet not found" >&2; exit 127', 'dns/UNAVAILABLE'],
  ['has no route', 'echo "nc: can\'t connect: Network unreachable" >&2; exit 1', 'dns/NO_ROUTE'],
  ['is killed', 'kill -9 $$', 'dns/BAD_REPLY'],
])('nc %s', async (_name, body, code) => {
  const folder = ownFolder();
  if (body !== undefined) {
    script(folder, 'nc', body);
  }
  const remote = await startRemoteHost(program, body === undefined ? { onlyPath: folder } : { path: folder });

  const result = await remote.ask({ address: '192.0.2.1', port: 53 }, QUESTION);

  expect(result).toMatchObject({ kind: 'failed', failure: { code } });
});

test('datagrams are refused at once, and the limits say so', async () => {
  const remote = await startRemoteHost(program);

  expect(await remote.call({ call: 'datagram', args: [] })).toEqual({ ok: false, fault: 'unavailable' });
  expect((await remote.facts()).limits).toEqual([
    'runtime/NO_DATAGRAMS',
    'runtime/DNS_OVER_TCP',
    'runtime/DNS_UNBOUND',
  ]);
});
