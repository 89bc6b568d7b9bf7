/** Source `web`: HTTPS services that answer with the address they see. */
import type { Family } from '../core/address.ts';
import { FAMILIES } from '../core/address.ts';
import type { Http } from '../ports.ts';
import { type Echo, MAX_ECHO_OCTETS, readEcho } from './echoes.ts';
import type { AskedWan } from './outside.ts';
import type { Operator, Vote } from './panel.ts';

const PHASE_TIMEOUT_MS = 4000;
/** A service that is overrun is left alone for so long. */
const REST_MS = 3_600_000;

export interface WebParts {
  http: Http;
  userAgent(): string;
}

export function webOperators(echoes: readonly Echo[], { http, userAgent }: WebParts): Operator[] {
  return echoes.map(({ operator, form, urls }) => ({
    name: operator,
    families: FAMILIES.filter((family) => urls[family] !== undefined),
    async ask(wan: AskedWan, family: Family): Promise<Vote> {
      const result = await http.request({
        method: 'GET',
        url: urls[family] ?? '',
        headers: { 'user-agent': userAgent(), accept: 'text/plain, */*;q=0.1' },
        family,
        via: { device: wan.device, [family]: wan.local },
        redirects: 'refuse',
        phaseTimeoutMs: PHASE_TIMEOUT_MS,
        maxBodyBytes: MAX_ECHO_OCTETS[form],
      });
      // Nothing more to ask there for minutes.
      http.idle();
      if (result.kind === 'failed') {
        return { fault: result.failure.code };
      }
      const { status, body, truncated } = result.reply;
      if (status !== 200) {
        return { fault: `status ${status}`, ...((status === 429 || status === 503) && { restMs: REST_MS }) };
      }
      const address = truncated ? undefined : readEcho(body, form, family);
      return address === undefined ? { fault: 'not one address' } : { address };
    },
  }));
}
