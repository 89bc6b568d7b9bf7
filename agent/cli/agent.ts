/** What the commands know of a running agent; `main.ts` makes one. */
import type { Config, Problem } from '../config/config.ts';
import type { Report } from '../core/draft.ts';
import type { SavedState } from '../core/state.ts';
import type { Loop } from '../engine/loop.ts';
import type { StatusDocument } from '../engine/status.ts';
import type { Host } from '../ports.ts';
import type { Exchange } from '../providers/protocol.ts';

/** What a command may want to differ from the resident agent. */
export interface AgentOptions {
  configFile: string;
  /** Log lines go to the system log and not to standard error. */
  syslog?: boolean;
  /** Only this hostname section; nothing is remembered and nothing written. */
  only?: string;
  /** What is known to start with, where nothing is remembered. */
  known?: SavedState;
  onReport?(report: Report): void;
  onExchange?(account: string, exchange: Exchange): void;
}

export interface Agent {
  loop: Loop;
  config(): Config;
  status(): StatusDocument;
  /** Reads the configuration again; a file that cannot be read changes nothing. */
  reload(): Promise<void>;
  /** Resolves when all is done that can be done within `patienceMs`, by default a minute; 0: no second try. */
  settled(patienceMs?: number): Promise<void>;
  /** Saves and ends; under a second. */
  stop(): Promise<void>;
}

export type StartAgent = (
  host: Host,
  options: AgentOptions,
  configuration: { config: Config; problems: Problem[] },
) => Promise<Agent>;
