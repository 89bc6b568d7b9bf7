/** From the key of a source to the source itself. */
import { baseOf, type LocalKind, outsideSettings, type SourceKey } from '../core/source-key.ts';
import type { AddressSource } from '../ports.ts';
import { loadedSource } from './loaded.ts';
import type { SourceParts } from './parts.ts';
import { sharedSource } from './shared.ts';

/** The same source for the same key until its watch ends. */
export function createSources(parts: SourceParts): (key: SourceKey) => AddressSource {
  const { host, log } = parts;
  const views: Record<LocalKind, () => AddressSource> = {
    network: sharedSource(parts.network),
    device: sharedSource(
      loadedSource(async () => {
        const { deviceSource } = await import('./device.ts');
        return deviceSource({ processes: host, clock: host, log, interfaces: host.interfaces?.bind(host) });
      }),
    ),
  };
  const sources = new Map<SourceKey, AddressSource>();

  function make(key: SourceKey): AddressSource {
    const settings = outsideSettings(key);
    if (!settings) {
      return views[baseOf(key)]();
    }
    const base = views[settings.base]();
    const load = parts.loadAsking ?? (() => import('./asking.ts'));
    return loadedSource(async () => (await load()).askingSource(settings, base, parts));
  }

  return (key) => {
    const known = sources.get(key);
    if (known) {
      return known;
    }
    const made = make(key);
    const source: AddressSource = {
      read: () => made.read(),
      watch(onHint) {
        const end = made.watch(onHint);
        return () => {
          end();
          sources.delete(key);
        };
      },
    };
    sources.set(key, source);
    return source;
  };
}
