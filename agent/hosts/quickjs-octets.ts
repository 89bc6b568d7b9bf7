/** Octets as QuickJS has them: no Buffer, no TextDecoder. */

/** The text of UTF-8; what is none becomes U+FFFD, as everywhere on the web (WHATWG Encoding section 8.1.1). */
export function textOf(octets: Uint8Array): string {
  const pieces: string[] = [];
  let piece = '';
  for (let at = 0; at < octets.length; ) {
    const [point, length] = characterAt(octets, at);
    piece += String.fromCodePoint(point);
    at += length;
    if (piece.length >= 4096) {
      pieces.push(piece);
      piece = '';
    }
  }
  return pieces.join('') + piece;
}

const REPLACEMENT = 0xfffd;

/** The code point and how many octets it takes. */
function characterAt(octets: Uint8Array, at: number): [point: number, length: number] {
  const first = octets[at] ?? 0;
  if (first < 0x80) {
    return [first, 1];
  }
  const more = first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0;
  if (first < 0xc2 || more === 0) {
    return [REPLACEMENT, 1];
  }
  let point = first & (0x3f >> more);
  for (let taken = 1; taken <= more; taken++) {
    const next = octets[at + taken] ?? 0;
    const { least, most } = taken === 1 ? secondOctet(first) : { least: 0x80, most: 0xbf };
    if (next < least || next > most) {
      return [REPLACEMENT, taken];
    }
    point = (point << 6) | (next & 0x3f);
  }
  return [point, more + 1];
}

/** No overlong form, no surrogate, nothing beyond U+10FFFF (RFC 3629 section 4). */
function secondOctet(first: number): { least: number; most: number } {
  switch (first) {
    case 0xe0:
      return { least: 0xa0, most: 0xbf };
    case 0xed:
      return { least: 0x80, most: 0x9f };
    case 0xf0:
      return { least: 0x90, most: 0xbf };
    case 0xf4:
      return { least: 0x80, most: 0x8f };
    default:
      return { least: 0x80, most: 0xbf };
  }
}

const PIECE = 1024;

/** One character for each octet. */
export function octetText(octets: Uint8Array): string {
  let text = '';
  for (let at = 0; at < octets.length; at += PIECE) {
    text += String.fromCharCode(...octets.subarray(at, at + PIECE));
  }
  return text;
}

/** The octets of a text whose characters are all below U+0100. */
export function octetsOf(text: string): Uint8Array {
  const octets = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    octets[at] = text.charCodeAt(at);
  }
  return octets;
}

export interface CappedOctets {
  add(part: Uint8Array): void;
  isFull(): boolean;
  size(): number;
  octets(): Uint8Array;
  text(): string;
}

/** Collects octets up to a limit; the rest is dropped, and `full` says so. */
export function cappedOctets(limit: number): CappedOctets {
  let parts: Uint8Array[] = [];
  let size = 0;
  let full = false;

  function octets(): Uint8Array {
    const [only = new Uint8Array(0), ...more] = parts;
    if (more.length === 0) {
      return only;
    }
    const whole = new Uint8Array(size);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    parts = [whole];
    return whole;
  }

  return {
    add(part: Uint8Array): void {
      full ||= part.length > limit - size;
      const taken = full ? part.subarray(0, limit - size) : part;
      if (taken.length > 0) {
        parts.push(taken);
        size += taken.length;
      }
    },
    isFull: () => full,
    size: () => size,
    octets,
    text: () => textOf(octets()),
  };
}
