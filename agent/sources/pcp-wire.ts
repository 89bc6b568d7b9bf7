/** NAT-PMP (RFC 6886) and PCP (RFC 6887) on the wire. Both are spoken on port 5351 of the gateway. */
import { parseAddress } from '../core/address.ts';
import { addressText } from './stun-wire.ts';

export const PORT_CONTROL_PORT = 5351;
export const NONCE_OCTETS = 12;

const NAT_PMP_VERSION = 0;
/** Reply to opcode 0, "public address request" (RFC 6886 section 3.2). */
const NAT_PMP_REPLY = 128;
const NAT_PMP_OCTETS = 12;

const PCP_VERSION = 2;
const PCP_HEADER_OCTETS = 24;
const PCP_MAP = 1;
const PCP_IS_REPLY = 0x80;
/** Header, then nonce, protocol, reserved, both ports, address (RFC 6887 section 11.1). */
const PCP_MAP_OCTETS = 60;
const UDP = 17;
/** The Discard service: what RFC 6887 section 11.6 suggests to whoever only wants to know the address. */
const DISCARD_PORT = 9;

/** The word of both protocols for a gateway without a usable address outside. */
export const NETWORK_FAILURE = 'network failure';

export type PortControlReply = { kind: 'address'; address: string } | { kind: 'refused'; result: string };

export function encodeNatPmpRequest(): Uint8Array {
  return new Uint8Array([NAT_PMP_VERSION, 0]);
}

const NAT_PMP_RESULTS: Record<number, string> = {
  1: 'unsupported version',
  2: 'not authorized',
  3: NETWORK_FAILURE,
  4: 'out of resources',
  5: 'unsupported opcode',
};

/** Undefined for whatever is no reply to the request. Never throws. */
export function decodeNatPmpReply(bytes: Uint8Array): PortControlReply | undefined {
  const message = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (
    message.byteLength < 4 ||
    message.getUint8(0) !== NAT_PMP_VERSION ||
    message.getUint8(1) !== NAT_PMP_REPLY
  ) {
    return undefined;
  }
  const result = message.getUint16(2);
  if (result !== 0) {
    return { kind: 'refused', result: NAT_PMP_RESULTS[result] ?? `result ${result}` };
  }
  // Later revisions may append; what follows is ignored.
  return message.byteLength < NAT_PMP_OCTETS
    ? undefined
    : { kind: 'address', address: [...bytes.subarray(8, 12)].join('.') };
}

export interface PcpMap {
  /** 12 unpredictable octets; a mapping can only be changed by whoever knows them. */
  nonce: Uint8Array;
  /** IPv4 address that the request is sent from: a server refuses any other. */
  client: string;
  /** 0 deletes the mapping. */
  lifetimeSec: number;
}

/** A mapping of UDP port 9 for IPv4: there is no request that asks for the address alone. */
export function encodePcpMap({ nonce, client, lifetimeSec }: PcpMap): Uint8Array {
  const bytes = new Uint8Array(PCP_MAP_OCTETS);
  const message = new DataView(bytes.buffer);
  message.setUint8(0, PCP_VERSION);
  message.setUint8(1, PCP_MAP);
  message.setUint32(4, lifetimeSec);
  bytes.set(mapped(client), 8);
  bytes.set(nonce.subarray(0, NONCE_OCTETS), PCP_HEADER_OCTETS);
  message.setUint8(36, UDP);
  message.setUint16(40, DISCARD_PORT);
  // No suggested port; any IPv4 address, which is written ::ffff:0:0 (section 11.1).
  bytes.set(mapped('0.0.0.0'), 44);
  return bytes;
}

/** RFC 6887 section 7.4. */
const PCP_RESULTS: Record<number, string> = {
  1: 'unsupported version',
  2: 'not authorized',
  3: 'malformed request',
  4: 'unsupported opcode',
  5: 'unsupported option',
  6: 'malformed option',
  7: NETWORK_FAILURE,
  8: 'no resources',
  9: 'unsupported protocol',
  10: 'over quota',
  11: 'cannot provide external',
  12: 'address mismatch',
  13: 'excessive remote peers',
};

/** Undefined for whatever is no reply to this mapping. Never throws. */
export function decodePcpReply(bytes: Uint8Array, nonce: Uint8Array): PortControlReply | undefined {
  const message = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (message.byteLength < 4) {
    return undefined;
  }
  const version = message.getUint8(0);
  const opcode = message.getUint8(1);
  if (version === NAT_PMP_VERSION && opcode >= PCP_IS_REPLY) {
    // A gateway that knows only NAT-PMP answers in its own form (RFC 6886 section 3.5).
    return { kind: 'refused', result: 'unsupported version' };
  }
  if (opcode !== (PCP_IS_REPLY | PCP_MAP) || message.byteLength < PCP_HEADER_OCTETS) {
    return undefined;
  }
  const result = message.getUint8(3);
  const isWhole = message.byteLength >= PCP_MAP_OCTETS;
  const isOurs =
    isWhole &&
    nonce.every((octet, index) => octet === message.getUint8(PCP_HEADER_OCTETS + index)) &&
    message.getUint8(36) === UDP &&
    message.getUint16(40) === DISCARD_PORT;
  if (result !== 0) {
    // A server that cannot read the request may send the header alone.
    return isOurs || !isWhole
      ? { kind: 'refused', result: PCP_RESULTS[result] ?? `result ${result}` }
      : undefined;
  }
  if (!isOurs || version !== PCP_VERSION) {
    return undefined;
  }
  const address = unmapped([...bytes.subarray(44, 60)]);
  return address === undefined ? undefined : { kind: 'address', address };
}

/** IPv4 within IPv6: ::ffff:a.b.c.d (RFC 6887 section 5). */
function mapped(ipv4: string): number[] {
  return [...new Array<number>(10).fill(0), 0xff, 0xff, ...ipv4.split('.').map(Number)];
}

function unmapped(octets: readonly number[]): string | undefined {
  const isMapped =
    octets.slice(0, 10).every((octet) => octet === 0) && octets[10] === 0xff && octets[11] === 0xff;
  const text = addressText(isMapped ? octets.slice(12) : octets);
  return text === undefined ? undefined : parseAddress(text)?.canonical;
}
