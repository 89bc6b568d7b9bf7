/** What the sources show, and when they are read. */
import { forgetHealth, forgiveAliases } from './alias.ts';
import { NO_RETRY } from './backoff.ts';
import { type Choice, choose, isChosen, type NoChoice } from './choice.ts';
import { type Draft, type Report, report, wakeAt } from './draft.ts';
import { hasNotLeft } from './failure.ts';
import { growing } from './growing.ts';
import { cutOffBy } from './leads-here.ts';
import { forgiveChannels } from './outbox.ts';
import type { HostPlan } from './plan.ts';
import { kindOf, type SourceKey } from './source-key.ts';
import { type HostState, laneOf } from './state.ts';
import { noteChange, takeSteady } from './steady.ts';
import { ASKING, type Observation, type WanSnapshot } from './wan.ts';

/** After a failed reading: soon, for netifd is back in about 5 s after a crash, then calmer. */
const READ_RETRY_MS = 2_000;
const READ_RETRY_MAX_MS = 60_000;
/** Where others were asked in vain: they are guests' tables, and many routers may fail at the same moment. */
const ASK_RETRY_MS = 10_000;
const ASK_RETRY_MAX_MS = 300_000;
/** Others are asked with this much jitter, so that routers that booted together do not ask together. */
const ASK_JITTER = 0.1;

/** A hint: read the source again, and once more when it is being read at this moment. */
export function noteHint({ state, now }: Draft, source: SourceKey): void {
  const read = state.reads[source];
  if (read) {
    state.reads[source] = { ...read, nextMs: now.ms, again: read.pending };
  }
}

export function noteObservation(
  draft: Draft,
  source: SourceKey,
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
  const complete = isComplete(observation);
  // What came without being asked tells nothing of how asking would end.
  const failures = complete ? 0 : read.failures + (observation.known && !answer ? 0 : 1);
  const pauseMs = complete
    ? state.plan.agent.resyncMs * (kindOf(source) === source ? 1 : 1 + ASK_JITTER * now.random)
    : observation.known
      ? growing(ASK_RETRY_MS, 2, failures - 1, ASK_RETRY_MAX_MS)
      : growing(READ_RETRY_MS, 2, failures - 1, READ_RETRY_MAX_MS);
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
    forgiveChannels(draft);
    forgiveAliases(draft);
    for (const key of Object.keys(state.lanes)) {
      forgiveUnreachable(draft, key);
    }
  }
}

/** Does it say of each interface what there is to know? */
function isComplete(observation: Observation): boolean {
  return (
    observation.known &&
    Object.values(observation.snapshot).every(({ unknown }) => Object.keys(unknown ?? {}).length === 0)
  );
}

/** What failed for want of a good certificate may go through now: updates, and sources that ask others. */
export function noteClockSet(draft: Draft): void {
  const { state, now } = draft;
  forgiveChannels(draft);
  forgiveAliases(draft);
  for (const key of Object.keys(state.lanes)) {
    forgiveUnreachable(draft, key);
  }
  for (const [source, read] of Object.entries(state.reads)) {
    if (read.failures > 0) {
      state.reads[source] = { ...read, nextMs: now.ms, again: read.pending };
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
    const news: Report[] = [];
    const isPublished = plan.families.some((family) => before.confirmed[family]);
    let moved = false;
    for (const family of plan.families) {
      const published = before.confirmed[family]?.address;
      const choice = choose(plan, family, observation.snapshot, published, isPublished);
      choices[family] = choice;
      const name = textOf(choice);
      if (textOf(before.choices[family]) !== name) {
        moved = true;
        if (noteChange(draft, plan.id, family, name)) {
          news.push(choiceReport(plan, choice, published));
        }
      }
    }
    reportOnce(draft, news);
    const host = { ...before, choices };
    state.hosts[plan.id] = host;
    if (moved) {
      forgiveUnreachable(draft, laneOf(host));
      forgiveChannels(draft);
      forgiveAliases(draft);
    }
    if (cutOffBy(before) && !cutOffBy(host)) {
      forgetHealth(draft, plan.id);
    }
  }
}

/** A new path deserves a new try at once; waits that the provider demanded stay. */
export function forgiveUnreachable({ state }: Draft, key: string | undefined): void {
  const lane = key === undefined ? undefined : state.lanes[key];
  if (key !== undefined && lane?.retry.failure && hasNotLeft(lane.retry.failure)) {
    state.lanes[key] = { ...lane, retry: NO_RETRY };
  }
}

/** Every source is read at its time; one reading at a time each. */
export function decideReads(draft: Draft): void {
  const { state, now } = draft;
  for (const source of Object.keys(state.reads)) {
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

/** What has changed too often to be told each time, once it is steady. */
export function tellSteady(draft: Draft): void {
  const { hosts, plan: plans } = draft.state;
  const news = takeSteady(draft).flatMap(({ host: id, family, changes, forMs, isFlapping }) => {
    const plan = plans.hosts[id];
    const choice = hosts[id]?.choices[family];
    if (!plan || !choice) {
      return [];
    }
    const found = choiceReport(plan, choice, hosts[id]?.confirmed[family]?.address);
    const verb = isFlapping ? 'keeps changing:' : 'changed';
    // Nothing has changed since "keeps changing" was said.
    const often =
      changes === 0 ? 'It is steady now.' : `It ${verb} ${changes} times in ${Math.ceil(forMs / 1000)} s.`;
    const level = found.level === 'info' ? 'notice' : found.level;
    return { ...found, level, sentence: `${found.sentence} ${often}` };
  });
  reportOnce(draft, news);
}

/** Both families of a name may have the same to tell. */
function reportOnce(draft: Draft, news: readonly Report[]): void {
  const said = new Set<string>();
  for (const one of news) {
    if (!said.has(one.sentence)) {
      said.add(one.sentence);
      report(draft, one);
    }
  }
}

function textOf(choice: Choice | NoChoice): string;
function textOf(choice: Choice | NoChoice | undefined): string | undefined;
function textOf(choice: Choice | NoChoice | undefined): string | undefined {
  return choice && (isChosen(choice) ? `${choice.device} ${choice.address}` : choice.code);
}

function choiceReport(
  { hostname, id: host }: HostPlan,
  choice: Choice | NoChoice,
  published: string | undefined,
): Report {
  if (!isChosen(choice)) {
    const level = choice.code === ASKING ? 'info' : 'warning';
    return { level, code: choice.code, sentence: `${hostname}: ${choice.sentence}`, host };
  }
  const has = `${hostname}: ${choice.network} has ${choice.address}`;
  if (choice.address === published) {
    return { level: 'info', code: 'wan/SAME', sentence: `${has}, as published.`, host };
  }
  const sentence =
    published === undefined
      ? `${has}; nothing is published yet.`
      : `${has}; ${published} is still published.`;
  return { level: 'notice', code: 'wan/CHANGED', sentence, host };
}
