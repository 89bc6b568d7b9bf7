/** What every command gets and gives back. */
import type { Host } from '../ports.ts';
import type { StartAgent } from './agent.ts';

/** Exit statuses. */
export const EXIT = { ok: 0, failed: 1, usage: 2, notRunning: 3 } as const;

export interface CommandContext {
  host: Host;
  version: string;
  startAgent: StartAgent;
  configFile: string;
  json: boolean;
  /** What stands after the command. */
  words: string[];
}
