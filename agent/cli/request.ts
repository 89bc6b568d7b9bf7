/** How the command line asks a running agent for something: a small file, then SIGUSR1. */
import type { Files, Host } from '../ports.ts';

/** `update`: now; `hint`: the WAN may have changed; `clock-set`: NTP has set the clock. */
export interface AgentRequest {
  command: 'update' | 'hint' | 'clock-set';
  /** Sections to update; absent: all. */
  hosts?: string[];
}

/** Leaves a request; false when the agent is not there to take it. */
export async function sendRequest(
  host: Host,
  stateDir: string,
  pid: number,
  request: AgentRequest,
): Promise<boolean> {
  // Readable for the agent's own user: it holds no secret.
  await host.writeAtomic(requestFile(stateDir), JSON.stringify(request), 0o644);
  return host.sendSignal(pid, 'USR1');
}

/** Takes the request away; a bare signal without one means: update everything. */
export async function takeRequest(files: Files, stateDir: string): Promise<AgentRequest> {
  const path = requestFile(stateDir);
  const text = await files.readText(path).catch(() => undefined);
  await files.remove(path).catch(() => {});
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    const { command, hosts } = (value ?? {}) as Partial<AgentRequest>;
    const known = command === 'hint' || command === 'clock-set' ? command : 'update';
    return {
      command: known,
      ...(Array.isArray(hosts) && { hosts: hosts.filter((one) => typeof one === 'string') }),
    };
  } catch {
    return { command: 'update' };
  }
}

function requestFile(stateDir: string): string {
  return `${stateDir}/request.json`;
}
