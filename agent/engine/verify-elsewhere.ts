/**
 * Checks in a process of their own, where the host has one: their code would be a sixth of the agent's memory, and
 * rests nearly all the time. What one process has learned of zones and servers is handed to the next.
 */
import type { Judgement } from '../core/health.ts';
import type { DnsServer, Host } from '../ports.ts';
import type { Verifier, VerifyParts, VerifySettings } from './checks/parts.ts';
import type { ActionOf } from './commands.ts';

/** What the process is told. */
export interface CheckTask {
  /** By the agent's monotonic clock, which goes on there. */
  nowMs: number;
  settings: VerifySettings;
  userAgent: string;
  resolvers: DnsServer[];
  /** See checks/memory.ts; empty at first. */
  memory: string;
  checks: ActionOf<'verify'>[];
}

/** A line of what it tells: the end of one check, by its place in the task; after the last what was learned. */
export type CheckTold = { at: number; found: Judgement } | { memory: string };

interface Waiting {
  command: ActionOf<'verify'>;
  resolve(found: Judgement | Promise<Judgement>): void;
}

/** A slow check holds up one process; those that come meanwhile go to the other together. */
const MOST_AT_ONCE = 2;
/** Far more than the slowest check takes. */
const TIMEOUT_MS = 300_000;

/** `here` makes the checks that the process does not, for whatever reason. */
export function verifyElsewhere(
  parts: VerifyParts,
  checker: NonNullable<Host['checker']>,
  here: Verifier,
): Verifier {
  const waiting: Waiting[] = [];
  let underWay = 0;
  let memory = '';

  async function begin(): Promise<void> {
    if (underWay < MOST_AT_ONCE && waiting.length > 0) {
      underWay += 1;
      await handOut(waiting.splice(0));
      underWay -= 1;
      await begin();
    }
  }

  async function handOut(asked: readonly Waiting[]): Promise<void> {
    const open = new Map(asked.entries());
    try {
      await checker(JSON.stringify(await taskOf(asked)), TIMEOUT_MS, (line) => {
        const told = toldBy(line);
        if (told && 'memory' in told) {
          memory = told.memory;
        } else if (told) {
          open.get(told.at)?.resolve(told.found);
          open.delete(told.at);
        }
      });
    } catch {
      // No process could be started, for instance; the agent makes the checks, and says what is wrong with them.
    }
    for (const { command, resolve } of open.values()) {
      resolve(here(command));
    }
  }

  async function taskOf(asked: readonly Waiting[]): Promise<CheckTask> {
    const { publicResolvers, dohUrls, controlServers, dnsPort } = parts.settings();
    return {
      nowMs: parts.clock.monotonicMs(),
      settings: { publicResolvers, dohUrls, controlServers, dnsPort },
      userAgent: parts.userAgent(),
      resolvers: await parts.resolvers(),
      memory,
      // JSON has no infinity.
      checks: asked.map(({ command }) => ({
        ...command,
        ageMs: Math.min(command.ageMs, Number.MAX_SAFE_INTEGER),
      })),
    };
  }

  return (command) =>
    new Promise((resolve) => {
      waiting.push({ command, resolve });
      // Those of the same moment go together.
      void Promise.resolve().then(begin);
    });
}

/** Undefined for a line that was cut. */
function toldBy(line: string): CheckTold | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
