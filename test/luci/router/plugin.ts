/**
 * The ubus object `holdfast` as rpcd has it: our own plugin, `holdfast.uc`, is run as it stands. Its files
 * are those of the emulated router, and the programs it starts are run there.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  type Stats,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { STATUS, type UbusObject, type UbusReply } from './ubus.ts';
import type { UciStore } from './uci-store.ts';
import { runUcode, type UcodeModules } from './ucode.ts';

const SOURCE = fileURLToPath(new URL('../../../firmware-glue/holdfast/files/holdfast.uc', import.meta.url));
/** rpcd gives up on a method after this time, and on a program as well. */
const LIMIT_MS = 30_000;
const UNKNOWN_ERROR = 9;

export interface Executed {
  status: number;
  stdout: string;
  stderr: string;
}

export interface PluginParts {
  /** Folder that stands for `/`. */
  root: string;
  uci: Pick<UciStore, 'sections' | 'assign'>;
  /** Calls of other objects, e.g. `service list`; undefined: not there. */
  call(object: string, method: string, args: unknown): unknown;
  /** Runs a program of the router to its end. */
  execute(command: string, params: readonly string[]): Promise<Executed>;
}

interface Method {
  args?: Record<string, unknown>;
  call(request: PluginRequest): unknown;
}
interface PluginRequest {
  args: Readonly<Record<string, unknown>>;
  info: unknown;
  reply(data?: unknown, status?: number): void;
  defer(): unknown;
}

/** The objects that the plugin offers, by name. */
export function loadPlugin(parts: PluginParts): Record<string, UbusObject> {
  const source = readFileSync(SOURCE, 'utf8');
  const offered = runUcode(source, modulesOf(parts));
  if (!isRecord(offered)) {
    throw new Error('holdfast.uc returns no object');
  }
  return Object.fromEntries(
    Object.entries(offered).map(([name, methods]) => [name, objectOf(methods as Record<string, Method>)]),
  );
}

/** The methods of an object of the plugin, for tests. */
function objectOf(methods: Record<string, Method>): UbusObject {
  return async (name, args) => {
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (method === undefined) {
      return undefined;
    }
    return fits(args, method.args ?? {}) ? run(method, args) : { status: STATUS.invalidArgument };
  };
}

const DEFERRED = Symbol('deferred');

function run(method: Method, args: Readonly<Record<string, unknown>>): Promise<UbusReply> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ status: STATUS.timeout }), LIMIT_MS);
    function answer(reply: UbusReply): void {
      clearTimeout(timer);
      resolve(reply);
    }
    const request: PluginRequest = {
      args,
      info: {},
      reply: (data, status = STATUS.ok) =>
        answer({ status, ...(data !== undefined && { data: plain(data) }) }),
      defer: () => DEFERRED,
    };
    try {
      const returned = method.call(request);
      if (isRecord(returned)) {
        answer({ status: STATUS.ok, data: plain(returned) });
      } else if (returned !== DEFERRED) {
        answer({ status: STATUS.noData });
      }
    } catch (error) {
      process.stderr.write(`holdfast.uc: ${error instanceof Error ? error.stack : error}\n`);
      answer({ status: UNKNOWN_ERROR });
    }
  });
}

/** rpcd refuses arguments that the method does not name, and values of another type. */
function fits(args: Readonly<Record<string, unknown>>, known: Record<string, unknown>): boolean {
  return Object.entries(args).every(
    ([name, value]) =>
      Object.hasOwn(known, name) &&
      typeof value === typeof known[name] &&
      Array.isArray(value) === Array.isArray(known[name]),
  );
}

/** As it goes over the bus: what is undefined here is null there. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, one) => (one === undefined ? null : one)));
}

function modulesOf({ root, uci, call, execute }: PluginParts): UcodeModules {
  const at = (path: string) => (path.startsWith('/dev/') ? path : join(root, path));
  const orNull = <T>(run: () => T): T | null => {
    try {
      return run();
    } catch {
      return null;
    }
  };
  const done = (run: () => void) =>
    orNull(() => {
      run();
      return true;
    });
  const fs = {
    open: (path: string, flags = 'r', mode = 0o666) =>
      orNull(() => handleOf(openSync(at(path), flags.replace('e', ''), mode), at(path))),
    lstat: (path: string) => orNull(() => factsOf(lstatSync(at(path)))),
    stat: (path: string) => orNull(() => factsOf(statSync(at(path)))),
    access: (path: string) => existsSync(at(path)),
    readfile: (path: string, limit?: number) => orNull(() => readFileSync(at(path), 'utf8').slice(0, limit)),
    writefile: (path: string, text: string) =>
      orNull(() => {
        writeFileSync(at(path), text);
        return text.length;
      }),
    unlink: (path: string) => done(() => unlinkSync(at(path))),
    rename: (from: string, to: string) => done(() => renameSync(at(from), at(to))),
    mkdir: (path: string, mode?: number) => done(() => mkdirSync(at(path), mode)),
    rmdir: (path: string) => done(() => rmdirSync(at(path))),
    chmod: (path: string, mode: number) => done(() => chmodSync(at(path), mode)),
    lsdir: (path: string) => orNull(() => readdirSync(at(path))),
    mkdtemp: (template: string) =>
      orNull(() => mkdtempSync(at(template.replace(/X+$/, ''))).slice(root.length)),
  };

  function defer(
    object: string,
    method: string,
    args: { command?: string; params?: string[] },
    then: (code: number, reply: unknown) => void,
  ): unknown {
    if (object !== 'file' || method !== 'exec' || args.command === undefined) {
      throw new Error(`The stand-in cannot defer ${object} ${method}`);
    }
    const timer = setTimeout(then, LIMIT_MS, STATUS.timeout, null);
    execute(args.command, args.params ?? []).then(
      ({ status, stdout, stderr }) => {
        clearTimeout(timer);
        then(STATUS.ok, { code: status, ...(stdout !== '' && { stdout }), ...(stderr !== '' && { stderr }) });
      },
      () => {
        clearTimeout(timer);
        then(STATUS.notFound, null);
      },
    );
    return DEFERRED;
  }

  return {
    fs,
    ubus: { connect: () => ({ call, defer, error: () => null }) },
    uci: {
      cursor: () => ({
        foreach(config: string, type: string | null, run: (section: unknown) => unknown) {
          const wanted = uci.sections(config).filter((one) => type === null || one.type === type);
          return wanted.map(({ name, options }) => run({ '.name': name, ...Object.fromEntries(options) }));
        },
        set: (config: string, section: string, option: string, value: string) =>
          uci.assign(config, section, option, value),
        commit: () => true,
      }),
    },
    math: { rand: () => Math.floor(Math.random() * 0x7fff_ffff) },
  };
}

function handleOf(file: number, path: string): Record<string, unknown> {
  return {
    read(amount: number | 'all' | 'line') {
      if (amount === 'all') return readFileSync(path, 'utf8');
      if (amount === 'line') return readFileSync(path, 'utf8').split('\n', 1)[0];
      const space = Buffer.alloc(amount);
      const length = readSync(file, space, 0, amount, null);
      return space.subarray(0, length).toString(path.startsWith('/dev/') ? 'latin1' : 'utf8');
    },
    write: (text: string) => writeSync(file, text),
    flush: () => true,
    fileno: () => file,
    close() {
      closeSync(file);
      return true;
    },
  };
}

function factsOf(facts: Stats): Record<string, unknown> {
  const type = facts.isFile()
    ? 'file'
    : facts.isDirectory()
      ? 'directory'
      : facts.isSymbolicLink()
        ? 'link'
        : 'other';
  return {
    type,
    size: facts.size,
    mtime: Math.floor(facts.mtimeMs / 1000),
    mode: facts.mode & 0o7777,
    // Whoever runs the tests is root of this router.
    uid: facts.uid === process.getuid?.() ? 0 : facts.uid,
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
