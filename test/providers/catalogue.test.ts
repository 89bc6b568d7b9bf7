import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { parseTemplate } from 'url-template';
import { describe, expect, test } from 'vitest';
import { normaliseHostname } from '../../agent/core/hostname.ts';
import type { ProviderDefinition } from '../../agent/providers/definition.ts';
import { CATALOGUE, PROTOCOLS } from '../../agent/providers/registry.ts';
import { expand } from '../../agent/providers/template.ts';

const FOLDER = new URL('../../agent/providers/catalogue/', import.meta.url);
const schema: SchemaNode = JSON.parse(
  readFileSync(new URL('../../schemas/provider.schema.json', import.meta.url), 'utf8'),
);
const validate = new Ajv2020({
  strict: true,
  strictTypes: false,
  strictRequired: false,
  allErrors: true,
}).compile(schema);
const FILES = readdirSync(FOLDER).sort();
const ENTRIES = FILES.map((file): [string, ProviderDefinition] => [
  file,
  JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')),
]);

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
    expect(node.title).toMatch(/^[A-Z]/);
    expect(node.description).toMatch(/^[A-Z].*[.?]$/);
  });

  test.each([
    { name: 'an unknown option', change: { colour: 'blue' } },
    {
      name: 'a plain endpoint',
      change: { endpoint: 'http://update.example.org/nic/update{?hostname,myip}' },
    },
    {
      name: 'a credential in the endpoint',
      change: { endpoint: 'https://u:p@update.example.org/nic/update' },
    },
    { name: 'a note that is no sentence', change: { notes: ['free names expire'] } },
    { name: 'a protocol that does not exist', change: { protocol: 'carrier-pigeon' } },
    { name: 'no family', change: { families: { single: [], dual: false } } },
    { name: 'no source', change: { sources: [] } },
    { name: 'no rest after a fault', change: { busyWaitSec: 0 } },
    { name: 'neither endpoint nor server', change: { endpoint: undefined, fields: {} } },
    {
      name: 'an unknown field',
      change: { fields: { pin: { title: 'PIN', help: 'On the card.', required: true } } },
    },
  ])('refuses $name', ({ change }) => {
    const [, entry] = ENTRIES.find(([file]) => file === 'no-ip.com.json') ?? [];

    const problems = problemsOf(JSON.parse(JSON.stringify({ ...entry, ...change })));

    expect(problemsOf(entry)).toEqual([]);
    expect(problems).not.toEqual([]);
  });
});

test('the registry has every file of the folder and nothing else', () => {
  expect([...CATALOGUE.keys()].map((id) => `${id}.json`).sort()).toEqual(FILES);
});

describe.each(ENTRIES)('%s', (file, entry) => {
  test('keeps to the schema', () => {
    expect(problemsOf(entry)).toEqual([]);
  });

  test('has the name of its file as id, and is what the registry has', () => {
    expect(`${entry.id}.json`).toBe(file);
    expect(CATALOGUE.get(entry.id)).toEqual(entry);
  });

  test('has a protocol with a handler', () => {
    expect(PROTOCOLS[entry.protocol].update).toBeTypeOf('function');
  });

  test('has an endpoint that expands to a URL with the hostname and the address, or none', () => {
    const { endpoint } = entry;
    const url = new URL(
      endpoint === undefined
        ? 'https://server.invalid/?hostname=home.example.org&myip=192.0.2.1'
        : expand(endpoint, {
            hostname: ['home.example.org'],
            myip: ['192.0.2.1'],
            ipv4: '192.0.2.1',
            ipv6: '2001:db8::1',
          }),
    );

    expect(url.protocol).toBe('https:');
    expect(url.username + url.password).toBe('');
    expect(decodeURIComponent(url.href)).toContain('home.example.org');
    expect(decodeURIComponent(url.href)).toContain('192.0.2.1');
    expect(() => parseTemplate(endpoint ?? '')).not.toThrow();
  });

  test('serves zones that are hostnames in normal form, in whose place no pseudo host stands', () => {
    for (const zone of [...entry.zones, ...(entry.pseudoHosts ?? [])]) {
      expect(normaliseHostname(zone)).toEqual({ ok: true, hostname: zone });
    }
    expect(entry.zones.filter((zone) => entry.pseudoHosts?.includes(zone))).toEqual([]);
  });

  test('takes both families in one call only if it takes each of them', () => {
    expect(!entry.families.dual || entry.families.single.length === 2).toBe(true);
  });

  test('ends every help text with a full stop, unless it ends with an example', () => {
    for (const field of Object.values(entry.fields)) {
      expect(field.help).toMatch(/\.$|e\.g\. \S+$/);
    }
  });
});
