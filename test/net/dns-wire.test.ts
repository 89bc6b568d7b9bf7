import * as packet from 'dns-packet';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DnsQuery, decodeReply, encodeQuery } from '../../agent/net/dns-wire.ts';
import type { DnsType } from '../../agent/ports.ts';

function query(name = 'home.example', type: DnsType = 'A', edns = true): DnsQuery {
  return { id: 4711, question: { name, type, recursionDesired: false }, edns };
}

/** A reply with the question of `query()` unless `more` says otherwise. */
function reply(more: packet.Packet = {}): Buffer {
  return packet.encode({
    type: 'response',
    id: 4711,
    flags: packet.AUTHORITATIVE_ANSWER,
    questions: [{ name: 'home.example', type: 'A', class: 'IN' }],
    ...more,
  });
}

function records(count: number): packet.Answer[] {
  return Array.from({ length: count }, () => ({ type: 'A', name: 'a.example', ttl: 1, data: '192.0.2.1' }));
}

/** The octets with one of them replaced. */
function withOctet(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = value;
  return copy;
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex');
}

function unspaced(...parts: string[]): string {
  return parts.join('').replaceAll(' ', '');
}

describe('a query', () => {
  test('asks without recursion, with 1232 octets of EDNS', () => {
    const bytes = encodeQuery(query());

    expect(hex(bytes)).toBe(
      unspaced(
        '1267 0000 0001 0000 0000 0001',
        '04 686f6d65 07 6578616d706c65 00 0001 0001',
        '00 0029 04d0 00000000 0000',
      ),
    );
  });

  test.each([
    [true, '0100'],
    [false, '0000'],
  ])('without EDNS and with recursion %s ends after the question', (recursionDesired, flags) => {
    const bytes = encodeQuery({
      id: 1,
      edns: false,
      question: { name: 'a.example.', type: 'AAAA', recursionDesired },
    });

    expect(hex(bytes)).toBe(
      unspaced('0001', flags, '0001 0000 0000 0000', '01 61 07 6578616d706c65 00 001c 0001'),
    );
  });

  test.each([
    ['root', '.', true],
    ['label of 63', `${'a'.repeat(63)}.example`, true],
    ['label of 64', `${'a'.repeat(64)}.example`, false],
    ['empty label', 'a..example', false],
    ['name of 253', `${'a.'.repeat(126)}a`, true],
    ['name of 254', `${'a.'.repeat(126)}aa`, false],
    ['blank', 'a b.example', false],
    ['not ASCII', 'ä.example', false],
  ])('has a name that DNS can carry: %s', (_name, name, expected) => {
    expect(encodeQuery(query(name)) !== undefined).toBe(expected);
  });
});

describe('a reply', () => {
  test('is read section by section', () => {
    const bytes = reply({
      answers: [
        { type: 'CNAME', name: 'HOME.example', ttl: 60, data: 'Target.EXAMPLE' },
        { type: 'A', name: 'target.example', ttl: 30, data: '192.0.2.1' },
        { type: 'AAAA', name: 'target.example', ttl: 30, data: '2001:db8:0:0:0::1' },
        { type: 'TXT', name: 'target.example', ttl: 5, data: ['one ', 'two'] },
        { type: 'MX', name: 'target.example', ttl: 5, data: { exchange: 'mail.example', preference: 1 } },
        { type: 'A', name: 'target.example', class: 'CH', ttl: 30, data: '192.0.2.9' },
      ],
      authorities: [
        { type: 'NS', name: 'example', ttl: 172800, data: 'NS1.example' },
        {
          type: 'SOA',
          name: 'example',
          ttl: 300,
          data: {
            mname: 'NS1.example',
            rname: 'host.example',
            serial: 4294967295,
            refresh: 1,
            retry: 2,
            expire: 3,
            minimum: 4,
          },
        },
      ],
      additionals: [{ type: 'A', name: 'ns1.example', ttl: 60, data: '198.51.100.1' }],
    });

    expect(decodeReply(bytes, query())).toEqual({
      kind: 'reply',
      reply: {
        rcode: 'NOERROR',
        authoritative: true,
        answers: [
          { name: 'home.example', type: 'CNAME', ttlSec: 60, value: 'target.example' },
          { name: 'target.example', type: 'A', ttlSec: 30, value: '192.0.2.1' },
          { name: 'target.example', type: 'AAAA', ttlSec: 30, value: '2001:db8::1' },
          { name: 'target.example', type: 'TXT', ttlSec: 5, value: 'one two' },
        ],
        authorities: [
          { name: 'example', type: 'NS', ttlSec: 172800, value: 'ns1.example' },
          { name: 'example', type: 'SOA', ttlSec: 300, value: 'ns1.example host.example 4294967295 1 2 3 4' },
        ],
        additionals: [{ name: 'ns1.example', type: 'A', ttlSec: 60, value: '198.51.100.1' }],
      },
    });
  });

  test.each([
    [0, 0, 'NOERROR'],
    [3, 0, 'NXDOMAIN'],
    [5, 0, 'REFUSED'],
    [0, 1, 'BADVERS'],
    [7, 1, 'BADCOOKIE'],
    [15, 255, 'RCODE4095'],
  ])('has the rcode %d + 16 * %d = %s', (low, extendedRcode, expected) => {
    const bytes = reply({
      flags: low,
      additionals: [
        {
          type: 'OPT',
          name: '.',
          udpPayloadSize: 1232,
          extendedRcode,
          ednsVersion: 0,
          flags: 0,
          flag_do: false,
          options: [],
        },
      ],
    });

    expect(decodeReply(bytes, query())).toMatchObject({
      kind: 'reply',
      reply: { rcode: expected, authoritative: false, additionals: [] },
    });
  });

  const bareHeader = Buffer.from('126780000000000000000000', 'hex');
  test.each<[string, Uint8Array, string]>([
    ['other id', reply({ id: 4712 }), 'foreign'],
    [
      'query, not response',
      packet.encode({ type: 'query', id: 4711, questions: [{ name: 'home.example', type: 'A' }] }),
      'foreign',
    ],
    ['other name', reply({ questions: [{ name: 'home.example.org', type: 'A' }] }), 'foreign'],
    ['other type', reply({ questions: [{ name: 'home.example', type: 'AAAA' }] }), 'foreign'],
    ['other class', reply({ questions: [{ name: 'home.example', type: 'A', class: 'CH' }] }), 'foreign'],
    ['name in other case', reply({ questions: [{ name: 'hOmE.eXAMPLE', type: 'A' }] }), 'reply'],
    ['two questions', withOctet(reply(), 5, 2), 'foreign'],
    ['no octets', new Uint8Array(0), 'foreign'],
    ['half a header', reply().subarray(0, 11), 'foreign'],
    ['half a question', reply().subarray(0, 20), 'foreign'],
    ['bare header that says NOERROR', bareHeader, 'foreign'],
    ['bare header that says FORMERR', withOctet(bareHeader, 3, 1), 'reply'],
    ['record that is not there', withOctet(reply(), 7, 1), 'broken'],
    ['more records than any answer needs', reply({ answers: records(513) }), 'broken'],
    ['many records', reply({ answers: records(512) }), 'reply'],
    ['TC, cut within a record', withOctet(withOctet(reply(), 7, 1), 2, 0x82), 'truncated'],
    [
      'TC with a foreign question',
      withOctet(reply({ questions: [{ name: 'a.example', type: 'A' }] }), 2, 0x82),
      'foreign',
    ],
  ])('%s', (_name, bytes, expected) => {
    expect(decodeReply(bytes, query()).kind).toBe(expected);
  });

  test('keeps control characters out of names', () => {
    const bytes = reply({
      answers: [{ type: 'NS', name: 'home.example', ttl: 1, data: 'n\x1b[2Js\nx.example' }],
    });

    expect(decodeReply(bytes, query())).toMatchObject({
      kind: 'reply',
      reply: { answers: [{ value: 'n?[2js?x.example' }] },
    });
  });

  test('of any octets never throws', () => {
    const header = reply({ answers: [{ type: 'A', name: 'home.example', ttl: 1, data: '192.0.2.1' }] });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(header.length), (noise, keep) => {
        const bytes = Buffer.concat([header.subarray(0, keep), noise]);

        expect(['reply', 'truncated', 'foreign', 'broken']).toContain(decodeReply(bytes, query()).kind);
      }),
      { numRuns: 1000 },
    );
  });

  test('of every record type with hostile content never throws', () => {
    const head = withOctet(reply(), 7, 1);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.uint8Array({ maxLength: 120 }), (type, content) => {
        const record = Buffer.from([
          0xc0,
          12,
          type >> 8,
          type & 255,
          0,
          1,
          0,
          0,
          0,
          0,
          0,
          content.length,
          ...content,
        ]);

        expect(['reply', 'broken']).toContain(decodeReply(Buffer.concat([head, record]), query()).kind);
      }),
      { numRuns: 2000 },
    );
  });
});
