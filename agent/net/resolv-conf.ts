import { parseAddress } from '../core/address.ts';
import type { DnsServer } from '../ports.ts';

/** The name servers of a resolv.conf(5); a zone index stays with its link-local address. */
export function resolversOf(resolvConf: string | undefined): DnsServer[] {
  return (resolvConf ?? '').split('\n').flatMap((line) => {
    const address = /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? '';
    return parseAddress(address.replace(/%.*$/, '')) ? [{ address, port: 53 }] : [];
  });
}
