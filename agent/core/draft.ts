/** One step in the making: a shallow copy of the state whose entries are replaced, never changed in place. */
import type { Asked } from './health.ts';
import type { Message } from './message.ts';
import type { SourceKey } from './source-key.ts';
import type { AgentState, AliasTask, Now, UpdateItem } from './state.ts';

/** Something worth a line in the log and in the list of events. */
export interface Report {
  level: 'info' | 'notice' | 'warning' | 'error';
  code: string;
  sentence: string;
  host?: string;
  account?: string;
  /** The incident that it tells of. */
  incident?: string;
}

export type Command =
  | { type: 'observe'; source: SourceKey }
  | { type: 'update'; lane: string; attempt: number; account: string; device: string; items: UpdateItem[] }
  | ({
      type: 'verify';
      host: string;
      attempt: number;
      account: string;
      /** The provider's web site is looked at as well. */
      homepage?: string;
    } & Asked)
  | { type: 'notify'; channel: string; message: Message }
  | {
      type: 'alias';
      alias: string;
      attempt: number;
      task: AliasTask;
      account: string;
      hostname: string;
      /** The name that it shall point at; absent to read what is there. */
      target?: string;
      ttlSec: number;
      /** It was changed a moment ago: not every name server knows it yet. */
      spreading: boolean;
    }
  | { type: 'report'; report: Report };

export interface Draft {
  state: AgentState;
  now: Now;
  commands: Command[];
  /** Monotonic ms of the next thing to do. */
  wakeMs?: number;
}

export function openDraft(previous: AgentState, now: Now): Draft {
  const state = {
    ...previous,
    observations: { ...previous.observations },
    reads: { ...previous.reads },
    accounts: { ...previous.accounts },
    lanes: { ...previous.lanes },
    hosts: { ...previous.hosts },
    baselines: { ...previous.baselines },
    aliases: { ...previous.aliases },
    bursts: { ...previous.bursts },
  };
  return { state, now, commands: [] };
}

export function report(draft: Draft, entry: Report): void {
  draft.commands.push({ type: 'report', report: entry });
}

/** The step must run again at this moment at the latest. */
export function wakeAt(draft: Draft, atMs: number): void {
  draft.wakeMs = Math.min(draft.wakeMs ?? Number.POSITIVE_INFINITY, atMs);
}

/** An object without one of its optional fields. */
export function without<T extends object, K extends keyof T>(value: T, field: K): Omit<T, K> {
  const { [field]: _dropped, ...rest } = value;
  return rest;
}
