/** UPDATE messages of RFC 2136 on the wire, and as much of the reply as counts. */
import { parseAddress } from '../../core/address.ts';
import { concatenated, utf8 } from '../../core/octets.ts';

export const CLASS_ANY = 255;
export const TYPE_TSIG = 250;
const HEADER_OCTETS = 12;
const CLASS_IN = 1;
const CLASS_NONE = 254;
const TYPE_CNAME = 5;
const TYPE_SOA = 6;
const TYPE_ANY = 255;
const TYPES = { ipv4: 1, ipv6: 28 } as const;
const FLAG_QR = 0x8000;
const OPCODE_MASK = 0x7800;
/** Opcode 5, RFC 2136 section 2.2. */
const OPCODE_UPDATE = 0x2800;
/** More than an honest reply has: it echoes the update at most. */
const MAX_RECORDS = 512;
/** Offset of the zone's name, which other names end in (RFC 1035 section 4.1.4). */
const ZONE_AT = HEADER_OCTETS;
const MAX_POINTED_AT = 0x3fff;

export interface Update {
  /** 0 to 65535, unpredictable. */
  id: number;
  zone: string;
  /** Within the zone, or its apex; each gets all addresses. */
  hostnames: readonly string[];
  /** Canonical, one for each family that is to be replaced. The other family is left alone. */
  addresses: readonly string[];
  ttlSec: number;
}

/**
 * For each name and address: the RRset of that type goes, the address comes. The server applies the whole
 * message or nothing of it (RFC 2136 section 3.4), so no moment without an address is ever visible.
 * All on condition that no name is a CNAME (section 2.4.3): beside one a server ignores the address and says
 * NOERROR (section 3.4.2.2). Undefined when a name cannot be in DNS or is not in the zone.
 */
export function encodeUpdate({ id, zone, hostnames, addresses, ttlSec }: Update): Uint8Array | undefined {
  const zoneName = encodeName(zone);
  if (zoneName === undefined) {
    return undefined;
  }
  const parts = [
    numbers(
      [id, 16],
      [OPCODE_UPDATE, 16],
      [1, 16],
      [hostnames.length, 16],
      [hostnames.length * addresses.length * 2, 16],
      [0, 16],
    ),
    zoneName,
    numbers([TYPE_SOA, 16], [CLASS_IN, 16]),
  ];
  let at = parts.reduce((sum, part) => sum + part.length, 0);
  function add(...more: Uint8Array[]): void {
    parts.push(...more);
    at += more.reduce((sum, part) => sum + part.length, 0);
  }
  const places: Uint8Array[] = [];
  for (const hostname of hostnames) {
    const name = encodeWithin(hostname, zone);
    if (name === undefined) {
      return undefined;
    }
    // Written once and pointed at from then on; the zone itself is a pointer already.
    places.push(name.length > 2 && at <= MAX_POINTED_AT ? pointer(at) : name);
    add(name, numbers([TYPE_CNAME, 16], [CLASS_NONE, 16], [0, 32], [0, 16]));
  }
  for (const place of places) {
    for (const address of addresses) {
      const { type, octets } = encodeAddress(address);
      add(place, numbers([type, 16], [CLASS_ANY, 16], [0, 32], [0, 16]));
      add(place, numbers([type, 16], [CLASS_IN, 16], [ttlSec, 32], [octets.length, 16]), octets);
    }
  }
  return concatenated(parts);
}

export interface AliasUpdate {
  /** 0 to 65535, unpredictable. */
  id: number;
  zone: string;
  /** Within the zone. */
  hostname: string;
  /** The name that the CNAME has now; undefined where there is nothing of this name. */
  previous: string | undefined;
  target: string;
  ttlSec: number;
}

/**
 * The old CNAME goes, the new one comes, on condition that nothing has changed since it was read: the CNAME is
 * the one we know (RFC 2136 section 2.4.2), or the name is not in use at all (section 2.4.5).
 */
export function encodeAliasUpdate(update: AliasUpdate): Uint8Array | undefined {
  const { id, zone, hostname, previous, target, ttlSec } = update;
  const zoneName = encodeName(zone);
  const name = encodeWithin(hostname, zone);
  const content = encodeName(target);
  const before = previous === undefined ? new Uint8Array() : encodeName(previous);
  if (!zoneName || !name || !content || !before) {
    return undefined;
  }
  const record = (type: number, recordClass: number, ttl: number, octets: Uint8Array) => [
    name,
    numbers([type, 16], [recordClass, 16], [ttl, 32], [octets.length, 16]),
    octets,
  ];
  return concatenated([
    numbers([id, 16], [OPCODE_UPDATE, 16], [1, 16], [1, 16], [2, 16], [0, 16]),
    zoneName,
    numbers([TYPE_SOA, 16], [CLASS_IN, 16]),
    ...(previous === undefined
      ? record(TYPE_ANY, CLASS_NONE, 0, before)
      : record(TYPE_CNAME, CLASS_IN, 0, before)),
    ...record(TYPE_CNAME, CLASS_ANY, 0, new Uint8Array()),
    ...record(TYPE_CNAME, CLASS_IN, ttlSec, content),
  ]);
}

/** What a reply to an update says, TSIG aside. */
export interface UpdateReply {
  /** As on the wire, 0 to 15. */
  rcode: number;
  /** The TSIG record, if it is the last one. */
  tsig?: RawRecord;
}

export interface RawRecord {
  /** Lower case, without a final dot. */
  name: string;
  /** Where the record begins in the message. */
  at: number;
  class: number;
  ttlSec: number;
  /** Content, as a view of the message. */
  content: DataView;
}

/** Undefined when the octets are no reply to the update with this id. Never throws. */
export function readUpdateReply(bytes: Uint8Array, id: number): UpdateReply | undefined {
  const message = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (message.byteLength < HEADER_OCTETS || message.getUint16(0) !== id) {
    return undefined;
  }
  const flags = message.getUint16(2);
  if ((flags & FLAG_QR) === 0 || (flags & OPCODE_MASK) !== OPCODE_UPDATE) {
    return undefined;
  }
  try {
    const tsig = lastTsig(message);
    return { rcode: flags & 15, ...(tsig && { tsig }) };
  } catch (error) {
    if (error instanceof RangeError) {
      return undefined;
    }
    throw error;
  }
}

/** Throws a RangeError, as DataView does, where the records do not fit the message. */
function lastTsig(message: DataView): RawRecord | undefined {
  let at = HEADER_OCTETS;
  for (let zones = message.getUint16(4); zones > 0; zones--) {
    at = readName(message, at).end + 4;
  }
  const records = message.getUint16(6) + message.getUint16(8) + message.getUint16(10);
  if (records > MAX_RECORDS) {
    throw new RangeError();
  }
  let last: (RawRecord & { type: number }) | undefined;
  for (let read = 0; read < records; read++) {
    const { name, end } = readName(message, at);
    const length = message.getUint16(end + 8);
    const content = new DataView(message.buffer, message.byteOffset + end + 10, length);
    if (end + 10 + length > message.byteLength) {
      throw new RangeError();
    }
    last = {
      name,
      at,
      type: message.getUint16(end),
      class: message.getUint16(end + 2),
      ttlSec: message.getUint32(end + 4),
      content,
    };
    at = end + 10 + length;
  }
  // RFC 8945 section 5.2: the last record of the additional section, and nothing behind it.
  return last?.type === TYPE_TSIG && at === message.byteLength ? last : undefined;
}

/** A name without pointers, with lower-case letters: as TSIG counts it (RFC 8945 section 4.3.3). */
export function encodeName(name: string): Uint8Array | undefined {
  const plain = name.replace(/\.$/, '').toLowerCase();
  const labels = plain === '' ? [] : plain.split('.');
  if (plain.length > 253 || !labels.every((label) => /^[\x21-\x7e]{1,63}$/.test(label))) {
    return undefined;
  }
  return concatenated([
    ...labels.flatMap((label) => [Uint8Array.of(label.length), utf8(label)]),
    Uint8Array.of(0),
  ]);
}

/** Lower case, without a final dot. Throws a RangeError where there is no name. */
export function readName(message: DataView, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let end: number | undefined;
  let at = start;
  let segment = start;
  for (let length = message.getUint8(at); length !== 0; length = message.getUint8(at)) {
    if (length >= 0xc0) {
      const target = message.getUint16(at) & MAX_POINTED_AT;
      // Pointers lead back, so no name goes round in circles.
      if (target >= segment) {
        throw new RangeError();
      }
      end ??= at + 2;
      segment = target;
      at = target;
    } else if (length > 63 || labels.length > 127) {
      throw new RangeError();
    } else {
      let label = '';
      for (let index = 1; index <= length; index++) {
        label += String.fromCharCode(message.getUint8(at + index));
      }
      labels.push(label.toLowerCase());
      at += 1 + length;
    }
  }
  return { name: labels.join('.'), end: end ?? at + 1 };
}

/** Numbers with their size in bits, in network order. */
export function numbers(...list: readonly (readonly [value: number, bits: 16 | 32 | 48])[]): Uint8Array {
  return Uint8Array.from(list.flatMap(([value, bits]) => octetsOf(value, bits / 8)));
}

function octetsOf(value: number, count: number): number[] {
  return count === 0 ? [] : [...octetsOf(Math.floor(value / 256), count - 1), value % 256];
}

function encodeWithin(hostname: string, zone: string): Uint8Array | undefined {
  const lower = hostname.toLowerCase();
  if (lower === zone.toLowerCase()) {
    return pointer(ZONE_AT);
  }
  const own = lower.endsWith(`.${zone.toLowerCase()}`) ? lower.slice(0, -zone.length - 1) : '';
  const name = own === '' || own.endsWith('.') ? undefined : encodeName(own);
  return name && concatenated([name.subarray(0, -1), pointer(ZONE_AT)]);
}

function pointer(at: number): Uint8Array {
  return numbers([0xc000 | at, 16]);
}

function encodeAddress(canonical: string): { type: number; octets: Uint8Array } {
  if (parseAddress(canonical)?.family === 'ipv4') {
    return { type: TYPES.ipv4, octets: Uint8Array.from(canonical.split('.').map(Number)) };
  }
  const [head = '', tail] = canonical.split('::');
  const left = head.split(':').filter((group) => group !== '');
  const right = (tail ?? '').split(':').filter((group) => group !== '');
  const groups = [...left, ...new Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return {
    type: TYPES.ipv6,
    octets: numbers(...groups.map((group) => [Number.parseInt(group, 16), 16] as const)),
  };
}
