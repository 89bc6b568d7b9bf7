/**
 * Runs a program in ucode, the script language of OpenWrt, as JavaScript. The two are near enough for the
 * plugin of rpcd: what differs is the `for ... in` loop, the classes in regular expressions, the imports and
 * the built-in functions. What this does not know is an error, never a guess.
 */

/** What `import { ... } from 'NAME'` may name. */
export type UcodeModules = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const CLASSES: Readonly<Record<string, string>> = {
  '[:space:]': '\\s',
  '[:cntrl:]': '\\x00-\\x1f\\x7f',
  '[:alnum:]': 'A-Za-z0-9',
  '[:alpha:]': 'A-Za-z',
  '[:digit:]': '0-9',
  '[:xdigit:]': '0-9A-Fa-f',
};

/** Runs the text and returns what it returns. */
export function runUcode(text: string, modules: UcodeModules): unknown {
  const names = Object.keys(BUILTINS);
  const body = translate(text);
  const program = new Function('__modules', '__items', 'require', ...names, body);
  const find = modulesOrComplaint(modules);
  return program(find, itemsOf, (name: string) => find(name, []), ...Object.values(BUILTINS));
}

/** The same program in JavaScript. */
export function translate(text: string): string {
  let body = text.replace(
    /^import\s*(\{[^}]*\})\s*from\s*'([^']+)';/gm,
    (_, names: string, from: string) =>
      `const ${names.replaceAll(' as ', ': ')} = __modules(${JSON.stringify(from)}, ${JSON.stringify(wordsOf(names))});`,
  );
  for (const [name, range] of Object.entries(CLASSES)) {
    body = body.replaceAll(name, range);
  }
  const left = /\[:\w+:\]/.exec(body);
  if (left !== null) {
    throw new Error(`The regular expression class ${left[0]} is not known here`);
  }
  // Octal numbers have another prefix.
  return loopsOf(body.replace(/(?<![\w.'"])0([0-7]+)\b/g, '0o$1'));
}

/** `for (let a in x)` goes over values of an array and keys of an object, `for (let a, b in x)` over pairs. */
function loopsOf(text: string): string {
  return text
    .replace(/\bfor \((?:let|const) (\w+)(?:, (\w+))? in /g, (_, first: string, second?: string) =>
      second === undefined
        ? `for (const ${first} of __items(1, `
        : `for (const [${first}, ${second}] of __items(2, `,
    )
    .split('\n')
    .map(closeLoop)
    .join('\n');
}

/** The call that was opened in the head of a loop ends where the head does. */
function closeLoop(line: string): string {
  const start = line.indexOf('(', line.indexOf('__items'));
  if (!line.includes('__items(')) {
    return line;
  }
  let depth = 0;
  for (let position = start; position < line.length; position += 1) {
    depth += line[position] === '(' ? 1 : line[position] === ')' ? -1 : 0;
    if (depth === 0) {
      return `${line.slice(0, position)})${line.slice(position)}`;
    }
  }
  throw new Error(`A loop whose head does not end on its line cannot be read here: ${line.trim()}`);
}

function itemsOf(width: number, value: unknown): unknown[] {
  if (Array.isArray(value)) {
    return width === 1 ? value : [...value.entries()];
  }
  const object = typeof value === 'object' && value !== null ? value : {};
  return width === 1 ? Object.keys(object) : Object.entries(object);
}

function wordsOf(braces: string): string[] {
  return [...braces.matchAll(/(\w+)(?:\s+as\s+\w+)?/g)].flatMap(([, name]) => name ?? []);
}

function modulesOrComplaint(modules: UcodeModules) {
  return (from: string, names: string[]): unknown => {
    const found = modules[from];
    if (found === undefined) {
      throw new Error(`The stand-in has no module ${from}`);
    }
    const missing = names.filter((name) => !Object.hasOwn(found, name));
    if (missing.length > 0) {
      throw new Error(`The stand-in has no ${missing.join(', ')} in the module ${from}`);
    }
    return found;
  };
}

function bytes(text: string): Buffer {
  return Buffer.from(text);
}

const BUILTINS = {
  type(value: unknown): string | null {
    if (value === null || value === undefined) return null;
    if (Array.isArray(value)) return 'array';
    if (typeof value === 'boolean') return 'bool';
    if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'double';
    return typeof value;
  },
  length(value: unknown): number | null {
    if (typeof value === 'string') return bytes(value).length;
    if (Array.isArray(value)) return value.length;
    return typeof value === 'object' && value !== null ? Object.keys(value).length : null;
  },
  exists: (object: unknown, key: string) =>
    typeof object === 'object' && object !== null && Object.hasOwn(object, key),
  match(text: unknown, pattern: RegExp): unknown {
    if (text === null || text === undefined) return null;
    const subject = String(text);
    return pattern.global ? [...subject.matchAll(pattern)] : (subject.match(pattern) ?? null);
  },
  replace: (text: unknown, pattern: RegExp | string, by: string) =>
    typeof pattern === 'string' ? String(text).replaceAll(pattern, by) : String(text).replace(pattern, by),
  split: (text: unknown, by: string | RegExp) =>
    text === null || text === undefined ? null : String(text).split(by),
  join: (by: string, items: unknown[]) => items.join(by),
  substr: (text: unknown, from: number, count?: number) =>
    bytes(String(text))
      .subarray(from, count === undefined ? undefined : from + count)
      .toString(),
  index: (where: string | unknown[], what: never) => where.indexOf(what),
  trim: (text: unknown) => (typeof text === 'string' ? text.trim() : null),
  rtrim: (text: unknown) => (typeof text === 'string' ? text.trimEnd() : null),
  ltrim: (text: unknown) => (typeof text === 'string' ? text.trimStart() : null),
  lc: (text: unknown) => String(text).toLowerCase(),
  uc: (text: unknown) => String(text).toUpperCase(),
  keys: (value: unknown) => (typeof value === 'object' && value !== null ? Object.keys(value) : null),
  values: (value: unknown) => (typeof value === 'object' && value !== null ? Object.values(value) : null),
  filter: (items: unknown, keep: (item: unknown) => unknown) =>
    Array.isArray(items) ? items.filter((item) => keep(item)) : null,
  map: (items: unknown, change: (item: unknown) => unknown) =>
    Array.isArray(items) ? items.map((item) => change(item)) : null,
  sort: (items: unknown[], compare?: (a: unknown, b: unknown) => number) => items.sort(compare),
  reverse: (items: unknown[]) => [...items].reverse(),
  slice: (items: unknown[], from?: number, to?: number) => items.slice(from, to),
  push: (items: unknown[], ...more: unknown[]) => items.push(...more),
  pop: (items: unknown[]) => items.pop(),
  shift: (items: unknown[]) => items.shift(),
  uniq: (items: unknown[]) => [...new Set(items)],
  min: (...numbers: number[]) => Math.min(...numbers),
  max: (...numbers: number[]) => Math.max(...numbers),
  int: (value: unknown) => Number.parseInt(String(value), 10),
  time: () => Math.floor(Date.now() / 1000),
  clock: () => [Math.floor(Date.now() / 1000), 0],
  json: (text: unknown) => JSON.parse(String(text)),
  hexenc: (text: string) => bytes(text).toString('hex'),
  die(message: string): never {
    throw new Error(message);
  },
  /** Only the conversions that the plugin needs. */
  sprintf: (format: string, ...values: unknown[]) =>
    format.replace(/%(%|J|s|d|0?\d*x)/g, (_, kind: string) => {
      if (kind === '%') return '%';
      const value = values.shift();
      if (kind === 'J') return JSON.stringify(value);
      return kind.endsWith('x')
        ? Number(value)
            .toString(16)
            .padStart(Number.parseInt(kind, 10) || 0, '0')
        : String(value);
    }),
  warn: (...words: unknown[]) => process.stderr.write(words.join('')),
};
