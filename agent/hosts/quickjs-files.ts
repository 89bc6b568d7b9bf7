/** Files of the QuickJS host; a power cut at any instant leaves the old text or the new one, never a part. */
import * as os from 'quickjs:os';
import * as std from 'quickjs:std';
import type { Files } from '../ports.ts';
import { checked, ERRNO, systemError } from './quickjs-errors.ts';

/** ELF header: where the machine stands, its values for MIPS, and which octet order it is in. */
const ELF = { order: 5, machine: 18, mips: 8, bigEndian: 2 } as const;
/** asm-generic/fcntl.h and arch/mips/include/uapi/asm/fcntl.h of Linux. */
const O_SYNC = { usual: 0x101000, mips: 0x4010 } as const;

/** `isAlive` tells the temporary files of a crash from those of another process at work. */
export function quickjsFiles(isAlive: (pid: number) => boolean): Files {
  const written = new Set<string>();
  let syncFlag: number | undefined;

  return {
    async readText(path) {
      return readTextNow(path);
    },
    async writeAtomic(path, text, mode = 0o600) {
      if (!written.has(path)) {
        removeLeftovers(path, isAlive);
        written.add(path);
      }
      syncFlag ??= syncFlagHere();
      replace(path, text, mode, syncFlag);
    },
    async rename(from, to) {
      checked(os.rename(from, to), from);
    },
    async remove(path) {
      const result = os.remove(path);
      if (result !== -ERRNO.ENOENT) {
        checked(result, path);
      }
    },
    async listFolder(path) {
      const [names, errno] = os.readdir(path);
      if (errno !== 0 && errno !== ERRNO.ENOENT) {
        throw systemError(errno, path);
      }
      return errno === 0 ? names.filter((name) => name !== '.' && name !== '..').sort() : [];
    },
    async makeFolder(path, mode) {
      makeFolder(path, mode);
    },
  };
}

/** The text of a file, or undefined when it does not exist. Throws on any other fault. */
export function readTextNow(path: string): string | undefined {
  const fault: { errno?: number } = {};
  const file = std.open(path, 'r', fault);
  if (file === null) {
    if (fault.errno === ERRNO.ENOENT) {
      return undefined;
    }
    throw systemError(fault.errno ?? 0, path);
  }
  const text = file.readAsString();
  const broken = file.error();
  file.close();
  if (broken) {
    // The C library does not say more; a folder can be opened but not read.
    throw systemError(isFolder(path) ? 21 : 5, path);
  }
  return text;
}

function isFolder(path: string): boolean {
  const [status] = os.stat(path);
  return status !== null && (status.mode & os.S_IFMT) === os.S_IFDIR;
}

/** Every write is on the disk when it returns: QuickJS has no fsync. */
function replace(path: string, text: string, mode: number, syncFlag: number): void {
  const temporary = temporaryBeside(path, os.getpid());
  const flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | syncFlag;
  const fd = checked(os.open(temporary, flags, mode), path);
  try {
    setMode(temporary, mode);
    write(fd, text, path);
    checked(os.rename(temporary, path), path);
  } catch (error) {
    os.remove(temporary);
    throw error;
  }
}

/** Closes the descriptor too. */
function write(fd: number, text: string, path: string): void {
  const fault: { errno?: number } = {};
  const file = std.fdopen(fd, 'w', fault);
  if (file === null) {
    os.close(fd);
    throw systemError(fault.errno ?? 0, path);
  }
  file.puts(text);
  file.flush();
  const broken = file.error();
  const closed = file.close();
  checked(closed, path);
  if (broken) {
    // A full disk is what it nearly always is; the C library has forgotten.
    throw systemError(28, path);
  }
}

/** Past the umask. QuickJS has no chmod; under procd's umask the program is never needed. */
function setMode(path: string, mode: number): void {
  const [status] = os.stat(path);
  if (status !== null && (status.mode & 0o777) !== mode) {
    const null_ = os.open('/dev/null', os.O_WRONLY);
    os.exec(['chmod', mode.toString(8), path], {
      ...{ block: true, usePath: true, file: 'chmod', env: std.getenviron() },
      ...{ stdin: null_, stdout: null_, stderr: null_ },
    });
    os.close(null_);
  }
}

function makeFolder(path: string, mode: number): void {
  if (isFolder(path)) {
    return;
  }
  const parent = folderOf(path);
  if (parent !== path) {
    makeFolder(parent, mode);
  }
  checked(os.mkdir(path, mode), path);
  setMode(path, mode);
}

function removeLeftovers(path: string, isAlive: (pid: number) => boolean): void {
  const folder = folderOf(path);
  const start = `.${path.slice(path.lastIndexOf('/') + 1)}.`;
  const [names, errno] = os.readdir(folder);
  if (errno !== 0) {
    throw systemError(errno, folder);
  }
  for (const name of names) {
    const pid = name.startsWith(start) ? /^(\d{1,10})\.tmp$/.exec(name.slice(start.length))?.[1] : undefined;
    // With our own id it is from before the last boot: we have not written yet.
    if (pid !== undefined && (Number(pid) === os.getpid() || !isAlive(Number(pid)))) {
      os.remove(`${folder}/${name}`);
    }
  }
}

function temporaryBeside(path: string, pid: number): string {
  return `${folderOf(path)}/.${path.slice(path.lastIndexOf('/') + 1)}.${pid}.tmp`;
}

/** Where a path leads, without its last part. */
export function folderOf(path: string): string {
  const end = path.lastIndexOf('/');
  return end < 0 ? '.' : path.slice(0, end) || '/';
}

/** Linux numbers this flag in two ways; our own program's header tells for which processor it was made. */
function syncFlagHere(): number {
  const header = new Uint8Array(ELF.machine + 2);
  const fd = os.open('/proc/self/exe', os.O_RDONLY);
  if (fd >= 0) {
    os.read(fd, header.buffer, 0, header.length);
    os.close(fd);
  }
  const low = ELF.machine + (header[ELF.order] === ELF.bigEndian ? 1 : 0);
  return header[low] === ELF.mips ? O_SYNC.mips : O_SYNC.usual;
}
