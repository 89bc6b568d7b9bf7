/** The house stays as it was drawn: imports run one way only, and each broken rule says why it exists. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const AGENT = fileURLToPath(new URL('../../agent/', import.meta.url));

interface Room {
  /** Rooms it may import, itself included. */
  rooms: readonly string[];
  /** npm packages and `node:` modules it may import. */
  packages: readonly (string | RegExp)[];
  why: string;
}

const ANY_NODE = /^node:/;

/** A room is a folder of `agent`, or a file at its top. */
const ROOMS: Record<string, Room> = {
  core: {
    rooms: ['core'],
    packages: ['punycode/punycode.js'],
    why: 'core decides and does nothing else: no I/O, no clock, no randomness; only pure text libraries',
  },
  'ports.ts': {
    rooms: ['core'],
    packages: [],
    why: 'ports name what the outside must do; they know only the values of core',
  },
  config: {
    rooms: ['config', 'core', 'ports.ts', 'openwrt', 'providers'],
    packages: [],
    why: 'the configuration is text turned into values; reading files is the business of cli',
  },
  providers: {
    rooms: ['providers', 'core', 'ports.ts'],
    packages: ['url-template', /^@noble\/hashes\//],
    why: 'a provider gets HTTP through a port, so that every runtime and every test can give it one',
  },
  sources: {
    rooms: ['sources', 'core', 'ports.ts'],
    packages: [],
    why: 'a source gets processes, HTTP and DNS through ports, and knows nothing of other sources',
  },
  net: {
    rooms: ['net', 'core', 'ports.ts'],
    packages: ['node-fetch', ANY_NODE],
    why: 'net speaks protocols over the sockets of a runtime and decides nothing',
  },
  openwrt: {
    rooms: ['openwrt', 'core', 'ports.ts'],
    packages: [],
    why: 'ubus and UCI are reached through ports, so that the second runtime can reach them too',
  },
  store: {
    rooms: ['store', 'core', 'ports.ts'],
    packages: [],
    why: 'the store writes what core remembers, through ports',
  },
  engine: {
    rooms: ['engine', 'core', 'ports.ts', 'providers', 'sources'],
    packages: [],
    why: 'the engine runs what core decides, through ports; it knows no host',
  },
  hosts: {
    rooms: ['hosts', 'core', 'ports.ts', 'net'],
    packages: [ANY_NODE, /^quickjs:/, /^@noble\/hashes\//],
    why: 'a host implements the ports for one runtime and nothing more',
  },
  cli: {
    rooms: ['cli', 'config', 'core', 'ports.ts', 'engine', 'openwrt', 'providers'],
    packages: [],
    why: 'commands use an agent that main has wired; they make none themselves',
  },
  'main.ts': {
    rooms: ['cli', 'config', 'core', 'ports.ts', 'engine', 'net', 'openwrt', 'providers', 'sources', 'store'],
    packages: [],
    why: 'main is the only place where everything meets',
  },
  'main-node.ts': {
    rooms: ['hosts', 'main.ts'],
    packages: [],
    why: 'the beginning of a runtime gives main its host, and does nothing else',
  },
  'main-quickjs-checker.ts': {
    rooms: ['hosts', 'engine'],
    packages: [],
    why: 'the checker does what engine does with its host, and nothing else',
  },
  'main-quickjs-reader.ts': {
    rooms: ['hosts', 'cli'],
    packages: [],
    why: 'the reader does what cli does with the files of its host, and nothing else',
  },
  'start-quickjs.ts': {
    rooms: [],
    packages: [/^quickjs:/],
    why: 'it runs what is built of the agent, and is no part of it',
  },
  'main-quickjs.ts': {
    rooms: ['hosts', 'main.ts'],
    packages: [],
    why: 'the beginning of a runtime gives main its host, and does nothing else',
  },
};

interface Import {
  from: string;
  target: string;
}

const files = readdirSync(AGENT, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .sort();
const imports = files.flatMap(importsOf);

describe('imports run one way', () => {
  it('finds the house', () => {
    expect(files).toContain('core/step.ts');
    expect(imports.length).toBeGreaterThan(100);
  });

  it.each(files)('%s imports only what its room may', (file) => {
    const name = roomOf(file);
    const room = ROOMS[name];
    const wrong = imports
      .filter((one) => one.from === file && !allowed(room, one.target))
      .map(
        (one) => `${file} imports ${one.target}, but ${room?.why ?? `the room ${name} is not in the plan`}`,
      );

    expect(wrong).toEqual([]);
  });

  it('has no cycle', () => {
    const graph = new Map(
      files.map((file) => [
        file,
        imports.filter((one) => one.from === file && files.includes(one.target)).map((one) => one.target),
      ]),
    );

    expect(cycleIn(graph)).toBeUndefined();
  });

  it('has no barrel file and no import for its side effect', () => {
    const barrels = files.filter((file) => /^export \*|^export \{[^}]*\} from/m.test(textOf(file)));
    const effects = files.filter((file) => /^import ['"]/m.test(textOf(file)));

    expect({ barrels, effects }).toEqual({ barrels: [], effects: [] });
  });

  it('keeps the way for a newcomer short', () => {
    const way = ['main.ts', 'engine/loop.ts', 'core/step.ts', 'providers/protocols/dyndns2.ts'];
    const lines = way.reduce((sum, file) => sum + textOf(file).split('\n').length - 1, 0);

    expect(lines).toBeLessThan(700);
  });
});

function textOf(file: string): string {
  return readFileSync(join(AGENT, file), 'utf8');
}

function importsOf(file: string): Import[] {
  const pattern = /^(?:import|export)[^'";]*? from '([^']+)'|import\('([^']+)'\)/gm;
  return [...textOf(file).matchAll(pattern)].map((match) => {
    const target = match[1] ?? match[2] ?? '';
    const local = target.startsWith('.') ? normalize(join(dirname(file), target)) : target;
    return { from: file, target: local };
  });
}

function roomOf(path: string): string {
  return path.split('/')[0] ?? path;
}

function allowed(room: Room | undefined, target: string): boolean {
  const outside = relative(AGENT, join(AGENT, target)).startsWith('..');
  if (outside) {
    return target === '../package.json';
  }
  return (
    room?.rooms.includes(roomOf(target)) === true ||
    room?.packages.some((one) => (typeof one === 'string' ? one === target : one.test(target))) === true
  );
}

function cycleIn(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  function walk(file: string, path: string[]): string[] | undefined {
    if (path.includes(file)) {
      return [...path.slice(path.indexOf(file)), file];
    }
    if (done.has(file)) {
      return undefined;
    }
    for (const next of graph.get(file) ?? []) {
      const cycle = walk(next, [...path, file]);
      if (cycle) {
        return cycle;
      }
    }
    done.add(file);
    return undefined;
  }
  for (const file of graph.keys()) {
    const cycle = walk(file, []);
    if (cycle) {
      return cycle;
    }
  }
  return undefined;
}
