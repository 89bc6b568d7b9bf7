/** When the DNS servers are asked about a name, and what their answers change. They never pace updates. */
import { type Draft, report, wakeAt, without } from './draft.ts';
import { judge, nameServersOf, type Verification } from './health.ts';
import { confirmedAtMs, type HostState } from './state.ts';

/** After a confirmation: at once, then while the answer spreads; a provider takes seconds, some take minutes. */
const OFFSETS_MS = [0, 5_000, 15_000, 45_000, 120_000, 300_000];
/** A router has few sockets and little memory: so many names are asked about at a time. */
const MAX_RUNNING = 8;
const HOURLY_MS = 3_600_000;
/** Missing for so long after a confirmation, a name is gone and not just late. */
const GONE_AFTER_MS = 300_000;

/** Asks about every confirmed name at its time; a name that waits for an update is not judged meanwhile. */
export function decideChecks(draft: Draft): void {
  const { state, now } = draft;
  if (!state.plan.agent.verify) {
    return;
  }
  let running = Object.values(state.hosts).filter((host) => host.check.pending).length;
  for (const plan of Object.values(state.plan.hosts)) {
    const host = state.hosts[plan.id];
    // What was confirmed for a family that is no longer configured is nobody's concern.
    const addresses = plan.families.flatMap((family) => {
      const confirmed = host?.confirmed[family];
      return confirmed && confirmed.unseen === undefined ? [[family, confirmed.address]] : [];
    });
    if (!host || !plan.inDns || host.check.pending || addresses.length === 0) {
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
    state.hosts[plan.id] = { ...host, check: { ...host.check, pending: true } };
    draft.commands.push({
      type: 'verify',
      host: plan.id,
      hostname: plan.hostname,
      ...Object.fromEntries(addresses),
    });
  }
}

export function applyVerification(draft: Draft, id: string, found: Verification): void {
  const { state, now } = draft;
  const host = state.hosts[id];
  // Confirmed anew while the servers were asked: these answers are about the old address.
  if (!host?.check.pending) {
    return;
  }
  const ageMs = now.ms - (confirmedAtMs(host) ?? Number.NEGATIVE_INFINITY);
  const axes = judge(found, learnBaseline(draft, found), ageMs, now.wallMs);
  const count = host.check.count + 1;
  const offsetMs = axes.authority.verdict === 'ok' ? undefined : OFFSETS_MS[count];
  const nextMs =
    offsetMs === undefined || ageMs > GONE_AFTER_MS
      ? now.ms + HOURLY_MS * (0.9 + now.random / 5)
      : Math.max(now.ms - ageMs + offsetMs, now.ms + 1000);
  const gone = axes.authority.code === 'authority/GONE' && ageMs >= GONE_AFTER_MS;
  // The name is there again: what was due only because it was gone is not due any more.
  const healed = axes.authority.verdict === 'ok' && host.due === 'gone';
  state.hosts[id] = {
    ...(healed ? without(host, 'due') : host),
    axes,
    check: { count, nextMs, pending: false },
    goneForced: axes.authority.verdict === 'ok' ? false : host.goneForced,
    ...(gone && !host.goneForced && host.due === undefined && { due: 'gone' as const }),
  };
  reportAxes(draft, id, host, axes);
}

function learnBaseline({ state, now }: Draft, found: Verification): readonly string[] | undefined {
  if (found.zone === undefined) {
    return undefined;
  }
  const nameServers = nameServersOf(found);
  if (!state.baselines[found.zone] && nameServers.length > 0) {
    state.baselines[found.zone] = { nameServers, sinceWallMs: now.wallMs };
  }
  return state.baselines[found.zone]?.nameServers;
}

/** One line for each change of verdict, none for a repetition. */
function reportAxes(draft: Draft, id: string, before: HostState, axes: ReturnType<typeof judge>): void {
  for (const name of ['delegation', 'authority', 'publicView'] as const) {
    const { verdict, code, sentence } = axes[name];
    const old = before.axes[name];
    const recovered = verdict === 'ok' && (name === 'authority' || old?.verdict === 'failed');
    const worse = verdict === 'failed' || verdict === 'warning';
    const first = before.check.count === 0 && name === 'authority';
    if ((worse && old?.code !== code) || (recovered && (first || old?.code !== code))) {
      const entry = { code, sentence: `${before.hostname}: ${sentence}`, host: id };
      report(draft, { level: worse ? 'warning' : 'notice', ...entry });
    }
  }
}
