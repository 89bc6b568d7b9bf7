/**
 * Incidents: what is wrong for long enough, or for sure, is told once, and once more when it is over. What
 * could not be checked neither opens nor closes one.
 *
 * about (first part of the id)   opens                                   closes
 * zone:ZONE                      in other hands: at once;                two good checks in a row of each of
 *                                else at the second check in a row       its names, two minutes apart or more
 * host:HOST                      at the second check in a row            the same, of that name
 * account:ACCOUNT                blocked: at once;                       an update was taken, or none is due
 *                                no update taken for an hour
 * name:HOST                      the same of one hostname                the same
 *
 * A name that is gone and therefore refused is one incident: the check's goes on until its updates do as well.
 */
import { apartMs } from './apart.ts';
import type { Retry } from './backoff.ts';
import { type Draft, report, wakeAt } from './draft.ts';
import { type Failure, hasNotLeft } from './failure.ts';
import type { Axis } from './health.ts';
import type { Incident } from './incident.ts';
import { listed } from './listed.ts';
import { tell } from './outbox.ts';
import { pauseMs } from './pace.ts';
import type { AccountPlan, HostPlan } from './plan.ts';
import {
  type AgentState,
  type Block,
  chosenOf,
  type HostState,
  type LaneState,
  laneOf,
  type Since,
  unconfirmedFamilies,
} from './state.ts';
import { durationText, momentText, sinceText } from './when.ts';

/** After an update an answer may be late; younger than this only a zone in other hands counts. */
const SETTLED_MS = 300_000;
const GOOD_FOR_MS = 120_000;
/** What comes and goes must hold for an hour more each time, or people would get a stream of messages. */
const AGAIN_WITHIN_MS = 24 * 3_600_000;
const GOOD_AGAIN_MS = 3_600_000;
const GOOD_AGAIN_MAX_MS = 6 * 3_600_000;
const NOW_WELL = 'At the moment all is well.';
const OUTAGE_MS = 3_600_000;
/** Whatever the words for a block say to do. */
const GO_ON = 'save the settings or ask for an update (holdfast update).';
const AFTER_THAT = `After that, ${GO_ON}`;
/** Open ones are always kept. */
const MAX_KEPT = 20;

interface Trouble {
  about: string;
  subject: string;
  code: string;
  sentence: string;
  evidence: string[];
  mustAct: boolean;
  sinceWallMs: number;
  /** No second check is needed. */
  atOnce?: true;
}

/** Codes of a zone, the most telling last: a text is never replaced by one that says less. */
const ZONE_CODES = [
  'authority/ZONE_FAULT',
  'authority/SINKHOLED',
  'delegation/REMOVED',
  'delegation/CHANGED',
];
const GONE = 'authority/GONE';
const HOST_CODES = ['public/WRONG', 'public/FAULT', 'authority/PARTIAL', 'authority/STALE', GONE];

/** Is there a record of this host that the DNS shows and that is checked? */
export function isWatched({ state }: Draft, id: string): boolean {
  const plan = state.plan.hosts[id];
  const host = state.hosts[id];
  return (
    state.plan.agent.verify &&
    plan?.inDns === true &&
    plan.families.some((family) => host?.confirmed[family] && host.confirmed[family].unseen === undefined)
  );
}

/** With this code, or with any. */
export function hasOpenIncident({ incidents }: AgentState, host: string, code?: string): boolean {
  return incidents.some((one) => isOpen(one) && one.hosts.includes(host) && one.code === (code ?? one.code));
}

/** After a check of this host. */
export function noteCheck(draft: Draft, id: string): void {
  const { state, now } = draft;
  const host = state.hosts[id];
  const found = host && troubleOf(draft, id, host);
  if (!host || found === 'unclear') {
    return;
  }
  const about = found?.about ?? '';
  const before = host.check.streak;
  const streak =
    before?.about === about
      ? { ...before, count: before.count + 1, lastMs: now.ms }
      : { about, count: 1, firstMs: now.ms, lastMs: now.ms };
  state.hosts[id] = { ...host, check: { ...host.check, streak } };
  for (const incident of ofChecks(state, id)) {
    closeIfOver(draft, incident);
  }
  if (found) {
    const open = openOne(state, about);
    if (open) {
      if (found.code === GONE || !isRefused(host, open)) {
        improve(draft, open, found, id);
      }
    } else if (found.atOnce || streak.count >= 2) {
      openCheck(draft, found, id, host);
    }
  }
}

/** What checks of this host have opened and may close. */
function ofChecks({ incidents }: AgentState, host: string): Incident[] {
  return incidents.filter((one) => isOpen(one) && one.hosts.includes(host) && /^(zone|host):/.test(one.id));
}

/** What the last check points at; undefined: all is well. */
function troubleOf(draft: Draft, id: string, host: HostState): Trouble | 'unclear' | undefined {
  const { delegation, authority, publicView } = host.axes;
  const axes = [delegation, authority, publicView].flatMap((axis) => axis ?? []);
  const { zone } = host.check;
  const worst = (codes: readonly string[]) =>
    axes
      .filter(({ code }) => codes.includes(code))
      .sort((one, other) => codes.indexOf(other.code) - codes.indexOf(one.code))[0];
  const ofZone = zone === undefined ? undefined : worst(ZONE_CODES);
  const axis = ofZone ?? worst(HOST_CODES);
  if (!axis) {
    const isWell = authority?.verdict === 'ok' || authority?.verdict === 'warning';
    // What public resolvers alone have shown is over when they show it, even where nobody else can be asked.
    const isSeen =
      authority?.verdict === 'unknown' &&
      publicView?.verdict === 'ok' &&
      ofChecks(draft.state, id).every(({ code }) => code.startsWith('public/'));
    return isWell || isSeen ? undefined : 'unclear';
  }
  const atOnce = axis.code === 'delegation/CHANGED';
  if (!atOnce && isYoung(draft, host)) {
    return 'unclear';
  }
  const { code, mustAct, sinceWallMs } = axis;
  const sentence = code === GONE && host.block ? `${axis.sentence} ${AFTER_THAT}` : axis.sentence;
  return {
    ...(ofZone && zone !== undefined
      ? { about: `zone:${zone}`, subject: zone }
      : { about: `host:${id}`, subject: host.hostname }),
    ...{ code, sentence, mustAct, sinceWallMs, evidence: evidenceOf(axis, authority) },
    ...(atOnce && { atOnce }),
  };
}

/** Whoever reads that a zone has moved wants to know as well what its servers say. */
function evidenceOf(axis: Axis, authority: Axis | undefined): string[] {
  return axis === authority ? axis.evidence : [...axis.evidence, ...(authority?.evidence ?? [])];
}

function isYoung({ now }: Draft, { confirmed }: HostState): boolean {
  return Object.values(confirmed).some(({ atMs }) => atMs !== undefined && now.ms - atMs < SETTLED_MS);
}

function openCheck(draft: Draft, trouble: Trouble, id: string, host: HostState): void {
  const { state, now } = draft;
  const { zone } = host.check;
  if (!trouble.about.startsWith('zone:')) {
    const ofZone = openOne(state, `zone:${zone}`);
    if (ofZone) {
      replace(draft, withHost(ofZone, id));
    } else if (!(host.block || trouble.code === GONE) || !openOne(state, `name:${id}`)) {
      openAgain(draft, trouble, [id]);
    }
    return;
  }
  const hosts = Object.keys(state.plan.hosts).filter(
    (one) => one === id || (state.hosts[one]?.check.zone === zone && isWatched(draft, one)),
  );
  openAgain(draft, trouble, hosts);
  for (const one of hosts) {
    const own = openOne(state, `host:${one}`);
    if (own) {
      abandon(draft, own, `${own.subject} is now part of what happened to ${zone}.`);
    }
    const known = state.hosts[one];
    if (known && known.check.streak?.about !== trouble.about) {
      // What was good before says nothing of now: it is looked at soon.
      const { streak: _, ...check } = known.check;
      const nextMs = Math.min(check.nextMs, now.ms + pauseMs(now, check, true));
      state.hosts[one] = { ...known, check: { ...check, nextMs } };
    }
  }
}

/** The text may get better without a new message. */
function improve(draft: Draft, incident: Incident, found: Trouble, id: string): void {
  const { code, evidence, mustAct } = found;
  const saysLess = ZONE_CODES.indexOf(code) < ZONE_CODES.indexOf(incident.code);
  const sinceWallMs = Math.min(found.sinceWallMs, incident.openedWallMs);
  const better =
    saysLess && !code.startsWith('delegation/')
      ? {}
      : { code, evidence, mustAct, sentence: sinceText(found.sentence, sinceWallMs) };
  replace(draft, { ...withHost(incident, id), ...better });
}

function withHost(incident: Incident, id: string): Incident {
  return incident.hosts.includes(id) ? incident : { ...incident, hosts: [...incident.hosts, id] };
}

function openAgain(draft: Draft, trouble: Trouble, hosts: string[]): void {
  const times = timesBefore(draft, trouble.about);
  const often = ` That is number ${times + 1} within a day; the all-clear comes after ${durationText(goodForMs(times))} without a fault.`;
  open(draft, times > 0 ? { ...trouble, sentence: trouble.sentence + often } : trouble, hosts);
}

/** How often the same was over, for sure, within the last day. */
function timesBefore({ state, now }: Draft, about: string): number {
  return state.incidents.filter(
    (one) =>
      aboutOf(one) === about &&
      one.closedWallMs !== undefined &&
      !one.unresolved &&
      apartMs(now.wallMs, one.closedWallMs) < AGAIN_WITHIN_MS,
  ).length;
}

function goodForMs(times: number): number {
  return times === 0 ? GOOD_FOR_MS : Math.min(times * GOOD_AGAIN_MS, GOOD_AGAIN_MAX_MS);
}

function closeIfOver(draft: Draft, incident: Incident): void {
  const { state } = draft;
  const times = timesBefore(draft, aboutOf(incident));
  const hosts = incident.hosts.filter((id) => isWatched(draft, id));
  const isOver = hosts.every((id) => {
    const streak = state.hosts[id]?.check.streak;
    return (
      streak !== undefined &&
      streak.about !== aboutOf(incident) &&
      streak.count >= 2 &&
      streak.lastMs - streak.firstMs >= goodForMs(times)
    );
  });
  // Also where none is watched any more.
  if (hosts.every((id) => isRefused(state.hosts[id], incident))) {
    return;
  }
  if (!isOver) {
    const isWell = hosts.every((id) => state.hosts[id]?.check.streak?.about === '');
    if (isWell && times > 0 && !incident.sentence.endsWith(NOW_WELL)) {
      replace(draft, { ...incident, sentence: `${incident.sentence} ${NOW_WELL}` });
    }
    return;
  }
  const ofZone = aboutOf(incident).startsWith('zone:');
  const adopted =
    ofZone && incident.code.startsWith('delegation/') && state.baselines[incident.subject]?.adopted;
  const sentence = adopted
    ? `The new servers of ${incident.subject} have worked for a week and are now taken for the right ones.`
    : `${incident.subject} is all right again.`;
  close(draft, incident, sentence);
}

/** In every step: blocks, outages of update interfaces, and what nobody watches any more. */
export function reviewIncidents(draft: Draft): void {
  const { state } = draft;
  for (const incident of state.incidents.filter(isOpen)) {
    const [kind = '', id = ''] = aboutOf(incident).split(':');
    if (/^(zone|host)$/.test(kind) && !incident.hosts.some((host) => isWatched(draft, host))) {
      abandon(draft, incident, `${incident.subject} is not checked any more.`);
    } else if (kind === 'account' && !state.plan.accounts[id]) {
      abandon(draft, incident, 'The account is not configured any more.');
    } else if (kind === 'name' && !state.plan.hosts[id]) {
      abandon(draft, incident, `${incident.subject} is not configured any more.`);
    }
  }
  const hosts = new Map<string, string[]>(Object.keys(state.plan.accounts).map((id) => [id, []]));
  for (const { id, account } of Object.values(state.plan.hosts)) {
    hosts.get(account)?.push(id);
  }
  for (const account of Object.values(state.plan.accounts)) {
    reviewAccount(draft, account, hosts.get(account.id) ?? []);
  }
  // Nearly always nothing has failed, and there may be a thousand names.
  const open = new Set(state.incidents.filter(isOpen).map(aboutOf));
  for (const plan of Object.values(state.plan.hosts)) {
    const host = state.hosts[plan.id];
    if (host?.retry.failures !== 0 || host.block || host.failing || open.has(`name:${plan.id}`)) {
      reviewHost(draft, plan);
    }
  }
}

function reviewAccount(draft: Draft, { id }: AccountPlan, hosts: string[]): void {
  const { state } = draft;
  const account = state.accounts[id];
  if (!account) {
    return;
  }
  const failing = reviewUpdates(draft, `account:${id}`, {
    ...{ subject: id, hosts, block: account.block, failing: account.failing },
    failure: failureOf(draft, hosts, (_, lane) => [account.wait, lane?.retry]),
  });
  if (failing !== account.failing) {
    const { failing: _, ...rest } = account;
    state.accounts[id] = failing ? { ...rest, failing } : rest;
  }
}

function reviewHost(draft: Draft, { id, hostname }: HostPlan): void {
  const { state } = draft;
  const host = state.hosts[id];
  if (!host) {
    return;
  }
  // A name that is gone is refused as well: one cause, one incident, and the checks tell more of it.
  if (isWatched(draft, id) && !openOne(state, `name:${id}`)) {
    const { code, verdict } = host.axes.authority ?? {};
    const gone = openOne(state, `host:${id}`);
    const isBack = verdict === 'ok' || verdict === 'warning' || code === 'authority/STALE';
    const isTold = gone !== undefined && isRefused(host, gone);
    if (isTold && isBack && host.block) {
      const sentence = `${hostname} is there again, but its updates are stopped: ${GO_ON}`;
      const stopped = { ...host.block, about: `host:${id}`, subject: hostname, mustAct: true };
      openOnce(draft, gone, { ...stopped, sentence, evidence: [] }, [id]);
    }
    if (isTold || code === GONE) {
      return;
    }
  }
  const failing = reviewUpdates(draft, `name:${id}`, {
    ...{ subject: hostname, hosts: [id], block: host.block, failing: host.failing },
    failure: failureOf(draft, [id], ({ retry }) => [retry]),
  });
  if (failing !== host.failing) {
    const { failing: _, ...rest } = host;
    state.hosts[id] = failing ? { ...rest, failing } : rest;
  }
}

/** Was this name told to be gone, and is it refused for that? */
function isRefused(host: HostState | undefined, { code }: Incident): boolean {
  return host?.block !== undefined && (code === GONE || code === host.block.code);
}

/** The provider; the section as well where several accounts are there. */
function titleOf({ plan }: AgentState, id: string): string {
  const title = plan.accounts[id]?.providerTitle ?? id;
  const there = Object.values(plan.accounts).filter(({ providerTitle }) => providerTitle === title);
  return there.length > 1 ? `${title} (${id})` : title;
}

interface Updates {
  subject: string;
  hosts: string[];
  block: Block | undefined;
  failing: Since | undefined;
  /** Why what is due is not taken. */
  failure: Failure | undefined;
}

/** Returns since when updates fail. */
function reviewUpdates(draft: Draft, about: string, updates: Updates): Since | undefined {
  const { state, now } = draft;
  const { subject, hosts, block, failure } = updates;
  const known = openOne(state, about);
  const isAccount = about.startsWith('account:');
  // Asked for only where it is told: it takes a look at all accounts, and nearly always all is well.
  const title = () => (isAccount ? titleOf(state, subject) : subject);
  if (block) {
    const sentence = `${title()}: ${block.sentence} ${AFTER_THAT}`;
    openOnce(draft, known, { ...block, about, subject, sentence, evidence: [], mustAct: true }, hosts);
    return undefined;
  }
  if (!failure) {
    const end = known && endOf(draft, known, hosts);
    if (known && end === 'taken') {
      close(
        draft,
        known,
        isAccount ? `${title()} takes updates again.` : `Updates of ${title()} are taken again.`,
      );
    } else if (known && end === 'not due') {
      // Without a name nobody can say that updates would be taken.
      const finish = hosts.length > 0 ? close : abandon;
      finish(draft, known, `No update ${isAccount ? 'for' : 'of'} ${title()} is waiting any more.`);
    }
    return undefined;
  }
  const since = updates.failing ?? { sinceMs: now.ms, sinceWallMs: now.wallMs };
  const isProven = !hasNotLeft(failure) || isLineProven(state, since.sinceWallMs);
  if (now.ms < since.sinceMs + OUTAGE_MS) {
    wakeAt(draft, since.sinceMs + OUTAGE_MS);
  } else if (isProven) {
    const { code, reply } = failure;
    const said = isAccount
      ? `${title()} has taken no update${ofWhich(state, hosts)}`
      : `The update of ${title()} has failed`;
    const sentence = `${said} for an hour. ${failure.sentence}`;
    const evidence = reply === undefined ? [] : [`Reply: ${reply}`];
    const { sinceWallMs } = since;
    openOnce(draft, known, { about, subject, code, sentence, evidence, mustAct: false, sinceWallMs }, hosts);
  }
  return since;
}

/** Names that have their address may be on another line, where updates are taken. */
function ofWhich(state: AgentState, ids: readonly string[]): string {
  const waiting = ids.flatMap((id) => state.hosts[id] ?? []).filter(isDue);
  return waiting.length === ids.length ? '' : ` of ${listed(waiting.map(({ hostname }) => hostname))}`;
}

/** A lifted block alone is no all-clear, nor is a line that is down: an update was taken since, or none is due. */
function endOf(
  { state }: Draft,
  { openedWallMs, subject }: Incident,
  ids: readonly string[],
): 'taken' | 'not due' | undefined {
  const hosts = ids.flatMap((id) => state.hosts[id] ?? []);
  const taken = hosts
    .flatMap((host) => Object.values(host.confirmed))
    .some((one) => one.wallMs > openedWallMs);
  const aliases = Object.values(state.aliases).filter(({ account }) => account === subject);
  if (aliases.some(({ unread }) => unread)) {
    return undefined;
  }
  const isServed = (host: HostState) => host.block || (laneOf(host) !== undefined && !isDue(host));
  return taken || (hosts.length === 0 && aliases.length > 0)
    ? 'taken'
    : hosts.every(isServed)
      ? 'not due'
      : undefined;
}

/** Why updates that are due are not taken; undefined when none is due or none has failed. */
function failureOf(
  { state }: Draft,
  ids: readonly string[],
  retries: (host: HostState, lane: LaneState | undefined) => (Retry | undefined)[],
): Failure | undefined {
  for (const id of ids) {
    const host = state.hosts[id];
    if (host && !host.block && isDue(host)) {
      const lane = state.lanes[laneOf(host) ?? ''];
      const failed = retries(host, lane).find((retry) => retry && retry.failures > 0);
      if (failed?.failure) {
        return failed.failure;
      }
    }
  }
  return undefined;
}

function isDue(host: HostState): boolean {
  const chosen = chosenOf(host);
  return (
    (chosen.ipv4 ?? chosen.ipv6) !== undefined &&
    (host.due !== undefined || unconfirmedFamilies(host).length > 0)
  );
}

/** Others answered since then, so that it is not this line; where nothing is checked, nobody knows better. */
function isLineProven(state: AgentState, sinceWallMs: number): boolean {
  return !state.plan.agent.verify || isDnsHeard(state, sinceWallMs);
}

/** Has a check had answers since then? */
export function isDnsHeard({ hosts }: AgentState, sinceWallMs: number): boolean {
  return Object.values(hosts).some(
    ({ axes: { authority } }) =>
      authority !== undefined && authority.verdict !== 'unknown' && authority.checkedWallMs > sinceWallMs,
  );
}

function openOnce(draft: Draft, known: Incident | undefined, trouble: Trouble, hosts: string[]): void {
  if (!known) {
    open(draft, trouble, hosts);
  } else if (known.code !== trouble.code) {
    const { code, mustAct, evidence } = trouble;
    const sentence = sinceText(trouble.sentence, trouble.sinceWallMs);
    replace(draft, { ...known, code, mustAct, evidence, sentence });
  }
}

function open(draft: Draft, trouble: Trouble, hosts: string[]): void {
  const { state, now } = draft;
  const { about, subject, code, evidence, mustAct } = trouble;
  let second = Math.floor(now.wallMs / 1000);
  while (state.incidents.some(({ id }) => id === `${about}@${second}`)) {
    second += 1;
  }
  const incident: Incident = {
    ...{ id: `${about}@${second}`, code, subject, hosts, evidence, mustAct },
    ...(about.startsWith('account:') && { title: titleOf(state, subject) }),
    sentence: sinceText(trouble.sentence, trouble.sinceWallMs),
    openedWallMs: now.wallMs,
  };
  const all = [...state.incidents, incident];
  const tooMany = Math.max(0, all.length - MAX_KEPT);
  const dropped = all.filter((one) => !isOpen(one)).slice(0, tooMany);
  state.incidents = all.filter((one) => !dropped.includes(one));
  say(draft, 'opened', incident);
}

function close(draft: Draft, incident: Incident, sentence: string): void {
  const { now } = draft;
  const lengthMs = now.wallMs - incident.openedWallMs;
  const isSound = momentText(incident.openedWallMs) !== undefined && lengthMs > 0;
  const closed = {
    ...incident,
    sentence: isSound ? `${sentence} It took ${durationText(lengthMs)}.` : sentence,
    mustAct: false,
    closedWallMs: now.wallMs,
  };
  replace(draft, closed);
  say(draft, 'closed', closed);
}

/** Nobody knows whether it is over. */
function abandon(draft: Draft, incident: Incident, sentence: string): void {
  const closed = {
    ...{ ...incident, sentence, mustAct: false },
    ...{ closedWallMs: draft.now.wallMs, unresolved: true as const },
  };
  replace(draft, closed);
  say(draft, 'closed', closed);
}

function say(draft: Draft, kind: 'opened' | 'closed', incident: Incident): void {
  const { id, subject, title = subject, sentence, hosts, unresolved } = incident;
  const [ofKind] = id.split(':');
  const [only, ...others] = hosts;
  report(draft, {
    level: kind === 'opened' ? 'warning' : 'notice',
    code: `incident/${kind === 'opened' ? 'OPENED' : unresolved ? 'ENDED' : 'CLOSED'}`,
    sentence: sentence.includes(title) ? sentence : `${title}: ${sentence}`,
    incident: id,
    ...(ofKind === 'account'
      ? { account: subject }
      : only !== undefined && others.length === 0 && { host: only }),
  });
  tell(draft, kind, incident);
}

function replace({ state }: Draft, incident: Incident): void {
  state.incidents = state.incidents.map((one) => (one.id === incident.id ? incident : one));
}

function openOne({ incidents }: AgentState, about: string): Incident | undefined {
  return incidents.find((one) => isOpen(one) && aboutOf(one) === about);
}

function isOpen({ closedWallMs }: Incident): boolean {
  return closedWallMs === undefined;
}

function aboutOf({ id }: Incident): string {
  return id.slice(0, id.lastIndexOf('@'));
}
