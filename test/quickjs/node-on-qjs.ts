/** What the suites need of Node, for `qjs`: reading fixtures, addresses of files and servers, turns of the loop. */
import * as os from 'quickjs:os';
import * as std from 'quickjs:std';

/** The parts of WHATWG's URL that fakes use. */
class PlainUrl {
  readonly href: string;

  constructor(text: string, base?: string | PlainUrl) {
    if (base === undefined) {
      this.href = text;
    } else {
      // Relative to a file: only `../` at the beginning.
      const folders = String(base)
        .replace(/[^/]*$/, '')
        .split('/')
        .slice(0, -1);
      const steps = text.split('/');
      while (steps[0] === '..') {
        steps.shift();
        folders.pop();
      }
      this.href = [...folders, ...steps].join('/');
    }
    if (!/^(file|https?):\/\//.test(this.href) || /\/\.\.?\//.test(this.href)) {
      throw new Error(`node-on-qjs.ts cannot read the address '${this.href}'`);
    }
  }

  get pathname(): string {
    return this.href.replace(/^\w+:\/\/[^/]*/, '').replace(/[?#].*$/, '');
  }

  get searchParams(): { get(name: string): string | null } {
    const query = this.href.split('?')[1] ?? '';
    const pairs = query.split('&').map((pair) => pair.split('=').map(decoded));
    return { get: (name) => pairs.find(([key]) => key === name)?.[1] ?? null };
  }

  toString(): string {
    return this.href;
  }
}

function decoded(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

Object.assign(globalThis, {
  URL: PlainUrl,
  // Promises have settled before the next turn of the loop, as with Node's.
  setImmediate: (run: () => void) => os.setTimeout(run, 0),
  setTimeout: os.setTimeout,
  clearTimeout: os.clearTimeout,
});

export function readFileSync(address: PlainUrl, _encoding: 'utf8'): string {
  const text = std.loadFile(address.pathname);
  if (text === null) {
    throw new Error(`cannot read ${address}`);
  }
  return text;
}

export function readdirSync(address: PlainUrl): string[] {
  const [names, errno] = os.readdir(address.pathname.replace(/\/$/, ''));
  if (errno !== 0) {
    throw new Error(`cannot list ${address}`);
  }
  return names.filter((name) => name !== '.' && name !== '..');
}
