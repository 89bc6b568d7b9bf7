/** The generated checks of the saved files against Ajv, which compiles the same schema independently. */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { validatePublished, validateState } from '../../agent/store/validate.generated.js';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const schema = JSON.parse(
  readFileSync(new URL('../../schemas/state.schema.json', import.meta.url), 'utf8'),
) as {
  $id: string;
  $defs: Record<string, Json>;
};
const ajv = new Ajv2020({ strictTypes: false }).addSchema(schema);

/** One value that the schema allows, with every property that it names. */
function fullSample(part: Json): Json {
  if (part === null || typeof part !== 'object' || Array.isArray(part)) {
    throw new Error('not a schema');
  }
  if (typeof part.$ref === 'string') {
    return fullSample(schema.$defs[part.$ref.replace('#/$defs/', '')] ?? null);
  }
  if (part.const !== undefined) {
    return part.const;
  }
  if (Array.isArray(part.enum)) {
    return part.enum.at(-1) ?? null;
  }
  switch (part.type) {
    case 'object':
      return {
        ...(part.additionalProperties ? { any: fullSample(part.additionalProperties) } : {}),
        ...Object.fromEntries(
          Object.entries(part.properties ?? {}).map(([name, property]) => [name, fullSample(property)]),
        ),
      };
    case 'array':
      return [fullSample(part.items ?? null)];
    case 'string':
      return 'text';
    case 'boolean':
      return true;
    default:
      return 7;
  }
}

/** Places in a value, as the names on the way. */
function pathsOf(value: Json): string[][] {
  const inner =
    value !== null && typeof value === 'object'
      ? Object.entries(value).flatMap(([name, part]) => pathsOf(part).map((path) => [name, ...path]))
      : [];
  return [[], ...inner];
}

const GONE = Symbol('gone');
type Change = Json | typeof GONE;

function changed(value: Json, [name, ...rest]: string[], change: Change): Json | undefined {
  if (name === undefined) {
    return change === GONE ? undefined : change;
  }
  const copy = Object.entries(value ?? {}).flatMap(([key, part]): [string, Json][] => {
    const replaced = key === name ? changed(part, rest, change) : part;
    return replaced === undefined ? [] : [[key, replaced]];
  });
  return Array.isArray(value) ? copy.map(([, part]) => part) : Object.fromEntries(copy);
}

const CHANGES: Change[] = [
  GONE,
  null,
  true,
  false,
  0,
  1,
  -1,
  0.5,
  1e300,
  '',
  'x',
  'ipv4',
  'gone',
  '😀',
  'x'.repeat(45),
  'x'.repeat(46),
  [],
  [null],
  ['text'],
  {},
  { other: 1 },
  { ipv4: {} },
  { constructor: 1 },
];

const VALIDATORS = { state: validateState, published: validatePublished };

for (const [name, validate] of Object.entries(VALIDATORS)) {
  const oracle = ajv.getSchema(`${schema.$id}#/$defs/${name}`);
  const whole = fullSample(schema.$defs[name] ?? null);

  test(`${name}: each part replaced by each of many values gets the verdict of Ajv`, () => {
    const values = pathsOf(whole).flatMap((path) =>
      CHANGES.map((change) => ({ path, change, value: changed(whole, path, change) })),
    );

    const verdicts = values.map(({ value }) => validate(value));

    expect(validate(whole)).toBe(true);
    expect(verdicts.filter(Boolean).length).toBeGreaterThan(20);
    expect(values.filter(({ value }, index) => oracle?.(value) !== verdicts[index])).toEqual([]);
  });

  test(`${name}: any JSON at any place gets the verdict of Ajv`, () => {
    fc.assert(
      fc.property(fc.constantFrom(...pathsOf(whole)), fc.jsonValue(), (path, change) => {
        const value = changed(whole, path, change as Json);

        expect(validate(value)).toBe(oracle?.(value));
      }),
      { numRuns: 2000 },
    );
  });
}
