/** What the sources show, and when they are read. */
import { NO_RETRY } from './backoff.ts';
import { type Choice, choose, isChosen, type NoChoice } from './choice.ts';
import { type Draft, report, wakeAt } from './draft.ts';
import type { HostPlan, SourceKind } from './plan.ts';
import { type HostState, laneOf } from './state.ts';
import type { Observation, WanSnapshot } from './wan.ts';

/** After a failed reading: soon, for netifd is back in about 5 s after a crash, then calmer. */
const READ_RETRY_MS = 2_000;
const READ_RETRY_MAX_MS = 60_000;

/** A hint: read the source again, and once more when it is being read at this moment. */
export function noteHint({ state, now }: Draft, source: SourceKind): void {
  const read = state.reads[source];
  if (read) {
    state.reads[source] = { ...read, nextMs: now.ms, again: read.pending };
  }
}

export function noteObservation(
  draft: Draft,
  source: SourceKind,
  observation: Observation,
  answer: boolean,
): void {
  const { state, now } = draft;
  const read = state.reads[source];
  if (!read) {
    return;
  }
  if (answer && read.outdated) {
    state.reads[source] = { ...read, pending: false, again: false, outdated: false, nextMs: now.ms };
    return;
  }
  const failures = observation.known ? 0 : read.failures + 1;
  const pauseMs = observation.known
    ? state.plan.agent.resyncMs
    : Math.min(READ_RETRY_MS * 2 ** Math.min(failures - 1, 10), READ_RETRY_MAX_MS);
  state.reads[source] = {
    nextMs: read.again ? now.ms : now.ms + pauseMs,
    pending: read.pending && !answer,
    again: read.again && !answer,
    outdated: read.pending && !answer,
    failures,
  };
  const before = state.observations[source];
  state.observations[source] = observation;
  if (!observation.known && (before === undefined || before.known)) {
    report(draft, { level: 'warning', code: observation.code, sentence: observation.sentence });
  }
  refreshChoices(draft);
  if (before?.known && observation.known && hasNewRoute(before.snapshot, observation.snapshot)) {
    for (const key of Object.keys(state.lanes)) {
      forgiveUnreachable(draft, key);
    }
  }
}

/** An address often comes a moment before its route; what failed in between may go out now. */
function hasNewRoute(before: WanSnapshot, after: WanSnapshot): boolean {
  return Object.values(after).some((wan) =>
    wan.defaultRoute.some((family) => before[wan.name]?.defaultRoute.includes(family) !== true),
  );
}

/** Compares what each host should publish with what its source shows now. */
export function refreshChoices(draft: Draft): void {
  const { state } = draft;
  for (const plan of Object.values(state.plan.hosts)) {
    const observation = state.observations[plan.source];
    const before = state.hosts[plan.id];
    if (!before || !observation?.known) {
      continue;
    }
    const choices: HostState['choices'] = {};
    let moved = false;
    for (const family of plan.families) {
      const choice = choose(plan, family, observation.snapshot, before.confirmed[family]?.address);
      choices[family] = choice;
      if (textOf(before.choices[family]) !== textOf(choice)) {
        moved = true;
        reportChoice(draft, plan, choice, before.confirmed[family]?.address);
      }
    }
    const host = { ...before, choices };
    state.hosts[plan.id] = host;
    if (moved) {
      forgiveUnreachable(draft, laneOf(host));
    }
  }
}

/** A new path deserves a new try at once; waits that the provider demanded stay. */
export function forgiveUnreachable({ state }: Draft, key: string | undefined): void {
  const lane = key === undefined ? undefined : state.lanes[key];
  if (key !== undefined && lane?.retry.failure?.kind === 'unreachable') {
    state.lanes[key] = { ...lane, retry: NO_RETRY };
  }
}

/** Every source is read at its time; one reading at a time each. */
export function decideReads(draft: Draft): void {
  const { state, now } = draft;
  for (const source of Object.keys(state.reads) as SourceKind[]) {
    const read = state.reads[source];
    if (!read || read.pending) {
      continue;
    }
    if (read.nextMs <= now.ms) {
      state.reads[source] = { ...read, pending: true, again: false };
      draft.commands.push({ type: 'observe', source });
    } else {
      wakeAt(draft, read.nextMs);
    }
  }
}

function textOf(choice: Choice | NoChoice | undefined): string | undefined {
  return choice && (isChosen(choice) ? `${choice.device} ${choice.address}` : choice.code);
}

function reportChoice(
  draft: Draft,
  plan: HostPlan,
  choice: Choice | NoChoice,
  published: string | undefined,
): void {
  const { hostname, id: host } = plan;
  if (!isChosen(choice)) {
    report(draft, { level: 'warning', code: choice.code, sentence: `${hostname}: ${choice.sentence}`, host });
  } else if (choice.address === published) {
    const sentence = `${hostname}: ${choice.network} has ${choice.address}, as published.`;
    report(draft, { level: 'info', code: 'wan/SAME', sentence, host });
  } else {
    const sentence = `${hostname}: ${choice.network} has ${choice.address}, published is ${published ?? 'nothing'}.`;
    report(draft, { level: 'notice', code: 'wan/CHANGED', sentence, host });
  }
}
