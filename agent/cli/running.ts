/** Is an agent running, and what does it say of itself? */
import type { StatusDocument } from '../engine/status.ts';
import type { Host } from '../ports.ts';

export interface LastStatus {
  status: StatusDocument;
  /** An agent runs that uses this folder. */
  alive: boolean;
  /** The process to send signals to. */
  pid: number;
}

/** The last status in this folder, with the process id that counts outside a jail; undefined while none was written. */
export async function lastStatus(host: Host, stateDir: string): Promise<LastStatus | undefined> {
  const text = await host.readText(`${stateDir}/status.json`).catch(() => undefined);
  if (text === undefined) {
    return undefined;
  }
  try {
    const status: StatusDocument = JSON.parse(text);
    // In its jail the agent knows itself by a number that means nothing outside; procd writes the true one.
    for (const kind of ['run', 'once']) {
      const pid = Number(await host.readText(`${stateDir}.${kind}.pid`).catch(() => undefined));
      if (await isAgent(host, pid)) {
        return { status: { ...status, agent: { ...status.agent, pid } }, alive: true, pid };
      }
    }
    return { status, alive: await isAgent(host, status.agent.pid), pid: status.agent.pid };
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
