/**
 * `expect` for suites that run on `qjs`: the matchers that they use, with vitest's meaning (a test under Node
 * compares both). One that is missing here throws instead of passing.
 */

/** Stands for every value that it accepts. */
class Pattern {
  readonly accepts: (value: unknown) => boolean;
  readonly text: string;

  constructor(text: string, accepts: (value: unknown) => boolean) {
    this.text = text;
    this.accepts = accepts;
  }

  toJSON(): string {
    return this.text;
  }
}

type Matcher = (received: unknown, ...expected: unknown[]) => boolean;

const MATCHERS: Record<string, Matcher> = {
  toBe: (received, expected) => Object.is(received, expected),
  toEqual: (received, expected) => isEqual(received, expected),
  toMatchObject: (received, expected) => isPart(received, expected),
  toBeUndefined: (received) => received === undefined,
  toBeDefined: (received) => received !== undefined,
  toBeNull: (received) => received === null,
  toBeLessThan: (received, expected) => Number(received) < Number(expected),
  toBeLessThanOrEqual: (received, expected) => Number(received) <= Number(expected),
  toBeGreaterThan: (received, expected) => Number(received) > Number(expected),
  toBeGreaterThanOrEqual: (received, expected) => Number(received) >= Number(expected),
  toBeCloseTo: (received, expected, digits = 2) =>
    Math.abs(Number(received) - Number(expected)) < 10 ** -Number(digits) / 2,
  toHaveLength: (received, expected) => lengthOf(received) === expected,
  toMatch: (received, expected) =>
    typeof received === 'string' &&
    (expected instanceof RegExp ? testAfresh(expected, received) : received.includes(String(expected))),
  toContain: (received, expected) =>
    typeof received === 'string'
      ? received.includes(String(expected))
      : itemsOf(received).some((item) => item === expected),
  toContainEqual: (received, expected) => itemsOf(received).some((item) => isEqual(item, expected)),
  toHaveProperty: (received, path, ...expected) => {
    const found = walk(received, String(path).split('.'));
    return found !== undefined && (expected.length === 0 || isEqual(found.value, expected[0]));
  },
};

function lengthOf(value: unknown): unknown {
  return isObject(value) || typeof value === 'string' ? Reflect.get(Object(value), 'length') : undefined;
}

function testAfresh(pattern: RegExp, text: string): boolean {
  return new RegExp(pattern.source, pattern.flags).test(text);
}

function itemsOf(value: unknown): unknown[] {
  return isObject(value) && Symbol.iterator in value ? [...(value as Iterable<unknown>)] : [];
}

function walk(value: unknown, path: string[]): { value: unknown } | undefined {
  let at = value;
  for (const name of path) {
    if (!isObject(at) || !(name in at)) {
      return undefined;
    }
    at = Reflect.get(at, name);
  }
  return { value: at };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Equal in what can be seen; a property that is undefined is as good as none. */
function isEqual(a: unknown, b: unknown): boolean {
  return compared(a, b, (one, other) => {
    if (Array.isArray(one) && lengthOf(one) !== lengthOf(other)) {
      return false;
    }
    const names = [...new Set([...Object.keys(one), ...Object.keys(other)])];
    return names.every((name) => isEqual(Reflect.get(one, name), Reflect.get(other, name)));
  });
}

/** Objects may have more than is expected; arrays may not. */
function isPart(received: unknown, expected: unknown): boolean {
  return compared(received, expected, (one, other) => {
    if (Array.isArray(other)) {
      return lengthOf(one) === other.length && other.every((item, at) => isPart(Reflect.get(one, at), item));
    }
    const names = Object.keys(other);
    return names.every((name) => name in one && isPart(Reflect.get(one, name), Reflect.get(other, name)));
  });
}

function compared(a: unknown, b: unknown, objects: (a: object, b: object) => boolean): boolean {
  if (b instanceof Pattern) {
    return b.accepts(a);
  }
  if (Object.is(a, b) || !isObject(a) || !isObject(b)) {
    return Object.is(a, b);
  }
  if (kindOf(a) !== kindOf(b)) {
    return false;
  }
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size && [...a].every(([key, value]) => b.has(key) && isEqual(value, b.get(key)));
  }
  if (a instanceof Set && b instanceof Set) {
    return a.size === b.size && [...a].every((item) => [...b].some((other) => isEqual(item, other)));
  }
  if (a instanceof Date || a instanceof RegExp || a instanceof Error) {
    return String(a) === String(b);
  }
  return objects(a, b);
}

function kindOf(value: object): string {
  return Object.prototype.toString.call(value);
}

/** For people. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value, (_, inner: unknown) => {
    if (inner instanceof Map || inner instanceof Set) {
      return [...inner];
    }
    return inner === undefined || typeof inner === 'bigint' ? String(inner) : inner;
  });
  return text ?? String(value);
}

type Assertions = { not: Assertions } & { [matcher: string]: (...expected: unknown[]) => void };

function assertions(received: unknown, note: string | undefined, isNegated: boolean): Assertions {
  const known = Object.fromEntries(
    Object.entries(MATCHERS).map(([name, matches]) => [
      name,
      (...expected: unknown[]) => {
        if (matches(received, ...expected) === isNegated) {
          const words = [
            `expected ${shown(received)}`,
            isNegated ? 'not ' : '',
            name,
            ...expected.map(shown),
          ];
          throw new Error(`${note === undefined ? '' : `${note}: `}${words.join(' ')}`);
        }
      },
    ]),
  );
  return new Proxy(known, {
    get(matchers, name) {
      if (name === 'not') {
        return assertions(received, note, !isNegated);
      }
      const found = matchers[String(name)];
      if (!found) {
        throw new Error(`expect-on-qjs.ts has no matcher '${String(name)}'`);
      }
      return found;
    },
  }) as unknown as Assertions;
}

export function expectOnQjs(received: unknown, note?: string): Assertions {
  return assertions(received, note, false);
}

expectOnQjs.any = (type: { new (...parts: never[]): unknown; name: string }) =>
  new Pattern(`any ${type.name}`, (value) =>
    ['Number', 'String', 'Object'].includes(type.name)
      ? typeof value === type.name.toLowerCase()
      : value instanceof type,
  );
expectOnQjs.objectContaining = (part: object) =>
  new Pattern(`object with ${shown(part)}`, (value) =>
    Object.entries(part).every(
      ([name, wanted]) => isObject(value) && name in value && isEqual(Reflect.get(value, name), wanted),
    ),
  );
expectOnQjs.stringContaining = (part: string) =>
  new Pattern(`text with ${part}`, (value) => typeof value === 'string' && value.includes(part));
expectOnQjs.stringMatching = (pattern: RegExp | string) =>
  new Pattern(
    `text like ${pattern}`,
    (value) => typeof value === 'string' && new RegExp(pattern).test(value),
  );
