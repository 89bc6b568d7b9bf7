/**
 * DNS messages on the wire (RFC 1035 section 4): a query, and a reply judged against the query that it should
 * answer. Written on DataView alone, so that it runs on every runtime.
 */
import { parseAddress } from '../core/address.ts';
import type { DnsQuestion, DnsRecord, DnsReply, DnsType } from '../ports.ts';

const HEADER_OCTETS = 12;
/** Type, class, TTL and the length of the content. */
const RECORD_HEAD_OCTETS = 10;
const TYPE_OPT = 41;
const CLASSES = { IN: 1, CH: 3 } as const;
const FLAG_QR = 0x8000;
const FLAG_AA = 0x0400;
const FLAG_TC = 0x0200;
const FLAG_RD = 0x0100;
/** The size that passes unfragmented nearly everywhere (RFC 6891 section 6.2; DNS flag day 2020). */
const EDNS_UDP_OCTETS = 1232;
/** Root name, type, size, then neither flags nor options (RFC 6891 section 6.1.2). */
const OPT_OCTETS = 11;
/** More records than an honest answer to our questions has; the counts come before any memory is spent. */
const MAX_RECORDS = 512;
/** On the wire, length octets included (RFC 1035 section 2.3.4). */
const MAX_NAME_OCTETS = 255;
/** As many as the labels of the longest name: then the time for one name has a limit. */
const MAX_POINTERS = 127;
/** A dot within a label would make another name of it. */
const NOT_IN_LABEL = /[^\x21-\x2d\x2f-\x7e]/g;
const NOT_IN_TEXT = /[^\x20-\x7e]/g;

const TYPES: Record<DnsType, number> = { A: 1, NS: 2, CNAME: 5, SOA: 6, TXT: 16, AAAA: 28 };

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
  const labels = name === '' ? [] : name.split('.');
  if (name.length > 253 || !labels.every((label) => /^[\x21-\x7e]{1,63}$/.test(label))) {
    return undefined;
  }
  const nameOctets = labels.reduce((sum, label) => sum + 1 + label.length, 1);
  const questionEnd = HEADER_OCTETS + nameOctets + 4;
  const message = new DataView(new ArrayBuffer(questionEnd + (edns ? OPT_OCTETS : 0)));
  message.setUint16(0, id);
  message.setUint16(2, question.recursionDesired ? FLAG_RD : 0);
  message.setUint16(4, 1);
  message.setUint16(10, edns ? 1 : 0);
  let at = HEADER_OCTETS;
  for (const label of labels) {
    message.setUint8(at++, label.length);
    for (let index = 0; index < label.length; index++) {
      message.setUint8(at++, label.charCodeAt(index));
    }
  }
  message.setUint16(questionEnd - 4, TYPES[question.type]);
  message.setUint16(questionEnd - 2, classOf(question));
  if (edns) {
    message.setUint16(questionEnd + 1, TYPE_OPT);
    message.setUint16(questionEnd + 3, EDNS_UDP_OCTETS);
  }
  return new Uint8Array(message.buffer);
}

/**
 * Reads a reply. Id, QR and question must be those of the query (RFC 5452 section 9.1). Never throws,
 * whatever the octets are, and takes time in proportion to their number.
 */
export function decodeReply(bytes: Uint8Array, query: DnsQuery): DecodedReply {
  const message = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (message.byteLength < HEADER_OCTETS || message.getUint16(0) !== query.id) {
    return { kind: 'foreign' };
  }
  const flags = message.getUint16(2);
  const questions = message.getUint16(4);
  const records = message.getUint16(6) + message.getUint16(8) + message.getUint16(10);
  // Old servers send back the bare header with an error; a bare header without one answers nothing.
  if ((flags & FLAG_QR) === 0 || questions > 1 || (questions === 0 && ((flags & 15) === 0 || records > 0))) {
    return { kind: 'foreign' };
  }
  // The question alone tells whose reply it is, so that one that was cut short is still recognised.
  const recordsAt = questions === 0 ? HEADER_OCTETS : readSafely(() => questionEnd(message, query.question));
  if (recordsAt === undefined) {
    return { kind: 'foreign' };
  }
  if ((flags & FLAG_TC) !== 0) {
    return { kind: 'truncated' };
  }
  const reply =
    records > MAX_RECORDS
      ? undefined
      : readSafely(() => readReply(message, recordsAt, classOf(query.question)));
  return reply === undefined ? { kind: 'broken' } : { kind: 'reply', reply };
}

function classOf(question: DnsQuestion): number {
  return CLASSES[question.class ?? 'IN'];
}

/** What lies outside the message makes DataView throw a RangeError; `malformed` does the same. */
function readSafely<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) {
      return undefined;
    }
    throw error;
  }
}

function malformed(): never {
  throw new RangeError();
}

/** Where the question ends; undefined when another one was asked. */
function questionEnd(message: DataView, wanted: DnsQuestion): number | undefined {
  const { name, end } = readName(message, HEADER_OCTETS);
  const isOurs =
    name === wanted.name.replace(/\.$/, '').toLowerCase() &&
    message.getUint16(end) === TYPES[wanted.type] &&
    message.getUint16(end + 2) === classOf(wanted);
  return isOurs ? end + 4 : undefined;
}

function readReply(message: DataView, recordsAt: number, ofClass: number): Omit<DnsReply, 'transport'> {
  const flags = message.getUint16(2);
  const answers = readSection(message, recordsAt, message.getUint16(6), ofClass);
  const authorities = readSection(message, answers.end, message.getUint16(8), ofClass);
  const additionals = readSection(message, authorities.end, message.getUint16(10), ofClass);
  const rcode = ((additionals.extendedRcode ?? 0) << 4) | (flags & 15);
  return {
    rcode: RCODES[rcode] ?? `RCODE${rcode}`,
    authoritative: (flags & FLAG_AA) !== 0,
    answers: answers.records,
    authorities: authorities.records,
    additionals: additionals.records,
  };
}

interface Section {
  records: DnsRecord[];
  end: number;
  /** The upper eight bits of the rcode, from the OPT record. */
  extendedRcode?: number;
}

/** Records of other classes, and types whose content nobody here reads, are left out. */
function readSection(message: DataView, start: number, count: number, ofClass: number): Section {
  const section: Section = { records: [], end: start };
  for (let read = 0; read < count; read++) {
    const { name, end: head } = readName(message, section.end);
    const type = message.getUint16(head);
    const content = head + RECORD_HEAD_OCTETS;
    const end = content + message.getUint16(head + 8);
    if (end > message.byteLength) {
      malformed();
    }
    section.end = end;
    if (type === TYPE_OPT) {
      section.extendedRcode = message.getUint8(head + 4);
    } else if (message.getUint16(head + 2) === ofClass) {
      const known = readContent(message, type, content, end);
      // RFC 2181 section 8: a TTL with the highest bit set counts as zero.
      const ttlSec = Math.max(message.getInt32(head + 4), 0);
      section.records.push(...(known === undefined ? [] : [{ name, ttlSec, ...known }]));
    }
  }
  return section;
}

/** The content must fill its length exactly. */
function readContent(
  message: DataView,
  type: number,
  start: number,
  end: number,
): Pick<DnsRecord, 'type' | 'value'> | undefined {
  switch (type) {
    case TYPES.A:
      return { type: 'A', value: readIpv4(message, start, end) };
    case TYPES.AAAA:
      return { type: 'AAAA', value: readIpv6(message, start, end) };
    case TYPES.NS:
      return { type: 'NS', value: readWholeName(message, start, end) };
    case TYPES.CNAME:
      return { type: 'CNAME', value: readWholeName(message, start, end) };
    case TYPES.SOA:
      return { type: 'SOA', value: readSoa(message, start, end) };
    case TYPES.TXT:
      return { type: 'TXT', value: readTexts(message, start, end) };
    default:
      return undefined;
  }
}

function readIpv4(message: DataView, start: number, end: number): string {
  return end - start === 4
    ? [0, 1, 2, 3].map((index) => message.getUint8(start + index)).join('.')
    : malformed();
}

function readIpv6(message: DataView, start: number, end: number): string {
  if (end - start !== 16) {
    malformed();
  }
  const groups = [0, 2, 4, 6, 8, 10, 12, 14].map((index) => message.getUint16(start + index).toString(16));
  return parseAddress(groups.join(':'))?.canonical ?? malformed();
}

function readWholeName(message: DataView, start: number, end: number): string {
  const read = readName(message, start);
  return read.end === end ? read.name : malformed();
}

function readSoa(message: DataView, start: number, end: number): string {
  const primary = readName(message, start);
  const mailbox = readName(message, primary.end);
  if (end - mailbox.end !== 20) {
    malformed();
  }
  const numbers = [0, 4, 8, 12, 16].map((index) => message.getUint32(mailbox.end + index));
  return [primary.name, mailbox.name, ...numbers].join(' ');
}

/** The strings of a TXT record belong together (RFC 7208 section 3.3 reads them so). */
function readTexts(message: DataView, start: number, end: number): string {
  let text = '';
  let at = start;
  while (at < end) {
    const next = at + 1 + message.getUint8(at);
    if (next > end) {
      malformed();
    }
    text += readText(message, at + 1, next, NOT_IN_TEXT);
    at = next;
  }
  return text;
}

/**
 * A name, and where it ends in place. Lower case, no final dot, empty for the root. Pointers (RFC 1035 section
 * 4.1.4) must lead back, before all that was read of this name, so that no name can go round in circles.
 */
function readName(message: DataView, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let octets = 1;
  let pointers = 0;
  let end: number | undefined;
  let segment = start;
  let at = start;
  for (let length = message.getUint8(at); length !== 0; length = message.getUint8(at)) {
    if (length >= 0xc0) {
      const target = message.getUint16(at) & 0x3fff;
      if (target >= segment || ++pointers > MAX_POINTERS) {
        malformed();
      }
      end ??= at + 2;
      segment = target;
      at = target;
    } else {
      octets += 1 + length;
      // The two other kinds of label (upper bits 01 and 10) never came into use.
      if (length > 63 || octets > MAX_NAME_OCTETS) {
        malformed();
      }
      labels.push(readText(message, at + 1, at + 1 + length, NOT_IN_LABEL).toLowerCase());
      at += 1 + length;
    }
  }
  return { name: labels.join('.'), end: end ?? at + 1 };
}

/** Octets as ASCII; whatever else, a control character for instance, becomes `?` before it gets into a log. */
function readText(message: DataView, start: number, end: number, others: RegExp): string {
  let text = '';
  for (let at = start; at < end; at++) {
    text += String.fromCharCode(message.getUint8(at));
  }
  return text.replace(others, '?');
}
