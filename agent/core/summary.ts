/** What a person is told of one hostname: the update channel as an axis, the next attempt, one verdict. */
import { isChosen } from './choice.ts';
import { dueUpdate, type Why } from './due.ts';
import type { Axis, AxisVerdict, DnsAxes } from './health.ts';
import { type AgentState, type HostState, laneOf, type Now, unconfirmedFamilies } from './state.ts';
import { isHolding } from './steady.ts';

/** `sinceWallMs` absent: not known. */
export type UpdateAxis = Omit<Axis, 'evidence' | 'checkedWallMs' | 'sinceWallMs'> & { sinceWallMs?: number };

/** `holdfast once` stays for what is due within this time. */
export const PATIENCE_MS = 60_000;

export interface NextAttempt {
  atMs: number;
  sentence: string;
}

const WAITING_FOR: Record<Why, string> = {
  now: 'It goes out now.',
  refresh: 'The provider wants the address again from time to time.',
  demanded: 'The provider asked to wait.',
  interval: 'The provider wants a distance between two updates.',
  backoff: 'The last attempt failed; the distance grows with each failure.',
  'hold-down': 'The WAN address changed several times in a short while.',
};

/** Does the provider accept the updates of this host? Undefined for an unknown host. */
export function updateAxis(state: AgentState, id: string, now: Now): UpdateAxis | undefined {
  const plan = state.plan.hosts[id];
  const host = state.hosts[id];
  const account = plan && state.accounts[plan.account];
  if (!plan || !host || !account) {
    return undefined;
  }
  const say = (
    verdict: AxisVerdict,
    code: string,
    sentence: string,
    sinceWallMs?: number,
    mustAct = false,
  ): UpdateAxis => ({ verdict, code, sentence, mustAct, ...(sinceWallMs !== undefined && { sinceWallMs }) });
  const block = host.block ?? account.block;
  if (block) {
    return say('failed', block.code, block.sentence, block.sinceWallMs, true);
  }
  const observation = state.observations[plan.source];
  if (!observation?.known) {
    return observation
      ? say('unknown', observation.code, observation.sentence)
      : say('pending', 'update/STARTING', 'The addresses of this router are being read.');
  }
  const missing = plan.families.map((family) => host.choices[family]).find((one) => one && !isChosen(one));
  const changed = unconfirmedFamilies(host).length > 0;
  // Without any address a forced update cannot go out either, and an older failure explains nothing.
  if (!changed && (host.due === undefined || laneOf(host) === undefined)) {
    return missing && !isChosen(missing)
      ? say(missing.unknown ? 'unknown' : 'warning', missing.code, missing.sentence)
      : say('ok', 'update/OK', 'The provider has confirmed this address.', confirmedSince(host));
  }
  const lane = state.lanes[laneOf(host) ?? ''];
  if (lane?.attempt?.items.some((item) => item.host === id)) {
    return say('pending', 'update/SENDING', 'The update is on its way; the reply is awaited.');
  }
  const failure = [account.wait, host.retry, lane?.retry].find(
    (retry) => retry && retry.failures > 0,
  )?.failure;
  if (failure) {
    return say('failed', failure.code, failure.sentence, account.failing?.sinceWallMs);
  }
  const due = dueUpdate(state, id, now.ms);
  const why = due && 'why' in due ? WAITING_FOR[due.why] : '';
  return say('pending', 'update/WAITING', `The new address is not sent yet. ${why}`.trim());
}

/** The latest of its addresses counts. */
function confirmedSince({ confirmed }: HostState): number | undefined {
  const times = Object.values(confirmed).map(({ wallMs }) => wallMs);
  return times.length === 0 ? undefined : Math.max(...times);
}

/** The next update and what it waits for; undefined when none is due. */
export function nextAttempt(state: AgentState, id: string, now: Now): NextAttempt | undefined {
  const due = dueUpdate(state, id, now.ms);
  return due && 'item' in due
    ? { atMs: due.atMs, sentence: `${WAITING_FOR[due.why]}${startNote(state, due.atMs - now.ms)}` }
    : undefined;
}

/** Where events start the agent, nothing starts at the moment itself. */
export function startNote({ plan }: AgentState, waitMs: number): string {
  return plan.agent.byEvents && waitMs > PATIENCE_MS
    ? ' That is done at the first start of the agent after that, within an hour (option mode).'
    : '';
}

const SEVERITY: readonly AxisVerdict[] = ['off', 'ok', 'unknown', 'pending', 'warning', 'failed'];

/** The worst axis speaks for all; among equals the update channel first, then what lies nearer. */
export function verdictOf(update: UpdateAxis, dns: DnsAxes): UpdateAxis {
  const axes: (UpdateAxis | undefined)[] = [update, dns.delegation, dns.authority, dns.publicView];
  return axes.reduce<UpdateAxis>(
    (worst, axis) =>
      axis && SEVERITY.indexOf(axis.verdict) > SEVERITY.indexOf(worst.verdict) ? axis : worst,
    update,
  );
}

/**
 * Is everything done that can be done within `patienceMs`? What is blocked, waits longer, or has no address
 * is as settled as it gets.
 */
export function isSettled(state: AgentState, now: Now, patienceMs: number): boolean {
  const reads = Object.values(state.reads);
  const reading = reads.some((read) => read.pending || read.nextMs <= now.ms + Math.min(patienceMs, 5000));
  const sending = Object.values(state.lanes).some((lane) => lane.attempt);
  const due = Object.keys(state.plan.hosts).some((id) => {
    const next = nextAttempt(state, id, now);
    const checking = state.hosts[id]?.check.pending;
    return checking || (next !== undefined && next.atMs - now.ms <= patienceMs);
  });
  const telling = Object.values(state.outbox.channels).some((channel) => channel.sending !== undefined);
  const aliasing = Object.values(state.aliases).some(({ attempt }) => attempt !== undefined);
  return !reading && !sending && !due && !telling && !aliasing && !isHolding(state);
}
