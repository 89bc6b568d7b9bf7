/** Source `stun` (RFC 8489): servers that answer one datagram with the address it came from. */
import type { Datagrams } from '../ports.ts';
import type { Operator, Vote } from './panel.ts';
import { decodeBindingReply, encodeBindingRequest, TRANSACTION_OCTETS } from './stun-wire.ts';

const STUN_PORT = 3478;
/** As section 6.2.1 wants it (500 ms, doubling), but three times only: there are other servers. */
const SEND_AT_MS = [0, 500, 1500];
const TIMEOUT_MS = 3500;

export interface StunServer {
  operator: string;
  host: string;
  port: number;
}

/** No promise of anybody: WebRTC needs such servers, and these have long been in its examples. */
export const STUN_SERVERS: readonly StunServer[] = [
  { operator: 'Google', host: 'stun.l.google.com', port: 19302 },
  { operator: 'Cloudflare', host: 'stun.cloudflare.com', port: STUN_PORT },
  { operator: 'Nextcloud', host: 'stun.nextcloud.com', port: STUN_PORT },
  { operator: 'sipgate', host: 'stun.sipgate.net', port: STUN_PORT },
];

/** The servers that the owner has named, as `HOST`, `HOST:PORT` or `[ADDRESS]:PORT`. */
export function ownStunServers(servers: readonly string[]): StunServer[] {
  const seen = new Set<string>();
  return servers.flatMap((text): StunServer[] => {
    const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
    const host = (bracketed ?? plain)?.toLowerCase();
    if (host === undefined || seen.has(host)) {
      return [];
    }
    seen.add(host);
    return [{ operator: host, host, port: port === undefined ? STUN_PORT : Number(port) }];
  });
}

export function stunOperators(servers: readonly StunServer[], datagrams: Datagrams): Operator[] {
  return servers.map(({ operator, host, port }) => ({
    name: operator,
    families: ['ipv4', 'ipv6'],
    async ask(wan, family): Promise<Vote> {
      const transactionId = datagrams.randomOctets(TRANSACTION_OCTETS);
      const result = await datagrams.exchange({
        to: [{ host, port }],
        family,
        from: wan.local,
        message: encodeBindingRequest(transactionId),
        sendAtMs: SEND_AT_MS,
        timeoutMs: TIMEOUT_MS,
        accept: (bytes) => decodeBindingReply(bytes, transactionId),
      });
      if (!result.ok) {
        return { fault: result.fault };
      }
      return result.value.kind === 'mapped'
        ? { address: result.value.address }
        : { fault: `error ${result.value.code}` };
    },
  }));
}
