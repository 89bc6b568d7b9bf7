/** Fills the templates of the `rest` protocol (see rest-facts.ts). */
import type { Json } from '../json-pointer.ts';
import { expand } from '../template.ts';

export type Values = Record<string, Json>;

/** A template needs a value that nothing has given. */
export class MissingValue extends Error {
  readonly variable: string;

  constructor(variable: string) {
    super(`no value for ${variable}`);
    this.variable = variable;
  }
}

const NAME = /\{(\w+)\}/g;
const WHOLE = /^\{(\w+)(\??)\}$/;
/** Expressions that are a part of the path: without a value the URL would be another one. */
const PATH_PART = /\{\+?(\w+)\}/g;

export function fillUrl(template: string, values: Values): string {
  for (const [, name = ''] of template.matchAll(PATH_PART)) {
    required(name, values);
  }
  const texts = Object.entries(values).map(([name, value]) => [name, asText(value)] as const);
  return expand(template, Object.fromEntries(texts));
}

export function fillText(template: string, values: Values): string {
  return template.replace(NAME, (_, name: string) => asText(required(name, values)));
}

/** `each` are the values of the records of the call, for `$each`. Undefined: leave it out. */
export function fill(template: Json, values: Values, each: readonly Values[]): Json | undefined {
  if (typeof template === 'string') {
    const [, name = '', optional] = WHOLE.exec(template) ?? [];
    if (name === '') {
      return fillText(template, values);
    }
    return optional === '?' ? values[name] : required(name, values);
  }
  if (Array.isArray(template)) {
    return template.flatMap((item) => present(fill(item, values, each)));
  }
  if (typeof template !== 'object' || template === null) {
    return template;
  }
  const { $each } = template;
  if ($each !== undefined) {
    return each.flatMap((own) => present(fill($each, own, each)));
  }
  return Object.fromEntries(
    Object.entries(template).flatMap(([name, item]) =>
      present(fill(item, values, each)).map((filled) => [name, filled]),
    ),
  );
}

/** Names in a template, for whoever must know which secrets it holds. */
export function variablesOf(template: Json): string[] {
  return [...JSON.stringify(template).matchAll(/\{(\w+)\??\}/g)].flatMap(([, name]) => name ?? []);
}

/** Members of objects are joined at every depth; `second` wins. */
export function merged(first: Json | undefined, second: Json): Json {
  if (!isObject(first) || !isObject(second)) {
    return second;
  }
  const joined = Object.entries(second).map(([name, value]) => [name, merged(first[name], value)] as const);
  return { ...first, ...Object.fromEntries(joined) };
}

/** `application/x-www-form-urlencoded` (RFC 6570 explodes it the same way, spaces as %20). */
export function asForm(body: Json): string {
  const fields = isObject(body) ? Object.entries(body) : [];
  return fields.map(([name, value]) => expand('{name}={value}', { name, value: asText(value) })).join('&');
}

/** A text, or texts one behind the other; `$each` is one for each record. */
export function asXml(template: Json, values: Values, each: readonly Values[]): string {
  if (Array.isArray(template)) {
    return template.map((item) => asXml(item, values, each)).join('');
  }
  if (isObject(template)) {
    return each.map((own) => asXml(template.$each ?? '', own, each)).join('');
  }
  const escapes: Record<string, string> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };
  return asText(template).replace(NAME, (_, name: string) =>
    asText(required(name, values)).replace(/[<>&"]/g, (sign) => escapes[sign] ?? sign),
  );
}

export function asText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function isObject(value: Json | undefined): value is { [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function required(name: string, values: Values): Json {
  const value = values[name];
  if (value === undefined) {
    throw new MissingValue(name);
  }
  return value;
}

function present<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}
