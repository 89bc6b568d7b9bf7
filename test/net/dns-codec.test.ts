/** Our codec against dns-packet, an independent one, in both directions; then hostile and damaged messages. */
import * as packet from 'dns-packet';
import * as fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, test } from 'vitest';
import { type DecodedReply, type DnsQuery, decodeReply, encodeQuery } from '../../agent/net/dns-wire.ts';
import type { DnsRecord, DnsType } from '../../agent/ports.ts';

const TYPES: readonly DnsType[] = ['A', 'AAAA', 'NS', 'SOA', 'CNAME', 'TXT'];
const HEADER_OCTETS = 12;
const QUERY: DnsQuery = {
  id: 4711,
  question: { name: 'home.example', type: 'A', recursionDesired: false },
  edns: true,
};

/** A record as dns-packet writes it, and as we must read it. */
interface Sample {
  answer: packet.Answer;
  record: DnsRecord;
}

const label = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/);
const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.'));
const ttlSec = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const number32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const octet = fc.integer({ min: 0, max: 255 });
const ipv4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));
const ipv6 = fc
  .array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 0xffff })), { minLength: 8, maxLength: 8 })
  .map((groups) => new ipaddr.IPv6(groups));

function sample(type: DnsType, owner: string, ttl: number, data: unknown, value: string): Sample {
  // dns-packet has one shape for each type; together they are more than its types can follow.
  const answer = { type, name: owner, ttl, data } as packet.Answer;
  return { answer, record: { name: owner.toLowerCase(), type, ttlSec: ttl, value } };
}

const samples: Record<DnsType, fc.Arbitrary<Sample>> = {
  A: fc.tuple(name, ttlSec, ipv4).map(([owner, ttl, data]) => sample('A', owner, ttl, data, data)),
  AAAA: fc
    .tuple(name, ttlSec, ipv6)
    .map(([owner, ttl, data]) =>
      sample('AAAA', owner, ttl, data.toNormalizedString(), data.toRFC5952String()),
    ),
  NS: fc
    .tuple(name, ttlSec, name)
    .map(([owner, ttl, data]) => sample('NS', owner, ttl, data, data.toLowerCase())),
  CNAME: fc
    .tuple(name, ttlSec, name)
    .map(([owner, ttl, data]) => sample('CNAME', owner, ttl, data, data.toLowerCase())),
  SOA: fc
    .tuple(name, ttlSec, name, name, fc.array(number32, { minLength: 5, maxLength: 5 }))
    .map(([owner, ttl, mname, rname, numbers]) => {
      const [serial, refresh, retry, expire, minimum] = numbers;
      const value = [mname.toLowerCase(), rname.toLowerCase(), ...numbers].join(' ');
      return sample('SOA', owner, ttl, { mname, rname, serial, refresh, retry, expire, minimum }, value);
    }),
  TXT: fc
    .tuple(name, ttlSec, fc.array(fc.string({ maxLength: 255 }), { minLength: 1, maxLength: 4 }))
    .map(([owner, ttl, texts]) => sample('TXT', owner, ttl, texts, texts.join(''))),
};

const anySample = fc.oneof(...TYPES.map((type) => samples[type]));

function message(more: packet.Packet): Uint8Array {
  return packet.encode({
    type: 'response',
    id: QUERY.id,
    questions: [{ name: QUERY.question.name, type: QUERY.question.type, class: 'IN' }],
    ...more,
  });
}

function decode(bytes: Uint8Array): DecodedReply {
  return decodeReply(bytes, QUERY);
}

function ascii(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0));
}

/** A reply of one record, its content written by hand. */
function withContent(type: number, content: readonly number[], owner: readonly number[] = [0xc0, 12]) {
  const head = Uint8Array.from(message({}));
  head[7] = 1;
  return Uint8Array.from([
    ...head,
    ...owner,
    ...[0, type, 0, 1, 0, 0, 0, 60],
    ...[content.length >> 8, content.length & 255],
    ...content,
  ]);
}

/** The message with octets behind its end, which are not its own. */
function followed(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([...bytes, ...ascii('more')]);
}

function firstValue(bytes: Uint8Array): string | undefined {
  const decoded = decode(bytes);
  return decoded.kind === 'reply' ? decoded.reply.answers[0]?.value : decoded.kind;
}

describe('a query', () => {
  test('of any name and type is read by dns-packet as it was meant', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xffff }),
        name,
        fc.constantFrom(...TYPES),
        fc.boolean(),
        fc.boolean(),
        (id, asked, type, recursionDesired, edns) => {
          const bytes = encodeQuery({ id, question: { name: asked, type, recursionDesired }, edns });

          const read = packet.decode(Buffer.from(bytes ?? []));

          expect(read).toMatchObject({ id, type: 'query', opcode: 'QUERY', flag_rd: recursionDesired });
          expect(read).toMatchObject({ flag_tc: false, flag_aa: false, answers: [], authorities: [] });
          expect(read.questions).toEqual([{ name: asked, type, class: 'IN' }]);
          expect(read.additionals).toMatchObject(
            edns ? [{ type: 'OPT', name: '.', udpPayloadSize: 1232, flag_do: false, options: [] }] : [],
          );
          expect(bytes?.length).toBe(packet.encodingLength(read));
        },
      ),
    );
  });
});

describe('a record', () => {
  test.each(TYPES)('of type %s is read as dns-packet wrote it', (type) => {
    fc.assert(
      fc.property(samples[type], ({ answer, record }) => {
        expect(decode(message({ answers: [answer] }))).toMatchObject({
          kind: 'reply',
          reply: { answers: [record] },
        });
      }),
      { numRuns: 300 },
    );
  });

  test('of any type is found in its section', () => {
    const section = fc.array(anySample, { maxLength: 6 });
    fc.assert(
      fc.property(section, section, section, (answers, authorities, additionals) => {
        const bytes = message({
          answers: answers.map(({ answer }) => answer),
          authorities: authorities.map(({ answer }) => answer),
          additionals: additionals.map(({ answer }) => answer),
        });

        expect(decode(bytes)).toEqual({
          kind: 'reply',
          reply: {
            rcode: 'NOERROR',
            authoritative: false,
            answers: answers.map(({ record }) => record),
            authorities: authorities.map(({ record }) => record),
            additionals: additionals.map(({ record }) => record),
          },
        });
      }),
      { numRuns: 200 },
    );
  });

  test('may lie anywhere in a larger buffer', () => {
    const bytes = message({ answers: [{ type: 'A', name: 'home.example', ttl: 1, data: '192.0.2.1' }] });
    const buffer = new Uint8Array(bytes.length + 20).fill(0xff);
    buffer.set(bytes, 7);

    expect(firstValue(buffer.subarray(7, 7 + bytes.length))).toBe('192.0.2.1');
  });

  test.each<[string, Uint8Array, string | undefined]>([
    ['A of four octets', withContent(1, [192, 0, 2, 1]), '192.0.2.1'],
    ['A of three octets', withContent(1, [192, 0, 2]), 'broken'],
    ['A of five octets', withContent(1, [192, 0, 2, 1, 0]), 'broken'],
    ['AAAA of fifteen octets', withContent(28, new Array(15).fill(0)), 'broken'],
    ['AAAA of seventeen octets', withContent(28, new Array(17).fill(0)), 'broken'],
    ['NS with an octet after its name', withContent(2, [1, 97, 0, 0]), 'broken'],
    ['NS that is not whole', withContent(2, [1, 97]), 'broken'],
    ['NS of nothing', withContent(2, []), 'broken'],
    ['SOA without its numbers', withContent(6, [0, 0]), 'broken'],
    ['SOA with octets after its numbers', withContent(6, new Array(24).fill(0)), 'broken'],
    ['TXT of nothing', withContent(16, []), ''],
    ['TXT that runs over its end', withContent(16, [5, ...ascii('abc')]), 'broken'],
    ['TXT that runs into what follows', followed(withContent(16, [2, 97])), 'broken'],
    ['TXT with octets for no log', withContent(16, [4, 97, 27, 10, 0xe4]), 'a???'],
    ['label with a dot', withContent(2, [3, ...ascii('a.b'), 0]), 'a?b'],
    ['label of an unknown kind', withContent(2, [0x41, ...new Array(65).fill(97), 0]), 'broken'],
    ['unknown content that is not whole', withContent(99, [1, 2, 3]).slice(0, -1), 'broken'],
    ['MX, which nobody reads', withContent(15, [1, 2, 3]), undefined],
  ])('%s', (_name, bytes, expected) => {
    expect(firstValue(bytes)).toBe(expected);
  });

  test('with the highest bit of the TTL set is not kept (RFC 2181 section 8)', () => {
    const bytes = withContent(1, [192, 0, 2, 1]);
    bytes[bytes.length - 10] = 0x80;

    expect(decode(bytes)).toMatchObject({ reply: { answers: [{ ttlSec: 0 }] } });
  });
});

describe('a compressed name', () => {
  /** Where the content of the only record begins, its owner being a pointer. */
  const contentAt = message({}).length + 12;

  test('continues at an earlier one', () => {
    expect(firstValue(withContent(2, [2, ...ascii('NS'), 0xc0, 17]))).toBe('ns.example');
  });

  test.each<[string, number[]]>([
    ['to itself', [0xc0, contentAt]],
    ['to its own beginning', [1, 97, 0xc0, contentAt]],
    ['ahead', [0xc0, contentAt + 2, 0]],
    ['beyond the message', [0xff, 0xff]],
    ['nowhere, cut short', [0xc0]],
  ])('that leads %s is broken', (_name, content) => {
    expect(firstValue(withContent(2, content))).toBe('broken');
  });

  test('that leads back to a pointer that leads ahead is broken', () => {
    const ahead = withContent(99, [0xc0, contentAt + 2, 1, 97, 0]);
    ahead[7] = 2;
    const bytes = Uint8Array.from([...ahead, ...[0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 2], 0xc0, contentAt]);

    expect(firstValue(bytes)).toBe('broken');
  });

  /** A record of unknown type that holds pointers, each to the one before it; then an NS at the last. */
  function chain(pointers: number): Uint8Array {
    const targets = [12, ...Array.from({ length: pointers - 1 }, (_, index) => contentAt + 2 * index)];
    const links = targets.flatMap((target) => [0xc0 | (target >> 8), target & 255]);
    const bytes = withContent(99, links);
    bytes[7] = 2;
    const last = contentAt + 2 * (pointers - 1);
    const pointer = [0xc0 | (last >> 8), last & 255];
    return Uint8Array.from([...bytes, ...[0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 2], ...pointer]);
  }

  test.each<[number, string]>([
    [1, 'home.example'],
    [126, 'home.example'],
    [127, 'broken'],
    [8000, 'broken'],
  ])('after a chain of %d more pointers: %s', (pointers, expected) => {
    expect(firstValue(chain(pointers))).toBe(expected);
  });

  test.each<[number, string]>([
    [241, 'reply'],
    [242, 'broken'],
  ])('of %d octets before "home.example" is a %s', (octets, expected) => {
    const labels = [];
    for (let left = octets; left > 0; left -= Math.min(left, 50)) {
      const length = Math.min(left, 50) - 1;
      labels.push(length, ...new Array(length).fill(97));
    }

    expect(decode(withContent(2, [...labels, 0xc0, 12])).kind).toBe(expected);
  });

  test('is read 512 times with 126 pointers each: the most work that one message can ask for', () => {
    const head = chain(126);
    const pointer = head.subarray(head.length - 2);
    const record = [...pointer, 0, 2, 0, 1, 0, 0, 0, 0, 0, 2, ...pointer];
    const bytes = Uint8Array.from([...head, ...new Array(510).fill(record).flat()]);
    bytes[6] = 2;
    bytes[7] = 0;

    const decoded = decode(bytes);

    const answers = decoded.kind === 'reply' ? decoded.reply.answers : [];
    expect(answers.map(({ value }) => value)).toEqual(new Array(511).fill('home.example'));
  });
});

describe('a damaged reply', () => {
  const whole = message({
    answers: [
      { type: 'CNAME', name: 'home.example', ttl: 60, data: 'target.example' },
      { type: 'A', name: 'target.example', ttl: 30, data: '192.0.2.1' },
      { type: 'AAAA', name: 'target.example', ttl: 30, data: '2001:db8::1' },
      { type: 'TXT', name: 'target.example', ttl: 5, data: ['one', 'two'] },
    ],
    authorities: [{ type: 'NS', name: 'example', ttl: 9, data: 'ns1.example' }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: 1232,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  });
  const questionEnd = HEADER_OCTETS + 'home.example'.length + 2 + 4;

  test('cut after any octet is foreign within the question, broken after it', () => {
    const kinds = Array.from({ length: whole.length + 1 }, (_, end) => decode(whole.subarray(0, end)).kind);

    expect(kinds).toEqual(
      kinds.map((_, end) => (end < questionEnd ? 'foreign' : end < whole.length ? 'broken' : 'reply')),
    );
  });

  test('cut anywhere but marked as truncated is recognised by its question', () => {
    const cut = Uint8Array.from(whole);
    cut[2] = 0x82;
    const kinds = Array.from({ length: cut.length + 1 }, (_, end) => decode(cut.subarray(0, end)).kind);

    expect(kinds).toEqual(kinds.map((_, end) => (end < questionEnd ? 'foreign' : 'truncated')));
  });

  test('with any octets replaced never throws, and says no name or text that a log could not bear', () => {
    const change = fc.tuple(fc.nat(whole.length - 1), octet);
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const bytes = Uint8Array.from(whole);
        for (const [at, value] of changes) {
          bytes[at] = value;
        }

        const decoded = decode(bytes);

        const records =
          decoded.kind === 'reply'
            ? [...decoded.reply.answers, ...decoded.reply.authorities, ...decoded.reply.additionals]
            : [];
        expect(records.filter((one) => !/^[ -~]*$/.test(one.name + one.value))).toEqual([]);
      }),
      { numRuns: 5000 },
    );
  });
});
