/** Text and octets, for signatures and messages that must look the same on every runtime. */

/** UTF-8; half a surrogate pair becomes U+FFFD, as everywhere on the web. */
export function utf8(text: string): Uint8Array {
  const octets: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    const code = point >= 0xd800 && point <= 0xdfff ? 0xfffd : point;
    if (code < 0x80) {
      octets.push(code);
    } else if (code < 0x800) {
      octets.push(0xc0 | (code >> 6), continuation(code));
    } else if (code < 0x10000) {
      octets.push(0xe0 | (code >> 12), continuation(code >> 6), continuation(code));
    } else {
      octets.push(0xf0 | (code >> 18), continuation(code >> 12), continuation(code >> 6), continuation(code));
    }
  }
  return Uint8Array.from(octets);
}

function continuation(bits: number): number {
  return 0x80 | (bits & 0x3f);
}

/** Lower case. */
export function hex(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('');
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** RFC 4648 section 4, with padding. */
export function base64(octets: Uint8Array): string {
  let text = '';
  for (let at = 0; at < octets.length; at += 3) {
    const [a = 0, b, c] = octets.subarray(at, at + 3);
    const bits = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    text += digit(bits >> 18) + digit(bits >> 12);
    text += (b === undefined ? '=' : digit(bits >> 6)) + (c === undefined ? '=' : digit(bits));
  }
  return text;
}

function digit(bits: number): string {
  return BASE64.charAt(bits & 0x3f);
}

/** RFC 4648 section 5, without padding, as JWT has it (RFC 7515 section 2). */
export function base64url(octets: Uint8Array): string {
  return base64(octets).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** The octets of base64 text, or undefined where it is none; spaces do not count, padding may be missing. */
export function fromBase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s+/g, '').replace(/={0,2}$/, '');
  if (!/^[A-Za-z0-9+/]*$/.test(digits) || digits.length % 4 === 1) {
    return undefined;
  }
  const octets = new Uint8Array(Math.floor((digits.length * 6) / 8));
  let bits = 0;
  let count = 0;
  let at = 0;
  for (const one of digits) {
    bits = ((bits << 6) | BASE64.indexOf(one)) & 0xfff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      octets[at++] = (bits >> count) & 0xff;
    }
  }
  return octets;
}

export function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Takes the same time wherever the difference is, so that a forger learns nothing from it. */
export function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let at = 0; at < a.length; at++) {
    difference |= (a[at] ?? 0) ^ (b[at] ?? 0);
  }
  return difference === 0;
}
