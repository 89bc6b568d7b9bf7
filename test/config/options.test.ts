/** The generated checks of the options against Ajv, which compiles the same schema independently. */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { validatorOf } from '../../agent/config/options.ts';
import { type SectionType, sectionFacts } from '../../agent/config/validate.generated.js';

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

/** Our faults are at most one for each value; Ajv's are all of them. */
function firstOfEach(errors: readonly ErrorObject[] | null | undefined): string[] {
  const known = new Map<string, string>();
  for (const { instancePath, keyword, params } of errors ?? []) {
    const place = `${instancePath} ${params.missingProperty ?? ''}`;
    known.set(place, known.get(place) ?? keyword);
  }
  return [...known].map(([place, keyword]) => `${place} ${keyword}`).sort();
}

describe.each(Object.keys(schema.$defs) as SectionType[])('a section of type %s', (type) => {
  const { properties, required } = schema.$defs[type];
  const oracle = ajv.compile({ type: 'object', properties, required });
  const validate = validatorOf(sectionFacts[type]);
  /** Every required option, each with a value that its rules allow. */
  const valid = Object.fromEntries(
    (required ?? []).map((name) => [name, properties[name]?.type === 'array' ? ['home'] : 'home']),
  );

  function expectSameVerdict(values: unknown): void {
    const [ours, theirs] = [structuredClone(values), structuredClone(values)];

    const verdict = validate(ours);

    const faults = validate.errors.map(({ instancePath, keyword, params }) => ({
      place: `${instancePath} ${params?.missingProperty ?? ''}`,
      keyword,
    }));
    expect(verdict).toBe(oracle(theirs));
    expect(faults.map(({ place, keyword }) => `${place} ${keyword}`).sort()).toEqual(
      firstOfEach(oracle.errors),
    );
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
  const validate = validatorOf({ options: { network: { type: 'array', default: ['wan'] } } });
  const one: Record<string, unknown> = {};
  const other: Record<string, unknown> = {};

  validate(one);
  validate(other);

  expect(one).toEqual({ network: ['wan'] });
  expect(one.network).not.toBe(other.network);
});
