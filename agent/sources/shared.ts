/** One source for several readers: `network` and whoever needs to know when an interface changes. */
import { sameMeaning } from '../core/same-meaning.ts';
import type { Observation } from '../core/wan.ts';
import type { AddressSource, Stop } from '../ports.ts';

interface Reader {
  /** The last observation that this reader got. */
  delivered?: Observation;
  onHint?: (observation?: Observation) => void;
}

/** Each call gives a view of its own. The source is watched once, and only while some view is watched. */
export function sharedSource(source: AddressSource): () => AddressSource {
  const readers = new Set<Reader>();
  let endWatch: Stop | undefined;

  /** What one reader has learned is a hint for those who do not know it yet. */
  function spread(observation: Observation): void {
    for (const reader of [...readers]) {
      if (!sameMeaning(reader.delivered, observation)) {
        reader.delivered = observation;
        reader.onHint?.(observation);
      }
    }
  }

  function onHint(observation?: Observation): void {
    if (observation) {
      spread(observation);
      return;
    }
    for (const reader of [...readers]) {
      reader.onHint?.();
    }
  }

  return () => {
    const reader: Reader = {};
    return {
      async read() {
        const observation = await source.read();
        reader.delivered = observation;
        spread(observation);
        return observation;
      },
      watch(onReaderHint) {
        reader.onHint = onReaderHint;
        readers.add(reader);
        endWatch ??= source.watch(onHint);
        return () => {
          readers.delete(reader);
          delete reader.onHint;
          if (readers.size === 0) {
            endWatch?.();
            endWatch = undefined;
          }
        };
      },
    };
  };
}
