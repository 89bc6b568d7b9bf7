/** Which child of a process talks from a local TCP port; from /proc, see proc(5). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Undefined when it is gone. */
export function clientAt(port: number, parent: number): number | undefined {
  const inode = inodeAt(port);
  return inode === undefined
    ? undefined
    : childrenOf(parent).find((pid) => linksOf(pid).includes(`socket:[${inode}]`));
}

function inodeAt(port: number): string | undefined {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    quietly(() => readFileSync(file, 'utf8').split('\n'), []),
  );
  return rows.map((row) => row.trim().split(/ +/)).find(([, address]) => address?.endsWith(local))?.[9];
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
