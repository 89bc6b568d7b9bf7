import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HttpResult } from '../../agent/ports.ts';
import type { ProviderDefinition } from '../../agent/providers/definition.ts';
import type { UpdateCall } from '../../agent/providers/protocol.ts';
import type { RestCall, RestFacts } from '../../agent/providers/protocols/rest-facts.ts';
import { isSame } from '../../agent/providers/protocols/rest-reply.ts';
import {
  asForm,
  asXml,
  fill,
  fillText,
  fillUrl,
  MissingValue,
  merged,
  variablesOf,
} from '../../agent/providers/protocols/rest-template.ts';
import { PROVIDERS } from '../fakes/catalogue.ts';
import { brief, play, reply } from './rest-fixture.ts';

const API = 'https://api.example.net/v1';

const FACTS: RestFacts = {
  authentication: { scheme: 'bearer' },
  ttlSec: 60,
  calls: [
    {
      name: 'zone',
      forEach: 'candidate',
      method: 'GET',
      url: `${API}/zones`,
      pick: { in: '/zones', where: { '/name': '{zone}' }, take: { zoneId: '/id' } },
    },
    {
      name: 'find',
      forEach: 'record',
      method: 'GET',
      url: `${API}/zones/{zoneId}/records?type={type}&name={hostname}`,
      pick: {
        in: '/records',
        where: { '/type': '{type}', '/name': '{hostname}' },
        take: { current: '/data', recordId: '/id', ttl: '/ttl' },
      },
    },
    {
      name: 'update',
      forEach: 'record',
      when: ['different'],
      method: 'PUT',
      url: `${API}/records/{recordId}`,
      body: { data: '{address}', ttl: '{ttl}' },
      repeats: { '/data': '{address}' },
    },
    {
      name: 'create',
      forEach: 'record',
      when: ['absent'],
      method: 'POST',
      url: `${API}/zones/{zoneId}/records`,
      body: { type: '{type}', name: '{name}', data: '{address}', ttl: '{ttl}' },
      repeats: { '/data': '{address}' },
    },
  ],
  failures: [],
};

function providerWith(facts: Partial<RestFacts> = {}): ProviderDefinition {
  return {
    id: 'example.net',
    title: 'Example DNS',
    homepage: 'https://example.net',
    protocol: 'rest',
    sources: ['https://example.net/api'],
    fields: {},
    families: { single: ['ipv4', 'ipv6'], dual: true },
    partial: 'keeps',
    hostsPerCall: 20,
    minIntervalSec: 0,
    busyWaitSec: 300,
    zones: [],
    notes: [],
    rest: { ...FACTS, ...facts },
  };
}

function callWith(more: Partial<UpdateCall> = {}, facts: Partial<RestFacts> = {}): UpdateCall {
  return {
    provider: providerWith(facts),
    credential: { username: 'user-1', password: 'token-1' },
    options: {},
    hostnames: ['home.example.org'],
    ipv4: '192.0.2.1',
    userAgent: 'Holdfast',
    ...more,
  };
}

interface StoredRecord {
  id: number;
  type: string;
  name: string;
  data: string;
  ttl: number;
}

/** A service with a memory that follows FACTS. */
function service(records: StoredRecord[], zones = [{ id: 7, name: 'example.org' }]) {
  const json = (body: unknown, status = 200) => reply({ status, body: JSON.stringify(body) });
  return (request: { method: string; url: string; body?: string }): HttpResult => {
    const url = new URL(request.url);
    const sent = JSON.parse(request.body ?? '{}');
    if (request.method === 'PUT') {
      const record = records.find(({ id }) => url.pathname.endsWith(`/records/${id}`));
      return record ? json(Object.assign(record, sent)) : json({ error: 'no such record' }, 404);
    }
    if (request.method === 'POST') {
      const record = { ...sent, id: records.length + 1, name: `${sent.name}.example.org` };
      records.push(record);
      return json(record, 201);
    }
    const isRight = (one: StoredRecord) =>
      one.type === url.searchParams.get('type') && one.name === url.searchParams.get('name');
    return url.pathname.endsWith('/zones') ? json({ zones }) : json({ records: records.filter(isRight) });
  };
}

const OLD: StoredRecord = { id: 1, type: 'A', name: 'home.example.org', data: '192.0.2.9', ttl: 900 };

describe('templates', () => {
  const values = { id: 17, name: 'home', on: false, list: ['a'], address: '2001:db8::1' };

  test.each([
    ['a number stays a number', '{id}', 17],
    ['false stays false', '{on}', false],
    ['a list stays a list', '{list}', ['a']],
    ['text around it makes a text', 'no {id}', 'no 17'],
    ['nothing to fill', 5, 5],
    ['null', null, null],
    ['an optional member that is there', { a: '{id?}' }, { a: 17 }],
    ['an optional member that is not', { a: '{none?}', b: ['{none?}', 1] }, { b: [1] }],
    ['one for each', { all: { $each: { n: '{name}' } } }, { all: [{ n: 'x' }, { n: 'y' }] }],
  ])('%s', (_, template, expected) => {
    expect(fill(template, values, [{ name: 'x' }, { name: 'y' }])).toEqual(expected);
  });

  test('no value is an error, in text, in a path, and in each', () => {
    expect(() => fillText('{none}', values)).toThrow(MissingValue);
    expect(() => fillUrl('https://example.net/{none}', values)).toThrow(MissingValue);
    expect(() => fillUrl('https://example.net/{+none}', values)).toThrow(MissingValue);
    expect(() => fill({ $each: '{address}' }, values, [{ name: 'x' }])).toThrow(MissingValue);
  });

  test('a URL is RFC 6570: encoded, reserved, and optional in the query', () => {
    expect(fillUrl('https://example.net/{address}/{+address}{?id,none}', values)).toBe(
      'https://example.net/2001%3Adb8%3A%3A1/2001:db8::1?id=17',
    );
  });

  test('a form is encoded, objects in it are JSON', () => {
    expect(asForm({ a: 'x&y=z ä', b: { c: 1 } })).toBe('a=x%26y%3Dz%20%C3%A4&b=%7B%22c%22%3A1%7D');
  });

  test('XML is escaped', () => {
    expect(asXml('<a>{name}</a>', { name: '<&">' }, [])).toBe('<a>&lt;&amp;&quot;&gt;</a>');
  });

  test('members are merged at every depth', () => {
    expect(merged({ a: { b: 1, c: 2 }, d: 3 }, { a: { b: 4 } })).toEqual({ a: { b: 4, c: 2 }, d: 3 });
  });

  test('variables of a template', () => {
    expect(variablesOf({ a: '{x}:{y?}', b: ['{z}'] })).toEqual(['x', 'y', 'z']);
  });
});

test.each([
  ['2001:0DB8:0:0::1', '2001:db8::1', true],
  ['Home.Example.Org.', 'home.example.org', true],
  ['HOME', 'home', true],
  ['bücher.example', 'xn--bcher-kva.example', true],
  [28, '28', true],
  [null, '', true],
  ['', '', true],
  ['home', 'home.example.org', false],
  ['192.0.2.10', '192.0.2.1', false],
  [{ a: 1 }, '{"a":1}', false],
  [undefined, '', false],
])('%j and %j are the same: %j', (value, text, expected) => {
  expect(isSame(value, text)).toBe(expected);
});

describe('one update', () => {
  test('replaces what differs, keeps the TTL, and touches no other record', async () => {
    const records = [
      OLD,
      { ...OLD, id: 2, type: 'TXT', data: 'kept' },
      { ...OLD, id: 3, name: 'www.example.org' },
      { ...OLD, id: 4, type: 'AAAA', data: '2001:db8::9' },
    ].map((record) => ({ ...record }));
    const before = structuredClone(records.slice(1));

    const { outcomes } = await play(callWith(), service(records));

    expect(outcomes.map((outcome) => brief(outcome))).toEqual(['ok']);
    expect(records).toEqual([{ ...OLD, data: '192.0.2.1' }, ...before]);
  });

  test('repeated, it writes nothing', async () => {
    const records = [{ ...OLD }];
    const answer = service(records);

    await play(callWith(), answer);
    const second = await play(callWith(), answer);

    expect(second.requests.map(({ method }) => method)).toEqual(['GET', 'GET']);
    expect(second.outcomes.map((outcome) => brief(outcome))).toEqual(['ok']);
  });

  test('creates both families with the wished TTL', async () => {
    const records: StoredRecord[] = [];

    await play(callWith({ ipv6: '2001:db8::1', options: { ttl: '120' } }), service(records));

    expect(records.map(({ type, data, ttl }) => [type, data, ttl])).toEqual([
      ['A', '192.0.2.1', 120],
      ['AAAA', '2001:db8::1', 120],
    ]);
  });

  test('the wished TTL goes before the one of the record', async () => {
    const records = [{ ...OLD }];

    await play(callWith({ options: { ttl: '120' } }), service(records));

    expect(records[0]?.ttl).toBe(120);
  });

  test('asks for the zones once, for however many hostnames', async () => {
    const hostnames = ['home.example.org', 'office.example.org', 'a.b.example.org'];

    const { requests, outcomes } = await play(callWith({ hostnames }), service([]));

    expect(requests.filter(({ url }) => url === `${API}/zones`)).toHaveLength(1);
    expect(outcomes.map((outcome) => brief(outcome))).toEqual(['ok', 'ok', 'ok']);
  });

  test('takes the longest zone', async () => {
    const zones = [
      { id: 7, name: 'example.org' },
      { id: 8, name: 'b.example.org' },
    ];

    const { requests } = await play(callWith({ hostnames: ['a.b.example.org'] }), service([], zones));

    expect(requests[1]?.url).toContain('/zones/8/');
    expect(JSON.parse(requests[2]?.body ?? '{}').name).toBe('a');
  });

  test('a hostname without a zone spoils no other', async () => {
    const { outcomes } = await play(
      callWith({ hostnames: ['home.example.com', 'home.example.org'] }),
      service([{ ...OLD }]),
    );

    expect(outcomes.map((outcome) => brief(outcome))).toEqual(['rest/NO_ZONE refused hostname', 'ok']);
  });

  test('what holds for the account stops what is not done, and takes back nothing', async () => {
    const records = ['a', 'b', 'c'].map((name, index) => ({
      ...OLD,
      id: index + 1,
      name: `${name}.example.org`,
    }));
    const answer = service(records);
    let writes = 0;

    const { outcomes, requests } = await play(
      callWith({ hostnames: records.map(({ name }) => name) }),
      (request) => {
        writes += request.method === 'PUT' ? 1 : 0;
        return writes === 2
          ? reply({ status: 429, headers: { 'retry-after': '60' }, body: '{"error":"slow down"}' })
          : answer(request);
      },
    );

    expect(outcomes.map((outcome) => brief(outcome))).toEqual([
      'ok',
      'reply/HTTP_429 throttled account 60000',
      'reply/HTTP_429 throttled account 60000',
    ]);
    expect(requests.filter(({ method }) => method === 'PUT')).toHaveLength(2);
  });

  test('a line that is down is the failure of all, after one request', async () => {
    const failure = {
      kind: 'unreachable',
      scope: 'attempt',
      code: 'http/NO_ROUTE',
      sentence: 'No way.',
    } as const;

    const { outcomes, requests } = await play(
      callWith({ hostnames: ['a.example.org', 'b.example.org'] }),
      () => ({
        kind: 'failed',
        failure,
      }),
    );

    expect(requests).toHaveLength(1);
    expect(outcomes).toEqual([
      { ok: false, failure },
      { ok: false, failure },
    ]);
  });

  test('does not write what the reply does not suffice for', async () => {
    const answer = service([{ ...OLD }]);

    const { outcomes, requests } = await play(callWith(), (request) =>
      request.url.includes('type=')
        ? reply({ body: JSON.stringify({ records: [{ type: 'A', name: OLD.name, data: OLD.data }] }) })
        : answer(request),
    );

    expect(requests).toHaveLength(2);
    expect(outcomes.map((outcome) => brief(outcome))).toEqual(['rest/INCOMPLETE unintelligible attempt']);
  });

  test('a list without an end is given up', async () => {
    const [zone, find, ...rest] = FACTS.calls;
    const paged = { ...find, url: `${find?.url}{&cursor}`, pages: { next: '/next' } } as RestCall;

    const { outcomes, requests } = await play(
      callWith({}, { calls: [zone as RestCall, paged, ...rest] }),
      (request, index) =>
        request.url.endsWith('/zones')
          ? service([])(request)
          : reply({ body: `{"records":[],"next":${index}}` }),
    );

    expect(requests).toHaveLength(51);
    expect(outcomes.map((outcome) => brief(outcome))).toEqual(['rest/INCOMPLETE unintelligible attempt']);
  });

  test('everything goes through the line and the trust anchors of the account, to its own server', async () => {
    const via = { device: 'eth1', ipv4: '192.0.2.1' };

    const { requests } = await play(
      callWith({ via, caFile: '/etc/ca.pem', server: 'https://dns.example.com:8443' }),
      service([{ ...OLD }]),
    );

    expect(requests).toHaveLength(3);
    for (const request of requests) {
      expect(request).toMatchObject({ via, caFile: '/etc/ca.pem' });
      expect(new URL(request.url).origin).toBe('https://dns.example.com:8443');
    }
  });

  test.each([
    ['example.org', 'ok'],
    ['EXAMPLE.ORG.', 'ok'],
    ['example.com', 'rest/NOT_IN_ZONE refused hostname'],
    ['ome.example.org', 'rest/NOT_IN_ZONE refused hostname'],
  ])('the zone %s', async (zone, expected) => {
    const { outcomes } = await play(callWith({ options: { zone } }), service([{ ...OLD }]));

    expect(outcomes.map((outcome) => brief(outcome))).toEqual([expected]);
  });

  test('a zone and a record whose names come in Unicode', async () => {
    const record = { ...OLD, name: 'home.bücher.example' };

    const { outcomes } = await play(callWith({ hostnames: ['home.xn--bcher-kva.example'] }), (request) =>
      request.url.endsWith('/zones')
        ? reply({ body: '{"zones":[{"id":7,"name":"bücher.example"}]}' })
        : request.method === 'GET'
          ? reply({ body: JSON.stringify({ records: [record] }) })
          : reply({ body: '{"data":"192.0.2.1"}' }),
    );

    expect(outcomes.map((outcome) => brief(outcome))).toEqual(['ok']);
  });

  test('no reply whatever makes a success that does not hold the address', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(200, 201, 204, 301, 400, 401, 403, 404, 429, 500), fc.json()), {
          minLength: 1,
          maxLength: 4,
        }),
        async (replies) => {
          const { outcomes } = await play(callWith(), (_request, index) => {
            const [status = 200, body = ''] = replies[index % replies.length] ?? [];
            return reply({ status, body });
          });

          expect(outcomes).toHaveLength(1);
          expect(outcomes[0]?.ok).toBe(false);
        },
      ),
    );
  });
});

describe('secrets', () => {
  const login: RestCall = {
    name: 'login',
    forEach: 'account',
    method: 'POST',
    url: `${API}/login`,
    body: { user: 'sent openly' },
    authentication: { scheme: 'body', fields: { password: '{password}', key: '{consumerKey}' } },
    capture: { session: '/session' },
  };
  const facts: Partial<RestFacts> = {
    authentication: { scheme: 'query', fields: { sid: '{session}', user: '{username}' } },
    calls: [login, ...FACTS.calls],
  };

  test('are in the requests and nowhere else', async () => {
    const answer = service([{ ...OLD }]);
    const { requests, exchange } = await play(
      callWith({ options: { consumer_key: 'key-123' } }, facts),
      (request, index) =>
        index === 0
          ? reply({ body: '{"session":"session-99","echo":"token-1 key-123"}' })
          : answer({ ...request, url: request.url.replace(/[?&]sid=.*/, '') }),
    );

    expect(requests[0]?.body).toBe('{"user":"sent openly","password":"token-1","key":"key-123"}');
    expect(requests[1]?.url).toBe(`${API}/zones?sid=session-99&user=user-1`);
    expect(exchange.request).toContain('sent openly');
    for (const secret of ['token-1', 'key-123', 'session-99', 'user-1']) {
      expect(exchange.request + exchange.reply).not.toContain(secret);
    }
  });

  test('are masked in what a failure quotes', async () => {
    const { outcomes } = await play(callWith({ options: { consumer_key: 'key-123' } }, facts), () =>
      reply({ status: 400, body: '{"message":"bad key key-123 or token-1"}' }),
    );

    expect(JSON.stringify(outcomes)).toContain('bad key');
    expect(JSON.stringify(outcomes)).not.toMatch(/key-123|token-1/);
  });
});

test("Cloudflare's global key goes with the e-mail address, a token without", async () => {
  const provider = PROVIDERS.get('cloudflare.com-v4');
  if (!provider) {
    throw new Error('Cloudflare is not in the catalogue');
  }
  const sentAs = async (username: string) => {
    const credential = { username, password: 'secret-1' };
    const { requests } = await play({ ...callWith(), provider, credential }, () => reply({ status: 500 }));
    return { headers: requests[0]?.headers, authorization: requests[0]?.authorization };
  };

  const [global, token] = [await sentAs('me@example.com'), await sentAs('Bearer')];

  expect(global.headers).toMatchObject({ 'X-Auth-Email': 'me@example.com', 'X-Auth-Key': 'secret-1' });
  expect(global.authorization).toBeUndefined();
  expect(token.headers).not.toHaveProperty('X-Auth-Key');
  expect(token.authorization).toEqual({ scheme: 'bearer', token: 'secret-1' });
});

const ENTRIES = [...PROVIDERS.values()].flatMap((entry) =>
  entry.rest ? [[entry.id, entry, entry.rest] as const] : [],
);

describe.each(ENTRIES)('the calls of %s', (_, { fields }, facts) => {
  test('have names of their own, and read back what another reads', () => {
    const names = facts.calls.map(({ name }) => name);

    expect(new Set(names).size).toBe(names.length);
    for (const { readBack } of facts.calls) {
      const target = facts.calls.find(({ name }) => name === readBack);
      const places = { ...target?.pick?.take, ...target?.capture };
      expect(readBack === undefined || places.current !== undefined).toBe(true);
    }
  });

  test('prove every change by the reply or by reading it back', () => {
    const last = facts.calls
      .filter(({ when }) => when?.includes('absent') || when?.includes('different'))
      .at(-1);
    const proofs = facts.calls.filter(
      (call) => call.readBack !== undefined || call.repeats || call.success?.tag || facts.success?.json,
    );

    expect(last === undefined || proofs.length > 0).toBe(true);
    // An empty reply says nothing; another call must.
    const isSilent = facts.calls.some(({ reply: kind }) => kind === 'empty');
    expect(!isSilent || facts.calls.some(({ readBack }) => readBack !== undefined)).toBe(true);
  });

  test('use only variables that something gives', () => {
    const known = new Set([
      'hostname',
      'zone',
      'name',
      'family',
      'type',
      'address',
      'page',
      'skip',
      'username',
      'password',
      ...(facts.ttlSec === undefined ? [] : ['ttl']),
      ...Object.keys(fields).map((name) =>
        name.replace(/_([a-z])/g, (_match, letter) => letter.toUpperCase()),
      ),
    ]);
    const unknown: string[] = [];
    for (const call of facts.calls) {
      const { url, headers, body, repeats, pick, authentication, pages, capture } = call;
      for (const [name] of Object.entries({ ...capture, ...pick?.take })) {
        known.add(name);
      }
      if (pages?.next !== undefined) {
        known.add(pages.cursor ?? 'cursor');
      }
      const inUrl = [...url.matchAll(/\{[+?&]?([\w,]+)\}/g)].flatMap(([, list = '']) => list.split(','));
      const inBody = variablesOf([headers ?? {}, body ?? null, repeats ?? {}, pick?.where ?? {}]);
      const own = authentication ?? facts.authentication;
      const inFields = variablesOf(JSON.parse(JSON.stringify(own)));
      unknown.push(...[...inUrl, ...inBody, ...inFields].filter((name) => !known.has(name)));
    }

    expect(unknown).toEqual([]);
  });
});
