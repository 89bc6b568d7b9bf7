/**
 * Which of several names an alias (a CNAME) points at: away from one that is down for sure, back to a better one
 * only after a long recovery, longer each time that it had to leave again within a day. What is not known moves
 * nothing, and every wait is monotonic, so it never flaps.
 */
import { apartMs } from './apart.ts';
import { NO_RETRY } from './backoff.ts';
import { type Draft, report, wakeAt, without } from './draft.ts';
import { type Failure, hasNotLeft } from './failure.ts';
import { growing } from './growing.ts';
import { cutOffBy, isOutdated, leadsHere } from './leads-here.ts';
import { blockOf, isPermanent, mayBeApplied, nextTry } from './outcomes.ts';
import type { AliasPlan } from './plan.ts';
import type { AgentState, AliasState, AliasTask, AliasView, Now, TargetHealth } from './state.ts';

/** How a task has ended. */
export type AliasFound =
  /** the provider has this name in the CNAME, or no CNAME */
  | { points?: string }
  | { failure: Failure }
  /** the answer of the name servers; `points` is the name that they agree on */
  | { seen: AliasView; points?: string };

/** A move that the health of the targets asks for, and when; monotonic ms. */
export interface Move {
  to: string;
  atMs: number;
  why: 'first' | 'outage' | 'recovery';
}

/** After a change, while it spreads to all name servers of the zone. */
const OFFSETS_MS = [0, 5_000, 15_000, 45_000, 120_000, 300_000];
const HOURLY_MS = 3_600_000;
const MINUTE_MS = 60_000;
const CALM_MS = 24 * HOURLY_MS;
/** A longer `recovery` counts as it is. */
const MAX_RECOVERY_MS = 6 * HOURLY_MS;
const MAX_NAME_CHARS = 253;
/** One check may err. */
export const CONFIRMING_CHECKS = 2;

/** A new configuration meets what was learned under the old one. */
export function replanAliases({ state }: Draft): void {
  const plans = Object.values(state.plan.aliases ?? {});
  state.aliases = Object.fromEntries(plans.map((plan) => [plan.id, replanned(state.aliases[plan.id], plan)]));
}

function replanned(old: AliasState | undefined, plan: AliasPlan): AliasState {
  const { hostname, account, revision } = plan;
  if (old?.hostname !== hostname || old.account !== account) {
    const check = { count: 0, nextMs: 0 };
    return { hostname, account, revision, unread: true, health: {}, retry: NO_RETRY, check };
  }
  if (old.revision === revision) {
    return old;
  }
  const { block: _block, attempt: _attempt, target, ...kept } = old;
  const stillThere = target !== undefined && plan.targets.includes(target);
  return { ...kept, ...(stillThere && { target }), revision, unread: true, retry: NO_RETRY };
}

/** The operator asks for these hostnames, or all: blocks and backoff are lifted, and what is there is read. */
export function requestAliases({ state }: Draft, ids: readonly string[] | undefined): void {
  for (const [id, alias] of Object.entries(state.aliases)) {
    if (ids && !state.plan.aliases?.[id]?.targets.some((target) => ids.includes(target))) {
      continue;
    }
    state.aliases[id] = { ...without(alias, 'block'), retry: NO_RETRY, unread: true };
    const account = state.accounts[alias.account];
    if (account) {
      state.accounts[alias.account] = without(account, 'block');
    }
  }
}

/** A new path to the Internet deserves a new try at once. */
export function forgiveAliases({ state }: Draft): void {
  for (const [id, alias] of Object.entries(state.aliases)) {
    if (alias.retry.failure && hasNotLeft(alias.retry.failure)) {
      state.aliases[id] = { ...alias, retry: NO_RETRY };
    }
  }
}

/** Its line is back: what a target needs now to be updated does not count as its outage. */
export function forgetHealth({ state }: Draft, host: string): void {
  for (const [id, alias] of Object.entries(state.aliases)) {
    const { [host]: _, ...health } = alias.health;
    state.aliases[id] = { ...alias, health };
  }
}

export function decideAliases(draft: Draft): void {
  const { state, now } = draft;
  for (const plan of Object.values(state.plan.aliases ?? {})) {
    const known = state.aliases[plan.id];
    if (!known) {
      continue;
    }
    const health = Object.fromEntries(plan.targets.map((id) => [id, healthOf(draft, known, id)]));
    const alias = { ...known, health };
    state.aliases[plan.id] = alias;
    const account = state.accounts[plan.account];
    if (alias.attempt || !account) {
      continue;
    }
    const move = nextMove(plan, alias, now);
    if (!alias.block && !account.block && (alias.unread || move)) {
      const { minIntervalMs = 0 } = state.plan.accounts[plan.account] ?? {};
      const atMs = Math.max(
        alias.unread ? 0 : (move?.atMs ?? 0),
        alias.retry.notBeforeMs,
        account.wait.notBeforeMs,
        account.lastSentMs === undefined ? 0 : account.lastSentMs + minIntervalMs,
      );
      if (atMs <= now.ms) {
        state.accounts[plan.account] = { ...account, lastSentMs: now.ms };
        begin(draft, plan, alias, alias.unread ? 'read' : 'write', alias.unread ? undefined : move?.to);
        continue;
      }
      wakeAt(draft, atMs);
    }
    if (alias.target !== undefined && state.plan.agent.verify) {
      if (alias.check.nextMs <= now.ms) {
        begin(draft, plan, alias, 'check', alias.target);
      } else {
        wakeAt(draft, alias.check.nextMs);
      }
    }
  }
}

function begin(
  draft: Draft,
  plan: AliasPlan,
  alias: AliasState,
  task: AliasTask,
  target: string | undefined,
): void {
  const { state } = draft;
  const pointed = target === undefined ? undefined : state.plan.hosts[target]?.hostname;
  state.lastAttempt += 1;
  const id = state.lastAttempt;
  state.aliases[plan.id] = { ...alias, attempt: { id, task, ...(target !== undefined && { target }) } };
  const { account, hostname, ttlSec } = plan;
  const spreading = alias.check.count < OFFSETS_MS.length - 1;
  const command = {
    type: 'alias' as const,
    alias: plan.id,
    attempt: id,
    task,
    account,
    hostname,
    ttlSec,
    spreading,
  };
  draft.commands.push({ ...command, ...(pointed !== undefined && { target: pointed }) });
}

/** What the targets ask for: the earliest move, of equal ones the most preferred. */
export function nextMove(
  plan: AliasPlan,
  alias: AliasState,
  now: Pick<Now, 'ms' | 'wallMs'>,
): Move | undefined {
  const { target, health, movedMs = Number.NEGATIVE_INFINITY } = alias;
  const nowMs = now.ms;
  const longestMs = Math.max(plan.recoveryMs, MAX_RECOVERY_MS);
  const recoveryMs = growing(plan.recoveryMs, 2, flightsUntil(alias, now.wallMs) - 1, longestMs);
  const worksNow = (id: string) => health[id]?.works ?? 'unknown';
  const [first] = plan.targets;
  if (target === undefined) {
    const to = plan.targets.find((id) => worksNow(id) !== 'no') ?? first;
    return to === undefined ? undefined : { to, atMs: nowMs, why: 'first' };
  }
  const healthy = plan.targets.filter((id) => worksNow(id) === 'yes');
  const better = plan.targets.slice(0, plan.targets.indexOf(target));
  const moves = healthy
    .filter((id) => better.includes(id))
    .map((to): Move => {
      // Two that come back one after the other are one return, not two.
      const fromMs = Math.max(health[to]?.sinceMs ?? nowMs, movedMs);
      return { to, atMs: fromMs + recoveryMs, why: 'recovery' };
    });
  const down = health[target];
  const [refuge] = healthy;
  if (down?.works === 'no' && down.checks >= CONFIRMING_CHECKS && refuge !== undefined) {
    moves.push({ to: refuge, atMs: down.sinceMs + plan.outageMs, why: 'outage' });
  }
  const dueMs = (move: Move) => Math.max(move.atMs, nowMs);
  return moves.reduce<Move | undefined>(
    (best, move) => (best === undefined || dueMs(move) < dueMs(best) ? move : best),
    undefined,
  );
}

/** After a day without a move all before is forgotten. */
function flightsUntil({ sinceWallMs, flights = 0 }: AliasState, wallMs: number): number {
  return sinceWallMs !== undefined && apartMs(wallMs, sinceWallMs) < CALM_MS ? flights : 0;
}

function healthOf({ state, now }: Draft, { health }: AliasState, id: string): TargetHealth {
  const before = health[id];
  const { works, checks } = targetWorks(state, id);
  const checkedWallMs = state.hosts[id]?.axes.authority?.checkedWallMs ?? 0;
  if (before?.works !== works) {
    return { works, sinceMs: now.ms, checks, checkedWallMs };
  }
  const another = before.checkedWallMs === checkedWallMs ? 0 : 1;
  return { ...before, checks: Math.max(before.checks + another, checks), checkedWallMs };
}

function targetWorks(state: AgentState, id: string): Pick<TargetHealth, 'works' | 'checks'> {
  const host = state.hosts[id];
  if (!host) {
    return { works: 'unknown', checks: 0 };
  }
  const isSure = isOutdated(host) || cutOffBy(host) !== undefined;
  return { works: leadsHere(state, id), checks: isSure ? CONFIRMING_CHECKS : 1 };
}

export function applyAliased(draft: Draft, id: string, attempt: number, found: AliasFound): void {
  const { state, now } = draft;
  const plan = state.plan.aliases?.[id];
  const alias = state.aliases[id];
  if (!plan || alias?.attempt?.id !== attempt) {
    return;
  }
  const { task, target: wanted } = alias.attempt;
  const rest = without(alias, 'attempt');
  if ('failure' in found) {
    // Only a defect fails a check; the next one is due as after a success.
    const check = task === 'check' ? { ...rest.check, nextMs: now.ms + HOURLY_MS } : rest.check;
    state.aliases[id] = { ...rest, check };
    fail(draft, plan, found.failure);
  } else if ('seen' in found) {
    state.aliases[id] = checked(draft, rest, found);
  } else {
    const target = plan.targets.find((one) => state.plan.hosts[one]?.hostname === found.points);
    const account = state.accounts[plan.account];
    if (account && account.wait.notBeforeMs <= now.ms) {
      state.accounts[plan.account] = { ...account, wait: NO_RETRY };
    }
    const isNew = target !== alias.target;
    const { target: old, ...settled } = target === undefined ? rest : without(rest, 'foreign');
    const { points = '' } = found;
    const isForeign = task === 'read' && alias.pointed !== undefined && points !== alias.pointed;
    const isFlight = old !== undefined && alias.health[old]?.works === 'no';
    state.aliases[id] = {
      ...settled,
      ...(target !== undefined
        ? { target, pointed: points }
        : isForeign && { foreign: points.slice(0, MAX_NAME_CHARS) }),
      ...(isNew && {
        ...{ sinceWallMs: now.wallMs, movedMs: now.ms, check: { count: 0, nextMs: now.ms } },
        flights: flightsUntil(alias, now.wallMs) + (isFlight ? 1 : 0),
      }),
      unread: false,
      retry: NO_RETRY,
    };
    if (task === 'write' && isNew && target === wanted) {
      reportMove(draft, plan, alias, target);
    }
  }
}

/** Hourly once all is well; what the servers show of somebody else's doing is looked at where it is kept. */
function checked(
  { now }: Draft,
  alias: AliasState,
  { seen, points }: Extract<AliasFound, { seen: AliasView }>,
): AliasState {
  const count = alias.check.count + 1;
  const offsetMs = seen.verdict === 'ok' ? undefined : OFFSETS_MS[count];
  const before = OFFSETS_MS[count - 1] ?? 0;
  const waitMs = offsetMs === undefined ? HOURLY_MS * (0.9 + now.random / 5) : offsetMs - before;
  const isForeign = seen.verdict === 'warning' && points !== undefined && alias.seen?.code !== seen.code;
  return {
    ...alias,
    seen,
    check: { count, nextMs: now.ms + waitMs },
    unread: alias.unread || isForeign,
  };
}

function fail(draft: Draft, plan: AliasPlan, failure: Failure): void {
  const { state } = draft;
  const alias = state.aliases[plan.id];
  const accountPlan = state.plan.accounts[plan.account];
  const account = state.accounts[plan.account];
  if (!alias || !accountPlan || !account) {
    return;
  }
  const isShared =
    failure.scope === 'account' || failure.scope === 'provider' || failure.kind === 'credential';
  const retry = nextTry(draft, isShared ? account.wait : alias.retry, failure, accountPlan);
  if (isShared) {
    state.accounts[plan.account] = retry
      ? { ...account, wait: retry.notBeforeMs > account.wait.notBeforeMs ? retry : account.wait }
      : { ...account, block: blockOf(draft, failure) };
  }
  const again = retry ?? NO_RETRY;
  state.aliases[plan.id] = {
    ...alias,
    unread: alias.unread || mayBeApplied(failure),
    retry: isShared ? { ...again, notBeforeMs: 0, failure } : again,
    ...(!retry && !isShared && { block: blockOf(draft, failure) }),
  };
  if (alias.retry.failure?.code !== failure.code) {
    const reply = failure.reply === undefined ? '' : ` Reply: ${failure.reply}`;
    report(draft, {
      level: isPermanent(failure) ? 'error' : 'warning',
      code: 'alias/FAILED',
      sentence: `${plan.hostname}: the alias could not be set (${failure.code}). ${failure.sentence}${reply}`,
      account: plan.account,
    });
  }
}

function reportMove(draft: Draft, plan: AliasPlan, before: AliasState, target: string | undefined): void {
  const { state, now } = draft;
  const nameOf = (id = '') => state.plan.hosts[id]?.hostname ?? id;
  const host = target ?? '';
  const { target: old, health } = before;
  const down = old === undefined ? undefined : health[old];
  const minutes = (since = now.ms) => Math.max(1, Math.round((now.ms - since) / MINUTE_MS));
  const isFlight = down?.works === 'no';
  const left = state.hosts[old ?? ''];
  const { authority, publicView } = left?.axes ?? {};
  const failed = publicView?.verdict === 'failed' && authority?.verdict !== 'failed' ? publicView : authority;
  const evidence = (left && cutOffBy(left)?.sentence) ?? failed?.evidence.slice(0, 2).join('; ');
  const reason = isFlight
    ? `, because ${nameOf(old)} has not worked for ${minutes(down.sinceMs)} min${evidence ? ` (${evidence})` : ''}`
    : old === undefined
      ? foreignText(before)
      : `, which has worked for ${minutes(health[host]?.sinceMs)} min without a break`;
  report(draft, {
    level: isFlight ? 'warning' : 'notice',
    code: 'alias/MOVED',
    sentence: `${plan.hostname} points at ${nameOf(host)} now${reason}.`,
    host,
    account: plan.account,
  });
}

function foreignText({ foreign }: AliasState): string {
  if (foreign === undefined) {
    return '';
  }
  const what = foreign === '' ? 'taken its CNAME away' : `pointed it at ${foreign}`;
  return `: somebody had ${what}. If it is to stay so, switch the alias off`;
}
