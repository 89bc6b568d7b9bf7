/** From the key of a source to the source itself. */
import {
  baseOf,
  type LocalKind,
  type OutsideSettings,
  outsideSettings,
  type SourceKey,
} from '../core/source-key.ts';
import type { AddressSource } from '../ports.ts';
import { deviceSource } from './device.ts';
import { type Ask, outsideSource } from './outside.ts';
import type { SourceParts } from './parts.ts';
import { sharedSource } from './shared.ts';

/** The same source for the same key until its watch ends. */
export function createSources(parts: SourceParts): (key: SourceKey) => AddressSource {
  const { host, log } = parts;
  const views: Record<LocalKind, () => AddressSource> = {
    network: sharedSource(parts.network),
    device: sharedSource(
      deviceSource({ processes: host, clock: host, log, interfaces: host.interfaces?.bind(host) }),
    ),
  };
  const sources = new Map<SourceKey, AddressSource>();

  function make(key: SourceKey): AddressSource {
    const settings = outsideSettings(key);
    return settings
      ? outsideSource({
          ...{ ...settings, clock: host, random: () => host.random() },
          base: views[settings.base](),
          ask: asking(settings, parts),
        })
      : views[baseOf(key)]();
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

/** Kinds that ask by UDP, which not every runtime can send. */
const BY_DATAGRAM: readonly OutsideSettings['kind'][] = ['stun', 'router'];

/** Loaded when the first hostname wants it: most routers know their address themselves. */
function asking(settings: OutsideSettings, parts: SourceParts): Ask {
  const limit = parts.host.limits.find(({ code }) => code === 'runtime/NO_DATAGRAMS');
  if (limit && BY_DATAGRAM.includes(settings.kind)) {
    return async () => ({ unknown: limit });
  }
  let loaded: Promise<Ask> | undefined;
  return async (...question) => {
    const load = parts.loadAsking ?? (() => import('./asking.ts'));
    loaded ??= load().then(({ askOf }) => askOf(settings, parts));
    return (await loaded)(...question);
  };
}
