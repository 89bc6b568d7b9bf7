/** A source whose code is loaded by the first hostname that wants it. */
import type { AddressSource } from '../ports.ts';

/** `load` is called once, at the first use. When it fails, `read` says so; the watch stays silent. */
export function loadedSource(load: () => Promise<AddressSource>): AddressSource {
  let loading: Promise<AddressSource> | undefined;

  function loaded(): Promise<AddressSource> {
    loading ??= load();
    return loading;
  }

  return {
    read: async () => (await loaded()).read(),
    watch(onHint) {
      let stopped = false;
      let end = () => {};
      loaded().then(
        (source) => {
          if (!stopped) {
            end = source.watch(onHint);
          }
        },
        () => {},
      );
      return () => {
        stopped = true;
        end();
      };
    },
  };
}
