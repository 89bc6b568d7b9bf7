/** Transaction signatures (RFC 8945): signs a DNS message and judges the reply to it. */
import { hmac } from '@noble/hashes/hmac.js';
import { md5, sha1 } from '@noble/hashes/legacy.js';
import { sha224, sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { apartMs } from '../../core/apart.ts';
import { concatenated, sameOctets } from '../../core/octets.ts';
import { CLASS_ANY, encodeName, numbers, type RawRecord, readName, TYPE_TSIG } from './rfc2136-message.ts';

/** By the name that people write; on the wire HMAC-MD5 has another (RFC 8945 section 6). */
const ALGORITHMS = {
  'hmac-sha256': { hash: sha256, wireName: 'hmac-sha256' },
  'hmac-sha512': { hash: sha512, wireName: 'hmac-sha512' },
  'hmac-sha384': { hash: sha384, wireName: 'hmac-sha384' },
  'hmac-sha224': { hash: sha224, wireName: 'hmac-sha224' },
  'hmac-sha1': { hash: sha1, wireName: 'hmac-sha1' },
  'hmac-md5': { hash: md5, wireName: 'hmac-md5.sig-alg.reg.int' },
} as const;

export type TsigAlgorithm = keyof typeof ALGORITHMS;

export const TSIG_ALGORITHMS = Object.keys(ALGORITHMS) as TsigAlgorithm[];

export interface TsigKey {
  /** As the server knows it, in any case. */
  name: string;
  algorithm: TsigAlgorithm;
  secret: Uint8Array;
}

/** RFC 8945 section 10 recommends it: how far two clocks may be apart. */
const FUDGE_SEC = 300;
const BADTIME = 18;
/** Time signed, fudge and the size of the MAC. */
const TIME_AND_SIZE_OCTETS = 6 + 2 + 2;

export interface SignedMessage {
  message: Uint8Array;
  mac: Uint8Array;
}

/** The message with its TSIG record; undefined when the key's name cannot be in DNS. */
export function sign(unsigned: Uint8Array, key: TsigKey, nowSec: number): SignedMessage | undefined {
  const keyName = encodeName(key.name);
  if (keyName === undefined) {
    return undefined;
  }
  const algorithm = wireNameOf(key);
  const time = numbers([nowSec, 48], [FUDGE_SEC, 16]);
  const error = numbers([0, 16], [0, 16]);
  const variables = [keyName, numbers([CLASS_ANY, 16], [0, 32]), algorithm, time, error];
  const mac = macOf(key, [unsigned, ...variables]);
  const content = concatenated([
    algorithm,
    time,
    numbers([mac.length, 16]),
    mac,
    unsigned.subarray(0, 2),
    error,
  ]);
  const record = [keyName, numbers([TYPE_TSIG, 16], [CLASS_ANY, 16], [0, 32], [content.length, 16]), content];
  return { message: withAdditionals(concatenated([unsigned, ...record]), +1), mac };
}

/**
 * `signed`: by our key, fresh, and so what it says is true; `error` is the TSIG error (0, or BADTIME 18 with
 * the time of the server). `unsigned`: says something that anybody could have said, with the TSIG error it
 * claims. `forged`: a signature that is not right.
 */
export type ReplySignature =
  | { kind: 'signed'; error: number; serverTimeSec?: number }
  | { kind: 'unsigned'; error: number }
  | { kind: 'forged' };

/** `tsig` is the last record of the reply, if it is a TSIG; `requestMac` belongs to what was asked. */
export function judgeSignature(
  bytes: Uint8Array,
  tsig: RawRecord | undefined,
  key: TsigKey,
  requestMac: Uint8Array,
  nowSec: number,
): ReplySignature {
  if (tsig === undefined) {
    return { kind: 'unsigned', error: 0 };
  }
  const fields = readFields(tsig);
  if (fields === undefined) {
    return { kind: 'forged' };
  }
  // BADSIG and BADKEY come without a signature (RFC 8945 section 5.3.2).
  if (fields.mac.length === 0) {
    return { kind: 'unsigned', error: fields.error };
  }
  const keyName = encodeName(key.name);
  const isOurs =
    keyName !== undefined &&
    tsig.class === CLASS_ANY &&
    tsig.ttlSec === 0 &&
    tsig.name === key.name.replace(/\.$/, '').toLowerCase() &&
    fields.algorithm === ALGORITHMS[key.algorithm].wireName;
  if (!isOurs) {
    return { kind: 'forged' };
  }
  const plain = withAdditionals(bytes.subarray(0, tsig.at), -1);
  plain.set(fields.originalId, 0);
  const expected = macOf(key, [
    numbers([requestMac.length, 16]),
    requestMac,
    plain,
    keyName,
    numbers([CLASS_ANY, 16], [0, 32]),
    wireNameOf(key),
    numbers([fields.timeSec, 48], [fields.fudgeSec, 16], [fields.error, 16], [fields.other.length, 16]),
    fields.other,
  ]);
  if (
    !sameOctets(expected, fields.mac) ||
    apartMs(nowSec * 1000, fields.timeSec * 1000) > fields.fudgeSec * 1000
  ) {
    return { kind: 'forged' };
  }
  const serverTimeSec =
    fields.error === BADTIME && fields.other.length === 6 ? bigNumber(fields.other) : undefined;
  return { kind: 'signed', error: fields.error, ...(serverTimeSec !== undefined && { serverTimeSec }) };
}

interface TsigFields {
  algorithm: string;
  timeSec: number;
  fudgeSec: number;
  mac: Uint8Array;
  originalId: Uint8Array;
  error: number;
  other: Uint8Array;
}

/** RFC 8945 section 4.2; undefined where the content is not of that form. */
function readFields({ content }: RawRecord): TsigFields | undefined {
  function octets(at: number, count: number): Uint8Array {
    return new Uint8Array(content.buffer, content.byteOffset + at, count);
  }
  try {
    const { name: algorithm, end } = readName(content, 0);
    const macAt = end + TIME_AND_SIZE_OCTETS;
    const macLength = content.getUint16(macAt - 2);
    const tail = macAt + macLength;
    const otherLength = content.getUint16(tail + 4);
    if (tail + 6 + otherLength !== content.byteLength) {
      return undefined;
    }
    return {
      algorithm,
      timeSec: bigNumber(octets(end, 6)),
      fudgeSec: content.getUint16(end + 6),
      mac: octets(macAt, macLength),
      originalId: octets(tail, 2),
      error: content.getUint16(tail + 2),
      other: octets(tail + 6, otherLength),
    };
  } catch (error) {
    if (error instanceof RangeError) {
      return undefined;
    }
    throw error;
  }
}

function wireNameOf({ algorithm }: TsigKey): Uint8Array {
  return encodeName(ALGORITHMS[algorithm].wireName) ?? new Uint8Array();
}

function macOf({ algorithm, secret }: TsigKey, parts: readonly Uint8Array[]): Uint8Array {
  return hmac(ALGORITHMS[algorithm].hash, secret, concatenated(parts));
}

/** A copy whose header counts one record more or less. */
function withAdditionals(message: Uint8Array, change: 1 | -1): Uint8Array {
  const copy = message.slice();
  const header = new DataView(copy.buffer, copy.byteOffset);
  header.setUint16(10, header.getUint16(10) + change);
  return copy;
}

function bigNumber(octets: Uint8Array): number {
  return octets.reduce((value, octet) => value * 256 + octet, 0);
}
