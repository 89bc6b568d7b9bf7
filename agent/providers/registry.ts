/** Every provider of the catalogue and every protocol, by id. A new one is one line here. */
import dyndns2Entry from './catalogue/dyndns2.json';
import noIpEntry from './catalogue/no-ip.com.json';
import type { ProviderDefinition } from './definition.ts';
import type { Protocol } from './protocol.ts';
import { dyndns2 } from './protocols/dyndns2.ts';

// JSON imports have widened types; the schema test checks what the compiler cannot.
const ENTRIES = [dyndns2Entry, noIpEntry] as ProviderDefinition[];

export const CATALOGUE: ReadonlyMap<string, ProviderDefinition> = new Map(
  ENTRIES.map((entry) => [entry.id, entry]),
);

export const PROTOCOLS: Record<ProviderDefinition['protocol'], Protocol> = { dyndns2 };
