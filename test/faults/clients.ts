/** Which child of a process talks from a local TCP port; from /proc, see proc(5). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Undefined when it is gone. */
export function clientAt(port: number, parent: number): number | undefined {
  const sockets = socketsAt(port);
  return childrenOf(parent).find((pid) => linksOf(pid).some((link) => sockets.includes(link)));
}

/** Several: connections that were closed a moment ago (TIME_WAIT, without an inode) keep their port. */
function socketsAt(port: number): string[] {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((file) => quietly(() => readFileSync(file, 'utf8').split('\n'), []))
    .map((row) => row.trim().split(/ +/))
    .filter(([, address, , , , , , , , inode]) => address?.endsWith(local) && inode !== '0')
    .map((fields) => `socket:[${fields[9]}]`);
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return pids.filter((pid) => {
    const text = quietly(() => readFileSync(`/proc/${pid}/stat`, 'utf8'), '');
    return Number(text.slice(text.lastIndexOf(')')).split(' ')[2]) === parent;
  });
}

function linksOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return quietly(() => readdirSync(folder), []).map((fd) =>
    quietly(() => readlinkSync(`${folder}/${fd}`), ''),
  );
}

/** Processes come and go while they are looked at. */
function quietly<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
