/** DNS updates without a server: octets against published ones, and replies that are not what they should be. */
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hex } from '../../agent/core/octets.ts';
import type { DnsExchange, DnsQuestion, DnsReply, DnsServer } from '../../agent/ports.ts';
import type { ProtocolPorts, UpdateCall, Verdict } from '../../agent/providers/protocol.ts';
import { rfc2136 } from '../../agent/providers/protocols/rfc2136.ts';
import {
  encodeAliasUpdate,
  encodeUpdate,
  readUpdateReply,
} from '../../agent/providers/protocols/rfc2136-message.ts';
import { parseServer } from '../../agent/providers/protocols/rfc2136-server.ts';
import { judgeSignature, sign, type TsigKey } from '../../agent/providers/protocols/tsig.ts';
import { PROVIDERS } from '../fakes/catalogue.ts';
import { protocolPorts } from '../fakes/protocol-ports.ts';

/** Made by the layout of RFC 8945 section 4.3 and checked with dnspython. */
const VECTOR = {
  key: {
    name: 'ddns-key.example.',
    algorithm: 'hmac-sha256',
    secret: Uint8Array.from({ length: 32 }, (_, index) => index),
  } satisfies TsigKey,
  timeSec: 1_700_000_000,
  unsigned:
    '123428000001000000020000076578616d706c65036f7267000006000104686f6d65c00c000100ff000000000000c01d000100010000003c0004cb007109',
  mac: '2face2587ce6b98a6c64014b8725f39285399fc85ae959f317f7c2cf4bd61219',
  signed:
    '123428000001000000020001076578616d706c65036f7267000006000104686f6d65c00c000100ff000000000000c01d000100010000003c0004cb0071090864646e732d6b6579076578616d706c650000fa00ff00000000003d0b686d61632d7368613235360000006553f100012c00202face2587ce6b98a6c64014b8725f39285399fc85ae959f317f7c2cf4bd61219123400000000',
  reply:
    '1234a8000001000000000001076578616d706c65036f726700000600010864646e732d6b6579076578616d706c650000fa00ff00000000003d0b686d61632d7368613235360000006553f100012c0020bf4e0ce5640d85dd7165ba1aca9c9f6194297471735ac328203b36bd6c5b6362123400000000',
};

function octets(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

function judged(reply: Uint8Array, nowSec = VECTOR.timeSec, key: TsigKey = VECTOR.key) {
  const read = readUpdateReply(reply, 0x1234);
  return read && judgeSignature(reply, read.tsig, key, octets(VECTOR.mac), nowSec);
}

describe('the known answer', () => {
  const update = encodeUpdate({
    id: 0x1234,
    zone: 'example.org',
    hostnames: ['home.example.org'],
    addresses: ['203.0.113.9'],
    ttlSec: 60,
  });

  test('is the update, octet by octet', () => {
    expect(update && hex(update)).toBe(
      '123428000001000100020000076578616d706c65036f72670000060001' +
        // The condition: no CNAME of this name (RFC 2136 section 2.4.3).
        '04686f6d65c00c000500fe000000000000' +
        'c01d000100ff000000000000c01d000100010000003c0004cb007109',
    );
  });

  test('is the signature and the whole message', () => {
    const signed = sign(octets(VECTOR.unsigned), VECTOR.key, VECTOR.timeSec);

    expect(signed && hex(signed.mac)).toBe(VECTOR.mac);
    expect(signed && hex(signed.message)).toBe(VECTOR.signed);
  });

  test('is believed as a reply', () => {
    expect(readUpdateReply(octets(VECTOR.reply), 0x1234)?.rcode).toBe(0);
    expect(judged(octets(VECTOR.reply))).toEqual({ kind: 'signed', error: 0 });
  });

  test('carries both families of several names, and the zone itself', () => {
    const both = encodeUpdate({
      id: 1,
      zone: 'example.org',
      hostnames: ['example.org', 'a.b.Example.org'],
      addresses: ['192.0.2.1', '2001:db8::1'],
      ttlSec: 300,
    });

    expect(both && hex(both)).toBe(
      '000128000001000200080000076578616d706c65036f72670000060001' +
        'c00c000500fe00000000000001610162c00c000500fe000000000000' +
        'c00c000100ff000000000000c00c000100010000012c0004c0000201' +
        'c00c001c00ff000000000000c00c001c00010000012c001020010db8000000000000000000000001' +
        'c029000100ff000000000000c029000100010000012c0004c0000201' +
        'c029001c00ff000000000000c029001c00010000012c001020010db8000000000000000000000001',
    );
  });

  test.each(['home.example.com', 'notexample.org', `${'a'.repeat(64)}.example.org`, 'a..example.org'])(
    'is none for %s',
    (hostname) => {
      const change = { id: 1, zone: 'example.org', addresses: ['192.0.2.1'], ttlSec: 60 };

      expect(encodeUpdate({ ...change, hostnames: [hostname] })).toBeUndefined();
    },
  );
});

describe('an alias', () => {
  const change = {
    ...{ id: 0x1234, zone: 'example.org', hostname: 'home.example.org', ttlSec: 60 },
    target: 'home.example.net',
  };
  const zone = '076578616d706c65036f72670000060001';
  const name = '04686f6d65c00c';
  const written = `${name}000500ff000000000000${name}000500010000003c001204686f6d65076578616d706c65036e657400`;

  test('is replaced on condition that it is the one we know', () => {
    const update = encodeAliasUpdate({ ...change, previous: 'old.example.net' });

    expect(update && hex(update)).toBe(
      `123428000001000100020000${zone}${name}0005000100000000` +
        `0011036f6c64076578616d706c65036e657400${written}`,
    );
  });

  test('is made on condition that the name is not in use', () => {
    const update = encodeAliasUpdate({ ...change, previous: undefined });

    expect(update && hex(update)).toBe(
      `123428000001000100020000${zone}${name}00ff00fe000000000000${written}`,
    );
  });

  test.each([
    { hostname: 'home.example.com' },
    { target: 'a..b' },
    { previous: `${'a'.repeat(64)}.example.org` },
  ])('is none for %j', (wrong) => {
    expect(encodeAliasUpdate({ ...change, previous: undefined, ...wrong })).toBeUndefined();
  });
});

describe('a reply', () => {
  test('with any octet changed is not believed', () => {
    const genuine = octets(VECTOR.reply);
    for (const at of genuine.keys()) {
      const changed = genuine.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;

      // The original id within the signature stands for the id of the header, which is checked by itself.
      expect([at, judged(changed)?.kind]).not.toEqual([at, 'signed']);
    }
  });

  test.each([299, -299, 300])('that is %i seconds off is believed', (offSec) => {
    expect(judged(octets(VECTOR.reply), VECTOR.timeSec + offSec)?.kind).toBe('signed');
  });

  test.each([301, -301, 1_000_000])('that is %i seconds off is not', (offSec) => {
    expect(judged(octets(VECTOR.reply), VECTOR.timeSec + offSec)).toEqual({ kind: 'forged' });
  });

  test.each([
    { name: 'another name', key: { ...VECTOR.key, name: 'other.example' } },
    { name: 'another algorithm', key: { ...VECTOR.key, algorithm: 'hmac-sha512' as const } },
    { name: 'another secret', key: { ...VECTOR.key, secret: new Uint8Array(32) } },
  ])('for $name of the key is not believed', ({ key }) => {
    expect(judged(octets(VECTOR.reply), VECTOR.timeSec, key)).toEqual({ kind: 'forged' });
  });

  test('of any octets at all throws nothing', () => {
    const id = Uint8Array.of(0x12, 0x34, 0xa8, 0x00);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (some) => {
        const bytes = new Uint8Array([...id, ...some]);
        expect(judged(bytes)?.kind).not.toBe('signed');
      }),
    );
  });

  test('that was cut anywhere throws nothing and is not believed', () => {
    const genuine = octets(VECTOR.reply);
    for (const end of genuine.keys()) {
      expect(judged(genuine.slice(0, end))?.kind).not.toBe('signed');
    }
  });
});

test.each([
  ['ns1.example.org', { host: 'ns1.example.org', port: 53 }],
  ['192.0.2.53:5353', { host: '192.0.2.53', port: 5353 }],
  ['2001:db8::53', { host: '2001:db8::53', port: 53 }],
  ['[2001:db8::53]:5353', { host: '2001:db8::53', port: 5353 }],
  ['ns1.example.org:0', undefined],
  ['ns1.example.org:70000', undefined],
  ['https://ns1.example.org', undefined],
  ['two words', undefined],
])('server %s', (text, expected) => {
  expect(parseServer(text)).toEqual(expected);
});

const SECRET = Buffer.from(VECTOR.key.secret);
const KEY_NAME = octets('0864646e732d6b6579076578616d706c6500');
const ALGORITHM = octets('0b686d61632d73686132353600');
const SERVER_ZONE = {
  name: 'example.org',
  type: 'SOA',
  ttlSec: 60,
  value: 'ns1.example.org admin 1 2 3 4 5',
};

interface Answering {
  rcode?: number;
  error?: number;
  /** Time in Other Data. */
  serverTimeSec?: number;
  signature?: 'good' | 'bad' | 'empty' | 'none';
}

/** A reply to a signed request, made with Node's HMAC. */
function replyTo(
  request: Uint8Array,
  { rcode = 0, error = 0, serverTimeSec, signature = 'good' }: Answering,
) {
  const view = new DataView(request.buffer, request.byteOffset);
  const macAt = request.length - 6 - 32;
  const requestMac = request.subarray(macAt, macAt + 32);
  const time = request.subarray(macAt - 10, macAt - 4);
  const head = octets('0000a8000001000000000000076578616d706c65036f72670000060001');
  head.set(request.subarray(0, 2));
  head[3] = rcode;
  if (signature === 'none') {
    return head;
  }
  const other = serverTimeSec === undefined ? Buffer.alloc(0) : Buffer.alloc(6);
  if (serverTimeSec !== undefined) {
    other.writeUIntBE(serverTimeSec, 0, 6);
  }
  const tail = Buffer.from([0, error, 0, other.length]);
  const mac = createHmac('sha256', signature === 'bad' ? 'wrong' : SECRET)
    .update(Buffer.from([0, 32]))
    .update(requestMac)
    .update(head)
    .update(KEY_NAME)
    .update(octets('00ff00000000'))
    .update(ALGORITHM)
    .update(time)
    .update(octets('012c'))
    .update(tail)
    .update(other)
    .digest();
  const sent = signature === 'empty' ? Buffer.alloc(0) : mac;
  const content = Buffer.concat([
    ALGORITHM,
    time,
    octets('012c'),
    Buffer.from([0, sent.length]),
    sent,
    Buffer.from([view.getUint8(0), view.getUint8(1)]),
    tail,
    other,
  ]);
  head[11] = 1;
  const record = Buffer.concat([
    KEY_NAME,
    octets('00fa00ff00000000'),
    Buffer.from([0, content.length]),
    content,
  ]);
  return new Uint8Array(Buffer.concat([head, record]));
}

interface Sent {
  transport: 'udp' | 'tcp';
  server: DnsServer;
  message: Uint8Array;
  localAddress: string | undefined;
}

/** Sends one call; `answer` makes the replies to one message, in order. */
async function updated(
  answer: (sent: Sent, index: number) => Uint8Array[] | 'refused' | 'timeout' | 'no-route',
  change: Partial<UpdateCall> = {},
  ports: Partial<ProtocolPorts> = {},
) {
  const sent: Sent[] = [];
  const exchangeDns: DnsExchange = async (transport, server, message, _timeoutMs, accept, localAddress) => {
    const one = { transport, server, message, localAddress };
    sent.push(one);
    const replies = answer(one, sent.length - 1);
    if (typeof replies === 'string') {
      return { ok: false, fault: replies };
    }
    for (const reply of replies) {
      const value = accept(reply);
      if (value !== undefined) {
        return { ok: true, value };
      }
    }
    return { ok: false, fault: 'timeout' };
  };
  const provider = PROVIDERS.get('bind-nsupdate');
  if (!provider) {
    throw new Error('not in the catalogue');
  }
  const result = await rfc2136.update(
    {
      provider,
      credential: { username: 'ddns-key.example', password: SECRET.toString('base64') },
      options: { zone: 'example.org' },
      server: '192.0.2.53',
      hostnames: ['home.example.org'],
      ipv4: '192.0.2.1',
      userAgent: 'test',
      ...change,
    },
    protocolPorts({ exchangeDns, ...ports }),
    (text) => text,
  );
  return { sent, briefs: result.outcomes.map(brief), exchange: result.exchange, outcomes: result.outcomes };
}

function brief(verdict: Verdict): string {
  return verdict.ok
    ? `ok${verdict.value === undefined ? '' : ' +'}`
    : `${verdict.failure.code} ${verdict.failure.kind} ${verdict.failure.scope}`;
}

const way = (sent: Sent[]) => sent.map(({ transport }) => transport).join(' ');

describe('what the server says', () => {
  test.each([
    { name: 'done', says: {}, expected: 'ok', by: 'udp' },
    { name: 'FORMERR', says: { rcode: 1 }, expected: 'rfc2136/FORMERR refused hostname', by: 'udp' },
    { name: 'SERVFAIL', says: { rcode: 2 }, expected: 'rfc2136/SERVFAIL busy account', by: 'udp' },
    { name: 'NOTIMP', says: { rcode: 4 }, expected: 'rfc2136/NOTIMP refused account', by: 'udp' },
    { name: 'REFUSED', says: { rcode: 5 }, expected: 'rfc2136/REFUSED refused hostname', by: 'udp' },
    { name: 'a CNAME', says: { rcode: 7 }, expected: 'rfc2136/CNAME_THERE refused hostname', by: 'udp' },
    {
      name: 'a prerequisite',
      says: { rcode: 8 },
      expected: 'rfc2136/UNKNOWN_CODE unintelligible hostname',
      by: 'udp',
    },
    { name: 'NOTAUTH', says: { rcode: 9 }, expected: 'rfc2136/NOTAUTH refused hostname', by: 'udp' },
    { name: 'NOTZONE', says: { rcode: 10 }, expected: 'rfc2136/NOTZONE refused hostname', by: 'udp' },
    {
      name: 'a short signature',
      says: { rcode: 9, error: 22 },
      expected: 'rfc2136/BADTRUNC refused account',
      by: 'udp',
    },
    {
      name: 'a wrong key, as anybody could say',
      says: { rcode: 9, error: 17, signature: 'empty' as const },
      expected: 'rfc2136/BADKEY unintelligible hostname',
      by: 'udp tcp',
    },
    {
      name: 'a wrong signature, as anybody could say',
      says: { rcode: 9, error: 16, signature: 'empty' as const },
      expected: 'rfc2136/BADSIG unintelligible account',
      by: 'udp tcp',
    },
    {
      name: 'done, but not signed',
      says: { signature: 'none' as const },
      expected: 'rfc2136/UNSIGNED unintelligible attempt',
      by: 'udp tcp',
    },
    {
      name: 'REFUSED, but not signed',
      says: { rcode: 5, signature: 'none' as const },
      expected: 'rfc2136/REFUSED unintelligible hostname',
      by: 'udp tcp',
    },
    {
      name: 'done, signed with another key',
      says: { signature: 'bad' as const },
      expected: 'rfc2136/BAD_REPLY_SIGNATURE unintelligible attempt',
      by: 'udp tcp',
    },
  ])('$name', async ({ says, expected, by }) => {
    const { briefs, sent } = await updated(({ message }) => [replyTo(message, says)]);

    expect(briefs).toEqual([expected]);
    expect(way(sent)).toBe(by);
  });

  test('is the one that is signed, whatever came before it', async () => {
    const { briefs, sent } = await updated(({ message }) => [
      replyTo(message, { rcode: 5, signature: 'none' }),
      replyTo(message, { signature: 'bad' }),
      replyTo(message, {}),
    ]);

    expect(briefs).toEqual(['ok']);
    expect(way(sent)).toBe('udp');
  });

  test('of another message is not heard', async () => {
    const { briefs } = await updated(({ message }) => {
      const other = replyTo(message, {});
      other[0] = (other[0] ?? 0) ^ 1;
      return [other];
    });

    expect(briefs).toEqual(['rfc2136/TIMEOUT unconfirmed attempt']);
  });
});

describe('the clock', () => {
  const ahead = { clock: { nowMs: () => 2_000_003_600_000 } };

  test('goes by the time of the server, once, and the operator is told', async () => {
    const { briefs, sent, outcomes } = await updated(
      ({ message }, index) => [
        replyTo(message, index === 0 ? { rcode: 9, error: 18, serverTimeSec: 2_000_000_000 } : {}),
      ],
      {},
      ahead,
    );

    expect(briefs).toEqual(['ok +']);
    expect(outcomes[0]?.ok && outcomes[0].value).toContain('60 minutes');
    expect(sent).toHaveLength(2);
  });

  test('is not corrected again and again', async () => {
    const { briefs, sent } = await updated(
      ({ message }) => [replyTo(message, { rcode: 9, error: 18, serverTimeSec: 2_000_000_000 })],
      {},
      ahead,
    );

    expect(briefs).toEqual(['rfc2136/BADTIME unreachable account']);
    expect(sent).toHaveLength(2);
  });

  test('is not set by somebody without the key', async () => {
    const { briefs, sent } = await updated(
      ({ message }) => [replyTo(message, { rcode: 9, error: 18, serverTimeSec: 1, signature: 'bad' })],
      {},
      ahead,
    );

    expect(briefs).toEqual(['rfc2136/BAD_REPLY_SIGNATURE unintelligible attempt']);
    expect(way(sent)).toBe('udp tcp');
  });

  test('that is not set yet keeps everything from being sent', async () => {
    const { briefs, sent, exchange } = await updated(() => 'timeout', {}, { clock: { nowMs: () => 60_000 } });

    expect(briefs).toEqual(['signing/CLOCK unreachable attempt']);
    expect(sent).toEqual([]);
    expect(exchange.request).toBe('nothing was sent');
  });
});

describe('the way', () => {
  test('is three times the same message over UDP, then TCP', async () => {
    const { briefs, sent } = await updated(() => 'timeout');

    expect(briefs).toEqual(['rfc2136/TIMEOUT unconfirmed attempt']);
    expect(way(sent)).toBe('udp udp udp tcp');
    expect(new Set(sent.map(({ message }) => hex(message))).size).toBe(1);
  });

  test('is TCP at once where UDP is closed', async () => {
    const { briefs, sent } = await updated(({ transport, message }) =>
      transport === 'udp' ? 'refused' : [replyTo(message, {})],
    );

    expect(briefs).toEqual(['ok']);
    expect(way(sent)).toBe('udp tcp');
  });

  test.each([
    ['refused', 'rfc2136/REFUSED_PORT unreachable attempt'],
    ['no-route', 'rfc2136/NO_ROUTE offline attempt'],
  ] as const)('may be closed: %s', async (fault, expected) => {
    expect((await updated(() => fault)).briefs).toEqual([expected]);
  });

  test('leaves by the line, or not at all', async () => {
    const via = { device: 'wan1', ipv4: '198.51.100.7' };
    const bound = await updated(({ message }) => [replyTo(message, {})], { via });
    const unbound = await updated(() => 'timeout', { via, server: '2001:db8::53' });

    expect(bound.sent.map(({ localAddress }) => localAddress)).toEqual(['198.51.100.7']);
    expect(unbound.briefs).toEqual(['rfc2136/NO_ADDRESS unreachable attempt']);
    expect(unbound.sent).toEqual([]);
  });
});

describe('names', () => {
  test('of which one is refused do not spoil the others', async () => {
    const hostnames = ['a.example.org', 'bad.example.org', 'c.example.org'];

    const { briefs, sent } = await updated(
      ({ message }) => [replyTo(message, hex(message).includes('03626164') ? { rcode: 5 } : {})],
      { hostnames },
    );

    expect(briefs).toEqual(['ok', 'rfc2136/REFUSED refused hostname', 'ok']);
    expect(way(sent)).toBe('udp tcp tcp tcp');
  });

  test('outside of the zone are not sent', async () => {
    const { briefs, sent } = await updated(({ message }) => [replyTo(message, {})], {
      hostnames: ['home.example.com', 'home.example.org'],
    });

    expect(briefs).toEqual(['rfc2136/NOTZONE refused hostname', 'ok']);
    expect(sent).toHaveLength(1);
  });
});

describe('zone and server', () => {
  /** A resolver, and an authority at 192.0.2.53, that know these records. */
  function world(records: Record<string, string[]>) {
    const asked: string[] = [];
    return {
      asked,
      resolvers: async () => [{ address: '192.0.2.1', port: 53 }],
      dns: {
        async ask(server: DnsServer, { name, type, recursionDesired }: DnsQuestion) {
          asked.push(`${server.address} ${name} ${type}`);
          const soa = { answers: [], authorities: name.endsWith('example.org') ? [SERVER_ZONE] : [] };
          const found = {
            answers: (records[`${name} ${type}`] ?? []).map((value) => ({ name, type, ttlSec: 60, value })),
            authorities: [],
          };
          const reply: DnsReply = {
            rcode: 'NOERROR',
            authoritative: !recursionDesired,
            ...(type === 'SOA' ? soa : found),
            additionals: [],
            transport: 'udp',
          };
          return { kind: 'reply' as const, reply };
        },
      },
    };
  }
  const ADDRESSES = { 'ns1.example.org A': ['192.0.2.53'], 'ns1.example.org AAAA': ['2001:db8::53'] };
  const { zone: _, ...NO_ZONE } = { zone: '' };

  async function found(change: Partial<UpdateCall>, records: Record<string, string[]> = ADDRESSES) {
    const ports = world(records);
    const provider = PROVIDERS.get('bind-nsupdate');
    const call = { options: NO_ZONE, ...change, ...(provider && { provider }) };
    const { sent, briefs } = await updated(({ message }) => [replyTo(message, {})], call, ports);
    return { briefs, asked: ports.asked, to: sent.map(({ server }) => `${server.address}:${server.port}`) };
  }

  test('are asked of the server where it is named', async () => {
    const { briefs, asked, to } = await found({ server: '192.0.2.53:5353' });

    expect(briefs).toEqual(['ok']);
    expect(asked).toEqual(['192.0.2.53 home.example.org SOA']);
    expect(to).toEqual(['192.0.2.53:5353']);
  });

  test('are looked up where the account names neither', async () => {
    const { server: _none, ...call } = { server: '' };
    const { briefs, to } = await found({ ...call, server: 'ns1.example.org' });

    expect(briefs).toEqual(['ok']);
    expect(to).toEqual(['192.0.2.53:53']);
  });

  test('of a name that cannot be resolved are waited for', async () => {
    const { briefs, to } = await found({ server: 'ns9.example.org' });

    expect(briefs).toEqual(['rfc2136/NO_SERVER unreachable attempt']);
    expect(to).toEqual([]);
  });

  test('that nobody knows are waited for', async () => {
    const { briefs, to } = await found({ hostnames: ['home.example.com'] });

    expect(briefs).toEqual(['rfc2136/NO_ZONE unreachable attempt']);
    expect(to).toEqual([]);
  });
});

describe('the credential', () => {
  test.each([
    ['not base64!', {}, 'ddns-key.example', 'rfc2136/SECRET credential account'],
    ['', {}, 'ddns-key.example', 'rfc2136/SECRET credential account'],
    [
      SECRET.toString('base64'),
      { key_algorithm: 'rot13' },
      'ddns-key.example',
      'rfc2136/ALGORITHM refused account',
    ],
    [SECRET.toString('base64'), {}, 'hmac-rot13:ddns-key.example', 'rfc2136/ALGORITHM refused account'],
    [SECRET.toString('base64'), {}, 'a..b', 'rfc2136/BAD_NAME refused hostname'],
  ])('%j with %j for %s: %s', async (password, options, username, expected) => {
    const { briefs, sent } = await updated(() => 'timeout', {
      credential: { username, password },
      options: { zone: 'example.org', ...options },
    });

    expect(briefs).toEqual([expected]);
    expect(sent).toEqual([]);
  });

  test('is shown nowhere', async () => {
    const { exchange, outcomes } = await updated(({ message }) => [replyTo(message, { rcode: 5 })]);

    expect(JSON.stringify([exchange, outcomes])).not.toContain(SECRET.toString('base64').slice(0, 8));
    expect(exchange.request).toContain('home.example.org = 192.0.2.1');
  });
});
