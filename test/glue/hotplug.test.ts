import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeRouterShell, type RouterShell } from './router-shell.ts';

const FIXTURES = fileURLToPath(new URL('../fixtures/hotplug/', import.meta.url));

interface HotplugCall {
  uptimeSec: number;
  type: string;
  env: Record<string, string>;
}

function recorded(name: string): HotplugCall[] {
  return JSON.parse(readFileSync(join(FIXTURES, name), 'utf8'));
}

function withCommand(): RouterShell {
  const shell = makeRouterShell();
  shell.standIn('/usr/bin/holdfast');
  return shell;
}

describe('iface', () => {
  const EXPECTED: Record<string, number> = {
    '01-ifdown-wan.json': 1,
    '02-ifup-wan.json': 1,
    '04-dhcp-renew-new-address.json': 2,
    '05-pd-change.json': 1,
    '05b-v6-address-change.json': 1,
    '06-link-loss.json': 2,
    '07-link-back.json': 2,
    '08-proto-dhcp-to-static-reload.json': 2,
    '09-static-address-change-reload.json': 2,
    '10-static-second-address-added.json': 2,
    '11-static-back-to-dhcp.json': 2,
    '12-v4-in-place-notify_proto.json': 1,
    '14-netifd-killed-respawned.json': 3,
  };

  test('every recording is known', () => {
    expect(readdirSync(FIXTURES).sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  test.each(Object.entries(EXPECTED))('%s wakes the agent %i times', (name, count) => {
    const shell = withCommand();

    const ends = recorded(name)
      .filter(({ type }) => type === 'iface')
      .map(({ env }) => shell.run('holdfast.hotplug-iface', [], env));

    expect(ends.filter(({ status, stderr }) => status !== 0 || stderr !== '')).toEqual([]);
    expect(shell.calls()).toEqual(Array(count).fill(['holdfast', '--wake']));
  });

  test('the storm of failures after a crash of netifd starts nothing', () => {
    const shell = withCommand();
    const storm = recorded('14-netifd-killed-respawned.json').filter(
      ({ env }) => env.ACTION === 'ifup-failed',
    );

    for (const { env } of storm) {
      shell.run('holdfast.hotplug-iface', [], env);
    }

    expect(storm.length).toBeGreaterThan(20);
    expect(shell.calls()).toEqual([]);
  });

  test('loopback is nobody’s uplink', () => {
    const shell = withCommand();

    shell.run('holdfast.hotplug-iface', [], { ACTION: 'ifup', INTERFACE: 'loopback', DEVICE: 'lo' });

    expect(shell.calls()).toEqual([]);
  });
});

describe('ntp', () => {
  test.each([
    { action: 'step', wakes: true },
    { action: 'stratum', wakes: true },
    { action: 'periodic', wakes: false },
    { action: 'unsync', wakes: false },
  ])('$action: $wakes', ({ action, wakes }) => {
    const shell = withCommand();

    const { status } = shell.run('holdfast.hotplug-ntp', [], { ACTION: action, stratum: '2' });

    expect(status).toBe(0);
    expect(shell.calls()).toEqual(wakes ? [['holdfast', '--wake']] : []);
  });
});

describe('wake', () => {
  const PID_FILE = '/var/run/holdfast.run.pid';
  const STATUS_FILE = '/var/run/holdfast/status.json';
  /** Prints the signal it gets, then ends. `$0` is what the script looks for. */
  const LISTENER =
    'process.on("SIGUSR2",()=>{console.log("USR2");process.exit()});console.log("up");setInterval(()=>{},1e6)';

  /** A process whose command line has this word; ends with the test. */
  async function started(word: string): Promise<ChildProcess> {
    const child = spawn(process.execPath, ['-e', LISTENER, word], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout ?? child, 'data');
    return child;
  }

  function service(pid: number | undefined, statusAgeSec: number): RouterShell {
    const shell = makeRouterShell();
    shell.standIn('/etc/init.d/holdfast');
    shell.write(PID_FILE, `${pid}\n`);
    shell.write(STATUS_FILE, '{}');
    const nowSec = Date.now() / 1000;
    utimesSync(join(shell.root, PID_FILE), nowSec - 60, nowSec - 60);
    utimesSync(join(shell.root, STATUS_FILE), nowSec - statusAgeSec, nowSec - statusAgeSec);
    return shell;
  }

  test('a running agent is told to look again', async () => {
    const child = await started('holdfast');
    const shell = service(child.pid, 30);
    const heard = once(child.stdout ?? child, 'data');

    const { status } = shell.run('holdfast.sh', ['--wake']);
    const [said] = await heard;

    expect({ status, said: String(said) }).toEqual({ status: 0, said: 'USR2\n' });
    expect(shell.calls()).toEqual([]);
  });

  test('also when it wrote its status within the second of its start, and nothing since', async () => {
    const child = await started('holdfast');
    const shell = service(child.pid, 30);
    utimesSync(join(shell.root, PID_FILE), 1_800_000_000.2, 1_800_000_000.2);
    utimesSync(join(shell.root, STATUS_FILE), 1_800_000_000.7, 1_800_000_000.7);
    const heard = once(child.stdout ?? child, 'data');

    shell.run('holdfast.sh', ['--wake']);
    const [said] = await heard;

    expect(String(said)).toBe('USR2\n');
  });

  test.each([
    { name: 'has the status of the one before', hasStatus: true },
    { name: 'has no status yet', hasStatus: false },
  ])('one that only starts and $name is left alone: the signal would kill it', async ({ hasStatus }) => {
    const child = await started('holdfast');
    const shell = service(child.pid, 90);
    if (!hasStatus) {
      rmSync(join(shell.root, STATUS_FILE));
    }

    shell.run('holdfast.sh', ['--wake']);

    expect(shell.calls()).toEqual([]);
    // A signal that was sent would end it; this one comes after it, and arrives.
    child.kill('SIGTERM');
    const [, signal] = await once(child, 'exit');
    expect(signal).toBe('SIGTERM');
  });

  test('a stranger with its number gets no signal; the service is started', async () => {
    const child = await started('stranger');
    const shell = service(child.pid, 30);

    shell.run('holdfast.sh', ['--wake']);

    await expect.poll(() => shell.calls(), { timeout: 10_000 }).toEqual([['holdfast', 'start']]);
    child.kill('SIGTERM');
    const [, signal] = await once(child, 'exit');
    expect(signal).toBe('SIGTERM');
  });

  test('where nothing is running now, the service is started, and nobody waits for it', async () => {
    const shell = service(2 ** 22 + 1, 30);
    shell.standIn('/etc/init.d/holdfast', 'exec /usr/bin/busybox sleep 60');
    const before = performance.now();

    const { status } = shell.run('holdfast.sh', ['--wake']);
    const tookMs = performance.now() - before;

    expect(status).toBe(0);
    expect(tookMs).toBeLessThan(20_000);
    await expect.poll(() => shell.calls(), { timeout: 10_000 }).toEqual([['holdfast', 'start']]);
  });

  test('a service that was never started, or was stopped, stays so', () => {
    const shell = makeRouterShell();
    shell.standIn('/etc/init.d/holdfast');

    const { status } = shell.run('holdfast.sh', ['--wake']);

    expect(status).toBe(0);
    expect(shell.calls()).toEqual([]);
  });
});
