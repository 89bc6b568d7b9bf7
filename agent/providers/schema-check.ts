/**
 * Checks a value against a JSON Schema (2020-12) and says in plain words what is wrong where. Only for what
 * users write themselves; it knows the keywords of `schemas/provider.schema.json`, and the tests hold it
 * against Ajv.
 */
import type { Json } from './json-pointer.ts';

export type Schema = boolean | SchemaObject;

export interface SchemaObject {
  $ref?: string;
  type?: string | string[];
  enum?: Json[];
  const?: Json;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  uniqueItems?: boolean;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema;
  propertyNames?: Schema;
  minProperties?: number;
  allOf?: Schema[];
  anyOf?: Schema[];
  if?: Schema;
  then?: Schema;
  else?: Schema;
  $defs?: Record<string, Schema>;
}

export interface SchemaComplaint {
  /** `fields.username.title`; empty for the document itself. */
  place: string;
  /** Follows the place: "must be ...". */
  text: string;
}

export function checkSchema(root: SchemaObject, value: Json): SchemaComplaint[] {
  return check(root, value, '');

  function check(schema: Schema, at: Json, place: string): SchemaComplaint[] {
    const say = (text: string): SchemaComplaint[] => [{ place, text }];
    if (typeof schema === 'boolean') {
      return schema ? [] : say('is not wanted here');
    }
    const { type } = schema;
    const types = type === undefined ? [] : [type].flat();
    if (types.length > 0 && !types.some((one) => isOfType(one, at))) {
      return say(`must be ${types.map((one) => TYPE_NAMES[one] ?? one).join(' or ')}`);
    }
    return [
      ...referred(schema, at, place),
      ...valueComplaints(schema, at).flatMap(say),
      ...(Array.isArray(at) ? arrayComplaints(schema, at, place) : []),
      ...(isObject(at) ? objectComplaints(schema, at, place) : []),
      ...branches(schema, at, place),
    ];
  }

  function referred({ $ref }: SchemaObject, at: Json, place: string): SchemaComplaint[] {
    return $ref === undefined ? [] : check(root.$defs?.[$ref.replace('#/$defs/', '')] ?? false, at, place);
  }

  function arrayComplaints(schema: SchemaObject, at: Json[], place: string): SchemaComplaint[] {
    const { minItems = 0, uniqueItems, items = true } = schema;
    const isDouble = uniqueItems && new Set(at.map((one) => JSON.stringify(one))).size < at.length;
    return [
      ...(at.length < minItems ? [{ place, text: `must have at least ${counted(minItems, 'item')}` }] : []),
      ...(isDouble ? [{ place, text: 'must not have the same item twice' }] : []),
      ...at.flatMap((item, index) => check(items, item, `${place}[${index}]`)),
    ];
  }

  function objectComplaints(schema: SchemaObject, at: JsonObject, place: string): SchemaComplaint[] {
    const { properties = {}, required = [], additionalProperties = true, propertyNames = true } = schema;
    const { minProperties = 0 } = schema;
    const names = Object.keys(at);
    const missing = required.filter((name) => !Object.hasOwn(at, name));
    return [
      ...missing.map((name) => ({ place: within(place, name), text: 'is missing' })),
      ...(names.length < minProperties
        ? [{ place, text: `must have at least ${counted(minProperties, 'member')}` }]
        : []),
      ...Object.entries(at).flatMap(([name, member]) => {
        const inner = within(place, name);
        if (Object.hasOwn(properties, name)) {
          return check(properties[name] ?? true, member, inner);
        }
        if (additionalProperties === false) {
          return [{ place: inner, text: `is not known; known are: ${Object.keys(properties).join(', ')}` }];
        }
        const isName = check(propertyNames, name, inner).length === 0;
        return isName
          ? check(additionalProperties, member, inner)
          : [{ place: inner, text: 'is no name that can stand here' }];
      }),
    ];
  }

  function branches(schema: SchemaObject, at: Json, place: string): SchemaComplaint[] {
    const { allOf = [], anyOf, if: condition } = schema;
    const complaints = allOf.flatMap((one) => check(one, at, place));
    const choices = anyOf?.map((one) => check(one, at, place));
    if (choices && !choices.some((one) => one.length === 0)) {
      // The form that comes nearest is most likely the one that was meant.
      complaints.push(...(choices.sort((a, b) => depth(b) - depth(a))[0] ?? []));
    }
    if (condition !== undefined) {
      const isMet = check(condition, at, place).length === 0;
      complaints.push(...check((isMet ? schema.then : schema.else) ?? true, at, place));
    }
    return complaints;
  }
}

type JsonObject = { [name: string]: Json };

const TYPE_NAMES: Record<string, string> = {
  object: 'an object { }',
  array: 'a list [ ]',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

function isOfType(type: string, value: Json): boolean {
  switch (type) {
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'null':
      return value === null;
    default:
      return typeof value === type;
  }
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueComplaints(schema: SchemaObject, value: Json): string[] {
  const texts: string[] = [];
  const allowed = schema.const === undefined ? schema.enum : [schema.const];
  if (allowed && !allowed.some((one) => one === value)) {
    texts.push(
      `must be ${allowed.length > 1 ? 'one of: ' : ''}${allowed.map((one) => String(one)).join(', ')}`,
    );
  }
  if (typeof value === 'string') {
    const { pattern, minLength = 0, maxLength = value.length } = schema;
    const length = [...value].length;
    if (pattern !== undefined && !new RegExp(pattern, 'u').test(value)) {
      texts.push(`must match ${pattern}`);
    }
    if (length < minLength || length > maxLength) {
      texts.push(
        `must have ${length < minLength ? 'at least' : 'at most'} ${counted(length < minLength ? minLength : maxLength, 'character')}`,
      );
    }
  }
  if (typeof value === 'number') {
    const { minimum = value, maximum = value } = schema;
    if (value < minimum || value > maximum) {
      texts.push(value < minimum ? `must be at least ${minimum}` : `must be at most ${maximum}`);
    }
  }
  return texts;
}

function within(place: string, name: string): string {
  return place === '' ? name : `${place}.${name}`;
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

function depth(complaints: readonly SchemaComplaint[]): number {
  return Math.max(...complaints.map(({ place }) => place.length));
}
