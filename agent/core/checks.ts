/** When the DNS servers are asked about a name, and what their answers change. They never pace updates. */
import { baselineOf, learnBaseline } from './baseline.ts';
import { type Draft, report, wakeAt, without } from './draft.ts';
import type { Asked, DnsAxes, Judged, Judgement } from './health.ts';
import { hasOpenIncident, isWatched, noteCheck } from './incidents.ts';
import { leadsHere } from './leads-here.ts';
import { pauseMs } from './pace.ts';
import type { HostPlan, Plan } from './plan.ts';
import { chosenOf, confirmedAtMs, type HostState, unconfirmedFamilies } from './state.ts';

/** After a confirmation: at once, then while the answer spreads; a provider takes seconds, some take minutes. */
const OFFSETS_MS = [0, 5_000, 15_000, 45_000, 120_000, 300_000];
/** A router has few sockets and little memory: so many names are asked about at a time. */
const MAX_RUNNING = 8;
/** Missing for so long after a confirmation, a name is gone and not just late. */
const GONE_AFTER_MS = 300_000;
/** Few resolvers keep any answer for longer, whatever its lifetime. */
const LONG_KEPT_MS = 86_400_000;
const WEB_PAUSE_MS = 900_000;

/** Asks about every confirmed name at its time; a name that waits for an update is not judged meanwhile. */
export function decideChecks(draft: Draft): void {
  const { state, now } = draft;
  if (!state.plan.agent.verify) {
    return;
  }
  let running = Object.values(state.hosts).filter((host) => host.check.pending).length;
  for (const plan of Object.values(state.plan.hosts)) {
    const host = state.hosts[plan.id];
    if (!host || host.check.pending || !isWatched(draft, plan.id)) {
      continue;
    }
    if (host.check.nextMs > now.ms) {
      wakeAt(draft, host.check.nextMs);
      continue;
    }
    if (running >= MAX_RUNNING) {
      // The end of a running check brings the next one here.
      continue;
    }
    running += 1;
    state.lastAttempt += 1;
    const check = { ...host.check, pending: true, attempt: state.lastAttempt };
    state.hosts[plan.id] = { ...host, check };
    ask(draft, plan, host);
  }
}

function ask(draft: Draft, plan: HostPlan, host: HostState): void {
  const { state, now } = draft;
  const account = state.plan.accounts[plan.account];
  const before = baselineOf(draft, plan.hostname);
  const renewal = account?.renewal;
  // What was confirmed for a family that is no longer configured is nobody's concern.
  const addresses = plan.families.flatMap((family) => {
    const confirmed = host.confirmed[family];
    return confirmed && confirmed.unseen === undefined ? [[family, confirmed.address]] : [];
  });
  draft.commands.push({
    type: 'verify',
    host: plan.id,
    attempt: state.lastAttempt,
    hostname: plan.hostname,
    ...Object.fromEntries(addresses),
    ...unheardOf(host),
    account: plan.account,
    provider: account?.providerTitle ?? 'The provider',
    ageMs: now.ms - (confirmedAtMs(host) ?? Number.NEGATIVE_INFINITY),
    ...(host.check.ttlSec !== undefined && { ttlSec: host.check.ttlSec }),
    ...(unconfirmedFamilies(host).length > 0 && { outdated: true as const }),
    ...(isLingering(draft, plan.id, host) && { lingering: true as const }),
    ...(before && { before }),
    ...(renewal?.zones.some((zone) => plan.hostname.endsWith(`.${zone}`)) && { renewal }),
    ...homepageDue(draft, plan),
  });
}

/** Once that was said, it stays so until they show the record or there is another one. */
function isLingering({ state, now }: Draft, id: string, host: HostState): boolean {
  const { authority, publicView } = host.axes;
  const isServed = authority?.verdict === 'ok' || authority?.verdict === 'warning';
  const keptMs = Math.max(LONG_KEPT_MS, (host.check.ttlSec ?? 0) * 1000);
  // Where nobody knows how old the record is, resolvers may be right to have one of before.
  const isOld = now.ms - (confirmedAtMs(host) ?? now.ms) >= keptMs;
  const isSaid =
    publicView?.code === 'public/WRONG' ||
    publicView?.code === 'public/SOME_FAIL' ||
    // Also where nobody could be asked since then.
    hasOpenIncident(state, id, 'public/WRONG');
  const isLate = publicView?.code === 'public/CACHED' && now.wallMs - publicView.sinceWallMs >= keptMs;
  return isServed && isOld && (isSaid || isLate);
}

/** What is on its way may be there already, by whatever hand. */
function unheardOf(host: HostState): Pick<Asked, 'unheard'> {
  const chosen = chosenOf(host);
  const awaited = unconfirmedFamilies(host).flatMap((family) => {
    const address = chosen[family]?.address ?? '';
    return address === host.confirmed[family]?.address
      ? []
      : [[family, [...(host.doubted?.[family] ?? []), address]]];
  });
  const unheard = { ...host.doubted, ...Object.fromEntries(awaited) };
  return Object.keys(unheard).length > 0 ? { unheard } : {};
}

/** The web site is looked at while something is wrong, to say that it is the web site alone. */
function homepageDue({ state, now }: Draft, { id, account }: HostPlan): { homepage?: string } {
  const known = state.accounts[account];
  const homepage = state.plan.accounts[account]?.homepage;
  const lanes = Object.entries(state.lanes).filter(([key]) => key.startsWith(`${account}/`));
  const wanted =
    hasOpenIncident(state, id) ||
    known?.web?.up === false ||
    lanes.some(([, { retry }]) => retry.failure?.kind === 'unreachable');
  const dueMs = known?.web === undefined ? 0 : known.web.checkedMs + WEB_PAUSE_MS;
  if (!known || homepage === undefined || !wanted || now.ms < dueMs) {
    return {};
  }
  // Noted now, so that the other names of the account do not ask as well.
  state.accounts[account] = {
    ...known,
    web: { up: true, sinceWallMs: now.wallMs, detail: '', ...known.web, checkedMs: now.ms },
  };
  return { homepage };
}

export function applyVerification(draft: Draft, id: string, found: Judgement, attempt?: number): void {
  const { state, now } = draft;
  const host = state.hosts[id];
  // Confirmed anew while the servers were asked: these answers are about the old address.
  if (!host?.check.pending || host.check.attempt !== attempt) {
    return;
  }
  const ageMs = now.ms - (confirmedAtMs(host) ?? Number.NEGATIVE_INFINITY);
  learnBaseline(draft, found);
  const axes = axesSince(host.axes, found.axes, now.wallMs);
  const gone = axes.authority.code === 'authority/GONE' && ageMs >= GONE_AFTER_MS;
  // The name is there again: what was due only because it was gone is not due any more.
  const healed = axes.authority.verdict === 'ok' && host.due === 'gone';
  const { zone = host.check.zone, ttlSec = host.check.ttlSec } = found;
  state.hosts[id] = {
    ...(healed ? without(host, 'due') : host),
    axes,
    check: {
      ...host.check,
      count: host.check.count + 1,
      pending: false,
      ...(zone !== undefined && { zone }),
      ...(ttlSec !== undefined && { ttlSec }),
    },
    goneForced: axes.authority.verdict === 'ok' ? false : host.goneForced,
    ...(gone && !host.goneForced && host.due === undefined && { due: 'gone' as const }),
  };
  noteWeb(draft, id, found);
  noteCheck(draft, id);
  reportAxes(draft, id, host, axes);
  paceNext(draft, id, ageMs);
}

function axesSince(old: DnsAxes, found: Judgement['axes'], wallMs: number): Required<DnsAxes> {
  const one = (name: keyof DnsAxes, axis: Judged) => {
    const sinceWallMs = old[name]?.code === axis.code ? old[name].sinceWallMs : wallMs;
    return { ...axis, sinceWallMs, checkedWallMs: wallMs };
  };
  return {
    delegation: one('delegation', found.delegation),
    authority: one('authority', found.authority),
    publicView: one('publicView', found.publicView),
  };
}

function paceNext({ state, now }: Draft, id: string, ageMs: number): void {
  const host = state.hosts[id];
  if (!host) {
    return;
  }
  const { count, streak } = host.check;
  const { authority, publicView } = host.axes;
  // Caches that still have the old address forget it within its lifetime: not something to leave for an hour.
  const isCached = publicView?.verdict === 'pending';
  const offsetMs = authority?.verdict === 'ok' && !isCached ? undefined : OFFSETS_MS[count];
  const isWatchful =
    isCached || (streak?.about ?? '') !== '' || hasOpenIncident(state, id) || isAliasTarget(state.plan, id);
  const nextMs =
    offsetMs === undefined || ageMs > GONE_AFTER_MS
      ? now.ms + pauseMs(now, host.check, isWatchful)
      : Math.max(now.ms - ageMs + offsetMs, now.ms + 1000);
  state.hosts[id] = { ...host, check: { ...host.check, nextMs } };
}

function noteWeb(draft: Draft, id: string, { web, axes }: Judgement): void {
  const { state, now } = draft;
  const plan = state.plan.hosts[id];
  const account = plan && state.accounts[plan.account];
  // Without a line nothing answers, and that says nothing of the web site.
  if (!web || !account || (!web.up && axes.authority.verdict === 'unknown')) {
    return;
  }
  const wasUp = account.web?.up ?? true;
  const sinceWallMs = wasUp === web.up ? (account.web?.sinceWallMs ?? now.wallMs) : now.wallMs;
  state.accounts[plan.account] = { ...account, web: { ...web, sinceWallMs, checkedMs: now.ms } };
  if (wasUp !== web.up) {
    const title = state.plan.accounts[plan.account]?.providerTitle ?? 'The provider';
    report(draft, {
      level: 'notice',
      code: web.up ? 'provider/WEB_UP' : 'provider/WEB_DOWN',
      sentence: web.up
        ? `The web site of ${title} answers again.`
        : `The web site of ${title} does not answer. ${
            leadsHere(state, id) === 'yes'
              ? `That is the web site alone and no outage of your names: ${plan.hostname} works.`
              : 'That by itself is no outage of your names.'
          }`,
      account: plan.account,
    });
  }
}

/** One line for each change of verdict, none for a repetition, nor while an incident is open: that was told. */
function reportAxes(draft: Draft, id: string, before: HostState, axes: Required<DnsAxes>): void {
  if (hasOpenIncident(draft.state, id)) {
    return;
  }
  for (const name of ['delegation', 'authority', 'publicView'] as const) {
    const { verdict, code, sentence } = axes[name];
    const old = before.axes[name];
    if (code === 'public/WRONG' && axes.authority.verdict === 'failed') {
      // What the servers say was told, and resolvers only repeat it.
      continue;
    }
    const recovered = verdict === 'ok' && (name === 'authority' || old?.verdict === 'failed');
    const worse = verdict === 'warning' || verdict === 'failed';
    const first = before.check.count === 0 && name === 'authority';
    if ((worse && old?.code !== code) || (recovered && (first || old?.code !== code))) {
      const entry = { code, sentence: `${before.hostname}: ${sentence}`, host: id };
      // What failed becomes an incident when the next check confirms it; that is the warning.
      report(draft, { level: verdict === 'warning' ? 'warning' : 'notice', ...entry });
    }
  }
}

/** An alias can only be as quick as the checks of the names that it may point at. */
function isAliasTarget({ aliases = {} }: Plan, id: string): boolean {
  return Object.values(aliases).some(({ targets }) => targets.includes(id));
}
