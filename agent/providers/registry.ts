/** Every protocol by its name. A new one is one line here (or in `on-demand.ts`) and one in `definition.ts`. */
import type { ProtocolName } from './definition.ts';
import type { ON_DEMAND } from './on-demand.ts';
import type { Protocol } from './protocol.ts';
import { dyndns2 } from './protocols/dyndns2.ts';

export const PROTOCOLS: Record<ProtocolName, Protocol> = {
  dyndns2,
  // Many need this one and no other: a file of its own, a sixth of the rest, whose reading takes 0.6 MB on QuickJS.
  get: onDemand('get', async () => (await import('./protocols/get.ts')).get),
  rest: rarely('rest'),
  rfc2136: rarely('rfc2136'),
  script: rarely('script'),
};

function rarely(name: keyof typeof ON_DEMAND): Protocol {
  return onDemand(name, async () => (await import('./on-demand.ts')).ON_DEMAND[name]);
}

function onDemand(name: ProtocolName, read: () => Promise<Protocol>): Protocol {
  let known: Protocol | undefined;
  async function load(): Promise<Protocol> {
    known = await read();
    return known;
  }
  return {
    async update(...call) {
      // Once loaded, the request leaves before the step's state is shown and saved.
      return (known ?? (await load())).update(...call);
    },
    async alias(...call) {
      const { alias } = known ?? (await load());
      if (!alias) {
        throw new Error(`${name} has no aliases`);
      }
      return alias(...call);
    },
  };
}
