/** DNS over HTTPS against a real HTTP server: the request of RFC 8484, and what comes back instead of an answer. */
import * as packet from 'dns-packet';
import { describe, expect, test } from 'vitest';
import { dnsOverHttps } from '../../agent/net/doh.ts';
import { nodeHttp } from '../../agent/net/http.ts';
import type { DnsQuestion, DnsResult } from '../../agent/ports.ts';
import { closedPort, get, type Seen, webServer } from './loopback.ts';

const QUESTION: DnsQuestion = { name: 'home.example', type: 'A', recursionDesired: true };
const TYPE = 'application/dns-message';

function verdict(result: DnsResult): string {
  return result.kind === 'reply'
    ? `${result.reply.rcode} ${result.reply.transport} ${result.reply.answers.map(({ value }) => value)}`
    : result.failure.code;
}

function answerTo({ url }: Seen, more: packet.Packet = {}): Buffer {
  const query = packet.decode(Buffer.from(url.replace(/^.*dns=/, ''), 'base64url'));
  const answers: packet.Answer[] = [{ type: 'A', name: 'home.example', ttl: 60, data: '192.0.2.200' }];
  return packet.encode({
    type: 'response',
    id: query.id ?? 0,
    questions: query.questions ?? [],
    answers,
    ...more,
  });
}

test('asks with GET, the id zero, base64url without padding and the media type', async () => {
  const server = await webServer((seen, response) => {
    response.writeHead(200, { 'content-type': TYPE }).end(answerTo(seen));
  });

  const http = nodeHttp(() => {});
  const result = await dnsOverHttps(http).ask(`http://127.0.0.1:${server.port}/dns-query`, QUESTION);
  http.idle();
  const [seen] = server.requests;
  const message = Buffer.from((seen?.url ?? '').replace('/dns-query?dns=', ''), 'base64url');

  // 200 and 192 are octets above 127: the body must not be read as UTF-8.
  expect(verdict(result)).toBe('NOERROR https 192.0.2.200');
  expect(seen).toMatchObject({ method: 'GET', headers: { accept: TYPE } });
  expect(seen?.url).toMatch(/^\/dns-query\?dns=[A-Za-z0-9_-]+$/);
  expect(packet.decode(message)).toMatchObject({
    id: 0,
    flag_rd: true,
    questions: [{ name: 'home.example' }],
  });
});

describe('what is no answer', () => {
  test.each<{ name: string; status?: number; type?: string; body: (seen: Seen) => Buffer; expected: string }>(
    [
      { name: 'an error page', status: 503, body: (seen) => answerTo(seen), expected: 'dns/BAD_REPLY' },
      { name: 'another type', type: 'text/html', body: (seen) => answerTo(seen), expected: 'dns/BAD_REPLY' },
      { name: 'an empty body', body: () => Buffer.alloc(0), expected: 'dns/BAD_REPLY' },
      { name: 'rubbish', body: () => Buffer.from('<html>'), expected: 'dns/BAD_REPLY' },
      {
        name: 'the answer to another question',
        body: (seen) => answerTo(seen, { questions: [{ type: 'A', name: 'other.example' }] }),
        expected: 'dns/BAD_REPLY',
      },
      { name: 'half of it', body: (seen) => answerTo(seen).subarray(0, 40), expected: 'dns/BAD_REPLY' },
      {
        name: 'NXDOMAIN',
        body: (seen) => answerTo(seen, { flags: 3, answers: [] }),
        expected: 'NXDOMAIN https ',
      },
    ],
  )('$name: $expected', async ({ status = 200, type = TYPE, body, expected }) => {
    const server = await webServer((seen, response) => {
      response.writeHead(status, { 'content-type': type }).end(body(seen));
    });

    const http = nodeHttp(() => {});
    const result = await dnsOverHttps(http).ask(`http://127.0.0.1:${server.port}/dns-query`, QUESTION);
    http.idle();

    expect(verdict(result)).toBe(expected);
  });

  test('nobody there: the failure of the connection', async () => {
    const port = await closedPort();

    const result = await dnsOverHttps(nodeHttp(() => {})).ask(`http://127.0.0.1:${port}/`, QUESTION);

    expect(result).toMatchObject({ kind: 'failed', failure: { kind: 'unreachable' } });
  });

  test('a name that DNS cannot carry is not asked for', async () => {
    const name = `${'x'.repeat(64)}.example`;

    const result = await dnsOverHttps(nodeHttp(() => {})).ask('http://127.0.0.1:1/', { ...QUESTION, name });

    expect(verdict(result)).toBe('dns/BAD_NAME');
  });
});

test('a body in octets has one character for each, and one in text is read as UTF-8', async () => {
  const octets = Buffer.from([0, 127, 128, 195, 164, 255]);
  const server = await webServer((_, response) => {
    response.writeHead(200).end(octets);
  });
  const http = nodeHttp(() => {});
  const url = `http://127.0.0.1:${server.port}/`;

  const results = await Promise.all([http.request(get(url, { octets: true })), http.request(get(url))]);
  http.idle();
  const bodies = results.map((result) => (result.kind === 'reply' ? result.reply.body : ''));

  expect(Array.from(bodies[0] ?? '', (character) => character.charCodeAt(0))).toEqual([...octets]);
  expect(bodies[1]).toBe('\u0000\u007f\ufffd\u00e4\ufffd');
});
