import { describe, expect, test } from 'vitest';
import type { HttpReply, HttpRequest } from '../../agent/ports.ts';
import { PROTOCOLS } from '../../agent/providers/registry.ts';
import { PROVIDERS } from '../fakes/catalogue.ts';
import { protocolPorts } from '../fakes/protocol-ports.ts';
import { brief, callOf, fixtureOf, headersOnWire, httpReply, USER_AGENT } from './fixture.ts';

/** Protocols that make one request for each call; the others have tests of their own. */
const ONE_EXCHANGE = ['dyndns2', 'get'];

const SUBJECTS = [...PROVIDERS.values()].filter(({ protocol }) => ONE_EXCHANGE.includes(protocol));

function answering(reply: HttpReply) {
  const requests: HttpRequest[] = [];
  const http = {
    async request(request: HttpRequest) {
      requests.push(request);
      return { kind: 'reply' as const, reply };
    },
    idle() {},
  };
  return { requests, ports: protocolPorts({ http }) };
}

describe.each(SUBJECTS.map((provider) => [provider.id, provider] as const))('%s', (id, provider) => {
  const fixture = fixtureOf(id);
  const { update } = PROTOCOLS[provider.protocol];

  test('has a fixture with every combination of families, a success and a failure', () => {
    const families = fixture?.requests.map(({ ipv4, ipv6 }) => (ipv4 ? (ipv6 ? 'dual' : 'ipv4') : 'ipv6'));
    const { single, dual } = provider.families;

    expect(families?.sort()).toEqual([...single, ...(dual ? ['dual'] : [])].sort());
    expect(fixture?.replies.map(({ expect: verdict }) => verdict)).toContain('ok');
    expect(fixture?.replies.some(({ expect: verdict }) => verdict !== 'ok')).toBe(true);
  });

  test.each(fixture?.requests ?? [])('sends $method $url', async (expected) => {
    const { requests, ports } = answering(httpReply(200, ''));
    if (!fixture) {
      throw new Error('no fixture');
    }

    await update(callOf(provider, fixture, expected), ports, (text) => text);

    expect(requests).toHaveLength(1);
    const [request] = requests;
    expect(request && { method: request.method, url: request.url, body: request.body }).toEqual({
      method: expected.method,
      url: expected.url,
      body: expected.body,
    });
    expect(request && headersOnWire(request)).toEqual({ ...expected.headers, 'user-agent': USER_AGENT });
  });

  test.each(fixture?.replies ?? [])('$status $body is $expect', async (recorded) => {
    const reply = httpReply(recorded.status, recorded.body, recorded.headers);
    const [request] = fixture?.requests ?? [];
    if (!fixture || !request) {
      throw new Error('no fixture');
    }

    const { outcomes } = await update(
      callOf(provider, fixture, request),
      answering(reply).ports,
      (text) => text,
    );

    expect(outcomes.map(brief)).toEqual([recorded.expect]);
    const [outcome] = outcomes;
    expect(outcome?.ok === false ? outcome.failure.retryAfterMs : undefined).toBe(recorded.retryAfterMs);
  });

  test('a fixture has every failure that the entry knows', () => {
    const { dyndns2, get } = provider;
    const codes = [
      ...Object.values({ ...dyndns2?.words, ...dyndns2?.statuses }),
      ...(get?.failures ?? []),
    ].map(({ code }) => `${provider.protocol}/${code}`);
    const tested = new Set(fixture?.replies.map(({ expect: verdict }) => verdict.split(' ')[0]));

    expect(codes.filter((code) => !tested.has(code))).toEqual([]);
  });

  test('shows no secret, whatever comes back', async () => {
    const [request] = fixture?.requests ?? [];
    if (!fixture || !request) {
      throw new Error('no fixture');
    }
    const { password = '' } = fixture.account;
    const forms = [password, encodeURIComponent(password)].filter((form) => form !== '');
    const redact = (text: string) => forms.reduce((rest, form) => rest.replaceAll(form, '***'), text);
    const echoed = forms.map((form) => `nohost ${form}`).join('\n');

    const result = await update(
      callOf(provider, fixture, request),
      answering(httpReply(200, echoed)).ports,
      redact,
    );

    for (const form of forms) {
      expect(JSON.stringify(result)).not.toContain(JSON.stringify(form).slice(1, -1));
    }
  });
});
