/** The QuickJS host in a `qjs` process of its own, as seen from a test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { onTestFinished } from 'vitest';
import type {
  DnsQuestion,
  DnsResult,
  DnsServer,
  HttpRequest,
  HttpResult,
  RunResult,
} from '../../agent/ports.ts';
import type { Call } from './host-program.ts';
import { findQjs, qjsFlags } from './qjs.ts';
import { netcatFolder } from './runtime.ts';

const PROGRAM = fileURLToPath(new URL('host-program.ts', import.meta.url));

export function buildHostProgram(): Promise<string> {
  return buildProgram(PROGRAM);
}

/** Bundles a program in a folder of its own; returns its path. */
export async function buildProgram(entry: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-quickjs-host-'));
  const outfile = join(folder, 'host.mjs');
  await build({
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    mainFields: ['module', 'main'],
    outfile,
    plugins: [
      {
        name: 'quickjs-modules',
        setup({ onResolve }) {
          onResolve({ filter: /^quickjs:/ }, ({ path }) => ({
            path: path.replace('quickjs:', ''),
            external: true,
          }));
        },
      },
    ],
  });
  return outfile;
}

export interface Facts {
  descriptors: number;
  memoryKib: number;
  monotonicMs: number;
  runtime: string;
  pid: number;
  argv: string[];
  isAlive: boolean[];
  random: number[];
  limits: string[];
}

export interface RemoteHost {
  child: ChildProcess;
  pid: number;
  stderr(): string;
  /** Rejects with the error's `code` when the host threw. */
  call<T>(asked: Call): Promise<T>;
  http(request: HttpRequest): Promise<HttpResult>;
  run(argv: readonly string[], timeoutMs?: number, env?: Record<string, string>): Promise<RunResult>;
  ask(server: DnsServer, question: DnsQuestion, localAddress?: string): Promise<DnsResult>;
  lines(argv: string[], onLine?: (line: string) => void): { id: number; ended: Promise<RunResult> };
  facts(): Promise<Facts>;
  ended: Promise<number | null>;
}

export interface RemoteOptions {
  /** Goes before the folders of PATH. */
  path?: string;
  /** The whole of PATH. */
  onlyPath?: string;
  env?: Record<string, string>;
  /** It gets a PID namespace of its own, as in a jail; `pid` is then that of its parent. */
  jailed?: boolean;
}

/** Ends with the test. */
export async function startRemoteHost(program: string, options: RemoteOptions = {}): Promise<RemoteHost> {
  const { path, version } = await findQjs();
  const folders = [options.path, netcatFolder(), process.env.PATH].filter((one) => one !== undefined);
  const jail = options.jailed
    ? ['unshare', '--map-root-user', '--pid', '--fork', '--kill-child', '--mount-proc']
    : [];
  const [command = '', ...args] = [...jail, path, ...qjsFlags(version), program, 'run', '--json'];
  const child = spawn(command, args, {
    env: { PATH: options.onlyPath ?? folders.join(':'), ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const pid = child.pid ?? 0;
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const holders = new Map<number, { line(line: string): void; exit(result: RunResult): void }>();
  let last = 0;
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  const ended = new Promise<number | null>((resolve) => child.once('exit', (status) => resolve(status)));
  createInterface({ input: child.stdout }).on('line', (text) => {
    const { id, line, exit, error, code, value } = JSON.parse(text);
    if (line !== undefined) {
      holders.get(id)?.line(line);
    } else if (exit !== undefined) {
      holders.get(id)?.exit(exit);
    } else if (error !== undefined) {
      waiting.get(id)?.reject(Object.assign(new Error(error), { code }));
    } else {
      waiting.get(id)?.resolve(value);
    }
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });

  function call<T>(asked: Call): Promise<T> {
    last += 1;
    const id = last;
    // Text beyond ASCII travels percent-encoded: the program reads octets.
    child.stdin.write(`${encodeURIComponent(JSON.stringify({ id, ...asked }))}\n`);
    return new Promise((resolve, reject) =>
      waiting.set(id, { resolve: (value) => resolve(value as T), reject }),
    );
  }

  return {
    child,
    pid,
    stderr: () => stderr,
    call,
    http: (request) => call({ call: 'http', args: [request] }),
    run: (argv, timeoutMs = 20_000, env) => call({ call: 'run', args: [argv, timeoutMs, env] }),
    ask: (...args) => call({ call: 'ask', args }),
    lines(argv, onLine = () => {}) {
      const exited = new Promise<RunResult>((exit) => holders.set(last + 1, { line: onLine, exit }));
      void call({ call: 'lines', args: [argv] });
      return { id: last, ended: exited };
    },
    facts: () => call({ call: 'facts', args: [] }),
    ended,
  };
}

/** Child processes of a process, the dead ones that nobody has waited for included. */
export function childrenOf(pid: number): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      const text = quietly(`/proc/${name}/stat`);
      return Number(text.slice(text.lastIndexOf(')')).split(' ')[2]) === pid;
    });
}

/** User and system time in clock ticks, its reaped children not counted. */
export function cpuTicks(pid: number): number {
  const text = quietly(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(')')).split(' ');
  return Number(fields[12]) + Number(fields[13]);
}

function quietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

export function removeHostProgram(program: string): void {
  rmSync(join(program, '..'), { recursive: true, force: true });
}
