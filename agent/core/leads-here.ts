/** Does a name lead here? The DNS must serve it, and what it serves must be the address of now. */
import { isChosen, isUnknown, type NoChoice } from './choice.ts';
import { type AgentState, chosenOf, type HostState, unconfirmedFamilies } from './state.ts';
import { type Works, worksOf } from './works.ts';

export function leadsHere(state: AgentState, id: string): Works {
  const host = state.hosts[id];
  if (!host) {
    return 'unknown';
  }
  if (cutOffBy(host)) {
    return 'no';
  }
  if (!isOutdated(host)) {
    return worksOf(host.axes);
  }
  const wasConfirmed = Object.keys(host.confirmed).length > 0;
  const isBlocked = (host.block ?? state.accounts[host.account]?.block) !== undefined;
  return wasConfirmed || isBlocked ? 'no' : 'unknown';
}

/** Why there is no address of now at all, as far as that is known for sure: whatever the DNS has leads nowhere. */
export function cutOffBy({ choices }: HostState): NoChoice | undefined {
  const all = Object.values(choices);
  const [first] = all.flatMap((choice) => (isChosen(choice) ? [] : choice));
  return all.some((choice) => isChosen(choice) || isUnknown(choice)) ? undefined : first;
}

/** Nobody need ask the DNS: what it has is not the address of now. */
export function isOutdated(host: HostState): boolean {
  const chosen = Object.keys(chosenOf(host)).length;
  return chosen > 0 && unconfirmedFamilies(host).length === chosen;
}
