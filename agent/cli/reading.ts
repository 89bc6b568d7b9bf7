/** Who reads the configuration: this process, or one of its own that ends before the agent begins. */
import type { Host } from '../ports.ts';
import type { Configuration } from './configuration.ts';

const READER_TIMEOUT_MS = 60_000;
/** No key of ours, and none that a file could hold. */
const MAP = '\u0000map';

/** Loaded when it is needed: most of it is done once, and then only after a change. */
export async function readConfiguration(host: Host, path: string): Promise<Configuration> {
  return (await import('./configuration.ts')).readConfiguration(host, path);
}

/** For the agent that stays: where the host has a reader, neither its code nor the catalogue remains in memory. */
export async function readForAgent(host: Host, path: string): Promise<Configuration> {
  if (host.configurationReader?.length) {
    const { status, stdout } = await host.run([...host.configurationReader, path], READER_TIMEOUT_MS);
    const read = status === 0 ? takeOver(stdout) : undefined;
    if (read) {
      return read;
    }
  }
  return readConfiguration(host, path);
}

/** What the reader prints. */
export function handOver(configuration: Configuration): string {
  return JSON.stringify(configuration, (_key, value: unknown) =>
    value instanceof Map ? { [MAP]: [...value] } : value,
  );
}

/** Undefined for a text that was cut. */
export function takeOver(text: string): Configuration | undefined {
  try {
    return JSON.parse(text, (_key, value: unknown) => (isMap(value) ? new Map(value[MAP]) : value));
  } catch {
    return undefined;
  }
}

function isMap(value: unknown): value is { [MAP]: [unknown, unknown][] } {
  return typeof value === 'object' && value !== null && MAP in value;
}
