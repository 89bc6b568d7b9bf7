/** What an agent that was killed has left behind: nobody listens to it, and some of it would stay for good. */
import { HELD_BY, type Host } from '../ports.ts';

const HELD = new RegExp(`(?:^|\\0)${HELD_BY}=(\\d{1,10})\\0`);

type OrphanParts = Pick<Host, 'listFolder' | 'readText' | 'sendSignal'>;

/**
 * Ends the held programs of agents that are gone. In a jail the kernel does so; procd ends only the process that it
 * has started. It looks at every process, so it is for an agent that finds the status of an earlier one.
 */
export async function endOrphans(host: OrphanParts): Promise<void> {
  for (const id of (await host.listFolder('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    const agent = await holderOf(host, id);
    if (agent !== undefined && (await hasLost(host, id, agent))) {
      host.sendSignal(Number(id), 'TERM');
    }
  }
}

/** The agent that holds a process, by its process id. */
async function holderOf(host: OrphanParts, id: string): Promise<string | undefined> {
  return HELD.exec(await readProcess(host, id, 'environ'))?.[1];
}

/**
 * Whoever loses its parent gets another one, so no process id that was given away again can deceive. In a jail the
 * parent knows itself by another id, the last of those that it has (proc(5)). A held program that has started one
 * itself, as a script in its place does, is no loss.
 */
async function hasLost(host: OrphanParts, id: string, agent: string): Promise<boolean> {
  const parent = /^PPid:\t(\d+)$/m.exec(await readProcess(host, id, 'status'))?.[1];
  const status = parent === undefined ? '' : await readProcess(host, parent, 'status');
  const own = /^NSpid:(?:\t\d+)*\t(\d+)$/m.exec(status)?.[1];
  return (
    parent !== undefined && own !== undefined && own !== agent && (await holderOf(host, parent)) !== agent
  );
}

/** Empty for a process that has ended, or that is another user's. */
async function readProcess(host: OrphanParts, id: string, file: 'environ' | 'status'): Promise<string> {
  return (await host.readText(`/proc/${id}/${file}`).catch(() => undefined)) ?? '';
}
