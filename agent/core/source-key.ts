/** The names of sources: where a hostname's addresses come from. */
import type { Family } from './address.ts';

/** Sources that the router itself knows. */
export type LocalKind = 'network' | 'device';
/** Sources that ask somebody else. */
export type OutsideKind = 'web' | 'dns' | 'stun' | 'router' | 'script';
export type SourceKind = LocalKind | OutsideKind;

/**
 * `network` and `device` are themselves. Whoever asks others has settings, and these are its key, as text: so
 * hostnames with equal settings share one source, and changed settings are another source.
 */
export type SourceKey = string;

export interface OutsideSettings {
  kind: OutsideKind;
  /** What `networks` are, and who knows their state: netifd, or the kernel. */
  base: LocalKind;
  networks: string[];
  families: Family[];
  /** Source `web`: own services in place of the known ones. */
  echoUrls?: string[];
  /** Source `stun`: `HOST` or `HOST:PORT` in place of the known ones. */
  stunServers?: string[];
  /** Source `script`: the program and its arguments. */
  argv?: string[];
}

export function outsideKey(settings: OutsideSettings): SourceKey {
  return `${settings.kind} ${JSON.stringify(settings)}`;
}

/** The settings of a source that asks others; undefined for the others. */
export function outsideSettings(key: SourceKey): OutsideSettings | undefined {
  const space = key.indexOf(' ');
  return space < 0 ? undefined : (JSON.parse(key.slice(space + 1)) as OutsideSettings);
}

export function kindOf(key: SourceKey): string {
  return key.split(' ', 1)[0] ?? key;
}

/** Who knows the interfaces that a source names. */
export function baseOf(key: SourceKey): LocalKind {
  return outsideSettings(key)?.base ?? (key === 'device' ? 'device' : 'network');
}
