/**
 * What survives: `state.json` (everything, in memory-backed /var/run) over a restart, `published.json` (only
 * what was confirmed, on flash) over a reboot. Files are written whole and renamed into place.
 */
import type { Baseline, SavedState } from '../core/state.ts';
import { messageOf } from './message-of.ts';
import type { Loaded, StoreParts } from './parts.ts';
import type { PastEvent, PublishedAlias, PublishedFile, StateFile } from './state-file.ts';
import { latestWriter } from './writer.ts';

export interface Store {
  load(): Promise<Loaded>;
  /** Queues a write of what has changed; the latest state wins. */
  save(state: SavedState, events: readonly PastEvent[]): void;
  /** Resolves when all that was queued is written. */
  flush(): Promise<void>;
}

interface Unsaved {
  state: SavedState;
  events: readonly PastEvent[];
}

const DAY_MS = 86_400_000;
/** Characters: before much has happened to the first hostname. */
const LONG_STATE = 4096;

export function createStore(parts: StoreParts): Store {
  const { files, clock, log } = parts;
  const stateFile = `${parts.stateDir}/state.json`;
  const written = { state: '', published: '' };
  let bootId = '';
  let salt = '';
  const writer = latestWriter(writeChanged, clock);
  const complained = new Set<string>();

  async function load(): Promise<Loaded> {
    // Much code for one moment: in a file of its own it need not stay in memory.
    const { loadSaved } = await import('./loading.ts');
    const { published, loaded, ...known } = await loadSaved(parts, stateFile);
    bootId = known.bootId;
    salt = loaded.salt;
    written.published = published ? JSON.stringify(published) : '';
    return loaded;
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

  return { load, save: (state, events) => writer.put({ state, events }), flush: writer.flush };
}

/** In an order of its own, so that the same facts are the same text whatever order they were learned in. */
function publishedOf(state: SavedState): PublishedFile {
  const hosts = sortedEntries(state.hosts).flatMap(([id, { hostname, account, service, confirmed }]) => {
    const kept = sortedEntries(confirmed).map(([family, { address, wallMs, unseen, left }]) => [
      family,
      { address, wallMs, ...(unseen !== undefined && { unseen }), ...(left && { left }) },
    ]);
    const named = { hostname, account, ...(service !== undefined && { service }) };
    return kept.length === 0 ? [] : [[id, { ...named, confirmed: Object.fromEntries(kept) }]];
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

function sortedEntries<T>(values: Record<string, T>): [string, T][] {
  return Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1));
}
