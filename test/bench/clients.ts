/** The clients that are compared: how each is set up for a router of the lab, started and woken. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandFor, type Runtime } from '../quickjs/runtime.ts';
import type { Router } from './lab.ts';
import type { ProviderService } from './provider.ts';

export type Scheme = 'http' | 'https';

export interface Start {
  argv: readonly string[];
  env: NodeJS.ProcessEnv;
}

export interface Client {
  id: string;
  name: string;
  /** How it learns of a change: what the DHCP hook does for it, or nothing. */
  wokenBy: string;
  /** Hears netifd's notifications through a `ubus` command. */
  ubus: boolean;
  /** Sent by the DHCP hook after the address is set. */
  signal?: string;
  /** How often it looks by itself, in seconds; absent for a client that does not poll. */
  pollSec?: number;
  /** Writes its settings, without anything remembered from an earlier start, and tells how to start it. */
  prepare(router: Router, service: ProviderService, scheme: Scheme): Start;
}

const LAUNCHER = fileURLToPath(new URL('../../firmware-glue/holdfast/files/holdfast.sh', import.meta.url));
/** As the sources of inadyn 2.10 and Debian's settings of ddclient have it. */
const POLL_SEC = { inadyn: 120, ddclient: 300 };

/** `bundle`: folder of the built agent. `source`: from netifd's notifications, or from the kernel without any hook. */
export async function holdfast(
  runtime: Runtime,
  source: 'network' | 'device',
  bundle: string,
): Promise<Client> {
  const command = await commandFor(runtime, bundle);
  const [program = '', ...rest] = command.argv;
  const flags = runtime === 'node' ? nodeFlags() : [];
  const label = runtime === 'node' ? 'Node' : 'QuickJS';
  return {
    id: `holdfast-${runtime}-${source}`,
    name: `Holdfast (${label}, ${source === 'network' ? 'netifd' : 'kernel'})`,
    wokenBy: source === 'network' ? "netifd's notification" : 'the kernel',
    ubus: source === 'network',
    prepare(router, service, scheme) {
      const stateDir = join(router.folder, 'state');
      const config = join(router.folder, 'holdfast.config');
      rmSync(stateDir, { recursive: true, force: true });
      rmSync(join(router.folder, 'published.json'), { force: true });
      writeFileSync(config, holdfastConfig(router, service, scheme, source, stateDir), { mode: 0o600 });
      const path = [router.bin, ...command.folders, process.env.PATH].join(':');
      return {
        argv: [...router.runIn, program, ...flags, ...rest, 'run', '--config', config],
        env: { ...process.env, ...router.env, ...command.env, PATH: path, UV_THREADPOOL_SIZE: '2' },
      };
    },
  };
}

/** Those with which a router starts Node. */
export function nodeFlags(): string[] {
  const flags = /flags="(--[^"$]*) \$LIB\/holdfast\.cjs"/.exec(readFileSync(LAUNCHER, 'utf8'))?.[1];
  if (flags === undefined) {
    throw new Error(`${LAUNCHER} no longer says with which flags Node is started`);
  }
  return flags.split(' ');
}

function holdfastConfig(
  { hostname, login, folder }: Router,
  { name, dns, caFile }: ProviderService,
  scheme: Scheme,
  source: 'network' | 'device',
  stateDir: string,
): string {
  const account =
    scheme === 'https'
      ? ["\toption provider 'no-ip.com'", `\toption server 'https://${name}'`, `\toption ca_file '${caFile}'`]
      : [
          "\toption provider 'custom-url'",
          `\toption url 'http://${name}/nic/update?hostname={hostname}&myip={ip}'`,
          "\tlist success 'good'",
          "\tlist success 'nochg'",
        ];
  return [
    "config agent 'agent'",
    "\toption contact 'admin@example.org'",
    // Changes come faster here than a WAN may flap.
    "\toption hold_down '0'",
    `\toption state_dir '${stateDir}'`,
    `\toption published_file '${join(folder, 'published.json')}'`,
    `\tlist resolver '${dns.localResolver}'`,
    ...dns.resolvers.map((address) => `\tlist public_resolver '${address}'`),
    ...dns.control.map((address) => `\tlist control_server '${address}'`),
    '',
    "config account 'provider'",
    ...account,
    `\toption username '${login.username}'`,
    `\toption password '${login.password}'`,
    '',
    "config hostname 'home'",
    `\toption hostname '${hostname}'`,
    "\toption account 'provider'",
    "\toption allow_private '1'",
    ...(source === 'device' ? ["\toption source 'device'", "\tlist device 'wan'"] : []),
    '',
  ].join('\n');
}

/** inadyn(8): USR2 checks for a new address, and is meant for a new DHCP lease. */
export function inadyn(woken: boolean): Client {
  return {
    id: woken ? 'inadyn-signal' : 'inadyn-poll',
    name: woken ? 'inadyn (SIGUSR2)' : 'inadyn (as it comes)',
    wokenBy: woken ? 'signal from the DHCP hook' : `its poll every ${POLL_SEC.inadyn} s`,
    ubus: false,
    ...(woken ? { signal: 'USR2' } : { pollSec: POLL_SEC.inadyn }),
    prepare({ folder, runIn, hostname, login, env }, { name, caFile }, scheme) {
      const cache = join(folder, 'inadyn-cache');
      const config = join(folder, 'inadyn.conf');
      rmSync(cache, { recursive: true, force: true });
      mkdirSync(cache);
      const lines = [
        'iface = wan',
        `ca-trust-file = ${caFile}`,
        'custom bench@example {',
        `  ssl = ${scheme === 'https'}`,
        `  username = ${login.username}`,
        `  password = ${login.password}`,
        `  ddns-server = ${name}`,
        '  ddns-path = "/nic/update?hostname=%h&myip=%i"',
        `  hostname = ${hostname}`,
        '}',
        '',
      ];
      writeFileSync(config, lines.join('\n'), { mode: 0o600 });
      const options = ['-n', '-f', config, '--cache-dir', cache, '-P', join(folder, 'inadyn.pid')];
      return { argv: [...runIn, 'inadyn', ...options], env: { ...process.env, ...env } };
    },
  };
}

/** HUP ends its sleep (ddclient 3.10, `main`). */
export function ddclient(woken: boolean): Client {
  return {
    id: woken ? 'ddclient-signal' : 'ddclient-poll',
    name: woken ? 'ddclient (SIGHUP)' : 'ddclient (as it comes)',
    wokenBy: woken ? 'signal from the DHCP hook' : `its poll every ${POLL_SEC.ddclient} s`,
    ubus: false,
    ...(woken ? { signal: 'HUP' } : { pollSec: POLL_SEC.ddclient }),
    prepare({ folder, runIn, hostname, login, env }, { name, caFile }, scheme) {
      const cache = join(folder, 'ddclient.cache');
      const config = join(folder, 'ddclient.conf');
      rmSync(cache, { force: true });
      const lines = [
        `daemon=${POLL_SEC.ddclient}`,
        'foreground=yes',
        `cache=${cache}`,
        'usev4=ifv4, ifv4=wan',
        `ssl=${scheme === 'https' ? 'yes' : 'no'}`,
        `ssl_ca_file=${caFile}`,
        'protocol=dyndns2',
        // Its own hold-down, 30 s unless told otherwise: changes come faster here.
        'min-interval=0',
        `server=${name}`,
        `login=${login.username}`,
        `password='${login.password}'`,
        hostname,
        '',
      ];
      writeFileSync(config, lines.join('\n'), { mode: 0o600 });
      return {
        argv: [...runIn, 'ddclient', '-foreground', '-file', config],
        env: { ...process.env, ...env },
      };
    },
  };
}
