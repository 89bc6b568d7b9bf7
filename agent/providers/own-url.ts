/** The update URL of a user's own (RFC 6570): does it fit the addresses that go into it? */
import { FAMILIES, type Family } from '../core/address.ts';

/**
 * `no-place`: an address that is sent stands nowhere, and would count as published. `empty-place`: one that is not
 * sent has a place, and an empty address deletes a record at many services.
 */
export interface PlaceFault {
  kind: 'no-place' | 'empty-place';
  family: Family;
}

/** What a user writes for an address. */
export const PLACES: Record<Family, string> = { ipv4: '{ip}', ipv6: '{ip6}' };

export function placeFault(url: string, sent: readonly Family[]): PlaceFault | undefined {
  const places = [...url.matchAll(/\{([+#./;?&]?)([^{}]*)\}/g)].flatMap(([, operator = '', list = '']) =>
    list.split(',').map((name) => ({ operator, name: name.replace(/[*:].*/, '') })),
  );
  const ofFamily = (family: Family) =>
    places.filter(({ name }) => name === family || `{${name}}` === PLACES[family]);
  const hasBoth = places.some(({ name }) => name === 'myip');
  const missing = sent.find((family) => !hasBoth && ofFamily(family).length === 0);
  if (missing !== undefined) {
    return { kind: 'no-place', family: missing };
  }
  // With ? and & the name of an absent value goes as well.
  const empty = FAMILIES.find(
    (family) =>
      !sent.includes(family) && ofFamily(family).some(({ operator }) => operator !== '?' && operator !== '&'),
  );
  return empty && { kind: 'empty-place', family: empty };
}
