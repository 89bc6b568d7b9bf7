/** What the demo plays: a stage (where router, agent and provider live) and its scenes. */
import type { Family } from '../../agent/core/address.ts';
import type { Isp } from './isp-process.ts';

export type Mode = 'namespace' | 'stand-in';

/** A hostname section of the agent's configuration, and its account: updates of one account keep a distance. */
export interface DemoHost {
  section: string;
  account: string;
  hostname: string;
  family: Family;
}

export interface Expected extends DemoHost {
  address: string;
}

export interface Scene {
  title: string;
  /** What must be published because of it; nothing: not one request may follow. */
  expected: readonly Expected[];
  /** About how long `perform` takes until the change itself. */
  leadMs: number;
  /**
   * Lets it happen. The result is the moment of the change (ms since 1970): a new address is in the kernel, or
   * the notification that carries it was written; for a scene without a change, the moment of its last event.
   */
  perform(tell: Tell): Promise<number>;
}

/** One line for the audience. `what` is the kind of step, the moment is now unless given. */
export type Tell = (what: string, text: string, atMs?: number) => void;

export interface Stage {
  mode: Mode;
  /** What stands on this stage, in plain words. */
  description: readonly string[];
  isp: Isp;
  /** What must be published at start. */
  atStart: readonly Expected[];
  scenes: readonly Scene[];
  agent: {
    /** Goes before the command. */
    runIn: readonly string[];
    env: NodeJS.ProcessEnv;
    /** The hostname sections, UCI. */
    hostnames: string;
  };
}

/** This machine cannot show it that way; the message says why. */
export class Unavailable extends Error {}

export const HOME = { section: 'home', account: 'demo', hostname: 'home.ddns.example' } as const;
export const NAS = { section: 'nas', account: 'lan', hostname: 'nas.hopto.example' } as const;

/** Accounts of the test service for the hosts above. */
export const ACCOUNTS = [HOME, NAS].map(({ account, hostname }) => ({
  username: account,
  password: 'demo-password',
  hosts: [hostname],
}));
