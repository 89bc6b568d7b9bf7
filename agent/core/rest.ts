/**
 * What stays known although nothing is published under it now: hostnames that are switched off or were taken
 * out of the configuration a while ago, so that having them again repeats nothing; and records of a family
 * that its hostname has left.
 */
import type { Family } from './address.ts';
import type { Draft } from './draft.ts';
import type { HostPlan, Plan } from './plan.ts';
import { doubting, freshHost, type HostState } from './state.ts';
import { CLOCK_SET_MS } from './when.ts';

/** A record without a section is remembered for so long: an apply that is rolled back takes minutes. */
const KEPT_MS = 24 * 3_600_000;
/** Far more than anybody removes in a day. */
const MAX_KEPT = 50;

type Hosts = Record<string, HostState>;
type Named = Pick<HostPlan, 'hostname' | 'account'>;

/** What is known of each planned record, whatever its section was called, and the hosts that rest. */
export function sortHosts(draft: Draft, hosts: Hosts, plan: Plan): { known: Hosts; resting: Hosts } {
  const planned = Object.values(plan.hosts);
  const own = planned.filter(({ id, ...named }) => isSame(hosts[id], named)).map(({ id }) => id);
  const known: Hosts = {};
  const left = { ...hosts };
  for (const host of [...planned.filter(({ id }) => own.includes(id)), ...planned]) {
    const id = own.includes(host.id) ? host.id : Object.keys(left).find((one) => isSame(left[one], host));
    const before = id === undefined ? undefined : left[id];
    if (id !== undefined && before) {
      known[host.id] = id === host.id && before.restedWallMs === undefined ? before : kept(host, before);
      delete left[id];
    }
  }
  return { known, resting: restingOf(draft, left, plan) };
}

/** Only what was confirmed, and what of it is in doubt. */
function kept(
  named: Parameters<typeof freshHost>[0],
  { confirmed, doubted }: Pick<HostState, 'confirmed' | 'doubted'>,
): HostState {
  return { ...freshHost(named), confirmed, ...(doubted && { doubted }) };
}

function restingOf({ state, now }: Draft, hosts: Hosts, plan: Plan): Hosts {
  const sent = Object.values(state.lanes).flatMap(({ attempt }) => attempt?.items ?? []);
  const resting = Object.entries(hosts).flatMap(([id, host]): [string, HostState][] => {
    const isConfigured = plan.resting?.some((one) => isSame(host, one)) === true;
    const { restedWallMs: before = 0 } = host;
    // Where the clock was not set when it began to rest, it begins anew.
    const restedWallMs = isConfigured || before < CLOCK_SET_MS ? now.wallMs : before;
    if (Object.keys(host.confirmed).length === 0 || now.wallMs - restedWallMs > KEPT_MS) {
      return [];
    }
    // The reply to an update on its way is heard by nobody.
    const last = sent.find((item) => item.host === id && item.hostname === host.hostname);
    const rested = { ...kept(host, last ? doubting(host, last) : host), restedWallMs };
    // Another name may have its section now.
    return [[plan.hosts[id] ? `${host.hostname}@${host.account}` : id, rested]];
  });
  const latestFirst = resting.sort(
    ([, one], [, other]) => (other.restedWallMs ?? 0) - (one.restedWallMs ?? 0),
  );
  return Object.fromEntries(latestFirst.slice(0, MAX_KEPT));
}

function isSame(one: Named | undefined, other: Named): boolean {
  return one?.hostname === other.hostname && one.account === other.account;
}

/** What becomes of the record of a family that is not published any more. */
export function leftSentence({ accounts }: Plan, { account }: HostPlan, family: Family): string {
  const [name, type] = family === 'ipv4' ? ['IPv4', 'A'] : ['IPv6', 'AAAA'];
  const { providerTitle = 'the provider', partial } = accounts[account] ?? {};
  return partial === 'erases'
    ? `${name} is not published any more; the ${type} record goes with the next update.`
    : `${name} is not published any more, but its ${type} record stays at ${providerTitle}. ` +
        'Delete it there, or visitors are still led to it.';
}
