/**
 * What stays known although nothing is published under it now: hostnames that are switched off or were taken
 * out of the configuration a while ago, so that having them again repeats nothing; and records of a family
 * that its hostname has left.
 */
import type { Family } from './address.ts';
import type { Draft } from './draft.ts';
import type { HostPlan, Plan } from './plan.ts';
import { doubting, freshHost, type HostState } from './state.ts';

/** A record without a section is remembered for so long: an apply that is rolled back takes minutes. */
const KEPT_MS = 24 * 3_600_000;
/** Far more than anybody removes in a day. */
const MAX_KEPT = 50;

type Hosts = Record<string, HostState>;
type Named = Pick<HostPlan, 'hostname' | 'account'>;

/** What is known of each planned record, whatever its section was called, and the hosts that rest from now on. */
export function sortHosts(
  draft: Draft,
  hosts: Hosts,
  before: Plan,
  plan: Plan,
): { known: Hosts; resting: Hosts } {
  const planned = Object.values(plan.hosts);
  const own = planned.filter(({ id, ...named }) => isSame(hosts[id], named, plan)).map(({ id }) => id);
  const known: Hosts = {};
  // After a start nobody knows which sections there were a moment ago.
  const isFirst = Object.keys(before.accounts).length === 0;
  const left = Object.fromEntries(
    Object.entries(hosts).filter(([, host]) => {
      const forMs = draft.now.ms - (host.restedMs ?? draft.now.ms);
      return isFirst || forMs <= KEPT_MS || isResting(before, host);
    }),
  );
  for (const host of [...planned.filter(({ id }) => own.includes(id)), ...planned]) {
    const id = own.includes(host.id)
      ? host.id
      : Object.keys(left).find((one) => isSame(left[one], host, plan));
    const found = id === undefined ? undefined : left[id];
    if (id !== undefined && found) {
      const isAsBefore = id === host.id && found.restedMs === undefined && found.account === host.account;
      known[host.id] = isAsBefore ? found : kept(host, unheard(draft, id, found));
      delete left[id];
    }
  }
  return { known, resting: restingOf(draft, left, before, plan) };
}

/** Only what was confirmed, and what of it is in doubt. */
function kept(
  named: Named & Pick<HostPlan, 'revision'>,
  { confirmed, doubted, service }: Pick<HostState, 'confirmed' | 'doubted' | 'service'>,
): HostState {
  return {
    ...freshHost(named),
    ...(service !== undefined && { service }),
    ...{ confirmed, ...(doubted && { doubted }) },
  };
}

/** The replies to updates on their way are for a record that has another place now: nobody hears them. */
function unheard({ state }: Draft, id: string, host: HostState): HostState {
  return Object.values(state.lanes)
    .flatMap(({ attempt }) => attempt?.items ?? [])
    .filter((item) => item.host === id && item.hostname === host.hostname)
    .reduce(doubting, host);
}

function restingOf(draft: Draft, hosts: Hosts, before: Plan, plan: Plan): Hosts {
  const { now } = draft;
  const resting = Object.entries(hosts).flatMap(([id, host]): [string, HostState][] => {
    if (Object.keys(host.confirmed).length === 0) {
      return [];
    }
    const hasSection = isResting(before, host) || isResting(plan, host);
    const restedMs = hasSection ? now.ms : (host.restedMs ?? now.ms);
    const rested = { ...kept(host, unheard(draft, id, host)), restedMs };
    // Another name may have its section now.
    const key = plan.hosts[id] ? [host.hostname, host.account, host.service].join(' ') : id;
    return [[key, rested]];
  });
  const latestFirst = resting.sort(([, one], [, other]) => (other.restedMs ?? 0) - (one.restedMs ?? 0));
  return Object.fromEntries(latestFirst.slice(0, MAX_KEPT));
}

function isResting(plan: Plan, host: HostState): boolean {
  return (plan.resting ?? []).some((one) => isSame(host, one, plan));
}

/** Is it the record that the plan means? The section of its account may have got another name. */
function isSame(one: HostState | undefined, named: Named, { accounts }: Plan): boolean {
  const service = accounts[named.account]?.service ?? one?.service;
  return (
    one?.hostname === named.hostname &&
    (one.account === named.account ||
      (one.service !== undefined && accounts[one.account]?.service !== one.service)) &&
    (one.service === undefined || one.service === service)
  );
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
