import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../agent/config/load.ts';
import { sectionFacts, validateAgent } from '../../agent/config/validate.generated.js';
import { writeUci } from '../../agent/openwrt/uci.ts';
import { catalogue } from './catalogue.ts';

interface Property {
  type: 'boolean' | 'integer' | 'string' | 'array';
  title?: string;
  description?: string;
  default?: unknown;
  pattern?: string;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  items?: { pattern?: string };
  'x-allowed'?: string;
  'x-secret'?: boolean;
}

interface Section {
  title?: string;
  description?: string;
  required?: string[];
  properties: Record<string, Property>;
}

const schema: { $defs: Record<string, Section> } = JSON.parse(
  readFileSync(new URL('../../schemas/config.schema.json', import.meta.url), 'utf8'),
);
const options = Object.entries(schema.$defs).flatMap(([type, section]) =>
  Object.entries(section.properties).map(([name, property]) => ({ type, name, property })),
);

test('the schema keeps to JSON Schema 2020-12', () => {
  const ajv = new Ajv2020({ strict: true });
  ajv.addVocabulary(['x-secret', 'x-unit', 'x-allowed', 'x-later', 'x-planned']);

  expect(ajv.validateSchema(schema)).toBe(true);
  expect(() => Object.keys(schema.$defs).map((type) => ajv.compile({ ...schema.$defs[type] }))).not.toThrow();
});

describe.each(options)('$type.$name', ({ type, name, property }) => {
  test('has a name in the form that UCI takes, a title and a description', () => {
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(property.title).toMatch(/^[A-Z]/);
    expect(property.description).toMatch(/^[A-Z].*\.$/);
  });

  test('says what is allowed', () => {
    if (property.type === 'integer') {
      expect(property).toMatchObject({ minimum: expect.any(Number), maximum: expect.any(Number) });
    } else if (property.type === 'array' || (property.type === 'string' && property.enum === undefined)) {
      expect(property['x-allowed']).toEqual(expect.any(String));
      expect(property.pattern ?? property.items?.pattern).toMatch(/^\^.*\$$/);
    }
  });

  test('has a default that is valid, if it has one', () => {
    const validate = new Ajv2020({ strict: false }).compile(property);

    expect(property.default === undefined || validate(property.default)).toBe(true);
  });

  test('has a default or is required or may be missing, never two of them', () => {
    const isRequired = schema.$defs[type]?.required?.includes(name) === true;

    expect(isRequired && 'default' in property).toBe(false);
  });
});

test('every agent option has a default, so that no mistake stops the agent', () => {
  const agent = {};

  expect(validateAgent(agent)).toBe(true);
  expect(Object.keys(agent).sort()).toEqual(Object.keys(schema.$defs.agent?.properties ?? {}).sort());
});

test('all defaults, written out as UCI, load without an error', () => {
  const defaultsOf = (type: string, given: Record<string, string>) => ({
    type,
    name: `${type}_section`,
    options: [
      ...Object.entries(given).map(([name, value]) => ({ name, value })),
      ...Object.entries(schema.$defs[type]?.properties ?? {}).flatMap(([name, { default: value }]) =>
        value === undefined
          ? []
          : [{ name, value: Array.isArray(value) ? value.map(String) : uciText(value) }],
      ),
    ],
  });
  const text = writeUci([
    defaultsOf('agent', {}),
    defaultsOf('account', { provider: 'plain.example', username: 'u', password: 'p' }),
    defaultsOf('hostname', { hostname: 'h.plain.example', account: 'account_section' }),
  ]);

  const { config, problems } = loadConfig(text, 'holdfast', catalogue, () => undefined);

  expect(problems).toEqual([]);
  expect(config.hostnames).toHaveLength(1);
});

test('what is generated is up to date and marks the same secrets', () => {
  const secrets = options
    .filter(({ property }) => property['x-secret'])
    .map(({ type, name }) => `${type}.${name}`);
  const generated = Object.entries(sectionFacts).flatMap(([type, { options: facts }]) =>
    Object.entries(facts).flatMap(([name, { secret }]) => (secret ? [`${type}.${name}`] : [])),
  );

  expect(generated).toEqual(secrets);
  expect(secrets).toContain('account.password');
});

function uciText(value: unknown): string {
  return typeof value === 'boolean' ? String(Number(value)) : String(value);
}
