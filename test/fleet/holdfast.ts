/** Agents of our own: each has its whole state, and the very `step` of the router decides for it. */
import type { Command } from '../../agent/core/draft.ts';
import type { Failure } from '../../agent/core/failure.ts';
import type { Plan } from '../../agent/core/plan.ts';
import { type AgentState, initialState } from '../../agent/core/state.ts';
import { type AgentEvent, step } from '../../agent/core/step.ts';
import type { Observation } from '../../agent/core/wan.ts';
import type { Clients, Reply, World } from './world.ts';

/** One hostname each. The plan and what the WAN shows are the same objects for all: only decisions differ. */
const PLAN: Plan = {
  // DNS is asked elsewhere than at the provider, and the resync only reads the router's own WAN.
  agent: { resyncMs: 86_400_000, verify: false, holdDownMs: 10_000 },
  accounts: {
    a: {
      ...{ id: 'a', providerTitle: 'Provider', revision: '1', dual: true, partial: 'keeps' as const },
      ...{ service: 'provider', minIntervalMs: 0, busyWaitMs: 1_800_000 },
    },
  },
  hosts: {
    h: {
      ...{ id: 'h', hostname: 'home.example', account: 'a', revision: '1', source: 'network' as const },
      ...{ networks: ['wan'], families: ['ipv4'], allowPrivate: true, inDns: true },
    },
  },
};

const BEFORE = wanWith('192.0.2.1');
const AFTER = wanWith('198.51.100.1');

function wanWith(address: string): Observation {
  const wan = {
    ...{ name: 'wan', up: true, device: 'eth0', prefixes: [], defaultRoute: ['ipv4' as const] },
    addresses: [{ address, prefixLength: 24 }],
  };
  return { known: true, snapshot: { wan } };
}

/** As the protocol and the HTTP adapter say it. */
const FAILURES: Record<Exclude<Reply, 'good'>, Failure> = {
  unavailable: { kind: 'busy', scope: 'attempt', code: 'http/503', sentence: 'The provider answered 503.' },
  refused: { kind: 'unreachable', scope: 'attempt', code: 'http/REFUSED', sentence: 'Nothing answers.' },
  timeout: { kind: 'unreachable', scope: 'attempt', code: 'http/TIMEOUT', sentence: 'Nothing answers.' },
};

interface Agent {
  state: AgentState;
  hasMoved: boolean;
  attempt?: { lane: string; id: number };
}

export function holdfast(count: number): (world: World) => Clients {
  return (world) => {
    const start = settled();
    const agents: Agent[] = Array.from({ length: count }, () => ({ state: start, hasMoved: false }));

    function dispatch(agent: Agent, client: number, event: AgentEvent, nowMs: number): void {
      const now = { ms: nowMs, wallMs: nowMs, random: world.random() };
      const { state, commands, wakeMs } = step(agent.state, event, now);
      agent.state = state;
      for (const command of commands) {
        carryOut(agent, client, command, nowMs);
      }
      world.wakeAt(client, wakeMs ?? Number.POSITIVE_INFINITY);
    }

    function carryOut(agent: Agent, client: number, command: Command, nowMs: number): void {
      if (command.type === 'update') {
        agent.attempt = { lane: command.lane, id: command.attempt };
        world.send(client, nowMs);
      } else if (command.type === 'observe') {
        dispatch(agent, client, observed(agent), nowMs);
      }
    }

    return {
      name: 'Holdfast',
      changed(client, nowMs) {
        const agent = agentOf(agents, client);
        agent.hasMoved = true;
        dispatch(agent, client, { type: 'observed', source: 'network', observation: AFTER }, nowMs);
      },
      woken(client, nowMs) {
        dispatch(agentOf(agents, client), client, { type: 'woken' }, nowMs);
      },
      replied(client, nowMs, reply) {
        const agent = agentOf(agents, client);
        const { attempt } = agent;
        if (attempt) {
          delete agent.attempt;
          const outcome =
            reply === 'good' ? { confirmed: ['ipv4' as const] } : { confirmed: [], failure: FAILURES[reply] };
          const { lane, id } = attempt;
          dispatch(agent, client, { type: 'updated', lane, attempt: id, outcomes: { h: outcome } }, nowMs);
        }
      },
    };
  };
}

function observed(agent: Agent): AgentEvent {
  const observation = agent.hasMoved ? AFTER : BEFORE;
  return { type: 'observed', source: 'network', observation, answer: true };
}

function agentOf(agents: readonly Agent[], client: number): Agent {
  const agent = agents[client];
  if (!agent) {
    throw new Error(`there is no agent ${client}`);
  }
  return agent;
}

/** Up for long, its first address confirmed, and quiet: all agents begin with the same state. */
function settled(): AgentState {
  const now = { ms: -86_000_000, wallMs: 0, random: 0.5 };
  const events: AgentEvent[] = [
    { type: 'planned', plan: PLAN },
    { type: 'observed', source: 'network', observation: BEFORE, answer: true },
    { type: 'updated', lane: 'a/eth0', attempt: 1, outcomes: { h: { confirmed: ['ipv4'] } } },
  ];
  return events.reduce((state, event) => step(state, event, now).state, initialState(undefined, now.ms));
}
