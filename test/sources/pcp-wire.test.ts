import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeNatPmpReply,
  decodePcpReply,
  encodeNatPmpRequest,
  encodePcpMap,
} from '../../agent/sources/pcp-wire.ts';

const NONCE = octets('6162636465666768696a6b6c');

function octets(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex'));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

describe('NAT-PMP', () => {
  test('the request is two octets of zero (RFC 6886 section 3.2)', () => {
    expect(hex(encodeNatPmpRequest())).toBe('0000');
  });

  test.each<[string, string, unknown]>([
    ['the address', '00800000 00000102 c6336409', { kind: 'address', address: '198.51.100.9' }],
    ['without a connection', '00800000 00000102 00000000', { kind: 'address', address: '0.0.0.0' }],
    ['more than expected', '00800000 00000102 c6336409 ff', { kind: 'address', address: '198.51.100.9' }],
    ['refused', '00800002 00000102 00000000', { kind: 'refused', result: 'not authorized' }],
    ['refused without the rest', '00800003', { kind: 'refused', result: 'network failure' }],
    ['an unknown result', '0080ffff', { kind: 'refused', result: 'result 65535' }],
    ['success without the address', '00800000 00000102', undefined],
    ['a reply to another request', '00810000 00000102 c6336409', undefined],
    ['another version', '02800000 00000102 c6336409', undefined],
    ['our own request', '0000', undefined],
    ['nothing', '', undefined],
  ])('%s', (_, bytes, expected) => {
    expect(decodeNatPmpReply(octets(bytes))).toEqual(expected);
  });
});

describe('PCP', () => {
  test('a MAP request has the layout of RFC 6887 sections 7.1 and 11.1', () => {
    expect(hex(encodePcpMap({ nonce: NONCE, client: '192.0.2.2', lifetimeSec: 120 }))).toBe(
      [
        // version, opcode, reserved, lifetime
        '02010000',
        '00000078',
        // client ::ffff:192.0.2.2
        '00000000000000000000ffffc0000202',
        // nonce
        '6162636465666768696a6b6c',
        // UDP, reserved, internal port 9, no suggested port
        '11000000',
        '00090000',
        // any IPv4 address
        '00000000000000000000ffff00000000',
      ].join(''),
    );
  });

  const REST = '00000000 00000000 00000000';
  const MAPPED = '6162636465666768696a6b6c 11000000 00090009 00000000000000000000ffffc6336409';

  test.each<[string, string, unknown]>([
    [
      'the address',
      `02810000 00000078 00000002 ${REST} ${MAPPED}`,
      { kind: 'address', address: '198.51.100.9' },
    ],
    [
      'an IPv6 address outside',
      `02810000 00000078 00000002 ${REST} ${MAPPED.replace(/0{20}ffffc6336409/, '20010db8000000000000000000000007')}`,
      { kind: 'address', address: '2001:db8::7' },
    ],
    [
      'no resources',
      `02810008 0000001e 00000002 ${REST} ${MAPPED}`,
      { kind: 'refused', result: 'no resources' },
    ],
    [
      'refused by the header alone',
      `02810003 0000001e 00000002 ${REST}`,
      { kind: 'refused', result: 'malformed request' },
    ],
    [
      'a version to come',
      `03810001 0000001e 00000002 ${REST} ${MAPPED}`,
      { kind: 'refused', result: 'unsupported version' },
    ],
    [
      'a gateway with NAT-PMP only',
      '00800001 00000102 00000000',
      { kind: 'refused', result: 'unsupported version' },
    ],
    ['another nonce', `02810000 00000078 00000002 ${REST} ${MAPPED.replace('61', '60')}`, undefined],
    [
      'refusal of another mapping',
      `02810008 00000078 00000002 ${REST} ${MAPPED.replace('61', '60')}`,
      undefined,
    ],
    [
      'another port',
      `02810000 00000078 00000002 ${REST} ${MAPPED.replace('00090009', '00080009')}`,
      undefined,
    ],
    [
      'another protocol',
      `02810000 00000078 00000002 ${REST} ${MAPPED.replace('11000000', '06000000')}`,
      undefined,
    ],
    ['a reply to ANNOUNCE', `02800000 00000078 00000002 ${REST}`, undefined],
    ['our own request', `02010000 00000078 00000002 ${REST} ${MAPPED}`, undefined],
    ['success cut short', `02810000 00000078 00000002 ${REST} 6162`, undefined],
    ['nothing', '', undefined],
  ])('%s', (_, bytes, expected) => {
    expect(decodePcpReply(octets(bytes), NONCE)).toEqual(expected);
  });
});

test('any octets never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (noise) => {
      decodeNatPmpReply(noise);
      decodeNatPmpReply(Uint8Array.from([0, 128, ...noise]));
      decodePcpReply(noise, NONCE);
      decodePcpReply(Uint8Array.from([2, 0x81, 0, 0, ...noise]), NONCE);
    }),
  );
});
