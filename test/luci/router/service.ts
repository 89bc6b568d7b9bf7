/**
 * Stands in for procd and `/etc/init.d/holdfast`: decides by the configuration, as the init script does,
 * whether the agent runs, hands it the configuration, and tells it when that has changed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseUci } from '../../../agent/openwrt/uci.ts';

/** procd collects changes for a second before it calls the init script. */
const RELOAD_DELAY_MS = 1000;
const END_LIMIT_MS = 5000;

export interface AgentService {
  /** What `/etc/init.d/holdfast ACTION` does; undefined for an unknown action. */
  act(action: string): Promise<number | undefined>;
  /** A configuration has changed. */
  configChanged(config: string): void;
  /** What `service list` answers. */
  list(): Record<string, unknown>;
  enabled(): boolean;
  running(): boolean;
  /** Words on its standard error. */
  stderr(): string;
  /** Does the router have a JavaScript runtime? */
  setRuntime(there: boolean): void;
  close(): Promise<void>;
}

export interface ServiceParts {
  root: string;
  env: NodeJS.ProcessEnv;
  program: string;
  /** The configuration as the agent gets it. */
  complete(text: string): string;
}

export function createAgentService({ root, env, program, complete }: ServiceParts): AgentService {
  const config = join(root, 'etc/config/holdfast');
  const copy = join(root, 'var/etc/holdfast/holdfast');
  const link = join(root, 'etc/rc.d/S95holdfast');
  let child: ChildProcess | undefined;
  let verb = 'run';
  let handedOver = '';
  let errors = '';
  let runtime = true;
  /** procd forgets the triggers of a service that is stopped, and knows none of one that was never started. */
  let registered = false;
  let timer: NodeJS.Timeout | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  for (const path of [dirname(copy), dirname(link)]) {
    mkdirSync(path, { recursive: true });
  }
  writeFileSync(link, '');

  setRuntime(true);

  function setRuntime(there: boolean): void {
    runtime = there;
    const path = join(root, 'usr/bin/node');
    mkdirSync(dirname(path), { recursive: true });
    if (there) writeFileSync(path, '');
    else rmSync(path, { force: true });
  }

  function running(): boolean {
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  async function start(): Promise<void> {
    const text = existsSync(config) ? readFileSync(config, 'utf8') : '';
    const { wanted, mode } = wishOf(text);
    const next = complete(text);
    if (!wanted || !runtime) {
      await stop();
      return;
    }
    const nextVerb = mode === 'event' ? 'once' : 'run';
    if (running() && nextVerb === verb) {
      if (next !== handedOver) {
        handOver(next);
        child?.kill('SIGHUP');
      }
      return;
    }
    await stop();
    handOver(next);
    verb = nextVerb;
    child = spawn(process.execPath, [program, verb, '--config', copy], {
      env,
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    writeFileSync(join(root, `var/run/holdfast.${verb}.pid`), `${child.pid}\n`);
    child.stderr?.setEncoding('utf8').on('data', (words: string) => {
      errors = (errors + words).slice(-20_000);
    });
  }

  function handOver(text: string): void {
    handedOver = text;
    writeFileSync(`${copy}.new`, text, { mode: 0o600 });
    renameSync(`${copy}.new`, copy);
  }

  async function stop(): Promise<void> {
    const ending = child;
    if (ending === undefined || !running()) {
      child = undefined;
      return;
    }
    const ended = new Promise((resolve) => ending.once('exit', resolve));
    ending.kill('SIGTERM');
    const killer = setTimeout(() => ending.kill('SIGKILL'), END_LIMIT_MS);
    await ended;
    clearTimeout(killer);
    child = undefined;
    rmSync(join(root, `var/run/holdfast.${verb}.pid`), { force: true });
  }

  async function perform(action: string): Promise<number | undefined> {
    switch (action) {
      case 'start':
      case 'reload':
        registered = true;
        await start();
        return 0;
      case 'restart':
        registered = true;
        await stop();
        await start();
        return 0;
      case 'stop':
        registered = false;
        await stop();
        return 0;
      case 'enable':
        writeFileSync(link, '');
        return 0;
      case 'disable':
        rmSync(link, { force: true });
        return 0;
      case 'enabled':
        return existsSync(link) ? 0 : 1;
      case 'running':
        return running() ? 0 : 1;
      default:
        return undefined;
    }
  }

  /** One after the other: two starts at once would make two agents. */
  function act(action: string): Promise<number | undefined> {
    const done = queue.then(() => perform(action));
    queue = done.catch(() => {});
    return done;
  }

  return {
    act,
    configChanged(changed) {
      if (changed === 'holdfast' && registered) {
        clearTimeout(timer);
        timer = setTimeout(() => void act('reload'), RELOAD_DELAY_MS);
      }
    },
    list() {
      if (child === undefined) {
        return registered ? { holdfast: {} } : {};
      }
      const command = ['/usr/bin/holdfast', verb, '--syslog', '--config', '/var/etc/holdfast/holdfast'];
      const instance = { running: running(), ...(running() && { pid: child.pid }), command, term_timeout: 5 };
      return { holdfast: { instances: { [verb]: instance } } };
    },
    enabled: () => existsSync(link),
    running,
    stderr: () => errors,
    setRuntime,
    async close() {
      clearTimeout(timer);
      await act('stop');
    },
  };
}

/** What the init script asks before it starts anything. */
function wishOf(text: string): { wanted: boolean; mode: string } {
  const { sections, problems } = parseUci(text, 'holdfast');
  const optionOf = (type: string, name: string) =>
    sections
      .filter((section) => section.type === type)
      .map(({ options }) => options.find((option) => option.name === name)?.value);
  const isOff = (value: unknown) => ['0', 'no', 'off', 'false', 'disabled'].includes(String(value));
  const enabled = !optionOf('agent', 'enabled').some(isOff);
  const hosts = optionOf('hostname', 'enabled').some((value) => !isOff(value));
  return {
    wanted: enabled && (hosts || problems.length > 0),
    mode: String(optionOf('agent', 'mode')[0] ?? 'resident'),
  };
}
