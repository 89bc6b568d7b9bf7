/** Aliases at the providers that take them by calls: exact requests, and nothing written where it must not be. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../agent/hosts/node-crypto.ts';
import type { Http, HttpRequest, HttpResult } from '../../agent/ports.ts';
import type { ProviderDefinition } from '../../agent/providers/definition.ts';
import type { AliasCall, AliasResult } from '../../agent/providers/protocol.ts';
import { rest } from '../../agent/providers/protocols/rest.ts';
import { PROVIDERS } from '../fakes/catalogue.ts';
import { protocolPorts } from '../fakes/protocol-ports.ts';
import { brief, type RestFixture, reply, seen, wanted } from './rest-fixture.ts';

interface AliasFixture extends Pick<RestFixture, 'account' | 'sent' | 'requests' | 'replies'> {
  ttlSec: number;
  cases: AliasCase[];
}

interface AliasCase {
  name: string;
  /** home.example.org unless said otherwise. */
  hostname?: string;
  /** home.example.net unless said otherwise; null only reads. */
  target?: string | null;
  /** Names of a request and of its reply. */
  steps: [string, string][];
  /** `ok NAME`, `ok none`, or `CODE kind scope`. */
  expect: string;
}

const FOLDER = new URL('../fixtures/aliases/', import.meta.url);
const USER_AGENT = 'Holdfast DDNS-Agent/Linux-1.2.3 admin@example.org';

const ENTRIES = readdirSync(FOLDER).map((file): [string, ProviderDefinition, AliasFixture] => {
  const provider = PROVIDERS.get(file.replace(/\.json$/, ''));
  if (!provider) {
    throw new Error(`${file} is of no provider`);
  }
  return [provider.id, provider, JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'))];
});

/** Sends the call; `answer` gets the number of the request, from 0. */
async function play(
  provider: ProviderDefinition,
  fixture: AliasFixture,
  one: AliasCase,
  answer: (index: number) => HttpResult,
): Promise<AliasResult & { requests: HttpRequest[] }> {
  const { username = '', password, options = {}, server } = fixture.account;
  const { hostname = 'home.example.org', target = 'home.example.net' } = one;
  const call: AliasCall = {
    provider,
    credential: { username, password },
    options,
    hostname,
    ttlSec: fixture.ttlSec,
    userAgent: USER_AGENT,
    ...(target !== null && { target }),
    ...(server !== undefined && { server }),
  };
  const requests: HttpRequest[] = [];
  const http: Http = {
    async request(request) {
      requests.push(request);
      return answer(requests.length - 1);
    },
    idle() {},
  };
  const result = await rest.alias?.(call, protocolPorts({ http, crypto: nodeCrypto }), (text) => text);
  if (!result) {
    throw new Error('the protocol rest has no aliases');
  }
  return { ...result, requests };
}

function scripted({ replies }: AliasFixture, { steps }: AliasCase, index: number): HttpResult {
  const one = replies[steps[index]?.[1] ?? ''];
  return reply(one ?? { status: 599, body: `no request number ${index + 1} was expected` });
}

function briefly({ outcome }: AliasResult): string {
  return outcome.ok ? `ok ${outcome.value ?? 'none'}` : brief(outcome);
}

/** The facts that the calls are made from: deSEC has own ones, since addresses go by another protocol there. */
function withFacts(provider: ProviderDefinition): ProviderDefinition {
  const facts = provider.cname?.rest?.facts;
  return facts ? { ...provider, rest: facts } : provider;
}

test('every provider with an alias by calls has a fixture', () => {
  const able = [...PROVIDERS.values()].filter(({ cname, protocol }) => cname && protocol !== 'rfc2136');

  expect(ENTRIES.map(([id]) => id)).toEqual(able.map(({ id }) => id).sort());
});

describe.each(ENTRIES)('%s', (_, provider, fixture) => {
  test.each(fixture.cases)('$name', async (one) => {
    const played = await play(provider, fixture, one, (index) => scripted(fixture, one, index));

    expect(played.requests.map(seen)).toEqual(
      one.steps.map(([name]) =>
        wanted(
          withFacts(provider),
          { ...fixture, protocol: 'rest', cases: [] },
          { ...one, expect: [] },
          name,
        ),
      ),
    );
    expect(briefly(played)).toBe(one.expect);
  });

  test('has a case for a change, a creation, an alias that is right, and a name with an address', () => {
    const names = fixture.cases.map(({ name }) => name).join('\n');

    for (const word of ['changes', 'creates', 'leaves', 'only reads', 'refuses a name']) {
      expect(names).toContain(word);
    }
  });

  const writing = fixture.cases.filter(({ name }) => /^(changes|creates)/.test(name));

  test.each([
    { name: 'a login page', body: '<!DOCTYPE html><html>Please log in</html>', status: 200 },
    { name: 'an empty body', body: '', status: 200 },
    { name: 'a fault', body: '', status: 500 },
    { name: 'a refused credential', body: '{}', status: 401 },
  ])('takes $name for no success, whenever it comes', async ({ body, status }) => {
    for (const one of writing) {
      for (const place of one.steps.keys()) {
        const { outcome, requests } = await play(provider, fixture, one, (index) =>
          index === place ? reply({ body, status }) : scripted(fixture, one, index),
        );
        // A change whose reply says nothing is judged by what comes after it.
        const isProven = requests.length > place + 1 && one.steps.at(-1)?.[1] === 'equal';

        expect(`${one.name} ${place}: ${outcome.ok && !isProven}`).toBe(`${one.name} ${place}: false`);
      }
    }
  });

  test('shows no secret of what it sends', async () => {
    for (const one of fixture.cases) {
      const { exchange } = await play(provider, fixture, one, (index) => scripted(fixture, one, index));

      expect(exchange.request).not.toContain(fixture.account.password);
    }
  });
});
