/** Whether two observations mean the same for a published address. */
import type { Observation, WanInterface } from './wan.ts';

/**
 * True when nothing that matters has changed. Lifetimes count down in every report, so they only matter
 * when one reaches zero or leaves it; an unknown observation equals another with the same code.
 */
export function sameMeaning(before: Observation | undefined, after: Observation): boolean {
  if (!before?.known || !after.known) {
    return before?.known === false && !after.known && before.code === after.code;
  }
  const names = Object.keys(after.snapshot);
  return (
    names.length === Object.keys(before.snapshot).length &&
    names.every((name) => {
      const [old, now] = [before.snapshot[name], after.snapshot[name]];
      return old !== undefined && now !== undefined && meaningOf(old) === meaningOf(now);
    })
  );
}

function meaningOf(wan: WanInterface): string {
  return JSON.stringify([
    wan.up,
    wan.device,
    wan.addresses.map((one) => [one.address, one.prefixLength, one.temporary, one.tentative, alive(one)]),
    wan.prefixes.map((one) => [
      one.address,
      one.prefixLength,
      alive(one),
      one.assigned.map(({ network, address, prefixLength }) => [network, address, prefixLength]),
    ]),
    wan.defaultRoute,
    wan.gateway,
  ]);
}

function alive({ preferredSec, validSec }: { preferredSec?: number; validSec?: number }): boolean[] {
  return [preferredSec !== 0, validSec !== 0];
}
