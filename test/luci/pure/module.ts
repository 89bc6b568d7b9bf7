/** Loads a file of LuCI's kind, which ends with `return baseclass.extend(...)`, without LuCI and without a browser. */
import { readFileSync } from 'node:fs';

export const RESOURCES = new URL(
  '../../../firmware-glue/luci-app-holdfast/htdocs/luci-static/resources/',
  import.meta.url,
);

const REQUIRE = /^'require ([\w.]+)(?: as (\w+))?';$/gm;

declare global {
  interface String {
    format(...values: unknown[]): string;
  }
}

// LuCI's client gives strings this method; `%h` is for markup, which these files do not make.
Object.defineProperty(String.prototype, 'format', {
  configurable: true,
  value(this: string, ...values: unknown[]): string {
    const left = [...values];
    return this.replace(/%[sd]/g, () => String(left.shift()));
  },
});

/** Names in `'require NAME'` to what they stand for. Missing ones are empty objects. */
export type Parts = Readonly<Record<string, unknown>>;

const GLOBALS: Parts = {
  _: (text: string) => text,
  N_: (count: number, one: string, many: string) => (count === 1 ? one : many),
  L: {
    toArray: (value: unknown) => (value === undefined || value === null ? [] : [value].flat()),
    resource: (path: string) => path,
  },
};

/** What the file returns: its own methods, for `extend` gives back what it is given. */
export function loadModule<T>(path: string, parts: Parts = {}, globals: Parts = {}): T {
  const source = readFileSync(new URL(path, RESOURCES), 'utf8');
  const known: Parts = { baseclass: { extend: (methods: unknown) => methods }, ...parts };
  const required = requiredBy(source).map(({ name, as }) => [as, known[name] ?? {}] as const);
  const scope = { ...GLOBALS, ...globals, ...Object.fromEntries(required) };
  return new Function(...Object.keys(scope), source)(...Object.values(scope)) as T;
}

export function requiredBy(source: string): { name: string; as: string }[] {
  return [...source.matchAll(REQUIRE)].map(([, name = '', as]) => ({ name, as: as ?? name }));
}
