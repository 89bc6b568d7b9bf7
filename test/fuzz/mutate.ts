/** Changes octets the way lines, disks and liars do. The same seed makes the same changes. */

export type Random = () => number;

/** mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const MAX_OCTETS = 64 * 1024;
const ODD_NUMBERS = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xfe, 0xff];
const ODD_TEXTS = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'length'],
  ...['"', "'", '\\', '\n', '\r\n', '\0', '{', '}', '[', ']', ':', ',', '<', '>', '&', '%', '%s', '`'],
  ...[
    '-1',
    '0',
    '1e999',
    '-0',
    '9007199254740993',
    'NaN',
    'null',
    'true',
    '""',
    '[]',
    '{}',
    '\ud800',
    '\u202e',
  ],
  ...['{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}', '\ufeff', '\u00e9'],
].map((text) => new TextEncoder().encode(text));

/** One to eight changes of `octets`, now and then joined with `other`; never longer than 64 KiB. */
export function mutated(octets: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let result = octets;
  const changes = 1 + Math.floor(random() * random() * 8);
  for (let count = 0; count < changes; count++) {
    result = changed(result, other, random);
  }
  return result.subarray(0, MAX_OCTETS);
}

function changed(octets: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const below = (limit: number) => Math.floor(random() * limit);
  const at = below(octets.length + 1);
  const end = Math.min(octets.length, at + 1 + below(1 + below(32)));
  const replaced = (part: Uint8Array | readonly number[], until: number) =>
    joined(octets.subarray(0, at), part, octets.subarray(until));
  switch (below(9)) {
    case 0:
      return replaced([(octets[at] ?? 0) ^ (1 << below(8))], at + 1);
    case 1:
      return replaced([ODD_NUMBERS[below(ODD_NUMBERS.length)] ?? 0], at + 1);
    case 2:
      return replaced([], end);
    case 3:
      return replaced(ODD_TEXTS[below(ODD_TEXTS.length)] ?? [], at);
    case 4:
      return octets.subarray(0, at);
    case 5: {
      const from = below(other.length + 1);
      return replaced(other.subarray(from, from + 1 + below(64)), end);
    }
    case 6: {
      const part = octets.subarray(at, end);
      return replaced(joined(...Array.from({ length: 1 + below(40) }, () => part)), at);
    }
    case 7:
      return replaced([below(256), below(256)], at + 2);
    default: {
      const from = below(octets.length + 1);
      return replaced(octets.subarray(from, from + 1 + below(16)), at);
    }
  }
}

function joined(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/** A piece of the input again and again, up to `octets`: what makes a bad decoder slow. */
export function pumped(input: Uint8Array, octets: number, random: Random): Uint8Array {
  const at = Math.floor(random() * input.length);
  const part = input.subarray(at, at + 1 + Math.floor(random() * 48));
  const times = Math.ceil(Math.max(0, octets - input.length) / Math.max(1, part.length));
  const middle = joined(...Array.from({ length: times }, () => part));
  return joined(input.subarray(0, at), middle, input.subarray(at));
}
