/** DNS messages over Node's sockets. */
import * as dgram from 'node:dgram';
import * as net from 'node:net';
import type { DnsExchange, DnsServer, DnsTransport, Exchanged, ExchangeFault } from '../ports.ts';

type Offer = (message: Uint8Array) => void;
type Fail = (fault: ExchangeFault) => void;
type Close = () => void;

/** UDP and TCP exchanges; the kernel picks a random source port for each (RFC 6056). */
export function nodeExchange(): DnsExchange {
  return <T>(
    transport: DnsTransport,
    server: DnsServer,
    message: Uint8Array,
    timeoutMs: number,
    accept: (message: Uint8Array) => T | undefined,
    localAddress?: string,
  ) =>
    new Promise<Exchanged<T>>((resolve) => {
      if (net.isIP(server.address) === 0) {
        resolve({ ok: false, fault: 'no-route' });
        return;
      }
      const timer = setTimeout(finish, timeoutMs, { ok: false, fault: 'timeout' });
      const open = transport === 'udp' ? openUdp : openTcp;
      const close = open(
        server,
        message,
        (reply) => {
          const value = accept(reply);
          if (value !== undefined) {
            finish({ ok: true, value });
          }
        },
        (fault) => finish({ ok: false, fault }),
        localAddress,
      );
      function finish(result: Exchanged<T>): void {
        clearTimeout(timer);
        close();
        resolve(result);
      }
    });
}

function openUdp(
  server: DnsServer,
  message: Uint8Array,
  offer: Offer,
  fail: Fail,
  localAddress?: string,
): Close {
  const socket = dgram.createSocket(net.isIPv6(server.address) ? 'udp6' : 'udp4');
  let open = true;
  socket.on('error', (error) => fail(faultOf(error)));
  socket.on('message', (reply) => open && offer(reply));
  socket.on('connect', () => socket.send(message, (error) => error && fail(faultOf(error))));
  // A connected socket hears this server alone, and hears of a closed port (ICMP).
  const connect = () => open && socket.connect(server.port, server.address);
  if (localAddress === undefined) {
    connect();
  } else {
    socket.bind({ address: localAddress, port: 0 }, connect);
  }
  return () => {
    if (open) {
      open = false;
      socket.close();
    }
  };
}

function openTcp(
  server: DnsServer,
  message: Uint8Array,
  offer: Offer,
  fail: Fail,
  localAddress?: string,
): Close {
  const socket = net.connect({
    host: server.address,
    port: server.port,
    noDelay: true,
    ...(localAddress !== undefined && { localAddress }),
  });
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  let received = Buffer.alloc(0);
  socket.on('error', (error) => fail(faultOf(error)));
  socket.on('close', () => fail('broken'));
  // Length and message in one segment (RFC 7766 section 8).
  socket.on('connect', () => socket.write(Buffer.concat([length, message])));
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      offer(received.subarray(2, end));
      received = received.subarray(end);
    }
  });
  return () => socket.destroy();
}

function faultOf(error: NodeJS.ErrnoException): ExchangeFault {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'refused';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'broken';
    case 'ETIMEDOUT':
      return 'timeout';
    default:
      return 'no-route';
  }
}
