/** Reads at the start what the last process has saved. */
import { FAMILIES } from '../core/address.ts';
import { type Confirmed, freshHost, type HostState, rebase, type SavedState } from '../core/state.ts';
import { messageOf } from './message-of.ts';
import type { Loaded, StoreParts } from './parts.ts';
import type { PublishedFile } from './state-file.ts';
import { validatePublished, validateState } from './validate.generated.js';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

interface LoadedFiles {
  loaded: Loaded;
  bootId: string;
  /** As the file has it. */
  published: PublishedFile | undefined;
}

export async function loadSaved(parts: StoreParts, stateFile: string): Promise<LoadedFiles> {
  const bootId = ((await readQuietly(parts, BOOT_ID)) ?? '').trim();
  const state = await readValid(parts, stateFile, validateState);
  const published = await readValid(parts, parts.publishedFile, validatePublished);
  const salt = state?.salt ?? Math.floor(parts.random() * 0x1_0000_0000).toString(36);
  const nowMs = parts.clock.monotonicMs();
  const sameBoot = state?.bootId === bootId && state.savedMs <= nowMs;
  const kept = state && (sameBoot ? state.state : rebase(state.state, state.savedMs, nowMs));
  const loaded = { ...mergedWith(published, kept), events: state?.events ?? [], salt };
  return { loaded, bootId, published };
}

async function readQuietly({ files, log }: StoreParts, path: string): Promise<string | undefined> {
  try {
    return await files.readText(path);
  } catch (cause) {
    log('warning', `${path} cannot be read (${messageOf(cause)}). Holdfast starts without it.`);
    return undefined;
  }
}

/** A damaged file is set aside for a look later, and never stops the agent. */
async function readValid<T>(
  parts: StoreParts,
  path: string,
  valid: (value: unknown) => value is T,
): Promise<T | undefined> {
  const { files, log } = parts;
  const text = await readQuietly(parts, path);
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

type Confirmations = HostState['confirmed'];

/** Taken whole: the update that made one family newer may have erased the other. */
function newerOf(published: Confirmations, kept: Confirmations): Confirmations {
  const timeOf = (one: Confirmed | undefined) => one?.wallMs ?? Number.NEGATIVE_INFINITY;
  if (!FAMILIES.some((family) => timeOf(published[family]) > timeOf(kept[family]))) {
    return kept;
  }
  const merged = { ...published };
  for (const family of FAMILIES) {
    // The same confirmation, of which more is known there.
    if (merged[family] && kept[family] && timeOf(merged[family]) === timeOf(kept[family])) {
      merged[family] = kept[family];
    }
  }
  return merged;
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
  for (const [id, { confirmed, ...named }] of Object.entries(published.hosts)) {
    const host = hosts[id];
    const { hostname, account, service = host?.service } = named;
    if (host && (host.hostname !== hostname || host.account !== account || host.service !== service)) {
      continue;
    }
    const merged = newerOf(confirmed, host?.confirmed ?? {});
    hosts[id] = { ...freshHost({ ...named, revision: '' }), ...named, ...host, confirmed: merged };
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
