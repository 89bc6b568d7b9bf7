/** The code that was generated and shortened at build time against Ajv itself, with the schema as it stands. */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import type { SchemaFault, Validator } from '../../agent/config/options.ts';
import {
  type SectionType,
  validateAccount,
  validateAgent,
  validateAlias,
  validateHostname,
} from '../../agent/config/validate.generated.js';

interface Property {
  type: string;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  default?: unknown;
}

interface Section {
  required?: string[];
  properties: Record<string, Property>;
}

const schema: { $defs: Record<SectionType, Section> } = JSON.parse(
  readFileSync(new URL('../../schemas/config.schema.json', import.meta.url), 'utf8'),
);
const VALIDATORS = {
  agent: validateAgent,
  account: validateAccount,
  hostname: validateHostname,
  alias: validateAlias,
};
const ajv = new Ajv2020({ allErrors: true, useDefaults: true, strict: false });

const TEXTS = [
  '',
  'a',
  'a b',
  'a\nb',
  '\u0000',
  'ä',
  '😀',
  '/',
  '/etc/x',
  'x@example.org',
  'https://example.org',
  'https://example.org:8443/',
  'https://example.org/path',
  'http://[2001:db8::1]',
  '192.0.2.53#53',
  '::abcd',
  'x'.repeat(64),
  'x'.repeat(65),
  'x'.repeat(253),
  'x'.repeat(254),
  'x'.repeat(1025),
];

/** Values at and beyond the limits of an option, and of every wrong type. */
function candidates({ enum: words = [], minimum = 0, maximum = 0 }: Property): unknown[] {
  const texts = [...TEXTS, ...words, ...words.map((word) => `${word}x`)];
  const numbers = [minimum - 1, minimum, minimum + 0.5, maximum, maximum + 1, Number.NaN];
  const lists = [[], [1], ['a', '', 'b'], ...texts.map((text) => [text]), texts];
  return [undefined, null, true, false, {}, ...texts, ...numbers, ...lists];
}

function placesOf(errors: readonly (ErrorObject | SchemaFault)[] | null | undefined): string[] {
  const places = (errors ?? []).map(
    ({ instancePath, params }) => `${instancePath} ${params?.missingProperty ?? ''}`,
  );
  return [...new Set(places)].sort();
}

describe.each(Object.keys(schema.$defs) as SectionType[])('a section of type %s', (type) => {
  const { properties, required } = schema.$defs[type];
  const oracle = ajv.compile({ type: 'object', properties, required });
  const validate: Validator<unknown> = VALIDATORS[type];
  /** Every required option, each with a value that its rules allow. */
  const valid = Object.fromEntries(
    (required ?? []).map((name) => [name, properties[name]?.type === 'array' ? ['home'] : 'home']),
  );

  function expectSameVerdict(values: unknown): void {
    const [ours, theirs] = [structuredClone(values), structuredClone(values)];

    const verdict = validate(ours);

    expect(verdict).toBe(oracle(theirs));
    expect(placesOf(validate.errors)).toEqual(placesOf(oracle.errors));
    expect(ours).toEqual(theirs);
  }

  test('with what it requires is valid', () => {
    expect(validate({ ...valid })).toBe(true);
  });

  test.each([{}, { unknown: 'option' }, null, [], 'text', 5])('that is %j', (values) => {
    expectSameVerdict(values);
  });

  test.each(Object.keys(properties))('has the verdict of Ajv on %s', (name) => {
    for (const value of candidates(properties[name] ?? { type: '' })) {
      expectSameVerdict({ ...valid, [name]: value });
    }
  });
});

test('a default that is a list is not shared between sections', () => {
  const one: Record<string, unknown> = { hostname: 'home.example.org', account: 'noip' };
  const other = { ...one };

  validateHostname(one);
  validateHostname(other);

  expect(one.network).toEqual(['wan']);
  expect(one.network).not.toBe(other.network);
});
