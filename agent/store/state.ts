/**
 * What survives: `state.json` (everything, in memory-backed /var/run) over a restart, `published.json` (only
 * what was confirmed, on flash) over a reboot. Files are written whole and renamed into place.
 */
import type { Baseline, SavedState } from '../core/state.ts';
import { freshHost, rebase } from '../core/state.ts';
import type { Clock, Files, Log } from '../ports.ts';
import type { PastEvent, PublishedAlias, PublishedFile, StateFile } from './state-file.ts';
import { validatePublished, validateState } from './validate.generated.js';
import { latestWriter } from './writer.ts';

export interface Loaded {
  state?: SavedState;
  events: PastEvent[];
  /** Of this installation; makes the revisions of two routers differ. */
  salt: string;
}

export interface Store {
  load(): Promise<Loaded>;
  /** Queues a write of what has changed; the latest state wins. */
  save(state: SavedState, events: readonly PastEvent[]): void;
  /** Resolves when all that was queued is written. */
  flush(): Promise<void>;
}

export interface StoreParts {
  files: Files;
  clock: Clock;
  log: Log;
  random(): number;
  stateDir: string;
  publishedFile: string;
  /** Shows the same after each saving: one after the other, for with many names each takes its memory. */
  show?(): Promise<void>;
}

interface Unsaved {
  state: SavedState;
  events: readonly PastEvent[];
}

const DAY_MS = 86_400_000;
/** Characters: some seventy hostnames. */
const LONG_STATE = 65_536;
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

export function createStore(parts: StoreParts): Store {
  const { files, clock, log } = parts;
  const stateFile = `${parts.stateDir}/state.json`;
  const written = { state: '', published: '' };
  let bootId = '';
  let salt = '';
  const writer = latestWriter(writeChanged, clock);
  const complained = new Set<string>();

  async function load(): Promise<Loaded> {
    bootId = ((await readQuietly(BOOT_ID)) ?? '').trim();
    const state = await readValid(stateFile, validateState);
    const published = await readValid(parts.publishedFile, validatePublished);
    salt = state?.salt ?? Math.floor(parts.random() * 2 ** 32).toString(36);
    const nowMs = clock.monotonicMs();
    const sameBoot = state?.bootId === bootId && state.savedMs <= nowMs;
    const kept = state && (sameBoot ? state.state : rebase(state.state, state.savedMs, nowMs));
    written.published = published ? JSON.stringify(published) : '';
    return { ...mergedWith(published, kept), events: state?.events ?? [], salt };
  }

  async function writeChanged({ state, events }: Unsaved): Promise<void> {
    const published = JSON.stringify(publishedOf(state));
    // Flash first: it must not forget what was confirmed. Nothing changed: nothing written.
    if (published !== written.published && (await write(parts.publishedFile, published))) {
      written.published = published;
    }
    const text = JSON.stringify({ state, events });
    if (text !== written.state) {
      const savedMs = clock.monotonicMs();
      const head = { version: 1, bootId, savedMs, salt } satisfies Omit<StateFile, 'state' | 'events'>;
      // With many hostnames the rest is long: it is not turned into text twice.
      if (await write(stateFile, `${JSON.stringify(head).slice(0, -1)},${text.slice(1)}`)) {
        // A long one is written again rather than kept for comparison: memory is dearer than a write to memory.
        written.state = text.length < LONG_STATE ? text : '';
      }
    }
    await parts.show?.();
  }

  async function write(path: string, text: string): Promise<boolean> {
    try {
      await files.makeFolder(path.slice(0, path.lastIndexOf('/')) || '/', 0o755);
      await files.writeAtomic(path, `${text}\n`);
      complained.delete(path);
      return true;
    } catch (cause) {
      if (!complained.has(path)) {
        complained.add(path);
        log(
          'warning',
          `${path} cannot be written (${messageOf(cause)}). Holdfast goes on, but forgets at a restart.`,
        );
      }
      return false;
    }
  }

  async function readQuietly(path: string): Promise<string | undefined> {
    try {
      return await files.readText(path);
    } catch (cause) {
      log('warning', `${path} cannot be read (${messageOf(cause)}). Holdfast starts without it.`);
      return undefined;
    }
  }

  /** A damaged file is set aside for a look later, and never stops the agent. */
  async function readValid<T>(path: string, valid: (value: unknown) => value is T): Promise<T | undefined> {
    const text = await readQuietly(path);
    if (text === undefined) {
      return undefined;
    }
    try {
      const value: unknown = JSON.parse(text);
      if (valid(value)) {
        return value;
      }
    } catch {
      // Not JSON: treated like any other damage below.
    }
    const aside = `${path}.damaged`;
    log('warning', `${path} is damaged; it was set aside as ${aside}. Each hostname may be sent once more.`);
    await files.rename(path, aside).catch(() => {});
    return undefined;
  }

  return { load, save: (state, events) => writer.put({ state, events }), flush: writer.flush };
}

/** In an order of its own, so that the same facts are the same text whatever order they were learned in. */
function publishedOf(state: SavedState): PublishedFile {
  const hosts = sortedEntries(state.hosts).flatMap(([id, { hostname, account, confirmed }]) => {
    const kept = sortedEntries(confirmed).map(([family, { address, wallMs, unseen, left }]) => [
      family,
      { address, wallMs, ...(unseen !== undefined && { unseen }), ...(left && { left }) },
    ]);
    return kept.length === 0 ? [] : [[id, { hostname, account, confirmed: Object.fromEntries(kept) }]];
  });
  const zones = sortedEntries(state.baselines).map(([zone, { candidate, ...baseline }]) => [
    zone,
    { ...baseline, ...wholeDays(candidate) },
  ]);
  const aliases = publishedAliases(state);
  return {
    version: 1,
    hosts: Object.fromEntries(hosts),
    ...(aliases.length > 0 && { aliases: Object.fromEntries(aliases) }),
    zones: Object.fromEntries(zones),
  };
}

/** How long other servers have worked is news for the flash once a day, and for seven days at most. */
function wholeDays(candidate: Baseline['candidate']): Pick<Baseline, 'candidate'> {
  if (candidate === undefined) {
    return {};
  }
  const { names, workedMs } = candidate;
  return { candidate: { names, workedMs: workedMs - (workedMs % DAY_MS) } };
}

function publishedAliases({ aliases = {} }: SavedState): [string, PublishedAlias][] {
  return sortedEntries(aliases).flatMap(([id, { hostname, account, target, sinceWallMs }]) =>
    target === undefined || sinceWallMs === undefined
      ? []
      : [[id, { hostname, account, target, sinceWallMs }]],
  );
}

/** The provider is asked what it has before anything moves; this is what is said until then. */
function mergedAliases(
  published: PublishedFile['aliases'] = {},
  kept: SavedState['aliases'] = {},
): NonNullable<SavedState['aliases']> {
  const fresh = { revision: '', unread: true, health: {}, retry: { failures: 0, notBeforeMs: 0 } };
  const known = Object.entries(published).map(([id, alias]) => [
    id,
    { ...fresh, check: { count: 0, nextMs: 0 }, ...alias, ...kept[id] },
  ]);
  return { ...kept, ...Object.fromEntries(known) };
}

function sortedEntries<T>(values: Record<string, T>): [string, T][] {
  return Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1));
}

/** What was confirmed comes from the newer of both files: a power cut may have hit between the two writes. */
function mergedWith(
  published: PublishedFile | undefined,
  kept: SavedState | undefined,
): { state?: SavedState } {
  if (!published) {
    return kept ? { state: kept } : {};
  }
  const state: SavedState = kept ?? { accounts: {}, lanes: {}, hosts: {}, baselines: {} };
  const hosts = { ...state.hosts };
  for (const [id, { hostname, account, confirmed }] of Object.entries(published.hosts)) {
    const host = hosts[id];
    if (host && (host.hostname !== hostname || host.account !== account)) {
      continue;
    }
    const merged = { ...host?.confirmed };
    for (const family of ['ipv4', 'ipv6'] as const) {
      const one = confirmed[family];
      if (one && one.wallMs > (merged[family]?.wallMs ?? Number.NEGATIVE_INFINITY)) {
        merged[family] = one;
      }
    }
    hosts[id] = { ...freshHost({ hostname, account, revision: '' }), ...host, confirmed: merged };
  }
  const aliases = mergedAliases(published.aliases, state.aliases);
  return {
    state: {
      ...state,
      hosts,
      baselines: { ...published.zones, ...state.baselines },
      ...(Object.keys(aliases).length > 0 && { aliases }),
    },
  };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
