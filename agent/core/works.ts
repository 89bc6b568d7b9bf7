/** Does a name work for the world right now? Judged by the DNS alone; what the provider says does not count. */
import type { DnsAxes } from './health.ts';

/** `unknown`: not checked, cannot be checked, or a new address is still spreading. */
export type Works = 'yes' | 'no' | 'unknown';

export function worksOf({ delegation, authority, publicView }: DnsAxes): Works {
  if (publicView?.verdict === 'failed') {
    // Right servers help nobody whose resolver does not believe them (a broken signature, for instance).
    return 'no';
  }
  if (authority?.verdict === 'ok' || authority?.verdict === 'warning') {
    return 'yes';
  }
  if (authority?.verdict === 'failed' || delegation?.verdict === 'failed') {
    return 'no';
  }
  // From here the servers cannot be asked, and others can: over HTTPS, if need be.
  return authority?.verdict === 'unknown' && publicView?.verdict === 'ok' ? 'yes' : 'unknown';
}
