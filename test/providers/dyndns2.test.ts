import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FailureKind, FailureScope, Outcome } from '../../agent/core/failure.ts';
import type { Http, HttpReply, HttpRequest, HttpResult } from '../../agent/ports.ts';
import type { ProviderDefinition } from '../../agent/providers/definition.ts';
import type { UpdateCall } from '../../agent/providers/protocol.ts';
import { dyndns2 } from '../../agent/providers/protocols/dyndns2.ts';
import { protocolPorts } from '../fakes/protocol-ports.ts';

const PROVIDER: ProviderDefinition = {
  id: 'ddns.example.org',
  title: 'Example DDNS',
  homepage: 'https://ddns.example.org',
  protocol: 'dyndns2',
  sources: ['https://ddns.example.org/api'],
  fields: {},
  dyndns2: { endpoint: 'https://ddns.example.org/nic/update{?hostname,myip}' },
  families: { single: ['ipv4', 'ipv6'], dual: true },
  partial: 'keeps',
  hostsPerCall: 20,
  pseudoHosts: ['all.example.org'],
  minIntervalSec: 0,
  busyWaitSec: 1800,
  zones: [],
  notes: [],
};

const CALL: UpdateCall = {
  provider: PROVIDER,
  credential: { username: 'user', password: 'pass/word +1' },
  options: {},
  hostnames: ['home.example.org'],
  ipv4: '192.0.2.1',
  userAgent: 'Holdfast DDNS-Agent/Linux-1.2.3 admin@example.org',
};

const WITHOUT_ENDPOINT: ProviderDefinition = { ...PROVIDER, dyndns2: {} };

/** Sends the call to a provider that answers with `result`. */
async function sent(call: Partial<UpdateCall>, result: HttpResult, redact = (text: string) => text) {
  const requests: HttpRequest[] = [];
  const http: Http = {
    async request(request) {
      requests.push(request);
      return result;
    },
    idle() {},
  };
  const { outcomes, exchange } = await dyndns2.update({ ...CALL, ...call }, protocolPorts({ http }), redact);
  return { requests, outcomes, exchange };
}

function reply(body: string, more: Partial<HttpReply> = {}): HttpResult {
  return { kind: 'reply', reply: { status: 200, headers: {}, body, truncated: false, ...more } };
}

async function outcomesOf(body: string, more: Partial<HttpReply> = {}, call: Partial<UpdateCall> = {}) {
  return (await sent(call, reply(body, more))).outcomes;
}

/** `ok`, with its remark, or `CODE kind scope`. */
function brief(outcome: Outcome<string | undefined> | undefined): string | undefined {
  if (!outcome || outcome.ok) {
    return outcome && (outcome.value === undefined ? 'ok' : `ok ${outcome.value}`);
  }
  const { code, kind, scope } = outcome.failure;
  return `${code} ${kind} ${scope}`;
}

describe('the request', () => {
  test('is one GET with Basic authorization, limits and the User-Agent', async () => {
    const { requests } = await sent({}, reply('good'));

    expect(requests).toEqual([
      {
        method: 'GET',
        url: 'https://ddns.example.org/nic/update?hostname=home.example.org&myip=192.0.2.1',
        headers: { 'user-agent': CALL.userAgent },
        authorization: { scheme: 'basic', username: 'user', password: 'pass/word +1' },
        phaseTimeoutMs: 10_000,
        maxBodyBytes: 16_384,
      },
    ]);
  });

  test.each<{ name: string; call: Partial<UpdateCall>; url: string }>([
    {
      name: 'several hostnames, in order',
      call: { hostnames: ['b.example.org', 'a.example.org'] },
      url: 'https://ddns.example.org/nic/update?hostname=b.example.org,a.example.org&myip=192.0.2.1',
    },
    {
      name: 'both families, IPv4 first',
      call: { ipv6: '2001:db8::1' },
      url: 'https://ddns.example.org/nic/update?hostname=home.example.org&myip=192.0.2.1,2001%3Adb8%3A%3A1',
    },
    {
      name: 'a wildcard and a group',
      call: { hostnames: ['*.example.org', 'my group'] },
      url: 'https://ddns.example.org/nic/update?hostname=%2A.example.org,my%20group&myip=192.0.2.1',
    },
    {
      name: 'a server of the account',
      call: { server: 'https://own.example.net:8443' },
      url: 'https://own.example.net:8443/nic/update?hostname=home.example.org&myip=192.0.2.1',
    },
    {
      name: 'a provider without an address of its own',
      call: { provider: WITHOUT_ENDPOINT, server: 'https://own.example.net' },
      url: 'https://own.example.net/nic/update?hostname=home.example.org&myip=192.0.2.1',
    },
  ])('has the URL for $name', async ({ call, url }) => {
    const { requests, exchange } = await sent(call, reply('good'));

    expect(requests[0]?.url).toBe(url);
    expect(exchange.request).toBe(`GET ${url}`);
  });

  test('for IPv6 alone has no IPv4', async () => {
    const { ipv4: _none, ...call } = CALL;
    const requests: HttpRequest[] = [];
    const http: Http = {
      async request(request) {
        requests.push(request);
        return reply('good');
      },
      idle() {},
    };

    await dyndns2.update({ ...call, ipv6: '2001:db8::1' }, protocolPorts({ http }), (text) => text);

    expect(new URL(requests[0]?.url ?? '').searchParams.get('myip')).toBe('2001:db8::1');
  });

  test('passes on the trust anchor and the uplink', async () => {
    const via = { device: 'eth1', ipv4: '192.0.2.1' };

    const { requests } = await sent({ caFile: '/etc/ca.pem', via }, reply('good'));

    expect(requests[0]).toMatchObject({ caFile: '/etc/ca.pem', via });
  });

  test.each([
    { written: 'group%3Auser', decode: true as const, expected: 'group:user' },
    { written: 'a%3ab%3Ac', decode: true as const, expected: 'a:b:c' },
    { written: '50%25', decode: true as const, expected: '50%25' },
    { written: '%', decode: true as const, expected: '%' },
    { written: 'group%3Auser', decode: undefined, expected: 'group%3Auser' },
  ])('username $written is sent as $expected', async ({ written, decode, expected }) => {
    const { decodeUsername: _off, ...plain } = PROVIDER;
    const provider = decode ? { ...plain, decodeUsername: decode } : plain;

    const { requests } = await sent(
      { provider, credential: { username: written, password: 'p' } },
      reply('good'),
    );

    expect(requests[0]?.authorization).toMatchObject({ scheme: 'basic', username: expected });
  });

  test('that failed is the same failure for each hostname', async () => {
    const failure = {
      kind: 'unreachable' as FailureKind,
      scope: 'attempt' as FailureScope,
      code: 'net/REFUSED',
      sentence: 'Nobody listens there.',
    };

    const { outcomes, exchange } = await sent(
      { hostnames: ['a.example.org', 'b.example.org'] },
      { kind: 'failed', failure },
    );

    expect(outcomes).toEqual([
      { ok: false, failure },
      { ok: false, failure },
    ]);
    expect(exchange.reply).toBe('Nobody listens there.');
  });
});

describe('one hostname: the reply', () => {
  const OTHER = 'ok The reply names another address: good 203.0.113.9.';

  test.each<[string, string, Partial<HttpReply>?]>([
    ['good', 'ok'],
    ['good 192.0.2.1', 'ok'],
    ['  Good\t192.0.2.1 \r\n\r\n', 'ok'],
    ['nochg 192.0.2.1', 'ok'],
    ['NOCHG', 'ok'],
    ['good', 'ok', { status: 204 }],
    ['good 203.0.113.9', OTHER],
    ['good 192.0.2.1 and thanks', 'ok The reply names another address: good 192.0.2.1 and thanks.'],
    ['good 192.000.002.001', 'ok The reply names another address: good 192.000.002.001.'],
    ['good 2001:DB8::/64', 'ok The reply names another address: good 2001:DB8::/64.'],
    [
      'good home.example.org 192.0.2.1',
      'ok The reply names another address: good home.example.org 192.0.2.1.',
    ],
    ['good morning', 'dyndns2/UNINTELLIGIBLE unintelligible hostname'],
    ['nochg morning 192.0.2.1', 'dyndns2/UNINTELLIGIBLE unintelligible hostname'],
    ['good other.example.org', 'dyndns2/UNINTELLIGIBLE unintelligible hostname'],
    ['good 5', 'dyndns2/UNINTELLIGIBLE unintelligible hostname'],
    ['good: up', 'dyndns2/UNINTELLIGIBLE unintelligible hostname'],
    ['good 127.0.0.1', 'dyndns2/DISCARDED refused account'],
    ['nochg 127.0.0.1', 'dyndns2/DISCARDED refused account'],
    ['badauth', 'dyndns2/BADAUTH credential account'],
    ['badauth', 'dyndns2/BADAUTH credential account', { status: 401 }],
    ['BadAuth please log in', 'dyndns2/BADAUTH credential account', { status: 500 }],
    ['', 'reply/HTTP_401 credential account', { status: 401 }],
    ['<html>Login', 'reply/HTTP_401 credential account', { status: 401 }],
    ['!donator', 'dyndns2/DONATOR refused account'],
    ['notfqdn', 'dyndns2/NOTFQDN refused hostname'],
    ['nohost', 'dyndns2/NOHOST refused hostname'],
    ['numhost', 'dyndns2/NUMHOST refused hostname'],
    ['!yours', 'dyndns2/YOURS refused hostname'],
    ['!active', 'dyndns2/ACTIVE refused hostname'],
    ['abuse', 'dyndns2/ABUSE refused account'],
    ['badagent', 'dyndns2/BADAGENT refused account'],
    ['badsys', 'dyndns2/BADSYS refused account'],
    ['dnserr', 'dyndns2/DNSERR busy account'],
    ['911', 'dyndns2/911 busy provider'],
    ['911', 'dyndns2/911 busy provider', { status: 500 }],
    ['911', 'dyndns2/911 busy provider', { status: 503 }],
    ['w60s', 'dyndns2/WAIT throttled account'],
    ['w10m', 'dyndns2/WAIT throttled account'],
    ['w1h', 'dyndns2/WAIT throttled account'],
    ['W30', 'dyndns2/WAIT throttled account'],
    ['w', 'dyndns2/UNINTELLIGIBLE unintelligible hostname'],
    ['wNN', 'dyndns2/UNINTELLIGIBLE unintelligible hostname'],
    ['w10d', 'dyndns2/UNINTELLIGIBLE unintelligible hostname'],
    ['', 'reply/NO_ANSWER unintelligible attempt'],
    [' \r\n \n', 'reply/NO_ANSWER unintelligible attempt'],
    ['good', 'reply/NO_ANSWER unintelligible attempt', { truncated: true }],
    ['<!DOCTYPE html>\ngood', 'reply/HTML unintelligible attempt'],
    ['\n\n  <html>', 'reply/HTML unintelligible attempt'],
    ['no good', 'dyndns2/UNINTELLIGIBLE unintelligible hostname'],
    ['good.', 'dyndns2/UNINTELLIGIBLE unintelligible hostname'],
    ['goodbye', 'dyndns2/UNINTELLIGIBLE unintelligible hostname'],
    ['{"result":"good"}', 'dyndns2/UNINTELLIGIBLE unintelligible hostname'],
    ['OK', 'dyndns2/UNINTELLIGIBLE unintelligible hostname'],
    ['good', 'dyndns2/UNINTELLIGIBLE unintelligible hostname', { status: 404 }],
    ['good', 'reply/REDIRECTED unintelligible attempt', { status: 302 }],
    ['good', 'reply/HTTP_5XX busy attempt', { status: 503 }],
    ['good', 'reply/HTTP_401 credential account', { status: 401 }],
    ['nohost', 'dyndns2/NOHOST refused hostname', { status: 404 }],
    ['', 'reply/HTTP_429 throttled account', { status: 429 }],
    ['good', 'reply/HTTP_429 throttled account', { status: 429 }],
    ['', 'reply/HTTP_5XX busy attempt', { status: 500 }],
    ['Bad gateway', 'reply/HTTP_5XX busy attempt', { status: 502 }],
    ['', 'reply/HTTP_5XX busy provider', { status: 503, headers: { 'retry-after': '60' } }],
  ])('%j is %s %o', async (body, expected, more = {}) => {
    const outcomes = await outcomesOf(body, more);

    expect(outcomes.map(brief)).toEqual([expected]);
  });

  test('of a loopback address counts when that was asked for', async () => {
    const outcomes = await outcomesOf('good 127.0.0.1', {}, { ipv4: '127.0.0.1' });

    expect(outcomes.map(brief)).toEqual(['ok']);
  });

  test.each(['good 192.0.2.1,2001:db8::1', 'good 192.0.2.1 2001:DB8::1', 'good 2001:db8::1', 'good'])(
    '%j names the families that were sent',
    async (body) => {
      const outcomes = await outcomesOf(body, {}, { ipv6: '2001:db8::1' });

      expect(outcomes.map(brief)).toEqual(['ok']);
    },
  );

  test('of a redirection names the origin, without what stands behind it', async () => {
    const headers = { location: 'https://portal.example.net/login?token=1' };

    const [outcome] = await outcomesOf('', { status: 302, headers });

    const sentence = outcome?.ok === false ? outcome.failure.sentence : '';
    expect(sentence).toContain('https://portal.example.net ');
    expect(sentence).not.toContain('token');
  });
});

describe('a wait', () => {
  const DATE = 'Thu, 01 Jan 2026 00:00:00 GMT';

  test.each<[string, Partial<HttpReply>, number | undefined]>([
    ['w60s', {}, 60_000],
    ['w10m', {}, 600_000],
    ['w1h', {}, 3_600_000],
    ['w45', {}, 45_000],
    ['w9999h', {}, 86_400_000],
    ['w60s', { headers: { 'retry-after': '120' } }, 120_000],
    ['w60s', { headers: { 'retry-after': '30' } }, 60_000],
    ['911', {}, undefined],
    ['911', { headers: { 'retry-after': '5' } }, undefined],
    ['911', { headers: { 'retry-after': '7200' } }, 7_200_000],
    ['dnserr', { headers: { 'retry-after': '5' } }, undefined],
    ['', { status: 429 }, undefined],
    ['', { status: 429, headers: { 'retry-after': '90' } }, 90_000],
    ['', { status: 429, headers: { 'retry-after': ' 90 ' } }, 90_000],
    ['', { status: 429, headers: { 'retry-after': '0' } }, undefined],
    ['', { status: 429, headers: { 'retry-after': '-5' } }, undefined],
    ['', { status: 429, headers: { 'retry-after': 'soon' } }, undefined],
    ['', { status: 429, headers: { 'retry-after': '9999999' } }, 86_400_000],
    ['', { status: 503, headers: { 'retry-after': 'Thu, 01 Jan 2026 00:02:00 GMT', date: DATE } }, 120_000],
    ['', { status: 503, headers: { 'retry-after': 'Thu, 01 Jan 2026 00:02:00 GMT' } }, undefined],
    ['', { status: 503, headers: { 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT', date: DATE } }, undefined],
  ])('%j %o is %s ms', async (body, more, expected) => {
    const [outcome] = await outcomesOf(body, more);

    expect(outcome).toMatchObject({ ok: false });
    expect(outcome?.ok === false ? outcome.failure.retryAfterMs : 0).toBe(expected);
  });
});

describe('several hostnames: the lines', () => {
  const SHARED = 'ok One line of the reply stood for all 3 hostnames.';
  const NOHOST = 'dyndns2/NOHOST refused hostname';
  const BUSY = 'dyndns2/911 busy provider';
  const MISSING = 'dyndns2/MISSING_LINE unintelligible hostname';
  const ODD = 'dyndns2/UNINTELLIGIBLE unintelligible hostname';

  test.each<[string, string[]]>([
    ['good\ngood\ngood', ['ok', 'ok', 'ok']],
    ['good\r\n\r\nnochg\r\ngood\r\n', ['ok', 'ok', 'ok']],
    ['good\nnohost\nnochg', ['ok', NOHOST, 'ok']],
    ['nohost\ngood\ngood', [NOHOST, 'ok', 'ok']],
    ['good', [SHARED, SHARED, SHARED]],
    ['nohost', [NOHOST, NOHOST, NOHOST]],
    ['911', [BUSY, BUSY, BUSY]],
    ['good\nnochg', ['ok', 'ok', MISSING]],
    ['good\n911', ['ok', BUSY, BUSY]],
    ['good\nnohost', ['ok', NOHOST, MISSING]],
    ['good\ngood\ngood\ngood\nbadauth', ['ok', 'ok', 'ok']],
    ['good\nwhat?\ngood', ['ok', ODD, 'ok']],
  ])('%j', async (body, expected) => {
    const hostnames = ['a.example.org', 'b.example.org', 'c.example.org'];

    const outcomes = await outcomesOf(body, {}, { hostnames });

    expect(outcomes.map(brief)).toEqual(expected);
  });

  test.each([
    { hostname: 'family', body: 'good\ngood', expected: 'ok' },
    { hostname: 'family', body: 'good\nnohost\ngood', expected: NOHOST },
    { hostname: 'all.example.org', body: 'nochg\n911', expected: BUSY },
    { hostname: 'home.example.org', body: 'nochg\n911', expected: 'ok' },
  ])('for $hostname alone: $body is $expected', async ({ hostname, body, expected }) => {
    const outcomes = await outcomesOf(body, {}, { hostnames: [hostname] });

    expect(outcomes.map(brief)).toEqual([expected]);
  });
});

describe('a secret in the reply', () => {
  const hide = (text: string) => text.replaceAll('hidden', '***');

  test.each([
    { name: 'of a word', body: 'nohost hidden', more: {} },
    { name: 'of no word', body: 'what hidden', more: {} },
    { name: 'of a wait', body: 'w5m hidden', more: {} },
    { name: 'of HTML', body: '<p>hidden', more: {} },
    { name: 'of a success', body: 'good 203.0.113.9 hidden', more: {} },
    { name: 'of HTTP', body: 'hidden', more: { status: 503 } },
    {
      name: 'of a redirection',
      body: '',
      more: { status: 302, headers: { location: 'https://hidden.example.net/' } },
    },
  ])('$name is nowhere in the result', async ({ body, more }) => {
    const { outcomes, exchange } = await sent({}, reply(body, more), hide);

    expect(JSON.stringify([outcomes, exchange])).not.toContain('hidden');
    expect(JSON.stringify(outcomes)).toContain('***');
  });

  test('that is itself a word of the protocol hides no verdict', async () => {
    const { outcomes } = await sent({}, reply('good 192.0.2.1'), (text) => text.replaceAll('good', '***'));

    expect(outcomes.map(brief)).toEqual(['ok']);
  });

  test('is quoted with 200 characters at most', async () => {
    const [outcome] = await outcomesOf(`what ${'x'.repeat(5000)}`);

    expect(outcome?.ok === false && outcome.failure.reply?.length).toBe(200);
  });
});

describe('whatever comes', () => {
  const word = fc.constantFrom(
    'good',
    'nochg',
    'GOOD',
    'nohost',
    '911',
    'w1m',
    '<html>',
    'goodness',
    '',
    '127.0.0.1',
  );
  const line = fc.oneof(
    fc.array(word, { maxLength: 3 }).map((words) => words.join(' ')),
    fc.string({ maxLength: 40 }),
  );
  const body = fc.array(line, { maxLength: 6 }).map((lines) => lines.join('\n'));
  const anyReply = fc.record({
    status: fc.constantFrom(100, 200, 201, 204, 301, 302, 400, 401, 404, 429, 500, 503),
    headers: fc.dictionary(fc.constantFrom('retry-after', 'location', 'date'), fc.string()),
    body,
    truncated: fc.boolean(),
  });

  test('each hostname has one verdict, and a success stands on a line that says so', async () => {
    await fc.assert(
      fc.asyncProperty(anyReply, fc.integer({ min: 1, max: 4 }), async (one, count) => {
        const hostnames = Array.from({ length: count }, (_, index) => `h${index}.example.org`);

        const { outcomes } = await sent({ hostnames }, { kind: 'reply', reply: one });

        const saysSo = one.body
          .split('\n')
          .filter((text) => /^(good|nochg)$/i.test(text.trim().split(/\s/)[0] ?? '')).length;
        const successes = outcomes.filter(({ ok }) => ok).length;
        expect(outcomes).toHaveLength(count);
        expect(successes === 0 || (one.status >= 200 && one.status < 300 && !one.truncated)).toBe(true);
        expect(successes === 0 || saysSo > 0).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('each failure has a sentence that ends, a stable code and no negative wait', async () => {
    await fc.assert(
      fc.asyncProperty(anyReply, async (one) => {
        const { outcomes } = await sent({}, { kind: 'reply', reply: one });

        for (const { failure } of outcomes.filter((outcome) => !outcome.ok)) {
          expect(failure.code).toMatch(/^(dyndns2|reply)\/[A-Z0-9_]+$/);
          expect(failure.sentence).toMatch(/^[A-Z].*\.$/);
          expect(failure.retryAfterMs ?? 1).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});
