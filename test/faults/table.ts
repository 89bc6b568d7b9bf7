/** All rows of the fault table, in the order in which people read them. */
import { DNS } from './dns.ts';
import type { Fault } from './fault.ts';
import { ROUTER } from './router.ts';
import { TRANSPORT } from './transport.ts';
import { WORDS } from './words.ts';

export interface Group {
  title: string;
  faults: readonly Fault[];
}

export const TABLE: readonly Group[] = [
  { title: 'What the provider says', faults: WORDS },
  { title: 'The way to the update API', faults: TRANSPORT },
  { title: 'The DNS, asked in truth', faults: DNS },
  { title: 'The router itself', faults: ROUTER },
];
