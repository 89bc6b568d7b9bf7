import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBindingReply, encodeBindingRequest } from '../../agent/sources/stun-wire.ts';

const TRANSACTION = octets('b7e7a701bc34d686fa87dfae');

/** The published vectors (RFC 5769 sections 2.2 and 2.3): with SOFTWARE, MESSAGE-INTEGRITY and FINGERPRINT. */
const VECTOR_IPV4 = octets(`
  0101003c 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220 00200008 0001a147
  e112a643 00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7 80280004 c07d4c96`);
const VECTOR_IPV6 = octets(`
  01010048 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220 00200014 0002a147
  0113a9fa a5d3f179 bc25f4b5 bed2b9d9 00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41 80280004
  c8fb0b4c`);

function octets(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex'));
}

/** A reply with these attributes; `length` other than the real one on request. */
function reply(
  attributes: string,
  { type = '0101', transaction = TRANSACTION, length = -1 } = {},
): Uint8Array {
  const body = octets(attributes);
  const size = (length < 0 ? body.length : length).toString(16).padStart(4, '0');
  return Uint8Array.from([...octets(`${type}${size}2112a442`), ...transaction, ...body]);
}

test('a request is the bare header of section 5', () => {
  expect(Buffer.from(encodeBindingRequest(TRANSACTION)).toString('hex')).toBe(
    '000100002112a442b7e7a701bc34d686fa87dfae',
  );
});

describe('a reply', () => {
  test.each<[string, Uint8Array, unknown]>([
    ['IPv4, as published', VECTOR_IPV4, { kind: 'mapped', address: '192.0.2.1' }],
    ['IPv6, as published', VECTOR_IPV6, { kind: 'mapped', address: '2001:db8:1234:5678:11:2233:4455:6677' }],
    [
      'MAPPED-ADDRESS of an old server',
      reply('00010008 00010001 c6336409'),
      { kind: 'mapped', address: '198.51.100.9' },
    ],
    [
      'the XORed address goes before the plain one',
      reply('00010008 00010001 c6336409 00200008 0001a147 e112a643'),
      { kind: 'mapped', address: '192.0.2.1' },
    ],
    [
      'SOURCE-ADDRESS and CHANGED-ADDRESS of RFC 3489 are no hindrance',
      reply('00200008 0001a147 e112a643 00040008 00010001 c6336401 00050008 00010001 c6336402'),
      { kind: 'mapped', address: '192.0.2.1' },
    ],
    ['error', reply('00090004 00000414', { type: '0111' }), { kind: 'refused', code: 420 }],
    ['error without a code', reply('', { type: '0111' }), undefined],
    ['error with half a code', reply('00090002 00000000', { type: '0111' }), undefined],
    ['no address', reply('8022000b 74657374 20766563 746f7220'), undefined],
    ['an attribute that must be understood', reply('00200008 0001a147 e112a643 70000000'), undefined],
    [
      'another transaction',
      reply('00200008 0001a147 e112a643', { transaction: octets('00'.repeat(12)) }),
      undefined,
    ],
    ['a request', reply('00200008 0001a147 e112a643', { type: '0001' }), undefined],
    ['a length that is too small', reply('00200008 0001a147 e112a643', { length: 8 }), undefined],
    ['a length that is too large', reply('00200008 0001a147 e112a643', { length: 16 }), undefined],
    ['an attribute beyond the end', reply('0020000c 0001a147 e112a643'), undefined],
    ['an unknown family', reply('00200008 0003a147 e112a643'), undefined],
    [
      'IPv4 with the length of IPv6',
      reply('00200014 0001a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9'),
      undefined,
    ],
    ['another cookie', VECTOR_IPV4.map((octet, index) => (index === 4 ? 0 : octet)), undefined],
    ['nothing', new Uint8Array(), undefined],
  ])('%s', (_, bytes, expected) => {
    expect(decodeBindingReply(bytes, TRANSACTION)).toEqual(expected);
  });

  test('any octets, and any damage to a good reply, never throw', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(),
        fc.nat(255),
        fc.nat(80),
        (noise, at, octet, cut) => {
          decodeBindingReply(noise, TRANSACTION);
          decodeBindingReply(reply(Buffer.from(noise).toString('hex')), TRANSACTION);
          const damaged = VECTOR_IPV6.slice(0, Math.max(0, VECTOR_IPV6.length - cut));
          damaged[at % Math.max(1, damaged.length)] = octet;
          decodeBindingReply(damaged, TRANSACTION);
        },
      ),
    );
  });

  test('a reply within a larger buffer', () => {
    const buffer = Uint8Array.from([9, 9, 9, ...VECTOR_IPV4, 9]);

    expect(decodeBindingReply(buffer.subarray(3, -1), TRANSACTION)).toEqual({
      kind: 'mapped',
      address: '192.0.2.1',
    });
  });
});
