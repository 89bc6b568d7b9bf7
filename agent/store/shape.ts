/** The pieces of which the checks of the saved files are built: a yes or a no, and no reason. */

export type Shape = (value: unknown) => boolean;

export const text: Shape = (value) => typeof value === 'string';
export const number: Shape = (value) => Number.isFinite(value);
export const flag: Shape = (value) => typeof value === 'boolean';
export const record: Shape = isRecord;

/** A whole number from `minimum` on. */
export function count(minimum: number): Shape {
  return (value) => Number.isInteger(value) && Number(value) >= minimum;
}

/** Text of `least` to `most` characters. */
export function textOfLength(least: number, most: number): Shape {
  return (value) => {
    const length = typeof value === 'string' ? [...value].length : -1;
    return length >= least && length <= most;
  };
}

export function oneOf(...words: readonly unknown[]): Shape {
  return (value) => words.includes(value);
}

export function listOf(item: Shape): Shape {
  return (value) => Array.isArray(value) && value.every(item);
}

export function mapOf(item: Shape): Shape {
  return (value) => isRecord(value) && Object.values(value).every(item);
}

/** All of `required`, any of `optional`; what else an object holds is not looked at. */
export function object(required: Record<string, Shape>, optional: Record<string, Shape> = {}): Shape {
  return (value) =>
    isRecord(value) &&
    Object.entries(required).every(([name, shape]) => shape(value[name])) &&
    Object.entries(optional).every(([name, shape]) => value[name] === undefined || shape(value[name]));
}

/** The same, and nothing else. */
export function closedObject(required: Record<string, Shape>, optional: Record<string, Shape> = {}): Shape {
  const known = { ...required, ...optional };
  const fits = object(required, optional);
  return (value) => fits(value) && Object.keys(Object(value)).every((name) => Object.hasOwn(known, name));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
