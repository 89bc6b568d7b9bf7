/** Files of the Node host; a power cut at any instant leaves the old text or the new one, never a part. */
import { chmod, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Files } from '../ports.ts';

/** `isAlive` tells the temporary files of a crash from those of another process at work. */
export function nodeFiles(isAlive: (pid: number) => boolean): Files {
  /** The last write of each path: writes to one path go one after another. */
  const writes = new Map<string, Promise<void>>();

  async function readText(path: string): Promise<string | undefined> {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if (isMissing(error)) {
        return undefined;
      }
      throw error;
    }
  }

  function writeAtomic(path: string, text: string, mode = 0o600): Promise<void> {
    const earlier = writes.get(path) ?? removeLeftovers(path, isAlive);
    // The fault of an earlier write was told to its own caller.
    const write = earlier.catch(() => {}).then(() => replace(path, text, mode));
    writes.set(path, write);
    return write;
  }

  async function remove(path: string): Promise<void> {
    await rm(path, { force: true });
  }

  async function listFolder(path: string): Promise<string[]> {
    try {
      return (await readdir(path)).sort();
    } catch (error) {
      if (isMissing(error)) {
        return [];
      }
      throw error;
    }
  }

  async function makeFolder(path: string, mode: number): Promise<void> {
    const created = await mkdir(path, { recursive: true, mode });
    if (created !== undefined) {
      // Past the umask; a folder that was there keeps the mode its owner gave it.
      await chmod(path, mode);
    }
  }

  return { readText, writeAtomic, rename, remove, listFolder, makeFolder };
}

async function replace(path: string, text: string, mode: number): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}.tmp`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.chmod(mode);
      await file.writeFile(text, 'utf8');
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Makes the rename itself survive a power cut. Some file systems know no such thing: then the rename stands. */
async function syncFolder(folder: string): Promise<void> {
  const directory = await open(folder, 'r');
  try {
    await directory.sync().catch(() => {});
  } finally {
    await directory.close();
  }
}

async function removeLeftovers(path: string, isAlive: (pid: number) => boolean): Promise<void> {
  const folder = dirname(path);
  const start = `.${basename(path)}.`;
  for (const name of await readdir(folder)) {
    const pid = name.startsWith(start) ? /^(\d{1,10})\.tmp$/.exec(name.slice(start.length))?.[1] : undefined;
    // With our own id it is from before the last boot: we have not written yet.
    if (pid !== undefined && (Number(pid) === process.pid || !isAlive(Number(pid)))) {
      await rm(join(folder, name), { force: true });
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
