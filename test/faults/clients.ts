/** Which of some processes talk from local TCP ports; from /proc, see proc(5). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Port and process; those that are gone are left out. The kernel takes milliseconds to tell, for one as for all. */
export function clientsAt(ports: readonly number[], pids: Iterable<number>): Map<number, number> {
  const owners = new Map([...pids].flatMap((pid) => linksOf(pid).map((link) => [link, pid] as const)));
  const found = new Map<number, number>();
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const left = ports.filter((port) => !found.has(port));
    const text = left.length > 0 ? quietly(() => readFileSync(file, 'latin1'), '') : '';
    for (const port of left) {
      const pid = socketsAt(port, text)
        .map((link) => owners.get(link))
        .find((one) => one !== undefined);
      if (pid !== undefined) {
        found.set(port, pid);
      }
    }
  }
  return found;
}

/**
 * Several: connections that were closed a moment ago (TIME_WAIT, without an inode) keep their port. There are
 * thousands of those, so the text is searched and not taken apart.
 */
function socketsAt(port: number, text: string): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const row = new RegExp(`: [0-9A-F]+:${hex} (?:\\S+ +){7}([1-9]\\d*) `, 'g');
  return [...text.matchAll(row)].map(([, inode]) => `socket:[${inode}]`);
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
