/** Is an agent running, and what does it say of itself? */
import type { StatusDocument } from '../engine/status.ts';
import type { Host } from '../ports.ts';

/** The last status in this folder; `alive` when the process that wrote it still runs. */
export async function lastStatus(
  host: Host,
  stateDir: string,
): Promise<{ status: StatusDocument; alive: boolean } | undefined> {
  const text = await host.readText(`${stateDir}/status.json`).catch(() => undefined);
  if (text === undefined) {
    return undefined;
  }
  try {
    const status: StatusDocument = JSON.parse(text);
    return { status, alive: await isAgent(host, status.agent.pid) };
  } catch {
    return undefined;
  }
}

/** A process id may have been given to another program since: the command line tells. */
async function isAgent(host: Host, pid: number): Promise<boolean> {
  if (!Number.isInteger(pid) || pid === host.pid || !host.isAlive(pid)) {
    return false;
  }
  const commandLine = await host.readText(`/proc/${pid}/cmdline`).catch(() => undefined);
  return commandLine === undefined || /holdfast/.test(commandLine);
}
