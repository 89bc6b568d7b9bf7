/** The runtimes of the agent, as commands for tests and the demo. */
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findQjs, qjsFlags } from './qjs.ts';

export const RUNTIMES = ['node', 'quickjs'] as const;
export type Runtime = (typeof RUNTIMES)[number];

const NETCAT = fileURLToPath(new URL('../../node_modules/.cache/quickjs-nc/', import.meta.url));
const BUSYBOX = '/usr/bin/busybox';
const LAUNCHER = fileURLToPath(new URL('../../firmware-glue/holdfast/files/holdfast.sh', import.meta.url));

export interface RuntimeCommand {
  /** Runs the bundle in `dist`; the agent's own words follow. */
  argv: string[];
  /** For the environment of the agent. */
  env: Record<string, string>;
  /** Folders that must come into its PATH. */
  folders: string[];
}

/** `dist`: where the built agent is. */
export async function commandFor(runtime: Runtime, dist: string): Promise<RuntimeCommand> {
  if (runtime === 'node') {
    return { argv: [process.execPath, join(dist, 'holdfast.cjs')], env: {}, folders: [] };
  }
  const { path, version } = await findQjs();
  return {
    // As on a router, see the script that starts the agent.
    argv: [path, ...qjsFlags(version), '-s', join(dist, 'holdfast.mjs')],
    env: { HOLDFAST_RUNTIME: `quickjs ${version}`, GLIBC_TUNABLES: allocatorSettings() },
    folders: [netcatFolder()],
  };
}

/** Those with which a router starts QuickJS, were its C library glibc. */
function allocatorSettings(): string {
  const settings = /^\s*GLIBC_TUNABLES=(\S+)$/m.exec(readFileSync(LAUNCHER, 'utf8'))?.[1];
  if (settings === undefined) {
    throw new Error(`${LAUNCHER} no longer says how memory is allocated`);
  }
  return settings;
}

/** OpenWrt has BusyBox's `nc`; here it gets that name in a folder of its own. */
export function netcatFolder(): string {
  mkdirSync(NETCAT, { recursive: true });
  const nc = join(NETCAT, 'nc');
  if (!existsSync(nc)) {
    try {
      symlinkSync(BUSYBOX, nc);
    } catch {
      // Another test was faster.
    }
  }
  return NETCAT;
}
