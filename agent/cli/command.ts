/** What every command gets and gives back. */
import type { Host } from '../ports.ts';
import type { StartAgent } from './agent.ts';
import type { Configuration } from './configuration.ts';

/** Exit statuses. */
export const EXIT = { ok: 0, failed: 1, usage: 2, notRunning: 3 } as const;

export const DEFAULT_CONFIG_FILE = '/etc/config/holdfast';

export type CommandName =
  | 'run'
  | 'once'
  | 'status'
  | 'update'
  | 'check'
  | 'check-config'
  | 'trace'
  | 'notify-test'
  | 'providers'
  | 'import-ddns'
  | 'version';

export interface CommandContext {
  host: Host;
  version: string;
  startAgent: StartAgent;
  configFile: string;
  /** Reads that file. */
  readConfiguration(): Promise<Configuration>;
  json: boolean;
  /** Log lines go to the system log. */
  syslog: boolean;
  /** What stands after the command. */
  words: string[];
  /** The command's own options as given: `--from` to its value, those without a value to ''. */
  options: ReadonlyMap<string, string>;
}
