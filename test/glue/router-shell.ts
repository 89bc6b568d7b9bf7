/**
 * The scripts of the package in BusyBox ash, on a root of their own: every absolute path of a script is moved
 * below a folder of the test, and what OpenWrt brings (its shell library, `uci`, `ubus`, `chown` to a user
 * that is not here) are stand-ins that write down their calls.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export const FILES = fileURLToPath(new URL('../../firmware-glue/holdfast/files/', import.meta.url));
const BUSYBOX = '/usr/bin/busybox';
const APPLETS = ['cat', 'cp', 'grep', 'mkdir', 'mv', 'rm', 'sh', 'touch'];
const SEPARATOR = '\u001f';

/** The part of OpenWrt's shell library that the init script uses, over variables that the test sets. */
const LIBRARY = `
record() { local all="$1"; shift; for word in "$@"; do all="$all${SEPARATOR}$word"; done; echo "$all" >>"$CALLS"; }
config_load() { :; }
config_foreach() {
	local callback="$1" kind="$2" one
	for one in $SECTIONS; do case $one in *:"$kind") "$callback" "\${one%%:*}" ;; esac; done
}
config_get() { eval "$1=\\"\\\${OPTION_$2_$3:-\\$4}\\""; }
config_get_bool() {
	config_get "$1" "$2" "$3"
	eval "case \\$$1 in 1|on|true|yes|enabled) $1=1 ;; 0|off|false|no|disabled) $1=0 ;; *) $1=$4 ;; esac"
}
uci_load_validate() { record uci_load_validate "$@"; }
for name in open_instance close_instance set_param append_param add_jail add_jail_mount add_jail_mount_rw \\
	add_reload_trigger; do
	eval "procd_$name() { record procd_$name \\"\\$@\\"; }"
done
procd_add_validation() { record procd_add_validation "$@"; "$@"; }
`;

export interface ShellEnd {
  status: number | undefined;
  stdout: string;
  stderr: string;
}

export interface RouterShell {
  root: string;
  /** Writes a file below the root; with a mode, e.g. 0o755 for a program. */
  write(path: string, text: string, mode?: number): void;
  read(path: string): string;
  exists(path: string): boolean;
  /** A program that writes down its call, then does what `body` says. */
  standIn(path: string, body?: string): void;
  /** Runs a script of the package, or of the test. */
  run(script: string, args?: readonly string[], env?: Record<string, string>): ShellEnd;
  /** The init script's function of this name, as rc.common calls it. */
  init(action: string, sections: readonly Section[], env?: Record<string, string>): ShellEnd;
  /** What the stand-ins were called with since the last look; paths as on a router. */
  calls(): string[][];
}

export interface Section {
  type: string;
  name: string;
  options: Record<string, string>;
}

export function makeRouterShell(): RouterShell {
  const root = mkdtempSync(join(tmpdir(), 'glue-'));
  const callsFile = join(root, 'calls');
  let seen = 0;
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const folder of ['bin', 'etc/config', 'etc/init.d', 'usr/bin', 'usr/lib/holdfast', 'var/run']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  for (const applet of APPLETS) {
    symlinkSync(BUSYBOX, join(root, 'bin', applet));
  }

  /** Everything but /proc and the interpreter, which are the machine's own. */
  function moved(text: string): string {
    return text.replace(/(?<![\w.$}])\/(?=(etc|var|usr|sbin|bin|lib)\/)(?!bin\/sh\b)/g, () => `${root}/`);
  }

  function write(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), mode);
  }

  function standIn(path: string, body = ''): void {
    const name = path.split('/').at(-1) ?? '';
    const lines = [
      '#!/bin/sh',
      `all='${name}'`,
      `for word in "$@"; do all="$all${SEPARATOR}$word"; done`,
      `echo "$all" >>'${callsFile}'`,
      body,
    ];
    write(path, `${lines.join('\n')}\n`, 0o755);
  }

  function ash(text: string, args: readonly string[], env: Record<string, string>): ShellEnd {
    const file = join(root, 'script');
    // Debian's BusyBox takes its own applet before any program of that name in PATH; a function comes first.
    const shadows = ['chown', 'id', 'logger', 'start-stop-daemon'].filter((name) =>
      existsSync(join(root, 'bin', name)),
    );
    // A function's name has no hyphen.
    const functions = shadows.map((name) =>
      name.includes('-')
        ? `alias ${name}='${join(root, 'bin', name)}'\n`
        : `${name}() { '${join(root, 'bin', name)}' "$@"; }\n`,
    );
    writeFileSync(file, functions.join('') + text);
    const ended = spawnSync(BUSYBOX, ['ash', file, ...args], {
      env: { PATH: `${root}/usr/bin:${root}/bin`, CALLS: callsFile, ...env },
      encoding: 'utf8',
      timeout: 30_000,
    });
    return { status: ended.status ?? undefined, stdout: ended.stdout, stderr: ended.stderr };
  }

  const shell: RouterShell = {
    root,
    write,
    read: (path) => readFileSync(join(root, path), 'utf8'),
    exists: (path) => existsSync(join(root, path)),
    standIn,
    run: (script, args = [], env = {}) => ash(moved(readFileSync(join(FILES, script), 'utf8')), args, env),
    init(action, sections, env = {}) {
      const options = sections.flatMap(({ name, options: values }) =>
        Object.entries(values).map(([option, value]) => [`OPTION_${name}_${option}`, value]),
      );
      const text = `${LIBRARY}\n${moved(readFileSync(join(FILES, 'holdfast.init'), 'utf8'))}\n${action}\n`;
      return ash(text, [], {
        SECTIONS: sections.map(({ name, type }) => `${name}:${type}`).join(' '),
        ...Object.fromEntries(options),
        ...env,
      });
    },
    calls() {
      const text = existsSync(callsFile) ? readFileSync(callsFile, 'utf8') : '';
      // Never removed: a stand-in in the background may have opened it and not written yet.
      const lines = text.split('\n').slice(0, -1).slice(seen);
      seen += lines.length;
      return lines.map((line) => line.replaceAll(root, '').split(SEPARATOR));
    },
  };
  return shell;
}
