/** DNS over HTTPS as RFC 8484 has it: GET with `?dns=` in base64url, or POST, type application/dns-message. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type DnsAnswer, type DnsQuery, replyBytes } from './dns-socket.ts';

export const dohPath = '/dns-query';
const messageType = 'application/dns-message';
/** The most that a DNS message can have. */
const maxMessageBytes = 65_535;

/** Answers one request; what is no question in the sense of the RFC gets 4xx. */
export async function serveDoh(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (query: DnsQuery) => Promise<DnsAnswer>,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'https://doh.invalid');
  if (pathname !== dohPath) return end(response, 404);
  const message =
    request.method === 'POST'
      ? await bodyOf(request)
      : request.method === 'GET'
        ? // RFC 8484 section 6: base64url without padding.
          Buffer.from(searchParams.get('dns') ?? '', 'base64url')
        : undefined;
  if (!message) return end(response, 405);
  const remoteAddress = request.socket.remoteAddress ?? '';
  const bytes = await replyBytes(message, 'tcp', remoteAddress, answer);
  if (!bytes) return end(response, 400);
  response.writeHead(200, { 'Content-Type': messageType, 'Cache-Control': 'max-age=0' }).end(bytes);
}

function end(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'Content-Type': 'text/plain' }).end();
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length <= maxMessageBytes) chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
