import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../agent/config/load.ts';
import { netifdSource } from '../../agent/openwrt/netifd.ts';
import { catalogue } from '../config/catalogue.ts';
import { FILES, makeRouterShell, type RouterShell } from './router-shell.ts';

const SCRIPTS = readdirSync(FILES).filter((name) => readText(name).startsWith('#!'));

function readText(name: string): string {
  return readFileSync(join(FILES, name), 'utf8');
}

test.each(SCRIPTS)('%s: shellcheck finds nothing', (name) => {
  const { status, stdout, error } = spawnSync('shellcheck', ['--shell=dash', join(FILES, name)], {
    encoding: 'utf8',
  });

  expect({ status, stdout, error }).toEqual({ status: 0, stdout: '', error: undefined });
});

test.each(SCRIPTS)('%s: BusyBox ash understands every line', (name) => {
  const { status, stderr } = spawnSync('busybox', ['ash', '-n', join(FILES, name)], { encoding: 'utf8' });

  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

describe('the command', () => {
  function withRuntimes(...names: string[]): RouterShell {
    const shell = makeRouterShell();
    for (const name of names) {
      shell.standIn(`/usr/bin/${name}`, 'echo "threads: $UV_THREADPOOL_SIZE"');
    }
    shell.standIn('/bin/logger');
    return shell;
  }

  test('Node with the flags that keep its memory small', () => {
    const shell = withRuntimes('node', 'qjs');
    shell.write('/usr/lib/holdfast/holdfast.cjs', '');
    shell.write('/usr/lib/holdfast/holdfast.mjs', '');

    const { stdout } = shell.run('holdfast.sh', ['trace', 'a b', '--json']);

    expect(stdout).toBe('threads: 2\n');
    expect(shell.calls()).toEqual([
      [
        ...['node', '--max-semi-space-size=1', '--max-old-space-size=16', '--v8-pool-size=1'],
        ...['/usr/lib/holdfast/holdfast.cjs', 'trace', 'a b', '--json'],
      ],
    ]);
  });

  test('QuickJS where there is no Node', () => {
    const shell = withRuntimes('qjs');
    shell.write('/usr/lib/holdfast/holdfast.cjs', '');
    shell.write('/usr/lib/holdfast/holdfast.mjs', '');

    shell.run('holdfast.sh', ['status']);

    expect(shell.calls()).toEqual([['qjs', '/usr/lib/holdfast/holdfast.mjs', 'status']]);
  });

  test('--runtime starts nothing', () => {
    const shell = withRuntimes('node');
    shell.write('/usr/lib/holdfast/holdfast.cjs', '');

    const { status, stdout } = shell.run('holdfast.sh', ['--runtime']);

    expect({ status, stdout: stdout.replace(shell.root, '') }).toEqual({
      status: 0,
      stdout: '/usr/bin/node\n',
    });
    expect(shell.calls()).toEqual([]);
  });

  test.each([
    { word: 'run', logged: [] },
    { word: '--runtime', logged: ['logger'] },
  ])('without a runtime $word says so', ({ word, logged }) => {
    const shell = withRuntimes();
    shell.write('/usr/lib/holdfast/holdfast.cjs', '');

    const { status, stdout, stderr } = shell.run('holdfast.sh', [word]);

    expect({ status, stdout }).toEqual({ status: 127, stdout: '' });
    expect(stderr).toMatch(/^holdfast: .*Install the package node\.\n$/);
    expect(shell.calls().map(([name]) => name)).toEqual(logged);
  });
});

describe('uci-defaults', () => {
  function firstBoot(): RouterShell {
    const shell = makeRouterShell();
    shell.standIn('/bin/chown');
    shell.standIn('/bin/ubus', 'exit 4');
    shell.standIn('/etc/init.d/holdfast');
    return shell;
  }

  const DONE = [
    ['chown', '-R', 'holdfast:holdfast', '/etc/holdfast'],
    ['ubus', '-t', '5', 'call', 'service', 'signal', '{"name":"ubus","signal":1}'],
    ['ubus', '-t', '5', 'call', 'service', 'signal', '{"name":"rpcd","signal":1}'],
  ];

  test('prepares the folder, tells ubusd and rpcd, enables the service; twice is the same', () => {
    const shell = firstBoot();

    const first = shell.run('holdfast.uci-defaults');
    const firstCalls = shell.calls();
    const second = shell.run('holdfast.uci-defaults');

    expect([first.status, second.status]).toEqual([0, 0]);
    expect(firstCalls).toEqual([...DONE, ['holdfast', 'enable']]);
    expect(shell.calls()).toEqual(firstCalls);
    expect(shell.exists('/etc/holdfast')).toBe(true);
  });

  test('an upgrade does not enable what the owner has disabled', () => {
    const shell = firstBoot();

    const { status } = shell.run('holdfast.uci-defaults', [], { PKG_UPGRADE: '1' });

    expect(status).toBe(0);
    expect(shell.calls()).toEqual(DONE);
  });
});

test('the example configuration has no mistakes and sends nothing', () => {
  const text = readText('holdfast.config').replace("'no-ip.com'", "'plain.example'");

  const { config, problems } = loadConfig(text, 'holdfast', catalogue, () => undefined);

  expect(problems).toEqual([]);
  expect(config.accounts.has('example')).toBe(true);
  expect(config.hostnames.map(({ id, enabled }) => [id, enabled])).toEqual([['home', false]]);
});

test('what a new flash keeps: the folder of what was published', () => {
  expect(readText('holdfast.keep')).toBe('/etc/holdfast/\n');
});

test('the ubus rights are what the agent asks for, and no more', async () => {
  const asked: string[][] = [];
  const source = netifdSource({
    processes: {
      run: async (argv) => {
        asked.push([...argv]);
        return { status: 0, stdout: '{"interface":[]}', stderr: '' };
      },
      lines(argv) {
        asked.push([...argv]);
        return () => {};
      },
    },
    clock: { nowMs: () => 0, monotonicMs: () => 0, after: () => () => {} },
    log: () => {},
  });

  source.watch(() => {})();
  await source.read();
  const words = (verb: string) => asked.filter(([, is]) => is === verb).map((argv) => argv.slice(2));

  expect(asked.every(([program]) => program === 'ubus')).toBe(true);
  expect(JSON.parse(readText('holdfast.acl.json'))).toEqual({
    user: 'holdfast',
    access: Object.fromEntries(words('call').map(([object, method]) => [object, { methods: [method] }])),
    subscribe: words('subscribe').flat(),
    listen: words('listen').flat(),
  });
});

describe('the rpcd plugin', () => {
  const PLUGIN = readText('holdfast.uc');

  test('has the methods that the web interface calls', () => {
    const methods = [...PLUGIN.matchAll(/^\t\t(\w+): \{$/gm)].map(([, name]) => name);

    expect(methods).toEqual(['status', 'events', 'providers', 'update', 'check', 'trace', 'import']);
  });

  test('starts nothing itself: no shell, no process of its own', () => {
    expect(PLUGIN).not.toMatch(/\b(system|popen|process|task|exec)\s*\(/);
  });

  test('a hostname is checked before it becomes a word of a command', () => {
    const pattern = /match\(word, \/(.+)\/\)/.exec(PLUGIN)?.[1] ?? '';
    const word = new RegExp(
      pattern.replaceAll('[:space:]', '\\s').replaceAll('[:cntrl:]', '\\u0000-\\u001f'),
    );

    expect(
      ['home', 'home.example.org', 'a', 'bücher.example', 'group-1'].filter((one) => !word.test(one)),
    ).toEqual([]);
    expect(
      ['', '-c', '--config=/etc/shadow', 'a b', 'a\nb', ' a', 'a\t'].filter((one) => word.test(one)),
    ).toEqual([]);
  });
});
