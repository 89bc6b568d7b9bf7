/** Where an alias points survives a restart, a reboot and a lost state; its health is counted anew after a boot. */
import { expect, test } from 'vitest';
import type { AliasState, SavedState } from '../../agent/core/state.ts';
import { initialState } from '../../agent/core/state.ts';
import type { Files } from '../../agent/ports.ts';
import { createStore, type Store } from '../../agent/store/state.ts';
import { virtualClock } from '../fakes/virtual-clock.ts';

const STATE = '/var/run/holdfast/state.json';
const PUBLISHED = '/etc/holdfast/published.json';
const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const NOW_MS = 1_000_000;

const ALIAS: AliasState = {
  hostname: 'www.example.info',
  account: 'dns',
  revision: 'r1',
  target: 'duck',
  sinceWallMs: 5000,
  movedMs: NOW_MS - 90_000,
  flights: 2,
  pointed: 'home.example.net',
  foreign: 'www.example.net',
  unread: false,
  health: { duck: { works: 'yes', sinceMs: NOW_MS - 60_000, checks: 3, checkedWallMs: 7 } },
  attempt: { id: 9, task: 'write', target: 'home' },
  retry: {
    failures: 1,
    notBeforeMs: NOW_MS + 30_000,
    failure: { kind: 'throttled', scope: 'account', code: 'rest/RATE_LIMIT', sentence: 'Wait.' },
  },
  block: { code: 'rest/NAME_TAKEN', sentence: 'Delete it.', sinceWallMs: 4 },
  seen: { verdict: 'ok', code: 'alias/OK', sentence: 'It is seen.', evidence: ['ns1: CNAME'] },
  check: { count: 6, nextMs: NOW_MS + 5000 },
};

function savedWith(alias: AliasState): SavedState {
  return { accounts: {}, lanes: {}, hosts: {}, baselines: {}, aliases: { www: alias } };
}

interface Disk {
  texts: Map<string, string>;
  writes: string[];
  store(): Store;
}

function disk(): Disk {
  const texts = new Map([[BOOT_ID, 'boot-1\n']]);
  const writes: string[] = [];
  const files: Files = {
    readText: async (path) => texts.get(path),
    async writeAtomic(path, text) {
      writes.push(path);
      texts.set(path, text);
    },
    async rename(from, to) {
      texts.set(to, texts.get(from) ?? '');
      texts.delete(from);
    },
    async remove(path) {
      texts.delete(path);
    },
    async listFolder() {
      return [];
    },
    async makeFolder() {},
  };
  return {
    texts,
    writes,
    store: () =>
      createStore({
        files,
        clock: virtualClock(NOW_MS),
        log: () => {},
        random: () => 0.5,
        stateDir: '/var/run/holdfast',
        publishedFile: PUBLISHED,
      }),
  };
}

async function written(alias: AliasState): Promise<Disk> {
  const made = disk();
  const store = made.store();
  await store.load();
  store.save(savedWith(alias), []);
  await store.flush();
  return made;
}

test('a restart finds it as it was', async () => {
  const made = await written(ALIAS);

  const { state } = await made.store().load();

  expect(state?.aliases?.www).toEqual(ALIAS);
});

test('a write that was under way when the process died is looked at first', async () => {
  const made = await written(ALIAS);
  const { state } = await made.store().load();

  const alias = initialState(state, NOW_MS).aliases.www;

  expect(alias).toMatchObject({ target: 'duck', unread: true });
  expect(alias).not.toHaveProperty('attempt');
});

test('after a reboot the provider is asked, and health is counted anew', async () => {
  const made = await written(ALIAS);
  made.texts.set(BOOT_ID, 'boot-2\n');

  const { state } = await made.store().load();

  expect(state?.aliases?.www).toMatchObject({
    target: 'duck',
    sinceWallMs: 5000,
    unread: true,
    health: {},
    block: ALIAS.block,
    check: { count: 0, nextMs: 0 },
  });
  expect(state?.aliases?.www).not.toHaveProperty('movedMs');
  expect(state?.aliases?.www?.retry.notBeforeMs).toBe(NOW_MS + 30_000);
});

test('what is on flash is enough to know where it points', async () => {
  const made = await written(ALIAS);
  made.texts.delete(STATE);

  const { state } = await made.store().load();

  expect(JSON.parse(made.texts.get(PUBLISHED) ?? '')).toMatchObject({
    aliases: {
      www: { hostname: 'www.example.info', account: 'dns', target: 'duck', sinceWallMs: 5000 },
    },
  });
  expect(state?.aliases?.www).toEqual({
    hostname: 'www.example.info',
    account: 'dns',
    revision: '',
    target: 'duck',
    sinceWallMs: 5000,
    unread: true,
    health: {},
    retry: { failures: 0, notBeforeMs: 0 },
    check: { count: 0, nextMs: 0 },
  });
});

test('flash is written for a move and for nothing else', async () => {
  const made = disk();
  const store = made.store();
  await store.load();
  const steps: Partial<AliasState>[] = [
    {},
    { check: { count: 7, nextMs: 1 } },
    { health: {} },
    { target: 'home' },
  ];

  for (const change of steps) {
    store.save(savedWith({ ...ALIAS, ...change }), []);
    await store.flush();
  }

  expect(made.writes.filter((path) => path === PUBLISHED)).toHaveLength(2);
  expect(made.writes.filter((path) => path === STATE)).toHaveLength(4);
});

test('an alias of another shape makes the file damaged', async () => {
  const made = await written(ALIAS);
  made.texts.set(STATE, (made.texts.get(STATE) ?? '').replace('"works":"yes"', '"works":"maybe"'));

  const { state } = await made.store().load();

  // What is on flash remains.
  expect(state?.aliases?.www).toMatchObject({ target: 'duck', unread: true, revision: '' });
});
