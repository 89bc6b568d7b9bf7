/** The event-started service: `once` as procd starts it, again and again. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { StatusDocument } from '../../agent/engine/status.ts';
import type { StateFile } from '../../agent/store/state-file.ts';
import {
  accountSection,
  agentSection,
  hostSection,
  makeRouter,
  makeService,
  processesOf,
  readJson,
  until,
} from './agent-process.ts';

const HOME = 'home.ddns.example';

/** A router in event mode; `logger` writes what it is told into the file `log`. */
async function eventRouter() {
  const service = await makeService();
  const router = makeRouter();
  const logFile = join(router.folder, 'log');
  const logger = join(router.folder, 'bin', 'logger');
  writeFileSync(logger, `#!/bin/sh\necho "$*" >>'${logFile}'\n`);
  chmodSync(logger, 0o755);
  router.configure(
    agentSection(service, { mode: 'event', hold_down: '1' }) +
      accountSection(service, 'demo') +
      hostSection('home', HOME, 'demo'),
  );
  router.moveTo('203.0.113.1');
  return { service, router, log: () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '') };
}

describe('once, by events', () => {
  test('after a change nothing stays in memory; without one nothing is sent', async () => {
    const { service, router } = await eventRouter();

    const first = await router.run('once', '--syslog');
    const second = await router.run('once', '--syslog');
    router.moveTo('203.0.113.2');
    const third = await router.run('once', '--syslog');

    expect([first, second, third].map(({ status }) => status)).toEqual([0, 0, 0]);
    expect(service.requests().map(({ query }) => query.myip)).toEqual(['203.0.113.1', '203.0.113.2']);
    await until('no process is left', () => processesOf(router.folder).length === 0 || 'some live');
  });

  test('the time that the provider demands is kept for the next start', async () => {
    const { service, router } = await eventRouter();
    service.levers.overload();

    const first = await router.run('once');
    const waiting = readJson<StateFile>(join(router.stateDir, 'state.json'));
    router.moveTo('203.0.113.2');
    const second = await router.run('once');

    expect([first.status, second.status]).toEqual([1, 1]);
    expect(service.requests()).toHaveLength(1);
    expect(waiting?.state.accounts.demo?.wait.notBeforeMs).toBeGreaterThan(
      (waiting?.savedMs ?? 0) + 25 * 60_000,
    );
    expect(router.host('home')?.next?.sentence).toMatch(/asked to wait/);
  });

  test('a request that was left is taken once', async () => {
    const { service, router } = await eventRouter();
    await router.run('once');
    writeFileSync(join(router.stateDir, 'request.json'), '{"hosts":["home"]}');

    await router.run('once');
    await router.run('once');

    expect(service.requests()).toHaveLength(2);
    expect(existsSync(join(router.stateDir, 'request.json'))).toBe(false);
  });

  test('a second one beside it is refused and sends nothing', async () => {
    const { service, router } = await eventRouter();
    service.levers.slow(3000);
    const first = router.start(['once']);
    await until('the first one shows itself', () => router.status()?.agent.pid === first.pid);

    const second = await router.run('once');

    expect(second.status).toBe(1);
    expect((await first.ended).status).toBe(0);
    expect(service.requests()).toHaveLength(1);
  });

  test('TERM ends it at once', async () => {
    const { router, service } = await eventRouter();
    service.levers.slow(10_000);
    const first = router.start(['once']);
    await until('it shows itself', () => router.status()?.agent.pid === first.pid);

    first.signal('TERM');

    expect((await first.ended).status).toBe(1);
  });
});

describe('status', () => {
  test('says that nothing runs because nothing is to be done', async () => {
    const { router } = await eventRouter();
    const { stdout } = await router.run('once');
    writeFileSync(`${router.stateDir}.once.pid`, '4194304\n');

    const idle = await router.run('status');
    const json = await router.run('status', '--json');

    expect(stdout).toContain('published: 203.0.113.1');
    expect([idle.status, json.status]).toEqual([0, 0]);
    expect(idle.stderr + json.stderr).toBe('');
    expect(idle.stdout).toContain(`It last ran at ${router.status()?.writtenAt}`);
    expect(idle.stdout).toContain('starts again when an interface changes');
  });

  test('names what is due next', async () => {
    const { service, router } = await eventRouter();
    service.levers.overload();
    await router.run('once');
    writeFileSync(`${router.stateDir}.once.pid`, '4194304\n');

    const { stdout } = await router.run('status');

    expect(stdout).toContain(`Next is due at ${router.host('home')?.next?.at}: `);
  });

  test('before the first run is another thing than a service that is stopped', async () => {
    const { router } = await eventRouter();
    const stopped = await router.run('status');
    writeFileSync(`${router.stateDir}.once.pid`, '4194304\n');

    const started = await router.run('status');

    expect([stopped.status, started.status]).toEqual([3, 3]);
    expect(stopped.stderr).toContain('The agent is not running');
    expect(started.stderr).toContain('has not run yet');
  });
});

describe('--syslog', () => {
  test('lines go to the system log with their priority, and not to standard error', async () => {
    const { router, log } = await eventRouter();

    const { stderr } = await router.run('once', '--syslog');

    expect(stderr).toBe('');
    expect(log()).toMatch(/^-t holdfast -p daemon\.notice -- home\.ddns\.example: wan has 203\.0\.113\.1/m);
  });

  test('without a logger they go to standard error', async () => {
    const { router } = await eventRouter();
    const logger = join(router.folder, 'bin', 'logger');
    writeFileSync(logger, '#!/bin/sh\nexit 1\n');

    const { stderr } = await router.run('once', '--syslog');

    expect(stderr).toMatch(/^notice: home\.ddns\.example: wan has 203\.0\.113\.1/m);
  });
});

test('the process is the one that procd wrote beside the folder: in its jail the agent is number 1', async () => {
  const { router } = await eventRouter();
  await router.run('once');
  const statusFile = join(router.stateDir, 'status.json');
  const status = readJson<StatusDocument>(statusFile);
  writeFileSync(statusFile, JSON.stringify({ ...status, agent: { ...status?.agent, pid: 1 } }));
  const service = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', 'holdfast']);
  onTestFinished(() => void service.kill('SIGKILL'));

  const before = await router.run('status', '--json');
  writeFileSync(`${router.stateDir}.once.pid`, `${service.pid}\n`);
  const beside = await router.run('status', '--json');
  const another = await router.run('run');

  expect([before.status, beside.status]).toEqual([3, 0]);
  expect(another).toMatchObject({ status: 1, stderr: expect.stringContaining(`process ${service.pid}`) });
});
