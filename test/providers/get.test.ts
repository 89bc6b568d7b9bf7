import { describe, expect, test } from 'vitest';
import type { HttpReply, HttpRequest, HttpResult } from '../../agent/ports.ts';
import type { ProviderDefinition } from '../../agent/providers/definition.ts';
import { type Matcher, matches, readReply } from '../../agent/providers/match.ts';
import type { UpdateCall } from '../../agent/providers/protocol.ts';
import { get } from '../../agent/providers/protocols/get.ts';
import { PROVIDERS } from '../fakes/catalogue.ts';
import { protocolPorts } from '../fakes/protocol-ports.ts';
import { brief, headersOnWire, httpReply } from './fixture.ts';

const PROVIDER: ProviderDefinition = {
  id: 'ddns.example.org',
  title: 'Example DDNS',
  homepage: 'https://ddns.example.org',
  protocol: 'get',
  get: {
    url: 'https://ddns.example.org/set{?hostname,myip}',
    successes: [{ word: ['OK'] }],
    failures: [
      {
        when: { word: ['LATER'] },
        kind: 'throttled',
        scope: 'account',
        code: 'LATER',
        sentence: 'Wait.',
        waitSec: 90,
      },
      {
        when: { word: ['DOWN'] },
        kind: 'busy',
        scope: 'account',
        code: 'DOWN',
        sentence: 'Wait.',
        waitSec: 60,
      },
    ],
  },
  sources: ['https://ddns.example.org/api'],
  fields: {},
  families: { single: ['ipv4', 'ipv6'], dual: true },
  partial: 'keeps',
  hostsPerCall: 20,
  minIntervalSec: 0,
  busyWaitSec: 1800,
  zones: [],
  notes: [],
};

const CALL: UpdateCall = {
  provider: PROVIDER,
  credential: { username: 'user', password: 'pass word' },
  options: {},
  hostnames: ['home.example.org'],
  ipv4: '192.0.2.1',
  userAgent: 'Holdfast/0 (test)',
};

async function sent(call: Partial<UpdateCall>, result: HttpResult | HttpReply = httpReply(200, 'OK')) {
  const requests: HttpRequest[] = [];
  const http = {
    async request(request: HttpRequest): Promise<HttpResult> {
      requests.push(request);
      return 'kind' in result ? result : { kind: 'reply', reply: result };
    },
    idle() {},
  };
  const redact = (text: string) => text.replaceAll('pass word', '***').replaceAll('pass%20word', '***');
  const { outcomes, exchange } = await get.update({ ...CALL, ...call }, protocolPorts({ http }), redact);
  return { request: requests[0], requests, outcomes, exchange };
}

function withFacts(facts: Partial<ProviderDefinition['get']>): ProviderDefinition {
  return { ...PROVIDER, get: { failures: [], ...PROVIDER.get, ...facts } };
}

describe('the request', () => {
  test('carries several hostnames, the trust anchor and the uplink', async () => {
    const via = { device: 'eth1', ipv4: '192.0.2.1' };

    const { request } = await sent({
      hostnames: ['a.example.org', 'b.example.org'],
      caFile: '/etc/ca.pem',
      via,
    });

    expect(request).toEqual({
      method: 'GET',
      url: 'https://ddns.example.org/set?hostname=a.example.org,b.example.org&myip=192.0.2.1',
      headers: { 'user-agent': 'Holdfast/0 (test)' },
      phaseTimeoutMs: 10_000,
      maxBodyBytes: 16_384,
      caFile: '/etc/ca.pem',
      via,
    });
  });

  test.each<[string, Partial<ProviderDefinition['get']>, Record<string, string>]>([
    ['no credential', {}, {}],
    ['Basic', { authentication: 'basic' }, { authorization: 'Basic dXNlcjpwYXNzIHdvcmQ=' }],
    [
      'Basic with the hostname as name',
      { authentication: 'basic', login: 'hostname' },
      { authorization: 'Basic aG9tZS5leGFtcGxlLm9yZzpwYXNzIHdvcmQ=' },
    ],
    ['a bearer token', { authentication: 'bearer' }, { authorization: 'Bearer pass word' }],
    ['a header of its own', { authentication: { header: 'X-Api-Key' } }, { 'x-api-key': 'pass word' }],
  ])('authenticates with %s', async (_, facts, expected) => {
    const provider = { ...withFacts(facts), fields: { username: { title: '', help: '', required: true } } };

    const { request } = await sent({ provider });

    expect(request && headersOnWire(request)).toEqual({ ...expected, 'user-agent': 'Holdfast/0 (test)' });
  });

  test('is a form where the provider wants one, without fields that have no value', async () => {
    const provider = withFacts({
      url: 'https://ddns.example.org/set',
      form: { key: '{password}', ip: '{ipv4}', ip6: '{ipv6}' },
    });

    const { request, exchange } = await sent({ provider });

    expect(request).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'key=pass%20word&ip=192.0.2.1',
    });
    expect(exchange.request).toBe('POST https://ddns.example.org/set key=***&ip=192.0.2.1');
  });

  test.each([
    { hostname: 'home.example.org', zone: 'example.org', query: 'n=home&subname=home&z=example.org' },
    { hostname: 'a.b.example.org', zone: 'Example.ORG.', query: 'n=a.b&subname=a.b&z=Example.ORG.' },
    { hostname: 'example.org', zone: 'example.org', query: 'n=%40&z=example.org' },
  ])('names $hostname within $zone', async ({ hostname, zone, query }) => {
    const provider = withFacts({ url: 'https://ddns.example.org/?n={name}{&subname}&z={zone}' });

    const { request } = await sent({ provider, hostnames: [hostname], options: { zone } });

    expect(request?.url).toBe(`https://ddns.example.org/?${query}`);
  });

  test('is not made for a hostname of another zone', async () => {
    const { requests, outcomes } = await sent({
      hostnames: ['home.notexample.org'],
      options: { zone: 'example.org' },
    });

    expect(requests).toEqual([]);
    expect(outcomes.map(brief)).toEqual(['get/OTHER_ZONE refused hostname']);
  });

  test.each([
    { addresses: { ipv4: '192.0.2.1' }, family: 'ipv4' },
    { addresses: { ipv6: '2001:db8::1' }, family: 'ipv6' },
  ])('goes out over $family if the sender is to have that address', async ({ addresses, family }) => {
    const { ipv4: _, ...call } = CALL;
    const families: HttpRequest['family'][] = [];
    const http = {
      async request(request: HttpRequest): Promise<HttpResult> {
        families.push(request.family);
        return { kind: 'reply', reply: httpReply(200, 'OK') };
      },
      idle() {},
    };

    await get.update(
      { ...call, ...addresses, provider: { ...PROVIDER, senderAddress: true } },
      protocolPorts({ http }),
      (text) => text,
    );

    expect(families).toEqual([family]);
  });

  test('that failed is the same failure for each hostname', async () => {
    const failure = {
      kind: 'unreachable',
      scope: 'attempt',
      code: 'net/X',
      sentence: 'Nobody is there.',
    } as const;

    const { outcomes, exchange } = await sent(
      { hostnames: ['a.example.org', 'b.example.org'] },
      { kind: 'failed', failure },
    );

    expect(outcomes).toEqual([
      { ok: false, failure },
      { ok: false, failure },
    ]);
    expect(exchange.reply).toBe('Nobody is there.');
  });
});

describe('a wait', () => {
  test.each<[string, HttpReply, number | undefined]>([
    ['that the documentation names', httpReply(200, 'LATER'), 90_000],
    ['that the reply makes longer', httpReply(200, 'LATER', { 'retry-after': '600' }), 600_000],
    ['that the reply makes shorter', httpReply(200, 'LATER', { 'retry-after': '5' }), 90_000],
    ['below the rest after a fault', httpReply(200, 'DOWN'), undefined],
    ['beyond the rest after a fault', httpReply(200, 'DOWN', { 'retry-after': '7200' }), 7_200_000],
  ])('%s', async (_, reply, expected) => {
    const { outcomes } = await sent({}, reply);

    expect(outcomes[0]?.ok === false && outcomes[0].failure.retryAfterMs).toBe(expected);
  });
});

describe('a URL of the user', () => {
  const custom = PROVIDERS.get('custom-url');
  const BOTH = { ipv4: '192.0.2.1', ipv6: '2001:db8::1' };
  const NONE = 'nothing was sent';

  test.each<{ url: string; addresses: { ipv4?: string; ipv6?: string }; sent: string }>([
    {
      url: 'https://ddns.example.net/u?h={hostname}&ip={ip}&k={password}',
      addresses: { ipv4: '192.0.2.1' },
      sent: 'https://ddns.example.net/u?h=home.example.org&ip=192.0.2.1&k=pass%20word',
    },
    {
      url: 'https://ddns.example.net/u{?hostname,ip,ip6}',
      addresses: BOTH,
      sent: 'https://ddns.example.net/u?hostname=home.example.org&ip=192.0.2.1&ip6=2001%3Adb8%3A%3A1',
    },
    {
      url: 'https://ddns.example.net/u{?hostname,ip,ip6}',
      addresses: { ipv6: '2001:db8::1' },
      sent: 'https://ddns.example.net/u?hostname=home.example.org&ip6=2001%3Adb8%3A%3A1',
    },
    {
      url: 'https://ddns.example.net/u{?myip}',
      addresses: BOTH,
      sent: 'https://ddns.example.net/u?myip=192.0.2.1,2001%3Adb8%3A%3A1',
    },
    { url: 'https://ddns.example.net/u?ip={ip}', addresses: BOTH, sent: NONE },
    { url: 'https://ddns.example.net/u?ip={ip}', addresses: { ipv6: '2001:db8::1' }, sent: NONE },
    { url: 'https://ddns.example.net/u?ip={ip}&ip6={ip6}', addresses: { ipv4: '192.0.2.1' }, sent: NONE },
    { url: 'https://ddns.example.net/u', addresses: { ipv4: '192.0.2.1' }, sent: NONE },
    {
      url: 'https://ddns.example.net/{zone}/{name}?ip={ip}',
      addresses: { ipv4: '192.0.2.1' },
      sent: 'https://ddns.example.net/example.org/home?ip=192.0.2.1',
    },
  ])('$url with $addresses', async ({ url, addresses, sent: expected }) => {
    if (!custom) {
      throw new Error('custom-url is not in the catalogue');
    }
    const { ipv4: _, ...call } = {
      ...CALL,
      provider: custom,
      options: { url, success: 'OK', zone: 'example.org' },
    };
    const requests: HttpRequest[] = [];
    const http = {
      async request(request: HttpRequest): Promise<HttpResult> {
        requests.push(request);
        return { kind: 'reply', reply: httpReply(200, 'OK') };
      },
      idle() {},
    };

    const { outcomes, exchange } = await get.update(
      { ...call, ...addresses },
      protocolPorts({ http }),
      (text) => text,
    );

    expect(requests[0]?.url ?? exchange.request).toBe(expected);
    expect(outcomes[0]?.ok).toBe(expected !== NONE);
    expect(exchange.request).toMatch(/^nothing was sent$|^GET https:\/\/ddns\.example\.net\/\.\.\.$/);
  });
});

describe('a matcher', () => {
  const SENT = { hostname: 'home.example.org', ipv4: '192.0.2.1', myip: '192.0.2.1' };

  test.each<[Matcher, string, boolean, boolean?]>([
    [{ word: ['OK'] }, 'OK', true],
    [{ word: ['OK'] }, ' ok \n', true],
    [{ word: ['OK'] }, 'ok 192.0.2.1', true],
    [{ word: ['OK'] }, 'Okay', false],
    [{ word: ['OK'] }, 'not OK', false],
    [{ word: ['OK'] }, 'x\nOK', false],
    [{ line: ['code = 200'] }, '[RESPONSE]\ncode = 200\nEOF', true],
    [{ line: ['code = 200'] }, 'code = 2004', false],
    [{ line: ['code = 200'] }, 'code = 200 or so', false],
    [{ phrase: ['Updated 1 host'] }, 'Updated 1 host.', true],
    [{ phrase: ['Updated 1 host'] }, 'Updated 1 hostname', false],
    [{ phrase: ['Updated 1 host'] }, 'Not Updated 1 host', false],
    [{ phrase: ['success|100|'] }, 'success|100|done', true],
    [{ phrase: ['{hostname} ({ipv4})'] }, 'home.example.org (192.0.2.1)', true],
    [{ phrase: ['{hostname} ({ipv4})'] }, 'home.example.org (192.0.2.10)', false],
    [{ phrase: ['{myip}'] }, '192.0.2.1', true],
    [{ phrase: ['{myip}'] }, '192.0.2.10', false],
    [{ phrase: ['{ipv6}'] }, '{ipv6}', false],
    [{ phrase: ['{ipv6}'] }, 'anything', false],
    [{ tag: { name: 'ErrCount', in: ['0'] } }, '<r><ErrCount>0</ErrCount></r>', true],
    [{ tag: { name: 'ErrCount', in: ['0'] } }, '<r><ErrCount> 0 </ErrCount></r>', true],
    [{ tag: { name: 'ErrCount', in: ['0'] } }, '<r><ErrCount>10</ErrCount></r>', false],
    [{ tag: { name: 'ErrCount', in: ['0'] } }, '<r><ErrCount2>0</ErrCount2></r>', false],
    [{ tag: { name: 'ErrCount', in: ['0'] } }, 'ErrCount 0', false],
    [{ tag: { name: 'ERROR', attribute: 'CODE', in: ['702'] } }, '<ERROR TEXT="a" CODE="702">', true],
    [{ tag: { name: 'ERROR', attribute: 'CODE', in: ['702'] } }, '<SUCCESS CODE="702">', false],
    [{ tag: { name: 'ERROR', attribute: 'CODE', in: ['702'] } }, '<ERROR XCODE="702">', false],
    [{ json: { at: '/a/0/b~1c', in: [1] } }, '{"a":[{"b/c":1}]}', true],
    [{ json: { at: '/a/0/b~1c', in: [1] } }, '{"a":[{"b/c":"1"}]}', false],
    [{ json: { at: '/a/00', in: [1] } }, '{"a":[1]}', false],
    [{ json: { at: '/constructor/name', in: ['Object'] } }, '{}', false],
    [{ json: { at: '', in: [true] } }, 'true', true],
    [{ json: { at: '/ok', in: [true] } }, '{"ok":true', false],
    [{ json: { at: '/ok', in: [null] } }, '{}', false],
    [{ empty: true }, ' \n', true],
    [{ empty: true }, '.', false],
    [{ status: [204], empty: true }, '', false],
    [{ status: [200], word: ['OK'] }, 'OK', true],
    [{ status: [201], word: ['OK'] }, 'OK', false],
    [{ word: ['OK'] }, '<b>OK</b>', true, true],
    [{ word: ['OK'] }, '<b>OK</b>', false],
    [{ line: ['OK'] }, '<html><script>\nOK\n</script><h1>No</h1></html>', false, true],
    [{ line: ['Updated'] }, '<p>Up<b>dated</b></p>', true, true],
  ])('%j on %j: %s', (matcher, body, expected, markup = false) => {
    expect(matches(matcher, readReply(httpReply(200, body), markup), SENT)).toBe(expected);
  });
});
