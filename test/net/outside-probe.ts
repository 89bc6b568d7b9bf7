/**
 * Reads a source once in the network namespace where this runs: `tsx outside-probe.ts KEY`. Prints for each
 * interface asked for what the outside saw, as JSON: addresses, or the codes of what is unknown.
 */
import { outsideSettings } from '../../agent/core/source-key.ts';
import { nodeHost } from '../../agent/hosts/node.ts';
import { createSources } from '../../agent/sources/all.ts';

const [key = ''] = process.argv.slice(2);
const source = createSources({
  host: nodeHost([], process.env),
  log: () => {},
  network: {
    read: () => Promise.reject(new Error('there is no netifd here')),
    watch: () => () => {},
  },
  userAgent: () => 'Holdfast test',
})(key);
const observation = await source.read();
const networks = outsideSettings(key)?.networks ?? [];
const seen = networks.flatMap((name) => (observation.known ? (observation.snapshot[name] ?? []) : []));
console.log(
  JSON.stringify(
    seen.map(({ name, addresses, unknown }) => ({
      name,
      addresses: addresses.map(({ address }) => address),
      unknown: Object.values(unknown ?? {}),
    })),
  ),
);
process.exit(0);
