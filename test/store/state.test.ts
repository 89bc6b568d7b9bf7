/** What survives a restart, a reboot, a full disk and a damaged file. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { HostState, SavedState } from '../../agent/core/state.ts';
import { nodeFiles } from '../../agent/hosts/node-files.ts';
import type { Files } from '../../agent/ports.ts';
import { createStore, type Store } from '../../agent/store/state.ts';
import type { PastEvent } from '../../agent/store/state-file.ts';
import { virtualClock } from '../fakes/virtual-clock.ts';

const STATE_DIR = '/var/run/holdfast';
const STATE = `${STATE_DIR}/state.json`;
const PUBLISHED = '/etc/holdfast/published.json';
const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const START_MS = 100_000;

interface MemoryFiles extends Files {
  texts: Map<string, string>;
  /** Every write, as path and text. */
  writes: [path: string, text: string][];
  /** Paths whose reads, writes or renames fail. */
  faults: { read: Set<string>; write: Set<string>; rename: Set<string> };
  /** Writes wait for it. */
  gate: Promise<void>;
}

function memoryFiles(): MemoryFiles {
  const faults = { read: new Set<string>(), write: new Set<string>(), rename: new Set<string>() };
  const files: MemoryFiles = {
    texts: new Map([[BOOT_ID, 'boot-1\n']]),
    writes: [],
    faults,
    gate: Promise.resolve(),
    async readText(path) {
      failIf(faults.read, path);
      return files.texts.get(path);
    },
    async writeAtomic(path, text) {
      await files.gate;
      failIf(faults.write, path);
      files.writes.push([path, text]);
      files.texts.set(path, text);
    },
    async rename(from, to) {
      failIf(faults.rename, from);
      files.texts.set(to, files.texts.get(from) ?? '');
      files.texts.delete(from);
    },
    async remove(path) {
      files.texts.delete(path);
    },
    async makeFolder() {},
    async listFolder() {
      return [];
    },
  };
  return files;
}

function failIf(paths: ReadonlySet<string>, path: string): void {
  if (paths.has(path)) {
    throw new Error('ENOSPC: no space left on device');
  }
}

interface World {
  files: MemoryFiles;
  warnings: string[];
  /** A store as a new process makes it, at this time since boot. */
  start(nowMs?: number): Store;
}

function world(): World {
  const files = memoryFiles();
  const warnings: string[] = [];
  return { files, warnings, start: (nowMs = START_MS) => storeOver(files, warnings, nowMs) };
}

function storeOver(
  files: Files,
  warnings: string[],
  nowMs: number,
  places = { stateDir: STATE_DIR, publishedFile: PUBLISHED },
): Store {
  return createStore({
    files,
    clock: virtualClock(nowMs),
    log: (level, message) => warnings.push(`${level} ${message}`),
    random: () => 0.5,
    ...places,
  });
}

function hostState(more: Partial<HostState> = {}): HostState {
  return {
    hostname: 'home.example.org',
    account: 'noip',
    service: 'no-ip.com',
    revision: 'r1',
    choices: { ipv4: { address: '192.0.2.1', network: 'wan', device: 'eth1' } },
    confirmed: { ipv4: { address: '192.0.2.1', wallMs: 1000, atMs: 90_000, unseen: 'Behind a proxy.' } },
    doubted: { ipv4: ['192.0.2.2'] },
    due: 'refresh',
    block: { code: 'dyndns2/NOHOST', sentence: 'No such host.', sinceWallMs: 5 },
    retry: {
      failures: 2,
      notBeforeMs: START_MS + 50_000,
      failure: { kind: 'busy', scope: 'account', code: 'dyndns2/911', sentence: 'Wait.', retryAfterMs: 9 },
    },
    sent: '192.0.2.1',
    axes: {
      authority: {
        verdict: 'ok',
        code: 'authority/OK',
        sentence: 'Good.',
        evidence: ['a'],
        mustAct: true,
        sinceWallMs: 6,
        checkedWallMs: 7,
      },
    },
    check: {
      ...{ count: 3, nextMs: START_MS + 1000, pending: true, zone: 'example.org', ttlSec: 60 },
      streak: { about: 'zone:example.org', count: 2, firstMs: 1, lastMs: 2 },
    },
    failing: { sinceMs: 1, sinceWallMs: 2 },
    goneForced: true,
    ...more,
  };
}

/** Every field that the state can have. */
function fullState(more: Partial<SavedState> = {}): SavedState {
  return {
    accounts: {
      noip: {
        revision: 'a1',
        service: 'no-ip.com',
        block: { code: 'dyndns2/BADAUTH', sentence: 'Wrong password.', sinceWallMs: 6 },
        wait: { failures: 1, notBeforeMs: START_MS + 30_000 },
        lastSentMs: 95_000,
        failing: { sinceMs: 90_000, sinceWallMs: 9 },
        web: { up: false, sinceWallMs: 4, checkedMs: 91_000, detail: 'status 503' },
      },
    },
    lanes: {
      'noip eth1': {
        attempt: {
          id: 7,
          items: [
            { host: 'home', hostname: 'home.example.org', ipv4: '192.0.2.1', reason: 'changed' },
            { host: 'home', hostname: 'home.example.org', ipv6: '2001:db8::1', reason: 'gone' },
          ],
          outdated: true,
        },
        retry: { failures: 0, notBeforeMs: 0 },
        hold: { level: 2, lastSentMs: 95_000, notBeforeMs: START_MS + 5000 },
      },
    },
    hosts: { home: hostState() },
    baselines: {
      'example.org': {
        nameServers: [
          { name: 'ns1.example.org', addresses: ['192.0.2.53', '2001:db8::53'] },
          { name: 'ns2.example.org', addresses: [] },
        ],
        owner: 'ns1.example.org hostmaster.example.org',
        sinceWallMs: 8,
        candidate: { names: ['ns1.example.net'], workedMs: 90_000_000, atMs: 95_000 },
        adopted: true,
      },
    },
    incidents: [
      {
        ...{ id: 'zone:example.org@1', code: 'delegation/CHANGED', subject: 'example.org', hosts: ['home'] },
        ...{ sentence: 'Gone.', evidence: ['a'], mustAct: false, openedWallMs: 1000, closedWallMs: 2000 },
      },
    ],
    ...more,
  };
}

/** What published.json keeps of the zones: the time that others have worked in whole days. */
const KEPT_ZONES = {
  'example.org': {
    ...fullState().baselines['example.org'],
    candidate: { names: ['ns1.example.net'], workedMs: 86_400_000 },
  },
};

function published(address: string, wallMs: number, owner: Partial<HostState> = {}): string {
  const { hostname, account, service } = hostState(owner);
  return JSON.stringify({
    version: 1,
    hosts: { home: { hostname, account, service, confirmed: { ipv4: { address, wallMs } } } },
    zones: {
      'example.org': { nameServers: [{ name: 'ns9.example.org', addresses: [] }], sinceWallMs: 1 },
    },
  });
}

const EVENTS: PastEvent[] = [
  { wallMs: 1, level: 'notice', code: 'update/OK', sentence: 'Done.', host: 'home', account: 'noip' },
];

async function saved(store: Store, state: SavedState, events: readonly PastEvent[] = EVENTS): Promise<void> {
  store.save(state, events);
  await store.flush();
}

/** A world in which one process has saved the full state. */
async function lived(): Promise<World> {
  const made = world();
  const store = made.start();
  await store.load();
  await saved(store, fullState());
  return made;
}

function pathsWritten(files: MemoryFiles): string[] {
  return files.writes.map(([path]) => path);
}

describe('at the first start', () => {
  test('there is nothing, and nothing to complain about', async () => {
    const { files, warnings, start } = world();

    const loaded = await start().load();

    expect(loaded).toEqual({ events: [], salt: (2 ** 31).toString(36) });
    expect(warnings).toEqual([]);
    expect(files.writes).toEqual([]);
  });
});

describe('after a restart', () => {
  test('everything is as it was saved', async () => {
    const { warnings, start } = await lived();

    const loaded = await start(START_MS + 1000).load();

    expect(loaded).toEqual({ state: fullState(), events: EVENTS, salt: (2 ** 31).toString(36) });
    expect(warnings).toEqual([]);
  });

  test('saving the same again writes nothing', async () => {
    const { files, start } = await lived();
    const store = start(START_MS + 1000);
    const { state, events } = await store.load();
    await saved(store, state ?? fullState(), events);
    const before = files.writes.length;

    await saved(store, state ?? fullState(), events);

    expect(files.writes.length).toBe(before);
    expect(pathsWritten(files).filter((path) => path === PUBLISHED)).toHaveLength(1);
  });

  test('the salt of the installation stays', async () => {
    const { files, warnings, start } = await lived();
    const first = await start().load();
    const again = createStore({
      files,
      clock: virtualClock(START_MS),
      log: (_level, message) => warnings.push(message),
      random: () => 0.25,
      stateDir: STATE_DIR,
      publishedFile: PUBLISHED,
    });

    expect((await again.load()).salt).toBe(first.salt);
  });
});

describe('after a reboot', () => {
  test('with state.json lost, only what was confirmed remains', async () => {
    const { files, start } = await lived();
    files.texts.delete(STATE);
    files.texts.set(BOOT_ID, 'boot-2\n');

    const { state, events } = await start(500).load();

    expect(events).toEqual([]);
    expect(state).toEqual({
      accounts: {},
      lanes: {},
      hosts: {
        home: {
          hostname: 'home.example.org',
          account: 'noip',
          service: 'no-ip.com',
          revision: '',
          choices: {},
          confirmed: { ipv4: { address: '192.0.2.1', wallMs: 1000, unseen: 'Behind a proxy.' } },
          retry: { failures: 0, notBeforeMs: 0 },
          axes: {},
          check: { count: 0, nextMs: 0, pending: false },
          goneForced: false,
        },
      },
      baselines: KEPT_ZONES,
    });
  });

  test.each<[string, string, number]>([
    ['another boot id', 'boot-2\n', START_MS + 1000],
    ['a clock that ran backwards', 'boot-1\n', 500],
  ])('with state.json kept and %s, waits move onto the new clock', async (_name, bootId, nowMs) => {
    const { files, start } = await lived();
    files.texts.set(BOOT_ID, bootId);

    const { state } = await start(nowMs).load();

    expect(state?.accounts.noip).toMatchObject({ wait: { notBeforeMs: nowMs + 30_000 } });
    expect(state?.accounts.noip).not.toHaveProperty('lastSentMs');
    expect(state?.accounts.noip?.block).toEqual(fullState().accounts.noip?.block);
    expect(state?.hosts.home?.retry.notBeforeMs).toBe(nowMs + 50_000);
    expect(state?.hosts.home?.confirmed.ipv4).toEqual({
      address: '192.0.2.1',
      wallMs: 1000,
      unseen: 'Behind a proxy.',
    });
    expect(state?.lanes).toEqual({});
  });
});

describe('of both files', () => {
  test.each<[string, string, string]>([
    ['published.json is newer', published('192.0.2.2', 2000), '192.0.2.2'],
    ['state.json is newer', published('192.0.2.2', 500), '192.0.2.1'],
    ['both are as old', published('192.0.2.2', 1000), '192.0.2.1'],
    ['published.json is of another name', published('192.0.2.2', 2000, { hostname: 'b.test' }), '192.0.2.1'],
    ['published.json is of another account', published('192.0.2.2', 2000, { account: 'other' }), '192.0.2.1'],
    [
      'published.json is of another service',
      published('192.0.2.2', 2000, { service: 'dyn.com' }),
      '192.0.2.1',
    ],
    [
      'an older version has written it',
      published('192.0.2.2', 2000).replace(/"service":"[^"]*",/, ''),
      '192.0.2.2',
    ],
  ])('the later confirmation counts: %s', async (_name, text, expected) => {
    const { files, start } = await lived();
    files.texts.set(PUBLISHED, text);

    const { state } = await start().load();

    expect(state?.hosts.home?.confirmed.ipv4?.address).toBe(expected);
    expect(state?.hosts.home).toMatchObject({ revision: 'r1', due: 'refresh', sent: '192.0.2.1' });
  });

  test('a newer published.json counts whole: what it has no more was erased', async () => {
    const { files, start } = world();
    const store = start();
    await store.load();
    const both = {
      ipv4: { address: '192.0.2.1', wallMs: 1000, atMs: 1 },
      ipv6: { address: '2001:db8::1', wallMs: 1000, atMs: 1 },
    };
    await saved(store, fullState({ hosts: { home: hostState({ confirmed: both }) } }));
    files.texts.set(PUBLISHED, published('192.0.2.2', 2000));

    const { state } = await start().load();

    expect(state?.hosts.home?.confirmed).toEqual({ ipv4: { address: '192.0.2.2', wallMs: 2000 } });
  });

  test('what only one of them knows is kept', async () => {
    const { files, start } = world();
    const store = start();
    await store.load();
    await saved(store, fullState({ hosts: { office: hostState({ hostname: 'office.example.org' }) } }));
    files.texts.set(PUBLISHED, published('192.0.2.2', 2000).replace('example.org":', 'example.net":'));

    const { state } = await start().load();

    expect(Object.keys(state?.hosts ?? {}).sort()).toEqual(['home', 'office']);
    expect(Object.keys(state?.baselines ?? {}).sort()).toEqual(['example.net', 'example.org']);
  });

  test('the baseline in use is that of state.json', async () => {
    const { files, start } = await lived();
    files.texts.set(PUBLISHED, published('192.0.2.1', 1000));

    expect((await start().load()).state?.baselines).toEqual(fullState().baselines);
  });
});

describe('a damaged file', () => {
  const wrong: [string, unknown][] = [
    ['no JSON', 'not JSON at all'],
    ['nothing', ''],
    ['null', 'null'],
    ['a list', '[]'],
    ['another version', { version: 2 }],
    ['a version as text', { version: '1' }],
  ];

  test.each<[string, unknown]>([
    ...wrong,
    ['no boot id', { bootId: undefined }],
    ['text for a time', { savedMs: 'now' }],
    ['no events', { events: undefined }],
    ['an event without a sentence', { events: [{ wallMs: 1, level: 'info', code: 'a/B' }] }],
    ['hosts that are a list', { state: { ...fullState(), hosts: [] } }],
    ['a host that is null', { state: { ...fullState(), hosts: { home: null } } }],
    ['an unknown due', { state: { ...fullState(), hosts: { home: { ...hostState(), due: 'soon' } } } }],
    [
      'a choice that is null',
      { state: { ...fullState(), hosts: { home: { ...hostState(), choices: { ipv4: null } } } } },
    ],
    [
      'a third family',
      { state: { ...fullState(), hosts: { home: { ...hostState(), confirmed: { ipv5: {} } } } } },
    ],
    [
      'an attempt of nothing known',
      {
        state: {
          ...fullState(),
          lanes: { l: { ...fullState().lanes['noip eth1'], attempt: { id: 1, items: [null] } } },
        },
      },
    ],
  ])('state.json: %s', async (_name, damage) => {
    const { files, warnings, start } = await lived();
    const whole: object = JSON.parse(files.texts.get(STATE) ?? '');
    const text = typeof damage === 'object' ? JSON.stringify({ ...whole, ...damage }) : String(damage);
    files.texts.set(STATE, text);

    const { state, events } = await start().load();

    expect(warnings).toEqual([expect.stringContaining(`warning ${STATE} is damaged`)]);
    expect(files.texts.get(`${STATE}.damaged`)).toBe(text);
    expect(files.texts.has(STATE)).toBe(false);
    expect(events).toEqual([]);
    expect(state?.hosts.home?.confirmed.ipv4?.address).toBe('192.0.2.1');
  });

  test.each<[string, unknown]>([
    ...wrong,
    ['no zones', { zones: undefined }],
    ['a host without an account', { hosts: { home: { hostname: 'home.example.org', confirmed: {} } } }],
    ['an address of one character', JSON.parse(published('1', 5))],
  ])('published.json: %s', async (_name, damage) => {
    const { files, warnings, start } = await lived();
    const whole: object = JSON.parse(files.texts.get(PUBLISHED) ?? '');
    const text = typeof damage === 'object' ? JSON.stringify({ ...whole, ...damage }) : String(damage);
    files.texts.set(PUBLISHED, text);

    const { state } = await start().load();

    expect(warnings).toEqual([expect.stringContaining(`warning ${PUBLISHED} is damaged`)]);
    expect(files.texts.get(`${PUBLISHED}.damaged`)).toBe(text);
    expect(state).toEqual(fullState());
  });

  test.each([
    ['state.json', STATE],
    ['published.json', PUBLISHED],
  ])('%s cut anywhere is set aside, and the other one still counts', async (_name, path) => {
    const whole = (await lived()).files.texts.get(path) ?? '';
    const cuts = whole.trimEnd().length;
    const outcomes = [];

    for (let length = 0; length < cuts; length++) {
      const { files, warnings, start } = await lived();
      files.texts.set(path, whole.slice(0, length));
      const { state } = await start().load();
      const address = state?.hosts.home?.confirmed.ipv4?.address;
      outcomes.push(`${warnings.length} ${files.texts.has(path)} ${address}`);
    }

    expect(outcomes).toEqual(new Array(cuts).fill('1 false 192.0.2.1'));
  });

  test('that cannot be set aside stops nothing', async () => {
    const { files, warnings, start } = await lived();
    files.texts.set(STATE, 'damaged');
    files.faults.rename.add(STATE);
    const store = start();

    await store.load();
    await saved(store, fullState());

    expect(warnings).toHaveLength(1);
    expect((await start().load()).state).toEqual(fullState());
  });

  test.each([STATE, PUBLISHED, BOOT_ID])('%s that cannot be read is done without', async (path) => {
    const { files, warnings, start } = await lived();
    files.faults.read.add(path);

    const { state } = await start().load();

    expect(warnings).toEqual([expect.stringContaining(`warning ${path} cannot be read (ENOSPC`)]);
    expect(state?.hosts.home?.confirmed.ipv4?.address).toBe('192.0.2.1');
  });
});

describe('published.json', () => {
  test('is written before state.json, and only when something else was confirmed', async () => {
    const { files, start } = world();
    const store = start();
    await store.load();
    const later = { ...fullState(), hosts: { home: hostState({ sent: '192.0.2.9' }) } };
    const changed = { ipv4: { address: '192.0.2.9', wallMs: 3000, atMs: 3 } };
    const confirmed = { ...fullState(), hosts: { home: hostState({ confirmed: changed }) } };

    for (const state of [fullState(), later, confirmed, confirmed]) {
      await saved(store, state);
    }

    expect(pathsWritten(files)).toEqual([PUBLISHED, STATE, STATE, PUBLISHED, STATE]);
  });

  test('holds nothing but what was confirmed', async () => {
    const { files } = await lived();

    expect(JSON.parse(files.texts.get(PUBLISHED) ?? '')).toEqual({
      version: 1,
      hosts: {
        home: {
          hostname: 'home.example.org',
          account: 'noip',
          service: 'no-ip.com',
          confirmed: { ipv4: { address: '192.0.2.1', wallMs: 1000, unseen: 'Behind a proxy.' } },
        },
      },
      zones: KEPT_ZONES,
    });
  });

  test('leaves out a host of which nothing was confirmed', async () => {
    const { files, start } = world();
    const store = start();
    await store.load();

    await saved(store, fullState({ hosts: { home: hostState({ confirmed: {} }) } }));

    expect(JSON.parse(files.texts.get(PUBLISHED) ?? '')).toMatchObject({ hosts: {} });
  });

  test('is not written again because the same facts come in another order', async () => {
    const { files, start } = world();
    const first = start();
    await first.load();
    const ipv6 = { address: '2001:db8::1', wallMs: 900 };
    const ipv4 = { address: '192.0.2.1', wallMs: 1000 };
    const [office, home] = [hostState({ hostname: 'office.example.org' }), hostState()];
    await saved(first, fullState({ hosts: { office, home: { ...home, confirmed: { ipv6, ipv4 } } } }));
    files.texts.delete(STATE);
    const second = start();
    await second.load();

    await saved(second, fullState({ hosts: { home: { ...home, confirmed: { ipv4, ipv6 } }, office } }));

    expect(pathsWritten(files)).toEqual([PUBLISHED, STATE, STATE]);
  });
});

describe('a write that fails', () => {
  test('is reported once, tried again with the next save, and reported anew after a success', async () => {
    const { files, warnings, start } = world();
    const store = start();
    await store.load();
    const withSent = (sent: string) => fullState({ hosts: { home: hostState({ sent }) } });
    files.faults.write.add(STATE);
    await saved(store, withSent('a'));
    await saved(store, withSent('b'));
    const during = warnings.length;
    files.faults.write.clear();

    await saved(store, withSent('b'));
    files.faults.write.add(STATE);
    await saved(store, withSent('c'));

    expect(during).toBe(1);
    expect(warnings).toEqual([
      expect.stringContaining(`warning ${STATE} cannot be written (ENOSPC`),
      expect.stringContaining(`warning ${STATE} cannot be written (ENOSPC`),
    ]);
    expect(files.texts.get(STATE)).toContain('"sent":"b"');
  });

  test('of published.json keeps state.json from nothing', async () => {
    const { files, warnings, start } = world();
    const store = start();
    await store.load();
    files.faults.write.add(PUBLISHED);

    await saved(store, fullState());
    const failing = pathsWritten(files);
    files.faults.write.clear();
    await saved(store, fullState());

    expect(failing).toEqual([STATE]);
    expect(warnings).toHaveLength(1);
    expect(pathsWritten(files)).toEqual([STATE, PUBLISHED]);
  });
});

describe('many saves at once', () => {
  test('are written as the first and the last, and flush waits for both', async () => {
    const { files, start } = world();
    const store = start();
    await store.load();
    let open = () => {};
    files.gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    for (let count = 0; count < 1000; count++) {
      store.save(fullState({ hosts: { home: hostState({ sent: `number ${count}` }) } }), EVENTS);
    }
    let flushed = false;
    const flush = store.flush().then(() => {
      flushed = true;
    });
    await new Promise<void>((resolve) => setImmediate(resolve));
    const early = flushed;

    open();
    await flush;

    expect(early).toBe(false);
    expect(pathsWritten(files)).toEqual([PUBLISHED, STATE, STATE]);
    expect(files.writes[1]?.[1]).toContain('"sent":"number 0"');
    expect(files.writes[2]?.[1]).toContain('"sent":"number 999"');
  });

  test('flush without a save is done at once', async () => {
    await expect(world().start().flush()).resolves.toBeUndefined();
  });
});

describe('on a real file system', () => {
  async function places() {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-store-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    return {
      stateDir: join(folder, 'run/holdfast'),
      publishedFile: join(folder, 'etc/holdfast/published.json'),
    };
  }

  test('what was saved is loaded, from files that only the owner reads', async () => {
    const where = await places();
    const warnings: string[] = [];
    const start = () =>
      storeOver(
        nodeFiles(() => true),
        warnings,
        START_MS,
        where,
      );
    const first = start();
    await first.load();
    await saved(first, fullState());

    const loaded = await start().load();

    const files = [join(where.stateDir, 'state.json'), where.publishedFile];
    const modes = await Promise.all(files.map(async (file) => ((await stat(file)).mode & 0o777).toString(8)));
    expect(loaded).toMatchObject({ state: fullState(), events: EVENTS });
    expect(modes).toEqual(['600', '600']);
    expect(await readdir(where.stateDir)).toEqual(['state.json']);
    expect(warnings).toEqual([]);
  });

  test('a file that is cut is set aside and replaced by the next save', async () => {
    const where = await places();
    const warnings: string[] = [];
    const start = () =>
      storeOver(
        nodeFiles(() => true),
        warnings,
        START_MS,
        where,
      );
    const first = start();
    await first.load();
    await saved(first, fullState());
    const path = join(where.stateDir, 'state.json');
    const half = (await readFile(path, 'utf8')).slice(0, 300);
    await writeFile(path, half);

    const second = start();
    const { state } = await second.load();
    await saved(second, fullState());

    expect(warnings).toHaveLength(1);
    expect(state?.hosts.home?.confirmed.ipv4?.address).toBe('192.0.2.1');
    expect(await readFile(`${path}.damaged`, 'utf8')).toBe(half);
    expect((await start().load()).state).toEqual(fullState());
  });

  test('a folder that cannot be made is reported once for each file', async () => {
    const where = await places();
    const blocker = join(where.stateDir, '../../run');
    await writeFile(blocker, '');
    await writeFile(join(blocker, '../etc'), '');
    const warnings: string[] = [];
    const store = storeOver(
      nodeFiles(() => true),
      warnings,
      START_MS,
      where,
    );

    await store.load();
    await saved(store, fullState());
    await saved(store, fullState({ accounts: {} }));

    const written = warnings.filter((warning) => warning.includes('cannot be written'));
    expect(written).toHaveLength(2);
  });
});
