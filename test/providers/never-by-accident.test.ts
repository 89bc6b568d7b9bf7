/**
 * What nobody promised is no success: every entry that speaks HTTP is fed what networks and other services
 * send, each time as the answer to every request it makes.
 */
import { describe, expect, test } from 'vitest';
import type { HttpReply } from '../../agent/ports.ts';
import type { ProviderDefinition } from '../../agent/providers/definition.ts';
import type { UpdateCall } from '../../agent/providers/protocol.ts';
import { PROTOCOLS } from '../../agent/providers/registry.ts';
import { PROVIDERS } from '../fakes/catalogue.ts';
import { protocolPorts } from '../fakes/protocol-ports.ts';
import { callOf, fixtureOf, httpReply, type ReplyFixture } from './fixture.ts';

/** These ask no HTTP server. */
const WITHOUT_HTTP = ['script', 'rfc2136'];
const SUBJECTS = [...PROVIDERS.values()].filter(({ protocol }) => !WITHOUT_HTTP.includes(protocol));

const PORTAL_PAGES = [
  '<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>',
  '<!DOCTYPE html>\n<html><head><title>Hotel Wi-Fi</title></head><body><h1>Welcome</h1><p>good morning, 192.0.2.1 is OK</p><button>OK</button></body></html>',
  '\n\n<html lang="en"><head><meta http-equiv="refresh" content="0;url=https://portal.example.net/login"></head></html>',
  '<html><script>var good = "nochg", ok = true, updated = 1;</script><body><h1>Login</h1>good\nnochg\nUpdated by the hotel on Monday\nhome.example.org</body></html>',
  '<?xml version="1.0"?><WISPAccessGatewayParam><Redirect><MessageType>100</MessageType><ResponseCode>0</ResponseCode></Redirect></WISPAccessGatewayParam>',
];
const GARBAGE = [
  '',
  ' \r\n\t\r\n',
  '\u0000\u0001\u0002',
  '{}',
  '[]',
  'null',
  'true',
  '0',
  '""',
  '{"',
  'not good',
  'goodbye',
  'Okay',
  'unsuccessful',
  '192.0.2.99',
  'Service unavailable, try again',
  '{"captive":true,"user-portal-url":"https://portal.example.net/"}',
];

/** Successes of the simple protocols, as their fixtures record them. */
const SUCCESSES = SUBJECTS.flatMap(({ id }) =>
  successesOf(id).map(({ status, body }) => ({ id, status, body })),
);

function successesOf(id: string): ReplyFixture['replies'] {
  const fixture = fixtureOf(id);
  return Array.isArray(fixture?.replies) ? fixture.replies.filter((one) => one.expect === 'ok') : [];
}

/** A call with every option that the provider knows filled in. */
function anyCall(provider: ProviderDefinition): UpdateCall {
  const values: Record<string, string> = {
    zone: 'example.org',
    ttl: '300',
    record_id: '1007',
    url: 'https://ddns.example.org/update{?hostname,ip,ip6}',
    success: 'good',
  };
  const { username, password, server, ...fields } = provider.fields;
  const options = Object.fromEntries(Object.keys(fields).map((name) => [name, values[name] ?? 'value1']));
  const both = provider.families.single.includes('ipv4') ? { ipv4: '192.0.2.1' } : { ipv6: '2001:db8::1' };
  const account = {
    username: 'user',
    password: 'password',
    options,
    ...(server && { server: 'https://ddns.example.org' }),
  };
  return callOf(provider, { account }, { hostnames: ['home.example.org'], ...both });
}

async function isSuccess(provider: ProviderDefinition, reply: HttpReply): Promise<boolean> {
  const http = {
    async request() {
      return { kind: 'reply' as const, reply };
    },
    idle() {},
  };
  const { outcomes } = await PROTOCOLS[provider.protocol].update(
    anyCall(provider),
    protocolPorts({
      http,
      crypto: { ...protocolPorts({}).crypto, signRsa: async () => new Uint8Array(256) },
    }),
    (text) => text,
  );
  expect(outcomes).toHaveLength(1);
  return outcomes.some(({ ok }) => ok);
}

async function accepted(provider: ProviderDefinition, replies: HttpReply[]): Promise<HttpReply[]> {
  const verdicts = await Promise.all(replies.map((reply) => isSuccess(provider, reply)));
  return replies.filter((_, index) => verdicts[index]);
}

describe.each(SUBJECTS.map((provider) => [provider.id, provider] as const))(
  '%s takes no success from',
  (id, provider) => {
    test('the page of a captive portal', async () => {
      // A page may hold any text, even what the provider says; only where it answers with pages itself, it counts.
      const echoes = successesOf(id).flatMap(({ body }) =>
        body === '' || body.startsWith('<') || provider.get?.markup
          ? []
          : `<html><body><h1>Login</h1>\n${body}\n</body></html>`,
      );
      const replies = [...PORTAL_PAGES, ...echoes].flatMap((body) => [
        httpReply(200, body, { 'content-type': 'text/html' }),
        httpReply(200, body),
        httpReply(511, body, { 'content-type': 'text/html' }),
      ]);

      expect(await accepted(provider, replies)).toEqual([]);
    });

    test('an empty or senseless body', async () => {
      expect(
        await accepted(
          provider,
          GARBAGE.map((body) => httpReply(200, body)),
        ),
      ).toEqual([]);
    });

    test('a redirection, an error or a demand for another login, whatever the body says', async () => {
      const contradictions = successesOf(id).flatMap(({ body }) =>
        [301, 302, 307, 400, 401, 403, 404, 407, 429, 500, 502, 503, 511].map((status) =>
          httpReply(status, body),
        ),
      );

      expect(await accepted(provider, contradictions)).toEqual([]);
    });

    test('its own success when the end of it is missing', async () => {
      const cut = successesOf(id).flatMap(({ status, body }) => {
        const end = endOfPromise(body);
        return [
          { ...httpReply(status, body), truncated: true },
          ...(end > 0 ? [httpReply(status, body.slice(0, end))] : []),
          ...(body === '' ? [] : [httpReply(status, body.slice(0, 1))]),
        ];
      });

      expect(
        await accepted(
          provider,
          cut.filter((reply) => reply.body !== '' || reply.truncated),
        ),
      ).toEqual([]);
    });

    test('its own success in the shape of a picture or an archive', async () => {
      const replies = successesOf(id)
        .filter(({ body }) => body !== '')
        .flatMap(({ status, body }) =>
          ['image/png', 'application/zip', 'video/mp4'].map((type) =>
            httpReply(status, body, { 'content-type': type }),
          ),
        );

      expect(await accepted(provider, replies)).toEqual([]);
    });

    test('the success of another provider that speaks another language', async () => {
      const own = new Set(successesOf(id).flatMap(({ body }) => languageOf(body)));
      const foreign = SUCCESSES.filter(
        (one) => one.id !== id && languageOf(one.body).every((word) => !own.has(word)),
      );

      const replies = foreign.map(({ status, body }) => httpReply(status, body));

      expect(await accepted(provider, replies)).toEqual([]);
    });
  },
);

/** By what a success is known: the first words of its lines, or the members of a document. */
function languageOf(body: string): string[] {
  const text = /^\s*</.test(body) ? body.replace(/<[^<>]*>/g, '\n') : body;
  if (/^\s*\{/.test(body)) {
    return Object.keys(JSON.parse(body)).map((name) => `.${name}`);
  }
  return body === ''
    ? ['nothing']
    : [...body.matchAll(/<(\w+)/g)]
        .map(([, tag = '']) => `<${tag}`)
        .concat(text.split('\n').flatMap((line) => /^\s*([\w.-]+)/.exec(line)?.[1]?.toLowerCase() ?? []));
}

/** Up to here a success promises nothing yet: within its first word, or before a document ends. */
function endOfPromise(body: string): number {
  if (body.startsWith('{')) {
    return body.lastIndexOf('}');
  }
  if (body.replace(/<[^<>]*>/g, '').trim() === '') {
    return body.indexOf('"');
  }
  const firstWord = /^(?:\s|<[^<>]*>)*\W*\w+/.exec(body)?.[0] ?? body;
  return firstWord.length - 1;
}
