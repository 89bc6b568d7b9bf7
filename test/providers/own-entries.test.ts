/** The catalogue as the agent reads it: the packed file, and the entries that users make themselves. */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { runCommandLine } from '../../agent/cli/cli.ts';
import { readConfiguration } from '../../agent/cli/configuration.ts';
import { nodeHost } from '../../agent/hosts/node.ts';
import { checkProviderFile, loadCatalogue, USER_FOLDER } from '../../agent/providers/catalogue.ts';
import { isDead, type ProviderDefinition } from '../../agent/providers/definition.ts';
import type { Json } from '../../agent/providers/json-pointer.ts';
import { checkSchema, type SchemaObject } from '../../agent/providers/schema-check.ts';
import { cataloguePage } from '../../schemas/catalogue-page.mjs';
import { packCatalogue, readEntries } from '../../schemas/pack-catalogue.mjs';
import { CATALOGUE } from '../fakes/catalogue.ts';

const PROGRAM_FOLDER = '/usr/lib/holdfast';
const ROOT = new URL('../../', import.meta.url);

let packed = '';
beforeAll(async () => {
  packed = await packCatalogue();
});

/** A router with these files beside the program. */
function filesWith(given: Record<string, string>) {
  const texts = new Map(Object.entries({ [`${PROGRAM_FOLDER}/catalogue.json`]: packed, ...given }));
  return {
    programFolder: PROGRAM_FOLDER,
    readText: async (path: string) => texts.get(path),
    listFolder: async (folder: string) =>
      [...texts.keys()].flatMap((path) =>
        path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : [],
      ),
  };
}

/** The example of ARCHITECTURE.md: what it takes to add a provider. */
const EXAMPLE = exampleIn(readFileSync(new URL('ARCHITECTURE.md', ROOT), 'utf8'));

function exampleIn(page: string): string {
  const [, section = ''] = page.split('## Adding a provider');
  const lines = section.split('\n').filter((line) => line.startsWith('    '));
  return lines.map((line) => line.slice(4)).join('\n');
}

const example: ProviderDefinition = JSON.parse(EXAMPLE);
const OWN_FILE = `${USER_FOLDER}/${example.id}.json`;

describe('the packed catalogue', () => {
  test('is every entry of the folder', async () => {
    const { catalogue, own, problems } = await loadCatalogue(filesWith({}), PROGRAM_FOLDER);

    const ids = [...CATALOGUE.keys()].sort();
    expect([...catalogue.keys()]).toEqual(ids);
    expect([...catalogue.values()]).toEqual(
      ids.map((id) => {
        const { sources: _, ...entry } = CATALOGUE.get(id) ?? {};
        return entry;
      }),
    );
    expect(packed).toMatch(/^[\n -~]*$/);
    expect([...own]).toEqual([]);
    expect(problems).toEqual([]);
  });

  test.each([
    ['missing', undefined],
    ['cut off', '{"schema":{},"provi'],
  ])('that is %s is a problem, and no exception', async (_, text) => {
    const files = { readText: async () => text, listFolder: async () => [] };

    const { catalogue, problems } = await loadCatalogue(files, PROGRAM_FOLDER);

    expect(catalogue.size).toBe(0);
    expect(problems).toEqual([
      {
        file: `${PROGRAM_FOLDER}/catalogue.json`,
        sentence: expect.stringContaining('install the package again'),
      },
    ]);
  });
});

describe('an entry of the user', () => {
  test('is the example of ARCHITECTURE.md, under 40 lines, and needs no code', async () => {
    const { catalogue, own, problems } = await loadCatalogue(
      filesWith({ [OWN_FILE]: EXAMPLE }),
      PROGRAM_FOLDER,
    );

    expect(EXAMPLE.split('\n').length).toBeLessThan(40);
    expect(problems).toEqual([]);
    expect(catalogue.get(example.id)).toEqual(example);
    expect([...own]).toEqual([example.id]);
  });

  test('goes before ours', async () => {
    const mine = { ...CATALOGUE.get('duckdns.org'), title: 'My Duck' };
    const files = filesWith({ [`${USER_FOLDER}/duckdns.org.json`]: JSON.stringify(mine) });

    const { catalogue } = await loadCatalogue(files, PROGRAM_FOLDER);

    expect(catalogue.get('duckdns.org')?.title).toBe('My Duck');
  });

  test('with a mistake is named with its reason, and the rest works', async () => {
    const files = filesWith({
      [OWN_FILE]: EXAMPLE,
      [`${USER_FOLDER}/broken.json`]: '{ "id": ',
      [`${USER_FOLDER}/notes.txt`]: 'not looked at',
      [`${USER_FOLDER}/half.example.json`]: JSON.stringify({
        ...example,
        id: 'half.example',
        fields: undefined,
      }),
    });

    const { catalogue, problems } = await loadCatalogue(files, PROGRAM_FOLDER);

    expect(catalogue.has(example.id)).toBe(true);
    expect(catalogue.has('half.example')).toBe(false);
    expect(
      problems.map(({ file, sentence }) => `${file.slice(USER_FOLDER.length + 1)}: ${sentence}`),
    ).toEqual([
      expect.stringMatching(/^broken\.json: The file is no JSON: /),
      'half.example.json: fields is missing.',
    ]);
  });

  test('with a mistake is a problem of the configuration', async () => {
    const files = filesWith({
      '/etc/config/holdfast': `config account 'a'\n\toption provider '${example.id}'\n\toption username 'u'\n\toption password 'p'\n`,
      [OWN_FILE]: EXAMPLE,
      [`${USER_FOLDER}/broken.json`]: '[]',
    });

    const read = await readConfiguration(files, '/etc/config/holdfast');

    expect(read).toMatchObject({ ok: true });
    const { config, problems } = read as Extract<typeof read, { ok: true }>;
    expect(config.accounts.get('a')?.provider.title).toBe(example.title);
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([
      {
        severity: 'error',
        code: 'config/PROVIDER_FILE',
        file: `${USER_FOLDER}/broken.json`,
        line: 1,
        sentence: 'The file must be an object { }.',
      },
    ]);
  });
});

describe('what is wrong with a file is said in words', () => {
  const withChange = (change: object) => JSON.stringify({ ...example, ...change });

  test.each<[string, () => string, string[]]>([
    ['nothing', () => EXAMPLE, []],
    [
      'another name',
      () => withChange({ id: 'other.example' }),
      [`id is 'other.example', but the file is called ${example.id}.json; make them the same.`],
    ],
    [
      'a word too much',
      () => withChange({ colour: 'blue' }),
      [expect.stringMatching(/^colour is not known; known are: id, title, /) as unknown as string],
    ],
    ['a number as text', () => withChange({ hostsPerCall: '20' }), ['hostsPerCall must be a whole number.']],
    [
      'a number that is too large',
      () => withChange({ busyWaitSec: 100_000 }),
      ['busyWaitSec must be at most 86400.'],
    ],
    [
      'an unknown protocol',
      () => withChange({ protocol: 'telnet' }),
      [
        expect.stringMatching(/^protocol must be one of: dyndns2, get/) as unknown as string,
        'dyndns2 is not wanted here.',
      ],
    ],
    [
      'facts of another protocol',
      () => withChange({ get: { url: 'https://x.example', failures: [], successes: [{ word: ['OK'] }] } }),
      ['get is not wanted here.'],
    ],
    [
      'a hole in a field',
      () => withChange({ fields: { username: { title: 'Username', help: 'Your login name.' } } }),
      ['fields.username.required is missing.'],
    ],
    [
      'a bad item of a list',
      () => withChange({ zones: ['Not a zone'] }),
      [expect.stringMatching(/^zones\[0\] must match /) as unknown as string],
    ],
    [
      'a note without an end',
      () => withChange({ notes: ['no full stop'] }),
      [expect.stringMatching(/^notes\[0\] must match /) as unknown as string],
    ],
    [
      'a family twice',
      () => withChange({ families: { single: ['ipv4', 'ipv4'], dual: false } }),
      ['families.single must not have the same item twice.'],
    ],
  ])('%s', async (_, text, expected) => {
    const mistakes = await checkProviderFile(filesWith({ [OWN_FILE]: text() }), PROGRAM_FOLDER, OWN_FILE);

    expect(mistakes).toEqual(expected);
  });

  test('a file that is not there', async () => {
    expect(await checkProviderFile(filesWith({}), PROGRAM_FOLDER, '/nowhere.json')).toEqual([
      'The file does not exist or cannot be read.',
    ]);
  });
});

describe('the check of the schema', () => {
  test('says yes and no where Ajv does', () => {
    const { schema } = JSON.parse(packed) as { schema: SchemaObject };
    const oracle = new Ajv2020({ strict: false, allErrors: true }).compile(schema);
    const entries = [...CATALOGUE.values()] as unknown as Json[];
    const values: fc.Arbitrary<Json> = fc.constantFrom<Json>(
      null,
      true,
      false,
      0,
      1,
      -1,
      1.5,
      90_000,
      '',
      'x',
      'A sentence.',
      'https://example.org/',
      `A${'x'.repeat(700)}.`,
      [],
      {},
      ['ipv4'],
      ['ipv4', 'ipv4'],
      [null],
      { x: 1 },
    );

    fc.assert(
      fc.property(
        fc.constantFrom(...entries),
        fc.array(fc.tuple(fc.nat(), values), { maxLength: 3 }),
        (entry, changes) => {
          const changed = changes.reduce<Json>(
            (value, [at, replacement]) => replaced(value, at, replacement),
            structuredClone(entry),
          );

          expect(checkSchema(schema, changed).length === 0).toBe(oracle(changed));
        },
      ),
      { numRuns: 1500 },
    );
  });
});

/** The value with one of its parts, at whatever depth, replaced or taken away. */
function replaced(value: Json, at: number, replacement: Json): Json {
  if (typeof value !== 'object' || value === null || at % 7 === 0) {
    return replacement;
  }
  const keys = Object.keys(value);
  const key = keys[at % (keys.length + 1)];
  if (key === undefined) {
    return Array.isArray(value) ? [...value, replacement] : { ...value, extra: replacement };
  }
  const inner = replaced(
    (value as Record<string, Json>)[key] ?? null,
    Math.floor(at / (keys.length + 1)),
    replacement,
  );
  if (Array.isArray(value)) {
    return value.map((item, index) => (String(index) === key ? inner : item));
  }
  const { [key]: _gone, ...rest } = value;
  return at % 5 === 0 ? rest : { ...rest, [key]: inner };
}

describe('holdfast providers', () => {
  async function holdfast(words: string[], given: Record<string, string> = {}) {
    let stdout = '';
    let stderr = '';
    const host = {
      ...nodeHost(words, {}),
      ...filesWith(given),
      writeOut: (text: string) => {
        stdout += text;
      },
      writeErr: (text: string) => {
        stderr += text;
      },
    };
    const startAgent = () => Promise.reject(new Error('started'));
    const status = await runCommandLine(host, { version: '0', startAgent });
    return { status, stdout, stderr };
  }

  test('--json is every entry, own ones marked', async () => {
    const { status, stdout } = await holdfast(['providers', '--json'], { [OWN_FILE]: EXAMPLE });
    const list: { id: string; own?: boolean }[] = JSON.parse(stdout);

    expect(status).toBe(0);
    expect(list.map(({ id }) => id)).toEqual([...CATALOGUE.keys(), example.id].sort());
    expect(list.filter(({ own }) => own).map(({ id }) => id)).toEqual([example.id]);
  });

  test('--json keeps to the schema of an entry, own ones too', async () => {
    const { stdout } = await holdfast(['providers', '--json'], { [OWN_FILE]: EXAMPLE });
    const schema = JSON.parse(readFileSync(new URL('schemas/provider.schema.json', ROOT), 'utf8'));
    const validate = new Ajv2020({ strict: false, allErrors: true }).compile(schema);
    const list: { id: string }[] = JSON.parse(stdout);

    const refused = list.filter((entry) => !validate(entry)).map(({ id }) => id);

    expect(list.length).toBeGreaterThan(CATALOGUE.size);
    expect(refused).toEqual([]);
  });

  test('one line for each, with protocol, families, hosts and whether it is confirmed', async () => {
    const { stdout } = await holdfast(['providers']);
    const lines = stdout.split('\n').filter((line) => line !== '');

    expect(lines).toHaveLength(CATALOGUE.size);
    expect(lines.find((line) => line.startsWith('no-ip.com '))).toBe(
      'no-ip.com              No-IP (dyndns2, IPv4/IPv6 together, 20 hosts a call)',
    );
    expect(lines.find((line) => line.startsWith('3322.org '))).toContain('(dyndns2, IPv4, unconfirmed)');
    expect(lines.find((line) => line.startsWith('twodns.de '))).toContain('ended 2024-12-20');
  });

  test('a word shows what a user needs, by id, title or zone', async () => {
    const byZone = await holdfast(['providers', 'dedyn']);
    const dead = await holdfast(['providers', 'zerigo']);

    expect(byZone.stdout).toContain('option password');
    expect(byZone.stdout).toContain('https://desec.io/tokens');
    expect(dead.stdout).toMatch(/^zerigo\.com: Zerigo has ended \(2017\)\. /);
    expect((await holdfast(['providers', 'nonesuch'])).status).toBe(1);
  });

  test('--check explains mistakes, with status 2', async () => {
    const file = '/tmp/mine.example.json';
    const good = await holdfast(['providers', '--check', OWN_FILE], { [OWN_FILE]: EXAMPLE });
    const bad = await holdfast(['providers', '--check', file], {
      [file]: JSON.stringify({ id: 'mine.example' }),
    });

    expect(good).toMatchObject({ status: 0, stdout: expect.stringMatching(/^No mistakes\./) });
    expect(bad.status).toBe(2);
    expect(bad.stdout).toContain(`${file}: title is missing.\n`);
  });
});

test('a dead provider in the configuration says since when and what to use', async () => {
  const dead = [...CATALOGUE.values()].filter(isDead);
  const text = dead
    .map(({ id }, index) => `config account 'a${index}'\n\toption provider '${id}'\n`)
    .join('\n');

  const read = await readConfiguration(filesWith({ '/etc/config/holdfast': text }), '/etc/config/holdfast');

  const { problems } = read as Extract<typeof read, { ok: true }>;
  expect(
    problems.filter(({ code }) => code === 'config/DEAD_PROVIDER').map(({ sentence }) => sentence),
  ).toEqual(dead.map(({ title, dead: { since, instead } }) => `${title} has ended (${since}). ${instead}`));
});

test('CATALOGUE.md is fresh (npm run catalogue)', async () => {
  expect(readFileSync(new URL('CATALOGUE.md', ROOT), 'utf8')).toBe(cataloguePage(await readEntries()));
});
