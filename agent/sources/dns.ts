/**
 * Source `dns`: name servers that answer with the address of whoever asks, asked directly and never through a
 * resolver. The transport's family decides which address it is. Whoever intercepts port 53 answers with an
 * address of its own: two operators with different ways of asking must agree, and signs of a resolver in
 * between are refused.
 */
import type { Family } from '../core/address.ts';
import type { Dns, DnsQuestion, DnsReply } from '../ports.ts';
import type { Operator } from './panel.ts';

const DNS_PORT = 53;

interface Whoami {
  operator: string;
  servers: Record<Family, string>;
  question(family: Family): DnsQuestion;
  /** Only the authority itself sees us; an answer without AA came through a resolver. */
  authoritative: boolean;
}

/** Addresses and names: the operators' own pages on their resolvers, and `dig` recipes that name ns1.google.com. */
const WHOAMIS: readonly Whoami[] = [
  {
    operator: 'Cloudflare',
    servers: { ipv4: '1.1.1.1', ipv6: '2606:4700:4700::1111' },
    question: () => ({ name: 'whoami.cloudflare', type: 'TXT', class: 'CH', recursionDesired: true }),
    authoritative: false,
  },
  {
    operator: 'OpenDNS',
    servers: { ipv4: '208.67.222.222', ipv6: '2620:119:35::35' },
    question: (family) => ({
      name: 'myip.opendns.com',
      type: family === 'ipv4' ? 'A' : 'AAAA',
      recursionDesired: true,
    }),
    authoritative: false,
  },
  {
    operator: 'Google',
    servers: { ipv4: '216.239.32.10', ipv6: '2001:4860:4802:32::a' },
    question: () => ({ name: 'o-o.myaddr.l.google.com', type: 'TXT', recursionDesired: false }),
    authoritative: true,
  },
];

export interface WhoamiParts {
  dns: Dns;
  /** Only for tests: where the servers are instead. */
  whoamis?: readonly Whoami[];
  port?: number;
}

export function dnsOperators({ dns, whoamis = WHOAMIS, port = DNS_PORT }: WhoamiParts): Operator[] {
  return whoamis.map(({ operator, servers, question, authoritative }) => ({
    name: operator,
    families: ['ipv4', 'ipv6'],
    async ask(wan, family) {
      const asked = question(family);
      const result = await dns.ask({ address: servers[family], port }, asked, wan.local);
      if (result.kind === 'failed') {
        return { fault: result.failure.code };
      }
      const { reply } = result;
      if (reply.rcode !== 'NOERROR') {
        return { fault: reply.rcode };
      }
      if (authoritative && !reply.authoritative) {
        return { fault: 'answered by a resolver' };
      }
      return onlyAnswer(reply, asked);
    },
  }));
}

/** Exactly one record: with a client subnet (RFC 7871) a second text shows that a resolver asked for us. */
function onlyAnswer(reply: DnsReply, { name, type }: DnsQuestion): { address: string } | { fault: string } {
  const [answer, ...more] = reply.answers.filter((record) => record.name === name && record.type === type);
  return answer === undefined || more.length > 0 || reply.answers.length > 1
    ? { fault: 'not one record' }
    : { address: answer.value };
}
