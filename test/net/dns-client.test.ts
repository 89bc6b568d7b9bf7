import * as dgram from 'node:dgram';
import * as net from 'node:net';
import { networkInterfaces } from 'node:os';
import * as packet from 'dns-packet';
import { describe, expect, onTestFinished, test } from 'vitest';
import { dnsClient } from '../../agent/net/dns-client.ts';
import { nodeExchange } from '../../agent/net/dns-exchange.ts';
import type { DnsQuestion, DnsResult, DnsServer } from '../../agent/ports.ts';
import { closedPort, inVirtualTime, listen } from './loopback.ts';

const QUESTION: DnsQuestion = { name: 'home.example', type: 'A', recursionDesired: false };

function ask(server: DnsServer, question = QUESTION): Promise<DnsResult> {
  const dns = dnsClient({ exchange: nodeExchange(), random: Math.random });
  return inVirtualTime(() => dns.ask(server, question));
}

function verdict(result: DnsResult): string {
  return result.kind === 'reply'
    ? `${result.reply.rcode} ${result.reply.transport} ${result.reply.answers.map(({ value }) => value)}`
    : `${result.failure.kind} ${result.failure.code}`;
}

/** Answers to give, one after another; an empty list is silence. */
type Answer = (query: packet.DecodedPacket, asked: number) => (Uint8Array | packet.Packet)[];

interface NameServer {
  address: string;
  port: number;
  /** Each query as `transport`, and `+edns` if it had an OPT record of 1232 octets. */
  asked: string[];
  sourcePorts: number[];
  sourceAddresses: string[];
  ids: (number | undefined)[];
}

/** A name server on UDP and TCP of one port. `tcp` undefined: nothing listens there. */
async function nameServer(udp: Answer, tcp?: Answer, address = '127.0.0.1'): Promise<NameServer> {
  const socket = dgram.createSocket(net.isIPv6(address) ? 'udp6' : 'udp4');
  onTestFinished(() => {
    socket.close();
  });
  const server: NameServer = { address, port: 0, asked: [], sourcePorts: [], sourceAddresses: [], ids: [] };

  function respond(
    transport: string,
    message: Uint8Array,
    { port = 0, address: from = '' }: { port?: number; address?: string },
    answer: Answer,
  ): Uint8Array[] {
    const query = packet.decode(Buffer.from(message));
    const edns = query.additionals?.some((record) => record.type === 'OPT' && record.udpPayloadSize === 1232);
    server.asked.push(edns ? `${transport}+edns` : transport);
    server.sourcePorts.push(port);
    server.sourceAddresses.push(from);
    server.ids.push(query.id);
    return answer(query, server.asked.length).map((reply) =>
      reply instanceof Uint8Array ? reply : packet.encode({ type: 'response', ...pick(query), ...reply }),
    );
  }

  socket.on('message', (message, from) => {
    for (const reply of respond('udp', message, from, udp)) {
      socket.send(reply, from.port, from.address);
    }
  });
  if (tcp !== undefined) {
    const listener = net.createServer((connection) => {
      let received = Buffer.alloc(0);
      connection.on('data', (chunk) => {
        received = Buffer.concat([received, chunk]);
        if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) {
          return;
        }
        const replies = respond(
          'tcp',
          received.subarray(2),
          { port: connection.remotePort, address: connection.remoteAddress },
          tcp,
        );
        const framed = Buffer.concat(
          replies.flatMap((reply) => [Buffer.from([reply.length >> 8, reply.length & 255]), reply]),
        );
        // In pieces, as a network may deliver it.
        connection.write(framed.subarray(0, 1));
        setImmediate(() => connection.write(framed.subarray(1)));
        if (replies.length === 0) {
          connection.end();
        }
      });
    });
    server.port = await listen(listener, address);
  }
  await new Promise<void>((resolve) => {
    socket.bind(server.port, address, resolve);
  });
  server.port = socket.address().port;
  return server;
}

function pick({ id, questions }: packet.DecodedPacket): packet.Packet {
  return { id: id ?? 0, questions: questions ?? [] };
}

function a(data: string): packet.Answer {
  return { type: 'A', name: 'home.example', ttl: 60, data };
}

const GOOD: packet.Packet = { answers: [a('192.0.2.1')] };
const WRONG: packet.Packet = { answers: [a('203.0.113.66')] };
const UNUSED: Answer = () => [];

describe('ask', () => {
  test.each<[string, Answer, Answer | undefined, string, string[]]>([
    ['gets a reply', () => [GOOD], UNUSED, 'NOERROR udp 192.0.2.1', ['udp+edns']],
    ['takes NXDOMAIN as a reply', () => [{ flags: 3 }], UNUSED, 'NXDOMAIN udp ', ['udp+edns']],
    ['takes SERVFAIL as a reply', () => [{ flags: 2 }], UNUSED, 'SERVFAIL udp ', ['udp+edns']],
    ['takes REFUSED as a reply', () => [{ flags: 5 }], UNUSED, 'REFUSED udp ', ['udp+edns']],
    [
      'repeats a lost query',
      (_query, asked) => (asked < 3 ? [] : [GOOD]),
      UNUSED,
      'NOERROR udp 192.0.2.1',
      ['udp+edns', 'udp+edns', 'udp+edns'],
    ],
    [
      'goes on to TCP',
      () => [],
      () => [GOOD],
      'NOERROR tcp 192.0.2.1',
      ['udp+edns', 'udp+edns', 'udp+edns', 'tcp+edns'],
    ],
    [
      'asks again over TCP when cut short',
      () => [{ ...WRONG, flags: packet.TRUNCATED_RESPONSE }],
      () => [GOOD],
      'NOERROR tcp 192.0.2.1',
      ['udp+edns', 'tcp+edns'],
    ],
    [
      'does without EDNS after FORMERR',
      (query) => (hasOpt(query) ? [{ flags: 1 }] : [GOOD]),
      UNUSED,
      'NOERROR udp 192.0.2.1',
      ['udp+edns', 'udp'],
    ],
    [
      'does without EDNS after a bare FORMERR',
      (query) => (hasOpt(query) ? [{ flags: 1, questions: [] }] : [GOOD]),
      UNUSED,
      'NOERROR udp 192.0.2.1',
      ['udp+edns', 'udp'],
    ],
    [
      'does without EDNS after NOTIMP',
      (query) => (hasOpt(query) ? [{ flags: 4 }] : [GOOD]),
      UNUSED,
      'NOERROR udp 192.0.2.1',
      ['udp+edns', 'udp'],
    ],
    [
      'does without EDNS after BADVERS',
      (query) => (hasOpt(query) ? [{ additionals: [badVersion()] }] : [GOOD]),
      UNUSED,
      'NOERROR udp 192.0.2.1',
      ['udp+edns', 'udp'],
    ],
    [
      'returns FORMERR when that does not help',
      () => [{ flags: 1 }],
      UNUSED,
      'FORMERR udp ',
      ['udp+edns', 'udp'],
    ],
    [
      'does without EDNS over TCP too',
      () => [{ flags: packet.TRUNCATED_RESPONSE }],
      (query) => (hasOpt(query) ? [{ flags: 1 }] : [GOOD]),
      'NOERROR tcp 192.0.2.1',
      ['udp+edns', 'tcp+edns', 'tcp'],
    ],
    [
      'ignores a wrong id',
      (query) => [{ ...WRONG, id: (query.id ?? 0) ^ 1 }, GOOD],
      UNUSED,
      'NOERROR udp 192.0.2.1',
      ['udp+edns'],
    ],
    [
      'ignores a wrong question',
      () => [{ ...WRONG, questions: [{ type: 'A', name: 'other.example' }] }, GOOD],
      UNUSED,
      'NOERROR udp 192.0.2.1',
      ['udp+edns'],
    ],
    [
      'ignores garbage',
      () => [Buffer.from('garbage'), Buffer.alloc(0), Buffer.alloc(4000, 255), GOOD],
      UNUSED,
      'NOERROR udp 192.0.2.1',
      ['udp+edns'],
    ],
    [
      'ignores a wrong id over TCP',
      () => [{ flags: packet.TRUNCATED_RESPONSE }],
      (query) => [{ ...WRONG, id: (query.id ?? 0) ^ 1 }, GOOD],
      'NOERROR tcp 192.0.2.1',
      ['udp+edns', 'tcp+edns'],
    ],
    [
      'gives up on TCP that ends without a reply',
      () => [{ flags: packet.TRUNCATED_RESPONSE }],
      () => [],
      'unintelligible dns/BAD_REPLY',
      ['udp+edns', 'tcp+edns'],
    ],
    [
      'gives up on replies that cannot be read',
      unreadable,
      unreadable,
      'unintelligible dns/BAD_REPLY',
      ['udp+edns', 'udp+edns', 'udp+edns', 'tcp+edns'],
    ],
    [
      'gives up on wrong replies',
      () => [{ ...WRONG, questions: [] }],
      () => [{ ...WRONG, questions: [] }],
      'unreachable dns/TIMEOUT',
      ['udp+edns', 'udp+edns', 'udp+edns', 'tcp+edns'],
    ],
    [
      'tells a closed TCP port',
      () => [{ flags: packet.TRUNCATED_RESPONSE }],
      undefined,
      'unreachable dns/REFUSED_PORT',
      ['udp+edns'],
    ],
  ])('%s', async (_name, udp, tcp, expected, asked) => {
    const server = await nameServer(udp, tcp);

    const result = await ask(server);

    expect(verdict(result)).toBe(expected);
    expect(server.asked).toEqual(asked);
  });

  test('uses a new source port and id for each try', async () => {
    const server = await nameServer(
      () => [],
      () => [GOOD],
    );

    await ask(server);

    expect(new Set(server.sourcePorts).size).toBe(4);
    // Four random ids of 16 bits: all equal once in 2^48 runs.
    expect(new Set(server.ids).size).toBeGreaterThan(1);
  });

  test('hears nobody but the server, even with the right id and question', async () => {
    const spoofer = dgram.createSocket('udp4');
    await new Promise<void>((resolve) => {
      spoofer.bind(0, '127.0.0.2', resolve);
    });
    onTestFinished(() => {
      spoofer.close();
    });
    const server = dgram.createSocket('udp4');
    await new Promise<void>((resolve) => {
      server.bind(0, '127.0.0.1', resolve);
    });
    onTestFinished(() => {
      server.close();
    });
    server.on('message', (message, from) => {
      const query = pick(packet.decode(message));
      const forged = packet.encode({ type: 'response', ...query, ...WRONG });
      spoofer.send(forged, from.port, from.address, () => {
        server.send(packet.encode({ type: 'response', ...query, ...GOOD }), from.port, from.address);
      });
    });

    const result = await ask({ address: '127.0.0.1', port: server.address().port });

    expect(verdict(result)).toBe('NOERROR udp 192.0.2.1');
  });

  test('tells a closed UDP port at once', async () => {
    const result = await ask({ address: '127.0.0.1', port: await closedPort() });

    expect(verdict(result)).toBe('unreachable dns/REFUSED_PORT');
  });

  test.each([
    [
      'a server that is no address',
      { address: 'ns1.example', port: 53 },
      QUESTION,
      'unreachable dns/NO_ROUTE',
    ],
    [
      'a name that is none',
      { address: '127.0.0.1', port: 9 },
      { ...QUESTION, name: 'a..b' },
      'refused dns/BAD_NAME',
    ],
  ])('refuses %s', async (_name, server, question, expected) => {
    expect(verdict(await ask(server, question))).toBe(expected);
  });

  test('tells a missing route', async () => {
    // 255.255.255.255 needs a permission that no socket here asks for, so nothing can be sent.
    const result = await ask({ address: '255.255.255.255', port: 53 });

    expect(verdict(result)).toBe('unreachable dns/NO_ROUTE');
  });

  test.skipIf(!hasIpv6())('asks over IPv6', async () => {
    const server = await nameServer(
      () => [{ flags: packet.TRUNCATED_RESPONSE }],
      () => [GOOD],
      '::1',
    );

    expect(verdict(await ask(server))).toBe('NOERROR tcp 192.0.2.1');
  });
});

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === '::1'),
  );
}

function hasOpt(query: packet.DecodedPacket): boolean {
  return query.additionals?.some((record) => record.type === 'OPT') ?? false;
}

function badVersion(): packet.OptAnswer {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 1232,
    extendedRcode: 1,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}

/** Id and question are right, but the record it promises is missing. */
function unreadable(query: packet.DecodedPacket): Uint8Array[] {
  const reply = packet.encode({ type: 'response', ...pick(query) });
  reply.writeUInt16BE(1, 6);
  return [reply];
}

test('class CH is asked as such, from the address that was demanded, over UDP and over TCP', async () => {
  const text: packet.Packet = {
    answers: [{ type: 'TXT', name: 'whoami.cloudflare', class: 'CH', ttl: 0, data: '192.0.2.9' }],
  };
  const classes: (string | undefined)[] = [];
  const answer: Answer = (query) => {
    classes.push(query.questions?.[0]?.class);
    return classes.length === 1 ? [{ ...text, flags: packet.TRUNCATED_RESPONSE }] : [text];
  };
  const server = await nameServer(answer, answer);
  const dns = dnsClient({ exchange: nodeExchange(), random: Math.random });
  const question: DnsQuestion = {
    name: 'whoami.cloudflare',
    type: 'TXT',
    class: 'CH',
    recursionDesired: true,
  };

  const result = await inVirtualTime(() => dns.ask(server, question, '127.0.0.5'));

  expect(verdict(result)).toBe('NOERROR tcp 192.0.2.9');
  expect(classes).toEqual(['CH', 'CH']);
  expect(server.sourceAddresses).toEqual(['127.0.0.5', '127.0.0.5']);
});

test.each<{ only: 'udp' | 'tcp'; udp: Answer; expected: string; asked: string[] }>([
  { only: 'tcp', udp: () => [WRONG], expected: 'NOERROR tcp 192.0.2.1', asked: ['tcp+edns'] },
  {
    only: 'udp',
    udp: () => [],
    expected: 'unreachable dns/TIMEOUT',
    asked: ['udp+edns', 'udp+edns', 'udp+edns'],
  },
])('asks over $only alone where that is wanted', async ({ only, udp, expected, asked }) => {
  const server = await nameServer(udp, () => [GOOD]);
  const dns = dnsClient({ exchange: nodeExchange(), random: Math.random });

  const result = await inVirtualTime(() => dns.ask(server, QUESTION, undefined, only));

  expect(verdict(result)).toBe(expected);
  expect(server.asked).toEqual(asked);
});

test('a reply of another class is no reply', async () => {
  const server = await nameServer((query) => [
    { questions: (query.questions ?? []).map((one) => ({ ...one, class: 'CH' as const })), ...GOOD },
  ]);

  // Not heard, so TCP is tried, where nothing listens.
  expect(verdict(await ask(server))).toBe('unreachable dns/REFUSED_PORT');
  expect(server.asked).toHaveLength(3);
});

test('an address that is not there is no way out', async () => {
  const server = await nameServer(UNUSED, UNUSED);
  const dns = dnsClient({ exchange: nodeExchange(), random: Math.random });

  const result = await inVirtualTime(() => dns.ask(server, QUESTION, '192.0.2.77'));

  expect(verdict(result)).toBe('unreachable dns/NO_ROUTE');
});
