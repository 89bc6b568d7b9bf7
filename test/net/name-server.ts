/** Real authoritative servers on loopback, from the packages of Debian: BIND and Knot. */
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, test } from 'vitest';
import type { TsigAlgorithm } from '../../agent/providers/protocols/tsig.ts';

/** The keys that the servers know; their names are those of the algorithms. */
export const KEYS: Record<TsigAlgorithm, string> = {
  'hmac-sha256': 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=',
  'hmac-sha512': 'ZmFjZSBvZiB0aGUgd2F0ZXJzIGFuZCBsZXQgdGhlcmUgYmUgbGlnaHQgYW5kIHRoZXJlIHdhcw==',
  'hmac-sha384': 'bGlnaHQgYW5kIHRoZSBsaWdodCB3YXMgZ29vZCBhbmQgdGhlIG5pZ2h0IHdhcw==',
  'hmac-sha224': 'ZGl2aWRlZCBmcm9tIHRoZSBkYXkgYW5k',
  'hmac-sha1': 'dGhlIHNlY29uZCBkYXkgd2FzIGhlcmU=',
  'hmac-md5': 'MTIzNDU2Nzg5MDEyMzQ1Ng==',
};

/** Takes updates of every key. */
export const ZONE = 'example.org';
/** Lets every key change `a-only.example.net` A and nothing else. */
export const CLOSED_ZONE = 'example.net';

export type ServerKind = 'bind' | 'knot';

export interface NameServer {
  address: string;
  port: number;
  /** Asks the server with the resolver of Node, which shares no code with ours. */
  ask: Resolver;
  log(): string;
  stop(): Promise<void>;
}

const PROGRAMS: Record<ServerKind, { path: string; version: string }> = {
  bind: { path: '/usr/sbin/named', version: '-v' },
  knot: { path: '/usr/sbin/knotd', version: '-V' },
};
const READY_WITHIN_MS = 20_000;

/** A server for the tests of one `describe`; without its program they are skipped, with the reason. */
export function liveServer(kind: ServerKind): {
  live(name: string, run: () => Promise<void>): void;
  server(): NameServer;
} {
  const why = obstacle(kind);
  let server: NameServer | undefined;

  beforeAll(async () => {
    if (why === undefined) {
      server = await startNameServer(kind);
    }
  });
  afterAll(() => server?.stop());

  return {
    live(name, run) {
      test(name, async (context) => {
        if (why !== undefined) {
          context.skip(why);
        }
        await run();
      });
    },
    server() {
      if (server === undefined) {
        throw new Error(`${kind} does not run yet`);
      }
      return server;
    },
  };
}

/** Why this server cannot run here; undefined when it can, and on CI, where it must. */
function obstacle(kind: ServerKind): string | undefined {
  const { path, version } = PROGRAMS[kind];
  const isThere = spawnSync(path, [version]).status === 0;
  return isThere || process.env.CI ? undefined : `needs Debian's ${kind === 'bind' ? 'bind9' : 'knot'}`;
}

async function startNameServer(kind: ServerKind): Promise<NameServer> {
  const folder = mkdtempSync(join(tmpdir(), `holdfast-${kind}-`));
  const port = await freePort();
  for (const zone of [ZONE, CLOSED_ZONE]) {
    writeFileSync(join(folder, `${zone}.zone`), zoneText(zone));
  }
  const config = join(folder, 'server.conf');
  writeFileSync(config, kind === 'bind' ? bindConfig(folder, port) : knotConfig(folder, port));
  const argv = kind === 'bind' ? ['-g', '-n', '1', '-c', config] : ['-c', config];
  const child = spawn(PROGRAMS[kind].path, argv, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      log += chunk;
    });
  }
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ask = new Resolver({ timeout: 1000, tries: 1 });
  ask.setServers([`127.0.0.1:${port}`]);
  async function stop(): Promise<void> {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
  const giveUpMs = Date.now() + READY_WITHIN_MS;
  while (!(await ask.resolveSoa(ZONE).catch(() => undefined))) {
    if (Date.now() > giveUpMs || child.exitCode !== null) {
      await stop();
      throw new Error(`${kind} did not start: ${log.slice(-2000)}`);
    }
    await pause(50);
  }
  return { address: '127.0.0.1', port, ask, log: () => log, stop };
}

/** Passes TCP on to the server; over UDP the port is closed, or takes everything and says nothing. */
export async function tcpOnly(
  { address, port }: NameServer,
  udp: 'closed' | 'silent',
): Promise<{ port: number; close(): void }> {
  const { connect } = await import('node:net');
  const front = createServer((inner) => {
    const outer = connect(port, address);
    inner.pipe(outer).pipe(inner);
    inner.on('error', () => outer.destroy());
    outer.on('error', () => inner.destroy());
  });
  const own = await freePort();
  await new Promise<void>((resolve) => front.listen(own, '127.0.0.1', resolve));
  const hole = udp === 'silent' ? createSocket('udp4') : undefined;
  await new Promise<void>((resolve) => (hole ? hole.bind(own, '127.0.0.1', resolve) : resolve()));
  return {
    port: own,
    close() {
      front.close();
      hole?.close();
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') {
    throw new Error('no port');
  }
  return address.port;
}

function zoneText(zone: string): string {
  return `$ORIGIN ${zone}.
$TTL 300
@ SOA ns1 admin 1 3600 600 86400 60
@ NS ns1
ns1 A 127.0.0.1
old A 192.0.2.1
old AAAA 2001:db8::1
old TXT "stays"
pointing CNAME old
a-only A 192.0.2.1
`;
}

function bindConfig(folder: string, port: number): string {
  const keys = Object.entries(KEYS).map(
    ([name, secret]) => `key "${name}.example" { algorithm ${name}; secret "${secret}"; };`,
  );
  const grants = Object.keys(KEYS).map((name) => `grant ${name}.example subdomain ${ZONE} A AAAA CNAME;`);
  const oneGrant = Object.keys(KEYS).map((name) => `grant ${name}.example name a-only.${CLOSED_ZONE} A;`);
  return `${keys.join('\n')}
options {
  directory "${folder}";
  pid-file none;
  session-keyfile none;
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  recursion no;
  notify no;
};
controls { };
zone "${ZONE}" { type primary; file "${ZONE}.zone"; update-policy { ${grants.join(' ')} }; };
zone "${CLOSED_ZONE}" { type primary; file "${CLOSED_ZONE}.zone"; update-policy { ${oneGrant.join(' ')} }; };
`;
}

function knotConfig(folder: string, port: number): string {
  const names = Object.keys(KEYS).map((name) => `${name}.example`);
  const keys = Object.entries(KEYS).map(
    ([name, secret]) => `  - id: ${name}.example\n    algorithm: ${name}\n    secret: ${secret}`,
  );
  return `server:
  rundir: ${folder}
  listen: 127.0.0.1@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: info
database:
  storage: ${folder}
key:
${keys.join('\n')}
acl:
  - id: updates
    key: [${names.join(', ')}]
    action: update
  - id: one-name
    key: [${names.join(', ')}]
    action: update
    update-type: A
    update-owner: name
    update-owner-match: equal
    update-owner-name: a-only.${CLOSED_ZONE}.
zone:
  - domain: ${ZONE}
    file: ${folder}/${ZONE}.zone
    acl: updates
  - domain: ${CLOSED_ZONE}
    file: ${folder}/${CLOSED_ZONE}.zone
    acl: one-name
`;
}
