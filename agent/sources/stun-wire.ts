/** STUN on the wire (RFC 8489): a binding request, and the mapped address of its reply. */
import { parseAddress } from '../core/address.ts';

const HEADER_OCTETS = 20;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const BINDING_ERROR = 0x0111;
const MAGIC_COOKIE = 0x2112a442;
export const TRANSACTION_OCTETS = 12;

const MAPPED_ADDRESS = 0x0001;
const ERROR_CODE = 0x0009;
const XOR_MAPPED_ADDRESS = 0x0020;
/** Below this a client must understand an attribute, or the reply is void (section 6.3.3). */
const OPTIONAL_FROM = 0x8000;
/** What RFC 3489, its successors and RFC 5780 define below that and a binding reply may carry (section 18.3). */
const UNDERSTOOD: readonly number[] = [
  0x0001, 0x0002, 0x0003, 0x0004, 0x0005, 0x0006, 0x0008, 0x0009, 0x000a, 0x000b, 0x0014, 0x0015, 0x001c,
  0x001d, 0x001e, 0x0020,
];

export type StunReply = { kind: 'mapped'; address: string } | { kind: 'refused'; code: number };

/** `transactionId`: 12 unpredictable octets. */
export function encodeBindingRequest(transactionId: Uint8Array): Uint8Array {
  const message = new DataView(new ArrayBuffer(HEADER_OCTETS));
  message.setUint16(0, BINDING_REQUEST);
  message.setUint32(4, MAGIC_COOKIE);
  const bytes = new Uint8Array(message.buffer);
  bytes.set(transactionId.subarray(0, TRANSACTION_OCTETS), 8);
  return bytes;
}

/** Undefined for whatever is no whole reply to this transaction. Never throws. */
export function decodeBindingReply(bytes: Uint8Array, transactionId: Uint8Array): StunReply | undefined {
  const message = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (
    message.byteLength < HEADER_OCTETS ||
    message.getUint16(2) !== message.byteLength - HEADER_OCTETS ||
    message.byteLength % 4 !== 0 ||
    message.getUint32(4) !== MAGIC_COOKIE ||
    !transactionId.every((octet, index) => octet === message.getUint8(8 + index))
  ) {
    return undefined;
  }
  const attributes = attributesOf(message);
  if (attributes === undefined) {
    return undefined;
  }
  // The first of a kind counts (section 14).
  const first = (type: number) => attributes.find((one) => one.type === type)?.value;
  switch (message.getUint16(0)) {
    case BINDING_ERROR: {
      const value = first(ERROR_CODE);
      return value && value.byteLength >= 4
        ? { kind: 'refused', code: (value.getUint8(2) & 7) * 100 + value.getUint8(3) }
        : undefined;
    }
    case BINDING_SUCCESS: {
      if (!attributes.every(({ type }) => type >= OPTIONAL_FROM || UNDERSTOOD.includes(type))) {
        return undefined;
      }
      const xored = first(XOR_MAPPED_ADDRESS);
      const plain = first(MAPPED_ADDRESS);
      // Some routers rewrite what looks like their own address; only the XORed one is safe from it.
      const address = xored
        ? readAddress(xored, (index) => message.getUint8(4 + index))
        : plain && readAddress(plain, () => 0);
      return address === undefined ? undefined : { kind: 'mapped', address };
    }
    default:
      return undefined;
  }
}

interface Attribute {
  type: number;
  value: DataView;
}

function attributesOf(message: DataView): Attribute[] | undefined {
  const attributes: Attribute[] = [];
  let at = HEADER_OCTETS;
  while (at < message.byteLength) {
    // The whole is a multiple of 4, so there is room for a header.
    const length = message.getUint16(at + 2);
    const end = at + 4 + length;
    if (end > message.byteLength) {
      return undefined;
    }
    attributes.push({
      type: message.getUint16(at),
      value: new DataView(message.buffer, message.byteOffset + at + 4, length),
    });
    at = end + ((4 - (length % 4)) % 4);
  }
  return attributes;
}

/** Zero, family, port, address; `mask` gives the octets of cookie and transaction id for XOR (section 14.2). */
function readAddress(value: DataView, mask: (index: number) => number): string | undefined {
  const family = value.byteLength >= 2 ? value.getUint8(1) : 0;
  const count = family === 1 ? 4 : family === 2 ? 16 : 0;
  if (count === 0 || value.byteLength !== 4 + count) {
    return undefined;
  }
  const octets = Array.from({ length: count }, (_, index) => value.getUint8(4 + index) ^ mask(index));
  return addressText(octets);
}

/** Canonical text of 4 or 16 octets. */
export function addressText(octets: readonly number[]): string | undefined {
  if (octets.length === 4) {
    return octets.join('.');
  }
  const hex = octets.map((octet) => octet.toString(16).padStart(2, '0')).join('');
  return parseAddress((hex.match(/.{4}/g) ?? []).join(':'))?.canonical;
}
