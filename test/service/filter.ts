/** A resolver at home that keeps names from its users, as AdGuard Home, Pi-hole and blocking routers do. */
import type { DnsAnswer, DnsQuery } from './dns-socket.ts';
import { emptyReply, isWithin, rcodes, records } from './zone.ts';

/** `zero`: 0.0.0.0 and ::; the others are answers without an address; `silent`: none at all. */
export const filterModes = ['zero', 'nxdomain', 'refused', 'servfail', 'silent'] as const;
export type FilterMode = (typeof filterModes)[number];

export interface Filter {
  /** The answer in place of the true one; undefined where the name is not filtered. */
  answer(query: DnsQuery): DnsAnswer | undefined;
  /** Everything at and below the name, until it is given without a mode. */
  set(suffix: string, mode: FilterMode | undefined): void;
}

const filterTtlSec = 10;
const rcodeOf = { nxdomain: rcodes.NXDOMAIN, refused: rcodes.REFUSED, servfail: rcodes.SERVFAIL } as const;

export function createFilter(): Filter {
  const modes = new Map<string, FilterMode>();

  function modeOf(name: string): FilterMode | undefined {
    return [...modes].find(([suffix]) => isWithin(name, suffix))?.[1];
  }

  return {
    answer({ name, type }) {
      const mode = modeOf(name.toLowerCase());
      if (mode === undefined) return undefined;
      if (mode === 'silent') return 'drop';
      if (mode !== 'zero') return { ...emptyReply(rcodeOf[mode]), recursionAvailable: true };
      const reply = emptyReply(rcodes.NOERROR);
      const value = type === 'A' ? '0.0.0.0' : '::';
      if (type === 'A' || type === 'AAAA')
        reply.answers.push(...records(name, type, { ttlSec: filterTtlSec, values: [value] }));
      return { ...reply, recursionAvailable: true };
    },
    set(suffix, mode) {
      if (mode === undefined) modes.delete(suffix);
      else modes.set(suffix, mode);
    },
  };
}
