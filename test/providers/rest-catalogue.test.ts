/** Every REST provider of the catalogue against its fixture: exact requests, and each documented reply. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { FailureKind } from '../../agent/core/failure.ts';
import { type CatalogueEntry, isDead, type ProviderDefinition } from '../../agent/providers/definition.ts';
import {
  brief,
  callFor,
  play,
  type RestCase,
  type RestFixture,
  reply,
  scripted,
  seen,
  wanted,
} from './rest-fixture.ts';

const CATALOGUE = new URL('../../agent/providers/catalogue/', import.meta.url);
const FIXTURES = new URL('../fixtures/providers/', import.meta.url);

const ENTRIES = readdirSync(CATALOGUE)
  .map((file): CatalogueEntry => JSON.parse(readFileSync(new URL(file, CATALOGUE), 'utf8')))
  .filter((entry): entry is ProviderDefinition => !isDead(entry) && entry.protocol === 'rest')
  .map((entry): [string, ProviderDefinition, RestFixture] => [
    entry.id,
    entry,
    JSON.parse(readFileSync(new URL(`${entry.id}.json`, FIXTURES), 'utf8')),
  ]);

/** Replies that say nothing about a record, whatever their status says. */
const NONSENSE = [
  { name: 'a login page', body: '<!DOCTYPE html><html><body>Please log in. success good ok</body></html>' },
  { name: 'an empty body', body: '' },
  { name: 'a word of another protocol', body: 'good 192.0.2.1' },
  { name: 'an empty list', body: '[]' },
  { name: 'a text', body: '"success"' },
  { name: 'an unknown success', body: '{"result":true,"ok":true}' },
  { name: 'half a document', body: '{"success":true,"status":"succ' },
  { name: 'a document that was cut', body: '{"success":true}', truncated: true },
];

/** What a server or a network on the way may say to any request. */
const FAULTS: { status: number; headers: Record<string, string>; kind: FailureKind }[] = [
  { status: 429, headers: { 'retry-after': '90' }, kind: 'throttled' },
  { status: 500, headers: {}, kind: 'busy' },
  { status: 502, headers: {}, kind: 'busy' },
  { status: 302, headers: { location: 'https://login.example.net/' }, kind: 'unintelligible' },
];

test('there are REST providers', () => {
  expect(ENTRIES.length).toBeGreaterThan(25);
});

describe.each(ENTRIES)('%s', (_, provider, fixture) => {
  test.each(fixture.cases)('$name', async (one) => {
    const { outcomes, unseen, requests } = await play(callFor(provider, fixture, one), (_request, index) =>
      scripted(fixture, one, index),
    );

    expect(requests.map(seen)).toEqual(one.steps.map(([name]) => wanted(provider, fixture, one, name)));
    expect(outcomes.map((outcome, index) => brief(outcome, unseen?.[index]))).toEqual(one.expect);
  });

  test('the fixture shows a change, a creation, and a case without a write', () => {
    const writes = (provider.rest?.calls ?? []).filter(({ when }) => when !== undefined);
    const succeeded = fixture.cases.filter((one) => one.expect.every((text) => text.startsWith('ok')));
    const names = succeeded.map(({ name }) => name).join('\n');

    expect(succeeded.some(({ ipv6 }) => ipv6 !== undefined)).toBe(provider.families.single.includes('ipv6'));
    expect(names).toMatch(/^changes /m);
    // A provider that cannot be asked is told every time; the agent sees to it that this is seldom.
    const canBeAsked =
      writes.length > 0 && provider.rest?.calls.some(({ pick }) => pick?.take.current !== undefined);
    expect(/^creates /m.test(names) && /^writes nothing /m.test(names)).toBe(canBeAsked === true);
  });

  test('the fixture has every failure of the table', () => {
    const shown = new Set(
      fixture.cases.flatMap(({ expect: texts }) => texts.map((text) => text.split(' ')[0])),
    );
    const calls = provider.rest?.calls ?? [];
    const table = [...(provider.rest?.failures ?? []), ...calls.flatMap(({ failures }) => failures ?? [])];

    expect(table.map(({ code }) => `rest/${code}`).filter((code) => !shown.has(code))).toEqual([]);
  });

  const successes = fixture.cases.filter((one) => one.expect.every((text) => text.startsWith('ok')));

  test.each(NONSENSE)(
    'takes $name for no success, whenever it comes',
    async ({ body, truncated = false }) => {
      for (const one of successes) {
        for (const place of required(provider, one)) {
          const { outcomes, requests } = await play(callFor(provider, fixture, one), (_request, index) =>
            index === place ? reply({ body, truncated }) : scripted(fixture, one, index),
          );
          // A zone without records is a list at the top of the document with nothing in it.
          if (body === '[]' && provider.rest?.calls.some(({ pick }) => pick?.in === '')) {
            continue;
          }
          // A change whose reply says nothing is judged by what comes after it.
          const later = one.steps
            .slice(place + 1, requests.length)
            .map(([, name]) => fixture.replies[name]?.body);
          const isProven = later.some((text) => text?.includes(one.ipv6 ?? one.ipv4 ?? '192.0.2.1'));
          const isOk = outcomes.every(({ ok }) => ok);

          expect(`${one.name}, request ${place}: ${isOk && !isProven}`).toBe(
            `${one.name}, request ${place}: false`,
          );
        }
      }
    },
  );

  test('takes a reply that was cut for no success, whenever it comes', async () => {
    for (const one of successes) {
      for (const place of required(provider, one)) {
        const { outcomes } = await play(callFor(provider, fixture, one), (_request, index) => {
          const result = scripted(fixture, one, index);
          return index === place && result.kind === 'reply'
            ? reply({ ...result.reply, truncated: true })
            : result;
        });

        expect(outcomes.map(({ ok }) => ok)).toContain(false);
      }
    }
  });

  test.each(FAULTS)('knows the status $status, whenever it comes', async ({ status, headers, kind }) => {
    for (const one of successes) {
      for (const place of required(provider, one)) {
        const { outcomes } = await play(callFor(provider, fixture, one), (_request, index) =>
          index === place ? reply({ status, headers, body: '' }) : scripted(fixture, one, index),
        );
        const kinds = outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.failure.kind));

        expect(`${one.name} ${place} ${[...new Set(kinds)]}`).toBe(`${one.name} ${place} ${kind}`);
      }
    }
  });

  test('shows no secret, neither what was sent nor what came back', async () => {
    const { username = '', password } = fixture.account;
    const [one] = successes;
    if (!one) {
      throw new Error('no case succeeds');
    }
    const { exchange, outcomes } = await play(callFor(provider, fixture, one), () =>
      reply({ status: 400, body: `{"message":"no key ${password} of ${username}"}` }),
    );
    const isSecretUser = JSON.stringify(provider.rest?.authentication).includes('{username}');

    expect(exchange.request).not.toContain(password);
    if (isSecretUser && username !== '') {
      expect(exchange.reply + JSON.stringify(outcomes)).not.toContain(username);
    }
  });
});

/** The places of a case whose reply matters: all but those of calls that may fail. */
function required(provider: ProviderDefinition, one: RestCase): number[] {
  const optional = (provider.rest?.calls ?? []).filter((call) => call.optional).length;
  return one.steps.map((_, index) => index).slice(0, one.steps.length - optional);
}
