/**
 * The ubus object `uci` of rpcd over real files: every session has changes of its own until they are applied,
 * and what was applied is taken back unless it is confirmed in time.
 */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseUci, writeUci } from '../../../agent/openwrt/uci.ts';
import { STATUS, type UbusReply } from './ubus.ts';

type Value = string | string[];
/** As `uci changes` tells it: command, section, then option, value or type. */
type Change = [command: 'add' | 'set' | 'remove' | 'list-add' | 'order', ...words: (string | number)[]];
type Arguments = Readonly<Record<string, unknown>>;

interface Section {
  name: string;
  anonymous: boolean;
  type: string;
  options: Map<string, Value>;
}

/** What a session may do with a configuration. */
export type MayUse = (session: string, config: string, level: 'read' | 'write') => boolean;

export interface UciStore {
  /** Undefined: rpcd has no such method. */
  call(method: string, args: Arguments, session: string): UbusReply | undefined;
  /** Changes of this session that are not applied yet. */
  changes(session: string): Record<string, Change[]>;
  /** Applied, but not confirmed yet. */
  pendingSession(): string | undefined;
  sections(config: string, session?: string): readonly Section[];
  /** Sets and commits as a program on the router does: procd is not told. */
  assign(config: string, section: string, option: string, value: string): void;
  close(): void;
}

const NAME = /^\w+$/;
const APPLY_TIMEOUT_SEC = 60;
/** In place of a session: a program that runs on the router. */
const PROGRAM = 'program';

export function createUciStore(folder: string, may: MayUse, onChange: (config: string) => void): UciStore {
  const deltas = new Map<string, Map<string, Change[]>>();
  let pending: { session: string; before: Map<string, string>; timer: NodeJS.Timeout } | undefined;

  function fileOf(config: string): string {
    return join(folder, config);
  }

  function deltaOf(session: string, config: string): Change[] {
    const own = deltas.get(session) ?? new Map<string, Change[]>();
    deltas.set(session, own);
    const delta = own.get(config) ?? [];
    own.set(config, delta);
    return delta;
  }

  function exists(config: string): boolean {
    return /^[\w-]+$/.test(config) && existsSync(fileOf(config));
  }

  function sections(config: string, session = ''): Section[] {
    const found = readSections(readFileSync(fileOf(config), 'utf8'), config);
    for (const change of deltas.get(session)?.get(config) ?? []) {
      play(found, change);
    }
    return found;
  }

  function commit(config: string, session: string): void {
    replace(config, textOf(config, session));
    deltas.get(session)?.delete(config);
  }

  function textOf(config: string, session: string): string {
    return writeUci(
      sections(config, session).map(({ name, anonymous, type, options }) => ({
        type,
        name: anonymous ? undefined : name,
        options: [...options].map(([option, value]) => ({ name: option, value })),
      })),
    );
  }

  function replace(config: string, text: string): void {
    write(config, text);
    onChange(config);
  }

  function write(config: string, text: string): void {
    const path = fileOf(config);
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  function changed(session: string): [string, Change[]][] {
    return [...(deltas.get(session) ?? [])].filter(([, delta]) => delta.length > 0);
  }

  function get({ config, section, option, type }: Arguments, session: string): UbusReply {
    if (typeof config !== 'string') return { status: STATUS.invalidArgument };
    if (!may(session, config, 'read')) return { status: STATUS.permissionDenied };
    if (!exists(config)) return { status: STATUS.notFound };
    const all = sections(config, session);
    if (typeof section !== 'string') {
      const wanted = all.filter((one) => typeof type !== 'string' || one.type === type);
      const values = wanted.map((one) => [one.name, dump(one, all.indexOf(one))]);
      return { status: STATUS.ok, data: { values: Object.fromEntries(values) } };
    }
    const found = all.find(({ name }) => name === section);
    if (typeof option !== 'string') {
      return found ? { status: STATUS.ok, data: { values: dump(found) } } : { status: STATUS.notFound };
    }
    const value = found?.options.get(option);
    return value === undefined ? { status: STATUS.notFound } : { status: STATUS.ok, data: { value } };
  }

  /** Checks what all changing methods have in common, then changes. */
  function change(
    args: Arguments,
    session: string,
    run: (config: string, delta: Change[], all: Section[]) => UbusReply,
  ): UbusReply {
    const { config } = args;
    if (typeof config !== 'string') return { status: STATUS.invalidArgument };
    if (!may(session, config, 'write')) return { status: STATUS.permissionDenied };
    if (!exists(config)) return { status: STATUS.notFound };
    const delta = deltaOf(session, config);
    const fresh: Change[] = [];
    const reply = run(config, fresh, sections(config, session));
    if (reply.status === STATUS.ok) delta.push(...fresh);
    return reply;
  }

  function add(args: Arguments, session: string): UbusReply {
    const { type, name, values } = args;
    if (typeof type !== 'string' || !/^[!-~]+$/.test(type)) return { status: STATUS.invalidArgument };
    if (name !== undefined && !isName(name)) return { status: STATUS.invalidArgument };
    return change(args, session, (_, delta, all) => {
      const section = typeof name === 'string' ? name : nameOf(all.length + 1, type);
      delta.push([typeof name === 'string' ? 'set' : 'add', section, type]);
      for (const [option, value] of entriesOf(values)) {
        if (!isName(option)) return { status: STATUS.invalidArgument };
        delta.push(...settings(section, option, value));
      }
      return { status: STATUS.ok, data: { section } };
    });
  }

  function set(args: Arguments, session: string): UbusReply {
    const { section, values } = args;
    if (typeof section !== 'string') return { status: STATUS.invalidArgument };
    return change(args, session, (_, delta, all) => {
      const found = all.find(({ name }) => name === section);
      if (found === undefined) return { status: STATUS.notFound };
      for (const [option, value] of entriesOf(values)) {
        if (!isName(option)) return { status: STATUS.invalidArgument };
        const before = found.options.get(option);
        if (before !== undefined && (Array.isArray(before) || Array.isArray(value))) {
          delta.push(['remove', section, option]);
        }
        if (Array.isArray(value) || before !== text(value)) delta.push(...settings(section, option, value));
      }
      return { status: STATUS.ok };
    });
  }

  function remove(args: Arguments, session: string): UbusReply {
    const { section, option, options } = args;
    if (typeof section !== 'string') return { status: STATUS.invalidArgument };
    return change(args, session, (_, delta, all) => {
      const found = all.find(({ name }) => name === section);
      if (found === undefined) return { status: STATUS.notFound };
      const wanted = Array.isArray(options) ? options : option === undefined ? undefined : [option];
      if (wanted === undefined) {
        delta.push(['remove', section]);
        return { status: STATUS.ok };
      }
      const there = wanted.filter((one) => found.options.has(String(one)));
      delta.push(...there.map((one): Change => ['remove', section, String(one)]));
      return { status: there.length > 0 ? STATUS.ok : STATUS.notFound };
    });
  }

  function order(args: Arguments, session: string): UbusReply {
    const { sections: names } = args;
    if (!Array.isArray(names)) return { status: STATUS.invalidArgument };
    return change(args, session, (_, delta, all) => {
      if (names.some((name) => !all.some((one) => one.name === name))) return { status: STATUS.notFound };
      delta.push(...names.map((name, index): Change => ['order', String(name), index]));
      return { status: STATUS.ok };
    });
  }

  function revertOrCommit(method: string, args: Arguments, session: string): UbusReply {
    if (pending !== undefined) return { status: STATUS.permissionDenied };
    return change(args, session, (config, _, all) => {
      if (method === 'commit' && all.length >= 0) commit(config, session);
      deltas.get(session)?.delete(config);
      return { status: STATUS.ok };
    });
  }

  function apply({ rollback, timeout }: Arguments, session: string): UbusReply {
    if (pending !== undefined && rollback === true) return { status: STATUS.permissionDenied };
    const wanted = changed(session);
    if (wanted.length === 0) return { status: STATUS.noData };
    if (!wanted.every(([config]) => may(session, config, 'write'))) {
      return { status: STATUS.permissionDenied };
    }
    const before = new Map(wanted.map(([config]) => [config, readFileSync(fileOf(config), 'utf8')]));
    for (const [config] of wanted) commit(config, session);
    if (rollback === true) {
      const timer = setTimeout(takeBack, (Number(timeout) || APPLY_TIMEOUT_SEC) * 1000);
      pending = { session, before, timer };
    }
    return { status: STATUS.ok };
  }

  function takeBack(): void {
    for (const [config, text] of pending?.before ?? []) replace(config, text);
    forgetPending();
  }

  function forgetPending(): void {
    clearTimeout(pending?.timer);
    pending = undefined;
  }

  function settle(method: 'confirm' | 'rollback', session: string): UbusReply {
    if (pending === undefined) return { status: STATUS.noData };
    if (pending.session !== session) return { status: STATUS.permissionDenied };
    if (method === 'rollback') takeBack();
    else forgetPending();
    return { status: STATUS.ok };
  }

  function tellChanges({ config }: Arguments, session: string): UbusReply {
    if (typeof config === 'string') {
      if (!may(session, config, 'read')) return { status: STATUS.permissionDenied };
      return { status: STATUS.ok, data: { changes: deltas.get(session)?.get(config) ?? [] } };
    }
    const readable = changed(session).filter(([one]) => may(session, one, 'read'));
    return { status: STATUS.ok, data: { changes: Object.fromEntries(readable) } };
  }

  return {
    call(method, args, session) {
      switch (method) {
        case 'get':
        case 'state':
          return get(args, session);
        case 'configs':
          return { status: STATUS.ok, data: { configs: readdirSync(folder).filter(exists).sort() } };
        case 'add':
          return add(args, session);
        case 'set':
          return set(args, session);
        case 'delete':
          return remove(args, session);
        case 'order':
          return order(args, session);
        case 'changes':
          return tellChanges(args, session);
        case 'revert':
        case 'commit':
          return revertOrCommit(method, args, session);
        case 'apply':
          return apply(args, session);
        case 'confirm':
        case 'rollback':
          return settle(method, session);
        default:
          return undefined;
      }
    },
    changes: (session) => Object.fromEntries(changed(session)),
    pendingSession: () => pending?.session,
    sections: (config, session) => (exists(config) ? sections(config, session) : []),
    assign(config, section, option, value) {
      deltaOf(PROGRAM, config).push(...settings(section, option, value));
      write(config, textOf(config, PROGRAM));
      deltas.delete(PROGRAM);
    },
    close: forgetPending,
  };
}

function readSections(text: string, config: string): Section[] {
  return parseUci(text, config).sections.map(({ type, name, options }, position) => {
    return {
      name: name ?? nameOf(position + 1, type),
      anonymous: name === undefined,
      type,
      options: new Map(options.map((option) => [option.name, option.value])),
    };
  });
}

/** The name libuci gives a section without one: its position and a digest (djb2) of its type. */
function nameOf(position: number, type: string): string {
  let hash = 5381;
  for (const character of type) {
    hash = (Math.imul(hash, 33) + (character.codePointAt(0) ?? 0)) | 0;
  }
  return `cfg${hex(position, 2)}${hex((hash & 0x7fff_ffff) % 0x1_0000, 4)}`;
}

function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, '0');
}

function dump({ name, anonymous, type, options }: Section, index?: number): Record<string, unknown> {
  return {
    '.anonymous': anonymous,
    '.type': type,
    '.name': name,
    ...(index !== undefined && { '.index': index }),
    ...Object.fromEntries(options),
  };
}

function play(sections: Section[], [command, name, ...words]: Change): void {
  const position = sections.findIndex((one) => one.name === name);
  const section = sections[position];
  const [option, value] = words;
  if (command === 'add' || (command === 'set' && words.length === 1)) {
    if (section !== undefined) section.type = String(option);
    else {
      const anonymous = command === 'add';
      sections.push({ name: String(name), anonymous, type: String(option), options: new Map() });
    }
  } else if (section === undefined) {
    return;
  } else if (command === 'order') {
    sections.splice(position, 1);
    sections.splice(Number(option), 0, section);
  } else if (command === 'remove' && option === undefined) {
    sections.splice(position, 1);
  } else if (command === 'remove') {
    section.options.delete(String(option));
  } else if (command === 'set') {
    section.options.set(String(option), String(value));
  } else {
    const before = section.options.get(String(option)) ?? [];
    section.options.set(String(option), [...(Array.isArray(before) ? before : [before]), String(value)]);
  }
}

function settings(section: string, option: string, value: unknown): Change[] {
  return Array.isArray(value)
    ? value.map((item): Change => ['list-add', section, option, text(item)])
    : [['set', section, option, text(value)]];
}

/** Numbers and truth values arrive as JSON has them and are written as UCI has them. */
function text(value: unknown): string {
  return typeof value === 'boolean' ? (value ? '1' : '0') : String(value);
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}
