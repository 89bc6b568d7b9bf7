/** Error numbers of Linux as errors with Node's names for them. */
import * as std from 'quickjs:std';

/** The same on all architectures that OpenWrt runs on. */
export const ERRNO = { EPERM: 1, ENOENT: 2, ESRCH: 3, EINTR: 4, EAGAIN: 11, EACCES: 13, EPIPE: 32 } as const;
const NAMES: Record<number, string> = {
  1: 'EPERM',
  2: 'ENOENT',
  4: 'EINTR',
  5: 'EIO',
  11: 'EAGAIN',
  12: 'ENOMEM',
  13: 'EACCES',
  17: 'EEXIST',
  20: 'ENOTDIR',
  21: 'EISDIR',
  23: 'ENFILE',
  24: 'EMFILE',
  28: 'ENOSPC',
  30: 'EROFS',
};

export function nameOf(errno: number): string {
  return NAMES[errno] ?? `errno ${errno}`;
}

export function systemError(errno: number, path: string): Error {
  const code = nameOf(errno);
  return Object.assign(new Error(`${code}: ${std.strerror(errno)}, ${path}`), { code });
}

/** Passes a result on, unless it is a negative error number. */
export function checked(result: number, path: string): number {
  if (result < 0) {
    throw systemError(-result, path);
  }
  return result;
}
