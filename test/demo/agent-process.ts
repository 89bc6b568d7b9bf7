/** The built agent as a process of its own, and what it says of itself in its status file. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StatusDocument, StatusEvent } from '../../agent/engine/status.ts';
import { commandFor, type Runtime, type RuntimeCommand } from '../quickjs/runtime.ts';
import type { Made } from './cleanup.ts';
import type { IspService } from './isp-process.ts';
import { type Expected, type Stage, Unavailable } from './stage.ts';

export const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));

/** The smallest that the agent allows; the demo has no time for the default of 10 s. */
export const HOLD_DOWN_SEC = 1;

const LOOK_EVERY_MS = 15;

export interface AgentProcess {
  startedMs: number;
  onEvent(run: (event: StatusEvent, atMs: number) => void): void;
  /** When the agent itself found this address on every authoritative server; undefined: not (yet). */
  verifiedMs(expected: Expected): number | undefined;
  /** Why the demo cannot go on: it has ended, or it found fault with its configuration. */
  complaint(): string | undefined;
}

/** How the agent is started on this runtime; QuickJS may have to be downloaded first. */
export async function agentCommand(runtime: Runtime): Promise<RuntimeCommand> {
  try {
    return await commandFor(runtime, DIST);
  } catch (error) {
    throw new Unavailable(
      `there is no ${runtime}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

export function startAgent(
  made: Made,
  folder: string,
  { isp, agent }: Stage,
  command: RuntimeCommand,
): AgentProcess {
  const stateDir = join(folder, 'agent');
  mkdirSync(stateDir);
  const configFile = join(folder, 'holdfast.config');
  writeFileSync(configFile, configText(isp.service, folder, stateDir) + agent.hostnames, { mode: 0o600 });
  const argv = [...agent.runIn, ...command.argv, 'run', '--config', configFile];
  const env = {
    ...agent.env,
    ...command.env,
    PATH: [...command.folders, agent.env.PATH ?? ''].join(delimiter),
  };
  const startedMs = Date.now();
  const child = made.child(argv, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  let ended = false;
  child.on('exit', () => {
    ended = true;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-2000);
  });

  const listeners: ((event: StatusEvent, atMs: number) => void)[] = [];
  let text = '';
  let status: StatusDocument | undefined;
  /** As JSON. What happens to further hostnames in the same moment makes another one of the last. */
  let seen = new Set<string>();

  function look(): void {
    const now = read(join(stateDir, 'status.json'));
    if (now === undefined || now === text) {
      return;
    }
    text = now;
    status = JSON.parse(now);
    const events = (status?.events ?? []).map((event) => ({ event, key: JSON.stringify(event) }));
    const fresh = events.filter(({ key }) => !seen.has(key));
    seen = new Set(events.map(({ key }) => key));
    for (const { event } of fresh) {
      for (const run of listeners) {
        run(event, Date.parse(event.at));
      }
    }
  }
  const timer = setInterval(look, LOOK_EVERY_MS);
  made.onUndo(() => clearInterval(timer));

  return {
    startedMs,
    onEvent: (run) => void listeners.push(run),
    verifiedMs({ section, family, address }) {
      const host = status?.hostnames.find((one) => one.id === section);
      const confirmed = host?.confirmed[family];
      const checkedMs = Date.parse(host?.axes.authority.checkedAt ?? '');
      // A check of before the confirmation was about another address.
      const holds =
        confirmed?.address === address &&
        host?.axes.authority.verdict === 'ok' &&
        checkedMs >= Date.parse(confirmed.since);
      return holds ? checkedMs : undefined;
    },
    complaint() {
      if (ended) {
        return `The agent ended early. ${errors.trim()}`;
      }
      return status === undefined || status.problems.length === 0
        ? undefined
        : `The agent finds fault with its configuration: ${JSON.stringify(status.problems)}`;
    },
  };
}

function configText({ api, dns, caFile, accounts }: IspService, folder: string, stateDir: string): string {
  const resolvers = ['resolver', 'public_resolver'].flatMap((option) =>
    dns.resolvers.map((address) => `\tlist ${option} '${address}#${dns.port}'`),
  );
  return [
    "config agent 'agent'",
    "\toption log_level 'info'",
    "\toption contact 'admin@example.org'",
    `\toption hold_down '${HOLD_DOWN_SEC}'`,
    `\toption dns_port '${dns.port}'`,
    `\toption state_dir '${stateDir}'`,
    `\toption published_file '${join(folder, 'published.json')}'`,
    ...resolvers,
    ...accounts.flatMap(({ username, password }) => [
      '',
      `config account '${username}'`,
      "\toption provider 'no-ip.com'",
      `\toption server '${new URL(api.url).origin}'`,
      `\toption ca_file '${caFile}'`,
      `\toption username '${username}'`,
      `\toption password '${password}'`,
    ]),
    '',
  ].join('\n');
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
