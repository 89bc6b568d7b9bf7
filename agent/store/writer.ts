/** Writes one thing at a time; of what comes meanwhile only the latest is written next. */

export interface LatestWriter<T> {
  put(value: T): void;
  /** Resolves when nothing is left to write. */
  flush(): Promise<void>;
}

/** `write` must not throw. */
export function latestWriter<T>(write: (value: T) => Promise<void>): LatestWriter<T> {
  let next: { value: T } | undefined;
  let busy: Promise<void> | undefined;

  async function drain(): Promise<void> {
    while (next) {
      const { value } = next;
      next = undefined;
      await write(value);
    }
  }

  return {
    put(value) {
      next = { value };
      busy ??= drain().finally(() => {
        busy = undefined;
      });
    },
    flush: async () => busy,
  };
}
