/** What one answer of one server means. */
import { type Family, parseAddress, scopeOf } from '../../core/address.ts';
import type { AnswerKind, ServerAnswer } from '../../core/health.ts';
import type { DnsResult, DnsServer } from '../../ports.ts';

export interface NamedServer extends DnsServer {
  /** Empty for a resolver, which is known by its address. */
  name: string;
}

export const TYPES = { ipv4: 'A', ipv6: 'AAAA' } as const;

/** `recursive`: a resolver, whose answers need no authority. `own`: that of this network, which may filter. */
export type AnswerFrom = 'authority' | 'recursive' | 'own';

/** An answer and how long it took. */
export interface Timed {
  result: DnsResult;
  tookMs: number;
}

/**
 * only our address, with authority         ok
 * other or additional addresses            wrong
 * NOERROR without an address               no-data
 * NXDOMAIN                                 gone
 * REFUSED, NOTAUTH, or a referral upward   lame (RFC 9499: serves no such zone)
 * SERVFAIL and the rest                    fault
 * no answer                                unreachable
 * an address, but no authority             intercepted: a cache answers in the server's place
 * of this network's own resolver: NXDOMAIN, REFUSED, or an address that leads nowhere: blocked
 */
export function readAnswer(
  server: NamedServer,
  family: Family,
  wanted: readonly string[],
  from: AnswerFrom,
  { result, tookMs }: Timed,
): ServerAnswer {
  if (result.kind === 'failed') {
    const detail = `no answer (${result.failure.code})`;
    return { server: labelOf(server), family, kind: 'unreachable', detail };
  }
  const { rcode, authoritative, answers, authorities, transport } = result.reply;
  const records = answers.filter(({ type }) => type === TYPES[family]);
  const addresses = records.map(({ value }) => value).sort();
  const referral = addresses.length === 0 && authorities.some(({ type }) => type === 'NS');
  const alias = answers.findLast(({ type }) => type === 'CNAME');
  const found = `${addresses.join(' ') || 'none'}${alias ? ` by CNAME ${alias.value}` : ''}`;
  const said = referral ? `refers to ${authorities[0]?.name || 'the root'}` : found;
  const marks = [rcode, ...(authoritative ? ['AA'] : []), transport, `${Math.round(tookMs)} ms`];
  const trusted = authoritative || from !== 'authority';
  const kind = kindOf(rcode, trusted, referral, addresses, wanted);
  const isBlocked =
    from === 'own' && (kind === 'gone' || kind === 'lame' || (kind === 'wrong' && leadNowhere(addresses)));
  const ttlSec = Math.min(...records.map((record) => record.ttlSec));
  return {
    server: labelOf(server),
    family,
    kind: isBlocked ? 'blocked' : kind,
    detail: `${TYPES[family]} ${said} (${marks.join(', ')})`,
    addresses,
    ...(records.length > 0 && { ttlSec }),
  };
}

function kindOf(
  rcode: string,
  trusted: boolean,
  referral: boolean,
  addresses: readonly string[],
  wanted: readonly string[],
): AnswerKind {
  if (rcode === 'NXDOMAIN') {
    return trusted ? 'gone' : 'intercepted';
  }
  if (rcode === 'REFUSED' || rcode === 'NOTAUTH') {
    return 'lame';
  }
  if (rcode !== 'NOERROR') {
    return 'fault';
  }
  if (!trusted) {
    return referral ? 'lame' : 'intercepted';
  }
  if (addresses.length === 0) {
    return 'no-data';
  }
  return addresses.every((address) => wanted.includes(address)) ? 'ok' : 'wrong';
}

/** 0.0.0.0, ::, loopback, private: what filters give in place of an address. */
function leadNowhere(addresses: readonly string[]): boolean {
  return addresses.every((address) => {
    const parsed = parseAddress(address);
    return parsed && ['never', 'private', 'unique-local', 'link-local'].includes(scopeOf(parsed.canonical));
  });
}

export function labelOf({ name, address }: NamedServer): string {
  return name === '' ? address : `${name} (${address})`;
}
