/** How the command line asks an agent for something: a small file, then SIGUSR1 where one is running. */
import type { Files, Host } from '../ports.ts';

export interface AgentRequest {
  /** Sections to update. */
  hosts: string[];
  /** Only ask the DNS about them. */
  check?: true;
}

/** Leaves a request and wakes the agent; false when it is not there to take it. */
export async function sendRequest(
  host: Host,
  stateDir: string,
  pid: number,
  request: AgentRequest,
): Promise<boolean> {
  await leaveRequest(host, stateDir, request);
  return host.sendSignal(pid, 'USR1');
}

/** Leaves a request for the next start. */
export function leaveRequest(files: Files, stateDir: string, request: AgentRequest): Promise<void> {
  // Readable for the agent's own user: it holds no secret.
  return files.writeAtomic(requestFile(stateDir), JSON.stringify(request), 0o644);
}

/** Takes the request away; undefined for a bare signal, which means: update everything. */
export async function takeRequest(files: Files, stateDir: string): Promise<AgentRequest | undefined> {
  const path = requestFile(stateDir);
  const text = await files.readText(path).catch(() => undefined);
  await files.remove(path).catch(() => {});
  try {
    const { hosts, check } = JSON.parse(text ?? 'null') as Partial<AgentRequest>;
    return Array.isArray(hosts)
      ? { hosts: hosts.filter((one) => typeof one === 'string'), ...(check === true && { check }) }
      : undefined;
  } catch {
    return undefined;
  }
}

function requestFile(stateDir: string): string {
  return `${stateDir}/request.json`;
}
