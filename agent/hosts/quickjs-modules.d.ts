/**
 * The parts of Bellard's QuickJS that the host uses: its modules `std` and `os`, and its one global. The build
 * strips the prefix, without which `os` would be Node's module to the compiler.
 */

declare module 'quickjs:std' {
  /** A stream of the C library. */
  interface StdFile {
    /** 0, or a negative error number. */
    close(): number;
    /** Writes the text as UTF-8. Faults show in `error` and in what `flush` and `close` return. */
    puts(text: string): void;
    flush(): void;
    error(): boolean;
    /** The rest of the file, decoded from UTF-8. */
    readAsString(maxOctets?: number): string;
    /** Without the line feed; null at the end. */
    getline(): string | null;
  }
  export function open(path: string, mode: string, error: { errno?: number }): StdFile | null;
  /** Undecoded octets become U+FFFD; null when it cannot be read. */
  export function loadFile(path: string): string | null;
  /** Runs the file as a script, not as a module; its value is the script's. Throws when it cannot. */
  export function loadScript(path: string): object | undefined;
  export function evalScript(text: string): unknown;
  export { input as in };

  const input: StdFile;
  export const out: StdFile;
  export const err: StdFile;
  export function fdopen(fd: number, mode: string, error: { errno?: number }): StdFile | null;
  export function strerror(errno: number): string;
  export function getenv(name: string): string | undefined;
  export function getenviron(): Record<string, string>;
  export function exit(status: number): never;
  export function gc(): void;
}

declare module 'quickjs:os' {
  export const O_RDONLY: number;
  export const O_WRONLY: number;
  export const O_CREAT: number;
  export const O_EXCL: number;
  export const S_IFMT: number;
  export const S_IFDIR: number;
  export const SIGINT: number;
  export const SIGTERM: number;
  export const SIGUSR1: number;
  export const SIGUSR2: number;
  export const SIGPIPE: number;
  export const SIGCHLD: number;
  export const WNOHANG: number;

  /** Where nothing else is said, the result is 0 or more, or a negative error number. */
  export function open(path: string, flags: number, mode?: number): number;
  export function close(fd: number): number;
  export function read(fd: number, buffer: ArrayBufferLike, offset: number, length: number): number;
  export function write(fd: number, buffer: ArrayBufferLike, offset: number, length: number): number;
  export function isatty(fd: number): boolean;
  export function remove(path: string): number;
  export function rename(from: string, to: string): number;
  export function realpath(path: string): [path: string, errno: number];
  export function getcwd(): [path: string, errno: number];
  export function mkdir(path: string, mode: number): number;
  export function readdir(path: string): [names: string[], errno: number];
  export function stat(path: string): [{ mode: number }, errno: 0] | [null, errno: number];
  export function setReadHandler(fd: number, run: (() => void) | null): void;
  export function setWriteHandler(fd: number, run: (() => void) | null): void;
  export function signal(signal: number, run: (() => void) | null | undefined): void;
  export function kill(pid: number, signal: number): number;
  export function getpid(): number;
  /** The child's id, 0 while it lives (WNOHANG), or a negative error number; then its wait status. */
  export function waitpid(pid: number, options: number): [result: number, status: number];
  export function pipe(): [readEnd: number, writeEnd: number] | null;
  export function sleep(delayMs: number): void;
  /** CLOCK_MONOTONIC in milliseconds. */
  export function now(): number;
  export function setTimeout(run: () => void, delayMs: number): unknown;
  export function clearTimeout(timer: unknown): void;
  export interface ExecOptions {
    block: boolean;
    usePath: boolean;
    file: string;
    stdin: number;
    stdout: number;
    stderr: number;
    env: Record<string, string>;
  }
  /** The child's id, or with `block` its exit status. Throws when there is no memory for another process. */
  export function exec(argv: readonly string[], options: ExecOptions): number;
}

/** The script and its arguments. */
declare const scriptArgs: readonly string[];
/** Set by QuickJS-ng and by browsers, not by Bellard's QuickJS. */
declare const navigator: { userAgent?: string } | undefined;
