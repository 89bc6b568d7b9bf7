import type { Scenario } from './world.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * The provider's capacity is measured by its fleet: at full capacity it would need 1,000 s to serve every client
 * once, some 17 minutes. Turning somebody away costs it a fifth of an update, which is mostly the TLS handshake.
 */
const SECONDS_FOR_ALL = 1_000;
const REJECTION_COST = 0.2;

export function scenariosOf(clients: number): Scenario[] {
  const common = { clients, rejectionCost: REJECTION_COST };
  return [
    {
      ...common,
      title: 'A one-hour outage, in the hour in which every address changes once',
      capacityPerSec: clients / SECONDS_FOR_ALL,
      endMs: 4 * HOUR_MS,
      changes: { fromMs: 0, toMs: HOUR_MS },
      outage: { fromMs: 0, toMs: HOUR_MS },
      countFromMs: HOUR_MS,
    },
    {
      ...common,
      title: 'An ISP renumbers all its customers within 20 minutes',
      capacityPerSec: clients / SECONDS_FOR_ALL,
      endMs: 3 * HOUR_MS,
      // As fast as access concentrators let lines back in.
      changes: { fromMs: 0, toMs: 20 * MINUTE_MS },
      countFromMs: 0,
    },
    {
      ...common,
      title: 'An ISP renumbers all its customers within 5 minutes, more than the provider can bear',
      capacityPerSec: clients / SECONDS_FOR_ALL,
      endMs: 4 * HOUR_MS,
      changes: { fromMs: 0, toMs: 5 * MINUTE_MS },
      countFromMs: 0,
    },
  ];
}
