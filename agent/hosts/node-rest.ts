/** Node's memory at rest: what work has left is collected when it is over, not some hundred changes later. */

/** From the last sign of work: the requests of a change and the first look at the DNS are over by then. */
const REST_MS = 2000;

/** What has come since must be worth the milliseconds that a collection takes. A change leaves about half of this. */
const WORTH_BYTES = 2 * 1024 * 1024;

/**
 * To be called with each sign of work. Left alone, V8 collects only when some megabytes of garbage have come, and
 * keeps their place. Without `--expose-gc` it is left alone.
 */
export function collectorAtRest(
  collect: (() => unknown) | undefined = globalThis.gc,
  usedBytes = () => process.memoryUsage().heapUsed,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  let leftBytes = 0;

  function rest(): void {
    if (collect && usedBytes() - leftBytes >= WORTH_BYTES) {
      collect();
      // Only now V8 knows which pages are nearly empty; the second one empties them.
      collect();
      leftBytes = usedBytes();
    }
  }

  return () => {
    if (collect) {
      // It must not hold a process that has nothing else to do.
      timer = timer?.refresh() ?? setTimeout(rest, REST_MS).unref();
    }
  };
}
