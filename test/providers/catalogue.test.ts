import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { parseTemplate } from 'url-template';
import { describe, expect, test } from 'vitest';
import { sectionFacts } from '../../agent/config/validate.generated.js';
import { normaliseHostname } from '../../agent/core/hostname.ts';
import { type CatalogueEntry, isDead, type ProviderDefinition } from '../../agent/providers/definition.ts';
import { PROTOCOLS } from '../../agent/providers/registry.ts';
import { CATALOGUE, CATALOGUE_FOLDER, PROVIDERS } from '../fakes/catalogue.ts';

const schema: SchemaNode = JSON.parse(
  readFileSync(new URL('../../schemas/provider.schema.json', import.meta.url), 'utf8'),
);
const validate = new Ajv2020({
  strict: true,
  strictTypes: false,
  strictRequired: false,
  strictTuples: false,
  allErrors: true,
}).compile(schema);
const FILES = readdirSync(CATALOGUE_FOLDER).sort();
const ENTRIES = [...CATALOGUE.values()].map((entry): [string, CatalogueEntry] => [entry.id, entry]);
const LIVING = [...PROVIDERS.values()].map((entry): [string, ProviderDefinition] => [entry.id, entry]);

interface SchemaNode {
  title?: string;
  description?: string;
  type?: string;
  additionalProperties?: boolean;
  properties?: Record<string, SchemaNode>;
  $defs?: Record<string, SchemaNode>;
  [keyword: string]: unknown;
}

function problemsOf(entry: unknown): string[] {
  validate(entry);
  return (validate.errors ?? []).map(
    ({ instancePath, message }: ErrorObject) => `${instancePath} ${message}`,
  );
}

describe('the schema', () => {
  const nodes = Object.entries({ ...schema.properties, ...schema.$defs, ...schema.$defs?.field?.properties });

  test.each(nodes)('gives %s a title and a description', (_, node) => {
    expect(node.title).toMatch(/^[A-Za-z]/);
    expect(node.description).toMatch(/^[A-Z].*[.?]$/);
  });

  const dead = { since: '2020', instead: 'Use another one.' };
  test.each([
    { name: 'an unknown option', change: { colour: 'blue' } },
    { name: 'another scheme', change: { dyndns2: { endpoint: 'ftp://update.example.org/nic/update' } } },
    { name: 'a note that is no sentence', change: { notes: ['free names expire'] } },
    { name: 'a protocol that does not exist', change: { protocol: 'carrier-pigeon' } },
    { name: 'the facts of another protocol', change: { get: { url: 'https://example.org', failures: [] } } },
    { name: 'no facts of its protocol', change: { dyndns2: undefined } },
    { name: 'no family', change: { families: { single: [], dual: false } } },
    { name: 'no source', change: { sources: [] } },
    { name: 'no rest after a fault', change: { busyWaitSec: 0 } },
    { name: 'neither endpoint nor server', change: { dyndns2: {} } },
    { name: 'a field that UCI cannot write', change: { fields: { 'no dash': {} } } },
    { name: 'a dead one that has a protocol', change: { dead } },
    {
      name: 'a failure without a sentence',
      change: { dyndns2: { words: { late: { kind: 'busy', scope: 'account', code: 'LATE' } } } },
    },
  ])('refuses $name', ({ change }) => {
    const entry = CATALOGUE.get('no-ip.com');

    const problems = problemsOf(JSON.parse(JSON.stringify({ ...entry, ...change })));

    expect(problemsOf(entry)).toEqual([]);
    expect(problems).not.toEqual([]);
  });
});

test('the folder holds nothing but entries', () => {
  expect([...CATALOGUE.keys()].map((id) => `${id}.json`).sort()).toEqual(FILES);
});

describe.each(ENTRIES)('%s', (_, entry) => {
  test('keeps to the schema', () => {
    expect(problemsOf(entry)).toEqual([]);
  });

  test("says where its facts stand, and is nobody's own", () => {
    expect(entry.sources?.length).toBeGreaterThan(0);
    expect(entry).not.toHaveProperty('own');
  });

  test('says of a dead service what to use in its place, by an id that lives', () => {
    const named = isDead(entry)
      ? entry.dead.instead
          .split(/[\s,;()]+|\.(?:\s|$)/)
          .filter((word) => CATALOGUE.has(word) || /^[a-z0-9]+[.-][a-z]/.test(word))
      : [];

    expect(named.filter((id) => !PROVIDERS.has(id))).toEqual([]);
    expect(named.length > 0 || !isDead(entry)).toBe(true);
  });
});

describe.each(LIVING)('%s', (_, entry) => {
  test('has a protocol with a handler', () => {
    expect(PROTOCOLS[entry.protocol].update).toBeTypeOf('function');
  });

  test('has templates that can be read', () => {
    for (const template of templatesIn(entry[entry.protocol])) {
      expect(() => parseTemplate(template)).not.toThrow();
    }
  });

  test('has no credential for anything but the password or its own options in a template', () => {
    const variables = templatesIn(entry[entry.protocol]).flatMap((template) =>
      [...template.matchAll(/\{[+#./;?&]?([^{}]*)\}/g)].flatMap(([, list = '']) => list.split(',')),
    );

    expect(variables.filter((name) => /secret|passwd|pwd|pass$/.test(name))).toEqual([]);
  });

  test('asks for options that an account can have', () => {
    const known = Object.keys(sectionFacts.account.options);

    expect(Object.keys(entry.fields).filter((name) => !known.includes(name))).toEqual([]);
  });

  test('says that it is unconfirmed where only other programs are its source', () => {
    // The provider's own repository is documentation.
    const own = /github\.com\/(desec-io|nsupdate-info|ovh)\//;
    const isDocumented = entry.sources?.some(
      (page) => !page.startsWith('https://github.com/') || own.test(page),
    );

    expect(isDocumented || entry.unconfirmed === true).toBe(true);
  });

  test('serves zones that are hostnames in normal form, in whose place no pseudo host stands', () => {
    for (const zone of [...entry.zones, ...(entry.pseudoHosts ?? [])]) {
      expect(normaliseHostname(zone)).toEqual({ ok: true, hostname: zone });
    }
    expect(entry.zones.filter((zone) => entry.pseudoHosts?.includes(zone))).toEqual([]);
  });

  test('sends one family in a call if the address is that of the sender', () => {
    expect(entry.senderAddress && entry.families.dual).not.toBe(true);
  });

  test('ends every help text with a full stop, unless it ends with an example', () => {
    for (const field of Object.values(entry.fields)) {
      expect(field.help).toMatch(/\.$|e\.g\. \S+$/);
    }
  });
});

/** Every text in the facts that begins like a URL. */
function templatesIn(facts: unknown): string[] {
  if (typeof facts === 'string') {
    return /^https?:/.test(facts) ? [facts] : [];
  }
  return typeof facts === 'object' && facts !== null ? Object.values(facts).flatMap(templatesIn) : [];
}
