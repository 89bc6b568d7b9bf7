/** What the store works with, and what it gives. */
import type { SavedState } from '../core/state.ts';
import type { Clock, Files, Log } from '../ports.ts';
import type { PastEvent } from './state-file.ts';

export interface Loaded {
  state?: SavedState;
  events: PastEvent[];
  /** Of this installation; makes the revisions of two routers differ. */
  salt: string;
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
