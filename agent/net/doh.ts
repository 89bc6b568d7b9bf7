/** One DNS question over HTTPS (RFC 8484): GET, and the message in the query. */
import type { Failure } from '../core/failure.ts';
import { base64url } from '../core/octets.ts';
import type { DnsOverHttps, DnsQuestion, DnsResult, Http, HttpReply } from '../ports.ts';
import { decodeReply, encodeQuery } from './dns-wire.ts';

const MEDIA_TYPE = 'application/dns-message';
const PHASE_TIMEOUT_MS = 5_000;
const MAX_MESSAGE_OCTETS = 65_535;

/** Never rejects. */
export function dnsOverHttps(http: Http): DnsOverHttps {
  return {
    async ask(url, question) {
      // Section 4.1: the id is zero, so that the same question is the same URL.
      const query = { id: 0, question, edns: false };
      const message = encodeQuery(query);
      if (message === undefined) {
        return failed('dns/BAD_NAME', `"${question.name.slice(0, 80)}" is not a name that DNS can carry.`);
      }
      const result = await http.request({
        method: 'GET',
        url: `${url}?dns=${base64url(message)}`,
        headers: { accept: MEDIA_TYPE },
        phaseTimeoutMs: PHASE_TIMEOUT_MS,
        maxBodyBytes: MAX_MESSAGE_OCTETS,
        octets: true,
      });
      return result.kind === 'failed' ? result : readReply(url, question, result.reply);
    },
  };
}

function readReply(url: string, question: DnsQuestion, { status, headers, body }: HttpReply): DnsResult {
  const isMessage = status === 200 && headers['content-type']?.toLowerCase().startsWith(MEDIA_TYPE);
  const octets = Uint8Array.from(body, (character) => character.charCodeAt(0) & 0xff);
  const decoded = isMessage ? decodeReply(octets, { id: 0, question, edns: false }) : undefined;
  return decoded?.kind === 'reply'
    ? { kind: 'reply', reply: { ...decoded.reply, transport: 'https' } }
    : failed('dns/BAD_REPLY', `${url} does not answer DNS over HTTPS (status ${status}); check its address.`);
}

function failed(code: string, sentence: string): { kind: 'failed'; failure: Failure } {
  return { kind: 'failed', failure: { kind: 'unintelligible', scope: 'attempt', code, sentence } };
}
