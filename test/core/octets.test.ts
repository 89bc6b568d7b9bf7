import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  base64,
  base64url,
  concatenated,
  fromBase64,
  hex,
  sameOctets,
  utf8,
} from '../../agent/core/octets.ts';

const octets = fc.uint8Array({ maxLength: 100 });

test('text becomes the octets that Node makes of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (text) => {
      expect(hex(utf8(text))).toBe(Buffer.from(text, 'utf8').toString('hex'));
    }),
  );
});

/** On both sides of each step in the number of octets (RFC 3629 section 3). */
test.each([0, 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff])('the character %d too', (point) => {
  const text = String.fromCodePoint(point);

  expect(hex(utf8(text))).toBe(Buffer.from(text, 'utf8').toString('hex'));
});

test.each(['\ud800', '\udfff', 'a\udc00b', '\ud83d', '\ud83d\ude00'])(
  '%j is written as everywhere on the web',
  (text) => {
    expect(hex(utf8(text))).toBe(Buffer.from(text, 'utf8').toString('hex'));
  },
);

test('base64 is that of Node, in both alphabets', () => {
  fc.assert(
    fc.property(octets, (some) => {
      expect(base64(some)).toBe(Buffer.from(some).toString('base64'));
      expect(base64url(some)).toBe(Buffer.from(some).toString('base64url'));
    }),
  );
});

test('base64 comes back, with padding, without it, and with line ends in it', () => {
  fc.assert(
    fc.property(octets, (some) => {
      const text = base64(some);

      expect(fromBase64(text)).toEqual(some);
      expect(fromBase64(text.replace(/=/g, ''))).toEqual(some);
      expect(fromBase64(text.replace(/(.{7})/g, '$1\n'))).toEqual(some);
    }),
  );
});

test.each(['a', 'abcde', 'ab=c', '====', 'a_b-', 'AAAA====', 'ä'])('%j is no base64', (text) => {
  expect(fromBase64(text)).toBeUndefined();
});

test('octets are the same only if all of them are', () => {
  fc.assert(
    fc.property(octets, octets, (a, b) => {
      expect(sameOctets(a, b)).toBe(Buffer.compare(a, b) === 0);
      expect(sameOctets(a, a.slice())).toBe(true);
      expect(concatenated([a, b])).toEqual(new Uint8Array(Buffer.concat([a, b])));
    }),
  );
});
