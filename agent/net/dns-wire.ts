/** DNS messages on the wire: a query, and a reply judged against the query that it should answer. */
import * as packet from 'dns-packet';
import type { DnsQuestion, DnsRecord, DnsReply } from '../ports.ts';

/** The size that passes unfragmented nearly everywhere (RFC 6891 section 6.2; DNS flag day 2020). */
const EDNS_UDP_OCTETS = 1232;
const HEADER_OCTETS = 12;
/** More records than an honest answer to our questions has; the counts come before any memory is spent. */
const MAX_RECORDS = 512;

export interface DnsQuery {
  /** 0 to 65535; must be unpredictable (RFC 5452 section 4). */
  id: number;
  question: DnsQuestion;
  edns: boolean;
}

/** `foreign`: not an answer to the query, to be ignored. `broken`: an answer that cannot be read. */
export type DecodedReply =
  | { kind: 'reply'; reply: Omit<DnsReply, 'transport'> }
  | { kind: 'truncated' }
  | { kind: 'foreign' }
  | { kind: 'broken' };

/** The message, or undefined when the name cannot be one (RFC 1035 section 2.3.4: labels of 63, 253 in all). */
export function encodeQuery({ id, question, edns }: DnsQuery): Uint8Array | undefined {
  const name = question.name.replace(/\.$/, '');
  const labels = name.split('.');
  if (name !== '' && (name.length > 253 || !labels.every((label) => /^[\x21-\x7e]{1,63}$/.test(label)))) {
    return undefined;
  }
  return packet.encode({
    type: 'query',
    id,
    flags: question.recursionDesired ? packet.RECURSION_DESIRED : 0,
    questions: [{ name: name === '' ? '.' : name, type: question.type, class: 'IN' }],
    additionals: edns ? [optRecord()] : [],
  });
}

function optRecord(): packet.OptAnswer {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize: EDNS_UDP_OCTETS,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}

/**
 * Reads a reply. Id, QR and question must be those of the query (RFC 5452 section 9.1). Never throws,
 * whatever the octets are.
 */
export function decodeReply(bytes: Uint8Array, query: DnsQuery): DecodedReply {
  const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (
    message.length < HEADER_OCTETS ||
    message.readUInt16BE(0) !== query.id ||
    (message.readUInt8(2) & 0x80) === 0
  ) {
    return { kind: 'foreign' };
  }
  const questions = message.readUInt16BE(4);
  const records = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10);
  const headerRcode = message.readUInt8(3) & 0x0f;
  // Old servers send back the bare header with an error; a bare header without one answers nothing.
  if (questions > 1 || (questions === 0 && (headerRcode === 0 || records > 0))) {
    return { kind: 'foreign' };
  }
  if (questions === 1 && !answersQuestion(message, query.question)) {
    return { kind: 'foreign' };
  }
  if ((message.readUInt8(2) & 0x02) !== 0) {
    return { kind: 'truncated' };
  }
  if (records > MAX_RECORDS) {
    return { kind: 'broken' };
  }
  const decoded = decodeMessage(message);
  return decoded === undefined
    ? { kind: 'broken' }
    : { kind: 'reply', reply: readReply(decoded, headerRcode) };
}

function decodeMessage(message: Buffer): packet.DecodedPacket | undefined {
  try {
    return packet.decode(message);
  } catch {
    return undefined;
  }
}

function answersQuestion(message: Buffer, wanted: DnsQuestion): boolean {
  // Without its records, so that a reply that was cut short can still be recognised.
  const head = Buffer.from(message);
  head.fill(0, 6, HEADER_OCTETS);
  const asked = decodeMessage(head)?.questions?.[0];
  return (
    asked !== undefined &&
    asked.type === wanted.type &&
    asked.class === 'IN' &&
    plainName(asked.name) === plainName(wanted.name)
  );
}

function readReply(decoded: packet.DecodedPacket, headerRcode: number): Omit<DnsReply, 'transport'> {
  const opt = decoded.additionals?.find((record) => record.type === 'OPT');
  return {
    rcode: rcodeName(((opt?.extendedRcode ?? 0) << 4) | headerRcode),
    authoritative: decoded.flag_aa,
    answers: readRecords(decoded.answers),
    authorities: readRecords(decoded.authorities),
    additionals: readRecords(decoded.additionals),
  };
}

/** IANA's names; 16 and above need EDNS (RFC 6891 section 6.1.3). */
const RCODES: Record<number, string> = {
  0: 'NOERROR',
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
  6: 'YXDOMAIN',
  7: 'YXRRSET',
  8: 'NXRRSET',
  9: 'NOTAUTH',
  10: 'NOTZONE',
  16: 'BADVERS',
  23: 'BADCOOKIE',
};

function rcodeName(rcode: number): string {
  return RCODES[rcode] ?? `RCODE${rcode}`;
}

/** Records of other classes, and types whose content nobody here reads, are left out. */
function readRecords(records: readonly packet.Answer[] = []): DnsRecord[] {
  return records.flatMap((record) => {
    if (record.type === 'OPT' || record.class !== 'IN') {
      return [];
    }
    const value = recordValue(record);
    return value === undefined
      ? []
      : [{ name: plainName(record.name), type: record.type, ttlSec: record.ttl ?? 0, value }];
  });
}

function recordValue(record: Exclude<packet.Answer, packet.OptAnswer>): string | undefined {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.data;
    case 'NS':
    case 'CNAME':
    case 'DNAME':
    case 'PTR':
      return plainName(record.data);
    case 'TXT':
      return (Array.isArray(record.data) ? record.data : [record.data]).map(String).join('');
    case 'SOA': {
      const { mname, rname, serial, refresh, retry, expire, minimum } = record.data;
      return [plainName(mname), plainName(rname), serial, refresh, retry, expire, minimum].join(' ');
    }
    default:
      return undefined;
  }
}

/** Lower case, no final dot, empty for the root; octets that do not belong into a host name or a log become `?`. */
function plainName(name: string): string {
  return name
    .replace(/\.$/, '')
    .replace(/[^\x21-\x7e]/g, '?')
    .toLowerCase();
}
