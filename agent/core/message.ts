/** What people are to be told, and how far that has got. Plain JSON, saved with the state. */
import type { Retry } from './backoff.ts';
import type { Incident } from './incident.ts';

export interface Message {
  /** Grows from message to message. */
  id: number;
  kind: 'opened' | 'closed';
  /** As it was at that moment. */
  incident: Incident;
  /** The names that it touches. */
  hostnames: string[];
  /** In an all-clear: what had happened, where somebody was not told of it yet. */
  opening?: string;
  /** Monotonic ms. */
  queuedMs: number;
  /** Ids of the channels that have not got it yet. */
  waiting: string[];
}

/** A way to reach people: a URL, the script, ubus. Its messages go out one after the other. */
export interface ChannelState {
  retry: Retry;
  /** The message on its way. */
  sending?: number;
}

export interface Outbox {
  lastId: number;
  /** Oldest first. */
  messages: Message[];
  /** By id, every channel of the plan. */
  channels: Record<string, ChannelState>;
}

export const EMPTY_OUTBOX: Outbox = { lastId: 0, messages: [], channels: {} };
