/** The files that survive; `schemas/state.schema.json` is their JSON Schema. */
import type { Report } from '../core/draft.ts';
import type { AliasState, Baseline, Confirmed, HostState, SavedState } from '../core/state.ts';

/** A report with its moment, as the status shows it. */
export interface PastEvent extends Report {
  wallMs: number;
  /** All hostnames that it is about, where there are several; `host` is absent then. */
  names?: string[];
}

/** `state.json`. */
export interface StateFile {
  version: 1;
  bootId: string;
  /** Monotonic time of writing. */
  savedMs: number;
  salt: string;
  state: SavedState;
  events: PastEvent[];
}

/** `published.json`. */
export interface PublishedFile {
  version: 1;
  hosts: Record<
    string,
    Pick<HostState, 'hostname' | 'account' | 'service'> & {
      confirmed: Partial<Record<'ipv4' | 'ipv6', Confirmed>>;
    }
  >;
  zones: Record<string, Baseline>;
  /** Where each alias points, so that a reboot does not move it back. */
  aliases?: Record<string, PublishedAlias>;
}

export type PublishedAlias = Required<Pick<AliasState, 'hostname' | 'account' | 'target' | 'sinceWallMs'>>;
