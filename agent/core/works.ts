/** Does a name work for the world right now? Judged by the DNS alone; what the provider says does not count. */
import type { DnsAxes } from './health.ts';

/** `unknown`: not checked, cannot be checked, or a new address is still spreading. */
export type Works = 'yes' | 'no' | 'unknown';

export function worksOf({ delegation, authority }: DnsAxes): Works {
  if (authority?.verdict === 'ok') {
    return 'yes';
  }
  if (authority?.verdict === 'failed' || delegation?.verdict === 'failed') {
    return 'no';
  }
  return authority?.verdict === 'warning' ? 'yes' : 'unknown';
}
