/**
 * An emulated router: a folder for its files, netifd, procd and rpcd as stand-ins, and the real agent. It
 * answers JSON-RPC as uhttpd does at `/ubus`.
 */
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StatusDocument } from '../../../agent/engine/status.ts';
import recorded from '../../fixtures/rpc/router.json' with { type: 'json' };
import type { Service } from '../../service/service.ts';
import { createNetwork, type Network } from './network.ts';
import { createObjects } from './objects.ts';
import { type Executed, loadPlugin } from './plugin.ts';
import { createRpcd, type Rpcd } from './rpcd.ts';
import { type AgentService, createAgentService } from './service.ts';
import { type AclFile, createSessions, type Login, type Sessions } from './sessions.ts';
import type { UbusObject } from './ubus.ts';
import { createUciStore, type UciStore } from './uci-store.ts';
import { inWorld } from './world.ts';

const SHIPPED = fileURLToPath(
  new URL('../../../firmware-glue/holdfast/files/holdfast.config', import.meta.url),
);
const STATE_DIR = 'var/run/holdfast';
const PROGRAM = '/usr/bin/holdfast';
const INIT = '/etc/init.d/holdfast';

/** LuCI itself, and what every login has of it. */
const LUCI = ['unauthenticated', 'luci-base'];

/** `root` may everything; `guest` may look, and nothing else; the others have one of our groups each. */
export const LOGINS = {
  root: { password: 'root-password', read: ['*'], write: ['*'] },
  guest: { password: 'guest-password', read: ['*'], write: [] },
  watcher: { password: 'watcher-password', ...both('luci-app-holdfast-status') },
  keeper: { password: 'keeper-password', ...both('luci-app-holdfast') },
} satisfies Record<string, Login>;

function both(group: string): Omit<Login, 'password'> {
  return { read: [...LUCI, group], write: [...LUCI, group] };
}

export interface Router {
  root: string;
  rpcd: Rpcd;
  sessions: Sessions;
  uci: UciStore;
  network: Network;
  service: AgentService;
  /** What the agent last wrote of itself. */
  status(): StatusDocument | undefined;
  /** Text of a file in /etc/config; undefined when there is none. */
  config(name: string): string | undefined;
  /** Replaces a file in /etc/config and tells procd. */
  configure(name: string, text: string): void;
  /** Files that a test before saving has not taken away. */
  leftovers(): string[];
  /** Programs that were run, with their arguments. */
  executed(): readonly (readonly string[])[];
  /** In place of a program's own answer; undefined gives the program back its voice. */
  answerFor(command: string, answer: Executed | undefined): void;
  /** In place of a method of the ubus object; undefined: the plugin itself. */
  replyFor(method: string, reply: unknown): void;
  /** Without it the package is not installed: no ubus object. */
  setInstalled(there: boolean): void;
  close(): Promise<void>;
}

export interface RouterParts {
  service: Service;
  /** The built agent. */
  program: string;
  acls: readonly AclFile[];
  /** Default: what the package installs. */
  config?: string;
  address?: string;
}

export async function startRouter(parts: RouterParts): Promise<Router> {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-luci-'));
  const configs = join(root, 'etc/config');
  for (const folder of [configs, join(root, STATE_DIR), join(root, 'etc/holdfast'), join(root, 'tmp')]) {
    mkdirSync(folder, { recursive: true });
  }
  for (const [name, text] of Object.entries(recorded.configs)) {
    writeFileSync(join(configs, name), text);
  }
  if (parts.config === undefined) copyFileSync(SHIPPED, join(configs, 'holdfast'));
  else writeFileSync(join(configs, 'holdfast'), parts.config);

  installFiles(root, parts.program);

  const executed: string[][] = [];
  const answers = new Map<string, Executed>();
  const replies = new Map<string, unknown>();
  let installed = true;
  let copies = 0;
  const paths = { stateDir: join(root, STATE_DIR), publishedFile: join(root, 'etc/holdfast/published.json') };
  const network = createNetwork(root, parts.address ?? '203.0.113.1');
  const complete = (text: string) => inWorld(text, parts.service, paths);
  const service = createAgentService({ root, env: network.env, program: parts.program, complete });
  const sessions = createSessions(LOGINS, () => parts.acls);
  const uci = createUciStore(
    configs,
    (session, config, level) => sessions.allows(session, 'uci', config, level),
    service.configChanged,
  );

  async function execute(command: string, params: readonly string[]): Promise<Executed> {
    executed.push([command, ...params]);
    const [word = ''] = params;
    const answer = answers.get(word);
    if (answer !== undefined) {
      return answer;
    }
    if (command === INIT) {
      const status = await service.act(word);
      return { status: status ?? 1, stdout: '', stderr: '' };
    }
    if (command !== PROGRAM) {
      throw new Error(`The stand-in has no ${command}`);
    }
    return word === 'import-ddns' ? importing(params) : running(params);
  }

  /** The files themselves are read and written, so nothing of the world is mixed in. */
  async function importing(params: readonly string[]): Promise<Executed> {
    const files = ['--config', join(configs, 'holdfast'), '--from', join(configs, 'ddns')];
    const done = await start([...params, ...files]);
    // What the program would tell the services by itself, were these files in their usual place.
    if (done.status === 0 && (params.includes('--apply') || params.includes('--undo'))) {
      await service.act('reload');
    }
    return done;
  }

  /** Paths among the arguments are those of the router; the configuration is completed. */
  async function running(params: readonly string[]): Promise<Executed> {
    const position = params.indexOf('--config') + 1;
    const named = position === 0 ? '/etc/config/holdfast' : (params[position] ?? '');
    const source = join(root, named);
    copies += 1;
    const copy = join(root, `tmp/.world-${copies}`);
    if (existsSync(source)) {
      writeFileSync(copy, complete(readFileSync(source, 'utf8')), { mode: 0o600 });
    }
    const isPath = (word: string) => word.startsWith('/var/') || word.startsWith('/tmp/');
    const args = params.map((word, index) =>
      index === position ? copy : isPath(word) ? join(root, word) : word,
    );
    const done = await start(position === 0 ? [...params, '--config', copy] : args);
    rmSync(copy, { force: true });
    return done;
  }

  function start(args: readonly string[]): Promise<Executed> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [parts.program, ...args],
        { env: network.env, cwd: root, maxBuffer: 8 * 1024 * 1024 },
        (error, stdout, stderr) => {
          const status = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
          resolve({ status, stdout, stderr });
        },
      );
    });
  }

  const plugin = loadPlugin({
    ...{ root, uci, execute },
    call: (object, method) => (object === 'service' && method === 'list' ? service.list() : null),
  });
  const holdfast: UbusObject = (method, args, session) =>
    replies.has(method) ? { status: 0, data: replies.get(method) } : plugin.holdfast?.(method, args, session);
  const others = createObjects({ root, sessions, network, service });
  const uciObject: UbusObject = (method, args, session) => uci.call(method, args, session);
  const rpcd = createRpcd(sessions, () => ({
    ...others,
    uci: uciObject,
    ...(installed && { ...plugin, holdfast }),
  }));

  return {
    ...{ root, rpcd, sessions, uci, network, service },
    status: () => readJson(join(root, STATE_DIR, 'status.json')),
    config: (name) => readText(join(configs, name)),
    configure(name, text) {
      writeFileSync(join(configs, name), text, { mode: 0o600 });
      service.configChanged(name);
    },
    leftovers: () =>
      ['tmp', 'var/run/holdfast-test'].flatMap((folder) => {
        const path = join(root, folder);
        return existsSync(path) ? readdirSync(path) : [];
      }),
    executed: () => executed,
    answerFor(word, answer) {
      if (answer === undefined) answers.delete(word);
      else answers.set(word, answer);
    },
    replyFor(method, reply) {
      if (reply === undefined) replies.delete(method);
      else replies.set(method, reply);
    },
    setInstalled(there) {
      installed = there;
    },
    async close() {
      uci.close();
      await service.close();
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** What the plugin looks for to know what is installed. */
function installFiles(root: string, program: string): void {
  const folder = join(root, 'usr/lib/holdfast');
  mkdirSync(folder, { recursive: true });
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  copyFileSync(join(dirname(program), 'catalogue.json'), join(folder, 'catalogue.json'));
  writeFileSync(join(folder, 'holdfast.cjs'), '');
}

function readText(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function readJson<T>(path: string): T | undefined {
  const text = readText(path);
  return text === undefined ? undefined : JSON.parse(text);
}
