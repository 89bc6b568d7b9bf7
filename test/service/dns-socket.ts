/** DNS over UDP and TCP: a listener that answers and a client that asks, with `dns-packet` on the wire. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, createServer, isIPv6, type Socket } from 'node:net';
import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  type DecodedPacket,
  decode,
  encode,
  type OptAnswer,
  type Question,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from 'dns-packet';
import { emptyReply, type Reply, rcodes } from './zone.ts';

export type Transport = 'udp' | 'tcp';

export interface DnsQuery {
  name: string;
  type: string;
  transport: Transport;
  recursionDesired: boolean;
  /** Did the question carry EDNS? */
  edns: boolean;
  remoteAddress: string;
}

/** `drop`: no answer at all. `garbage`: no DNS message. `truncate`: an empty answer with TC over UDP. */
export type DnsAnswer = (Reply & { recursionAvailable?: boolean; truncate?: boolean }) | 'drop' | 'garbage';

export interface DnsListener {
  port: number;
  close(): Promise<void>;
}

/** The size announced and used as the most for UDP (the value of the 2020 DNS flag day). */
const ednsBytes = 1232;
/** Without EDNS (RFC 1035 section 4.2.1). */
const plainUdpBytes = 512;
const badVersion = 16;
const garbage = Buffer.from('these bytes are no DNS message at all');

/** Told of each port of a client that will get no answer: whoever plays with time need not wait for one. */
export type OnSilence = (remotePort: number) => void;

/** Serves one address over UDP and TCP on the same port. Port 0 picks one. Rejects with EADDRINUSE. */
export async function listenDns(
  address: string,
  port: number,
  respond: (query: DnsQuery) => DnsAnswer | Promise<DnsAnswer>,
  onSilence: OnSilence = () => {},
): Promise<DnsListener> {
  const udp = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4' });
  const connections = new Set<Socket>();
  const tcp = createServer((socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket)).on('error', () => socket.destroy());
    readMessages(socket, async (message) => {
      const bytes = await replyBytes(message, 'tcp', socket.remoteAddress ?? '', respond);
      if (bytes && !socket.destroyed) socket.write(framed(bytes));
      if (!bytes || bytes === garbage) onSilence(socket.remotePort ?? 0);
    });
  });
  udp.on('message', async (message, peer) => {
    const bytes = await replyBytes(message, 'udp', peer.address, respond);
    // A late reply may find the socket closed.
    if (bytes && !closed) udp.send(bytes, peer.port, peer.address, () => {});
    if (!bytes || bytes === garbage) onSilence(peer.port);
  });
  let closed = false;
  async function close(): Promise<void> {
    if (closed) return;
    closed = true;
    for (const socket of connections) socket.destroy();
    await Promise.all([
      new Promise<void>((done) => udp.close(() => done())),
      new Promise<void>((done) => tcp.close(() => done())),
    ]);
  }
  try {
    await new Promise<void>((bound, failed) => {
      udp.once('error', failed).bind(port, address, () => bound());
    });
  } catch (error) {
    closed = true;
    udp.close();
    throw error;
  }
  udp.removeAllListeners('error').on('error', () => {});
  const chosen = udp.address().port;
  try {
    await new Promise<void>((bound, failed) => {
      tcp.once('error', failed).listen(chosen, address, () => bound());
    });
  } catch (error) {
    await close();
    throw error;
  }
  return { port: chosen, close };
}

/** Foreign bytes in, the answer's bytes out; undefined means silence. Never throws. */
export async function replyBytes(
  message: Buffer,
  transport: Transport,
  remoteAddress: string,
  respond: (query: DnsQuery) => DnsAnswer | Promise<DnsAnswer>,
): Promise<Buffer | undefined> {
  if (message.length < 12 || message.readUInt16BE(2) >= 0x8000) return undefined;
  const id = message.readUInt16BE(0);
  const query = tryDecode(message);
  const question = query?.questions?.[0];
  const opcode = (message.readUInt16BE(2) >> 11) & 15;
  if (opcode !== 0) return encodeReply(id, undefined, emptyReply(rcodes.NOTIMP), undefined, transport);
  if (!query || !question || query.questions?.length !== 1 || !isPlainName(question.name)) {
    return encodeReply(id, undefined, emptyReply(rcodes.FORMERR), undefined, transport);
  }
  const edns = query.additionals?.find((record): record is OptAnswer => record.type === 'OPT');
  if (edns && edns.ednsVersion !== 0) {
    return encodeReply(id, query, emptyReply(badVersion), edns, transport);
  }
  if (question.class !== 'IN' || ['ANY', 'AXFR', 'IXFR'].includes(String(question.type))) {
    return encodeReply(id, query, emptyReply(rcodes.REFUSED), edns, transport);
  }
  const answer = await respond({
    name: question.name,
    type: question.type,
    transport,
    recursionDesired: query.flag_rd,
    edns: edns !== undefined,
    remoteAddress,
  });
  if (answer === 'garbage') return garbage;
  return answer === 'drop' ? undefined : encodeReply(id, query, answer, edns, transport);
}

function encodeReply(
  id: number,
  query: DecodedPacket | undefined,
  answer: Exclude<DnsAnswer, string>,
  edns: OptAnswer | undefined,
  transport: Transport,
): Buffer {
  const flags =
    (answer.rcode & 15) |
    (answer.authoritative ? AUTHORITATIVE_ANSWER : 0) |
    (answer.recursionAvailable ? RECURSION_AVAILABLE : 0) |
    (query?.flag_rd ? RECURSION_DESIRED : 0);
  // The question goes back octet for octet: clients may mix the case of its letters (RFC 5452 section 9).
  const questions = query?.questions ?? [];
  const opt: Answer[] = edns ? [optRecord(answer.rcode >> 4)] : [];
  const whole = encode({
    type: 'response',
    id,
    flags,
    questions,
    answers: answer.answers,
    authorities: answer.authorities,
    additionals: [...answer.additionals, ...opt],
  });
  const limit = edns ? Math.min(Math.max(edns.udpPayloadSize, plainUdpBytes), ednsBytes) : plainUdpBytes;
  if (transport === 'tcp' || (whole.length <= limit && !answer.truncate)) return whole;
  return encode({ type: 'response', id, flags: flags | TRUNCATED_RESPONSE, questions, additionals: opt });
}

function optRecord(extendedRcode: number): OptAnswer {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize: ednsBytes,
    extendedRcode,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}

function tryDecode(message: Buffer): DecodedPacket | undefined {
  try {
    return decode(message);
  } catch {
    return undefined;
  }
}

/** Names that survive decoding and encoding unchanged. */
function isPlainName(name: string): boolean {
  return name === '.' || /^[!-~]+$/.test(name);
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** Cuts a TCP stream into DNS messages (RFC 1035 section 4.2.2). */
function readMessages(socket: Socket, onMessage: (message: Buffer) => void): void {
  let pending = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      onMessage(pending.subarray(2, end));
      pending = pending.subarray(end);
    }
  });
}

export interface AskOptions {
  timeoutMs: number;
  recursionDesired?: boolean;
  /** `udp` goes on over TCP when the answer is truncated; `udp-only` does not. */
  transport?: Transport | 'udp-only';
  localAddress?: string;
  edns?: boolean;
  /** Told the port that the question leaves from, and how to give up before the time is over. */
  onPort?: (port: number, giveUp: () => void) => void;
}

export interface DnsAnswered {
  rcode: number;
  packet: DecodedPacket;
  transport: Transport;
  bytes: number;
}

/** Asks one server once. Undefined when no valid answer came in time. */
export async function askDns(
  server: { address: string; port: number },
  question: { name: string; type: string },
  options: AskOptions,
): Promise<DnsAnswered | undefined> {
  const id = Math.floor(Math.random() * 0x1_0000);
  const request = questionBytes(question, { ...options, id });
  const transport: Transport = options.transport === 'tcp' ? 'tcp' : 'udp';
  const exchange = transport === 'tcp' ? exchangeTcp : exchangeUdp;
  const message = await exchange(server, request, options);
  const answered = message && answeredOf(message, transport);
  if (answered?.packet.id !== id) return undefined;
  if (answered.packet.flag_tc && options.transport !== 'udp-only' && transport === 'udp') {
    return askDns(server, question, { ...options, transport: 'tcp' });
  }
  return answered;
}

/** The octets of a question. RFC 8484 section 4.1 wants the id 0, which is the default. */
export function questionBytes(
  question: { name: string; type: string },
  options: { id?: number; recursionDesired?: boolean; edns?: boolean },
): Buffer {
  return encode({
    type: 'query',
    id: options.id ?? 0,
    flags: options.recursionDesired ? RECURSION_DESIRED : 0,
    // Any type may be asked; `dns-packet` declares only those it decodes.
    questions: [{ name: question.name, type: question.type as Question['type'] }],
    additionals: options.edns === false ? [] : [optRecord(0)],
  });
}

/** What a message says; undefined when it is no answer. */
export function answeredOf(message: Buffer, transport: Transport): DnsAnswered | undefined {
  const packet = tryDecode(message);
  if (!packet?.flag_qr) return undefined;
  return { rcode: (packet.flags ?? 0) & 15, packet, transport, bytes: message.length };
}

function exchangeUdp(
  server: { address: string; port: number },
  request: Buffer,
  options: AskOptions,
): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket: UdpSocket = createSocket({ type: isIPv6(server.address) ? 'udp6' : 'udp4' });
    let open = true;
    function finish(message?: Buffer): void {
      clearTimeout(timer);
      if (open) socket.removeAllListeners('message').close();
      open = false;
      resolve(message);
    }
    const timer = setTimeout(finish, options.timeoutMs);
    socket.on('error', () => {});
    socket.on('message', (message, peer) => {
      if (peer.address === server.address && peer.port === server.port) finish(message);
    });
    socket.bind(0, options.localAddress, () => {
      options.onPort?.(socket.address().port, finish);
      socket.send(request, server.port, server.address, () => {});
    });
  });
}

function exchangeTcp(
  server: { address: string; port: number },
  request: Buffer,
  options: AskOptions,
): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: server.address, port: server.port, localAddress: options.localAddress });
    function finish(message?: Buffer): void {
      clearTimeout(timer);
      socket.destroy();
      resolve(message);
    }
    const timer = setTimeout(finish, options.timeoutMs);
    socket.on('error', () => finish()).on('close', () => finish());
    socket.on('connect', () => options.onPort?.(socket.localPort ?? 0, finish));
    readMessages(socket, finish);
    socket.write(framed(request));
  });
}
