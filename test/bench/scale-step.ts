/**
 * The decisions alone, with many hostnames: what one agent remembers, and what an idle resync costs it.
 * `node FLAGS --import tsx scale-step.ts HOSTS ACCOUNTS` prints one JSON line; for FLAGS see scale.ts.
 */
import { loadConfig } from '../../agent/config/load.ts';
import { planOf } from '../../agent/config/plan.ts';
import { type AgentState, initialState } from '../../agent/core/state.ts';
import { type AgentEvent, type Step, step } from '../../agent/core/step.ts';
import type { Observation } from '../../agent/core/wan.ts';
import { CATALOGUE } from '../fakes/catalogue.ts';
import { manyAccounts } from './loopback.ts';

export interface StepCost {
  hosts: number;
  accounts: number;
  /** One renumbering: commands to send, each of them a request or several. */
  updates: number;
  /** Plan and state. */
  bytesPerHost: number;
  /** The settings as they were read. */
  configBytesPerHost: number;
  /** CPU time of the decisions. */
  resyncUs: number;
  resyncAllocatedBytes: number;
}

const RESYNCS = 40;
/** So many names, in as many agents as it takes, that the noise of the heap does not count. */
const LEAST_HOSTS = 2000;
const RESYNC_MS = 600_000;

function collect(): void {
  globalThis.gc?.();
  globalThis.gc?.();
}

function heapBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

function wanWith(address: string): Observation {
  const wan = {
    ...{ name: 'wan', up: true, device: 'eth0', prefixes: [], defaultRoute: ['ipv4' as const] },
    addresses: [{ address, prefixLength: 24 }],
  };
  return { known: true, snapshot: { wan } };
}

function configOf(hosts: number, accounts: number) {
  const text = manyAccounts(hosts, accounts)
    .flatMap(({ username, password, hosts: names }) => [
      `config account '${username}'\n\toption provider 'no-ip.com'\n\toption username '${username}'\n\toption password '${password}'`,
      ...names.map(
        (name) =>
          `config hostname '${name.replace(/[^a-z0-9]/g, '_')}'\n\toption hostname '${name}'\n\toption account '${username}'\n\toption allow_private '1'`,
      ),
    ])
    .join('\n');
  return loadConfig(
    `config agent 'agent'\n\toption verify '0'\n\toption contact 'admin@example.org'\n${text}\n`,
    'bench',
    CATALOGUE,
    () => undefined,
  ).config;
}

/** An agent with all its names confirmed at one address after a renumbering. */
function settledAgent(config: ReturnType<typeof configOf>) {
  let state = initialState(undefined, 0);
  let nowMs = 0;
  let updates = 0;

  function dispatch(event: AgentEvent): void {
    const taken: Step = step(state, event, { ms: nowMs, wallMs: nowMs, random: 0.5 });
    state = taken.state;
    const replies = taken.commands.flatMap((command): AgentEvent[] => {
      if (command.type !== 'update') {
        return [];
      }
      updates += 1;
      const outcomes = Object.fromEntries(
        command.items.map(({ host }) => [host, { confirmed: ['ipv4' as const] }]),
      );
      return [{ type: 'updated', lane: command.lane, attempt: command.attempt, outcomes }];
    });
    for (const reply of replies) {
      dispatch(reply);
    }
  }

  function show(address: string): void {
    dispatch({ type: 'observed', source: 'network', observation: wanWith(address), answer: true });
  }

  dispatch({ type: 'planned', plan: planOf(config, 'salt') });
  show('192.0.2.1');
  nowMs += 3_600_000;
  updates = 0;
  show('192.0.2.2');
  const renumbering = updates;
  return {
    updates: renumbering,
    resync() {
      nowMs += RESYNC_MS;
      dispatch({ type: 'woken' });
      show('192.0.2.2');
    },
    state: (): AgentState => state,
  };
}

function measure(hosts: number, accounts: number): StepCost {
  // Once for the code, so that only what belongs to these names is counted.
  const warm = settledAgent(configOf(hosts, accounts));
  for (let time = 0; time < RESYNCS; time++) {
    warm.resync();
  }
  const copies = Math.ceil(LEAST_HOSTS / hosts);
  const empty = heapBytes();
  const configs = Array.from({ length: copies }, () => configOf(hosts, accounts));
  const withConfigs = heapBytes();
  const agents = configs.map(settledAgent);
  const withAgents = heapBytes();
  const usedUs = process.cpuUsage().user;
  for (let time = 0; time < RESYNCS; time++) {
    agents[0]?.resync();
  }
  const tookUs = process.cpuUsage().user - usedUs;
  const allocated = process.memoryUsage().heapUsed - withAgents;
  if (agents.some((agent) => Object.keys(agent.state().hosts).length !== hosts)) {
    throw new Error('the agent does not keep all names');
  }
  return {
    ...{ hosts, accounts, updates: warm.updates },
    bytesPerHost: Math.round((withAgents - withConfigs) / (hosts * copies)),
    configBytesPerHost: Math.round((withConfigs - empty) / (hosts * copies)),
    resyncUs: Math.round(tookUs / RESYNCS),
    resyncAllocatedBytes: Math.round(allocated / RESYNCS),
  };
}

const [hosts = 1, accounts = 1] = process.argv.slice(2).map(Number);
process.stdout.write(`${JSON.stringify(measure(hosts, accounts))}\n`);
