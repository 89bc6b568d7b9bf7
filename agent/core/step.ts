/**
 * The whole policy as one pure function: (state, event, now) -> state, commands, next wake-up.
 * Level-triggered: an event only refreshes what is known; then everything is compared and decided anew.
 */
import { type AliasFound, applyAliased, decideAliases, replanAliases, requestAliases } from './alias.ts';
import { NO_RETRY } from './backoff.ts';
import { applyVerification, decideChecks } from './checks.ts';
import { type Command, type Draft, openDraft, report, wakeAt, without } from './draft.ts';
import { dueUpdate, signatureOf } from './due.ts';
import type { Failure } from './failure.ts';
import type { Judgement } from './health.ts';
import { noteSent } from './holddown.ts';
import { reviewIncidents } from './incidents.ts';
import {
  decideReads,
  noteClockSet,
  noteHint,
  noteObservation,
  refreshChoices,
  tellSteady,
} from './observe.ts';
import { applyNotified, decideNotices, replanOutbox } from './outbox.ts';
import { applyOutcomes, type Outcomes } from './outcomes.ts';
import type { Plan } from './plan.ts';
import { applyPlan, learnAges } from './replan.ts';
import type { SourceKey } from './source-key.ts';
import { type AgentState, freshLane, laneOf, type Now, type UpdateItem } from './state.ts';
import { takeTurns } from './turns.ts';
import type { Observation } from './wan.ts';

export type AgentEvent =
  /** the configuration was read, at start and at each reload */
  | { type: 'planned'; plan: Plan }
  /** something may have changed: read the source again */
  | { type: 'hinted'; source: SourceKey }
  /** what the source shows; `answer` when it was asked, not set when a notification carried it */
  | { type: 'observed'; source: SourceKey; observation: Observation; answer?: true }
  /** an attempt has ended */
  | { type: 'updated'; lane: string; attempt: number; outcomes: Outcomes }
  | { type: 'verified'; host: string; attempt?: number; found: Judgement }
  /** a message has reached its channel, or why not */
  | { type: 'notified'; channel: string; message: number; failure?: Failure }
  | { type: 'aliased'; alias: string; attempt: number; found: AliasFound }
  /** the operator asks for an update now, of these hosts or of all; with `check`, only for a look at the DNS */
  | { type: 'requested'; hosts?: string[]; check?: true }
  /** NTP has set the clock: certificates can be checked now */
  | { type: 'clock-set' }
  /** the time that the last step asked for has come */
  | { type: 'woken' };

export interface Step {
  state: AgentState;
  commands: Command[];
  /** Monotonic ms of the next thing to do; undefined: nothing until an event comes. */
  wakeMs?: number;
}

export function step(previous: AgentState, event: AgentEvent, now: Now): Step {
  const draft = openDraft(previous, now);
  apply(draft, event);
  tellSteady(draft);
  decideReads(draft);
  decideUpdates(draft);
  decideChecks(draft);
  decideAliases(draft);
  reviewIncidents(draft);
  decideNotices(draft);
  const { state, commands, wakeMs } = draft;
  return { state, commands, ...(wakeMs !== undefined && { wakeMs }) };
}

function apply(draft: Draft, event: AgentEvent): void {
  switch (event.type) {
    case 'planned':
      applyPlan(draft, event.plan);
      replanAliases(draft);
      replanOutbox(draft);
      refreshChoices(draft);
      break;
    case 'hinted':
      noteHint(draft, event.source);
      break;
    case 'observed':
      noteObservation(draft, event.source, event.observation, event.answer === true);
      break;
    case 'updated':
      applyOutcomes(draft, event.lane, event.attempt, event.outcomes);
      break;
    case 'verified':
      applyVerification(draft, event.host, event.found, event.attempt);
      break;
    case 'notified':
      applyNotified(draft, event.channel, event.message, event.failure);
      break;
    case 'aliased':
      applyAliased(draft, event.alias, event.attempt, event.found);
      break;
    case 'requested':
      applyRequest(draft, event.hosts, event.check);
      break;
    case 'clock-set':
      noteClockSet(draft);
      learnAges(draft);
      break;
    case 'woken':
      break;
  }
}

/** The operator lifts blocks, backoff and hold-down, but never a wait that the provider demands. */
function applyRequest(draft: Draft, ids: string[] | undefined, check?: true): void {
  const { state, now } = draft;
  if (!check) {
    requestAliases(draft, ids);
  }
  for (const plan of Object.values(state.plan.hosts)) {
    const host = state.hosts[plan.id];
    const account = state.accounts[plan.account];
    if (!host || !account || (ids && !ids.includes(plan.id))) {
      continue;
    }
    if (check) {
      state.hosts[plan.id] = { ...host, check: { ...host.check, nextMs: now.ms } };
      continue;
    }
    state.hosts[plan.id] = { ...without(host, 'block'), due: 'operator', retry: NO_RETRY };
    state.accounts[plan.account] = without(account, 'block');
    const key = laneOf(host);
    const lane = key === undefined ? undefined : state.lanes[key];
    if (key !== undefined && lane) {
      state.lanes[key] = { ...lane, retry: NO_RETRY };
    }
    const waitMs = account.wait.notBeforeMs - now.ms;
    if (waitMs > 0) {
      const sentence = `${plan.hostname}: the provider asked to wait; the update goes out in ${Math.ceil(waitMs / 60_000)} min.`;
      report(draft, { level: 'notice', code: 'update/WAITING', sentence, host: plan.id });
    }
  }
}

/** One update for each lane that has something to say, may say it now, and has its turn. */
function decideUpdates(draft: Draft): void {
  const { state, now } = draft;
  const batches = new Map<string, UpdateItem[]>();
  for (const id of Object.keys(state.plan.hosts)) {
    const due = dueUpdate(state, id, now.ms);
    if (due === undefined || 'blocked' in due) {
      continue;
    }
    if (due.atMs > now.ms) {
      wakeAt(draft, due.atMs);
    } else if (!state.lanes[due.lane]?.attempt) {
      batches.set(due.lane, [...(batches.get(due.lane) ?? []), due.item]);
    }
  }
  const sentTo = new Set<string>();
  for (const lane of batches.keys()) {
    const account = accountOf(lane);
    const { minIntervalMs = 0 } = state.plan.accounts[account] ?? {};
    // The distance the provider wants holds between the lanes of an account too.
    if (minIntervalMs > 0 && sentTo.has(account)) {
      wakeAt(draft, now.ms + minIntervalMs);
      batches.delete(lane);
    }
    sentTo.add(account);
  }
  for (const [lane, items] of takeTurns(draft, batches)) {
    send(draft, lane, items);
  }
}

function send(draft: Draft, key: string, items: UpdateItem[]): void {
  const { state, now } = draft;
  const lane = state.lanes[key] ?? freshLane();
  const account = accountOf(key);
  const id = state.lastAttempt + 1;
  // A retry has its own backoff. If it counted as a change, one failing hostname would hold up its neighbours.
  const repeated = items.every((item) => {
    const host = state.hosts[item.host];
    return host?.sent === signatureOf(item) || (host?.retry.failures ?? 0) > 0;
  });
  state.lastAttempt = id;
  state.lanes[key] = {
    ...lane,
    attempt: { id, items },
    sentMs: now.ms,
    hold: repeated ? lane.hold : noteSent(lane.hold, now.ms, state.plan.agent.holdDownMs),
  };
  for (const item of items) {
    const host = state.hosts[item.host];
    if (host) {
      state.hosts[item.host] = { ...host, sent: signatureOf(item) };
    }
  }
  const accountState = state.accounts[account];
  if (accountState) {
    state.accounts[account] = { ...accountState, lastSentMs: now.ms };
  }
  const device = key.slice(account.length + 1);
  draft.commands.push({ type: 'update', lane: key, attempt: id, account, device, items });
}

function accountOf(lane: string): string {
  return lane.slice(0, lane.indexOf('/'));
}
