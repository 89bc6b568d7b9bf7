import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../agent/config/load.ts';
import { UBUS_EVENT } from '../../agent/engine/notify.ts';
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
  const PROGRAMS = { node: 'cjs', quickjs: 'mjs' } as const;
  const NODE_CALL = [
    ...['node', '--max-semi-space-size=1', '--max-old-space-size=16', '--v8-pool-size=1'],
    ...['--no-turbofan', '--no-sparkplug', '--no-lazy-feedback-allocation', '--optimize-for-size'],
    '--expose-gc',
    '/usr/lib/holdfast/holdfast.cjs',
  ];
  const QJS_ASKED = ['qjs', '--help'];
  const QJS_CALL = ['qjs', '-s', '/usr/lib/holdfast/holdfast.mjs'];

  /** `qjs`: what it says of itself; without it there is none. */
  function routerWith(options: {
    node?: true;
    qjs?: string;
    parts?: (keyof typeof PROGRAMS)[];
  }): RouterShell {
    const shell = makeRouterShell();
    if (options.node) {
      shell.standIn('/usr/bin/node', 'echo "threads: $UV_THREADPOOL_SIZE"');
    }
    if (options.qjs !== undefined) {
      const said = `[ "$1" = --help ] && { printf '%s\nusage: qjs [options]\n' '${options.qjs}'; exit 1; }`;
      shell.standIn('/usr/bin/qjs', `${said}\necho "runtime: $HOLDFAST_RUNTIME"`);
    }
    for (const part of options.parts ?? ['node', 'quickjs']) {
      shell.write(`/usr/lib/holdfast/holdfast.${PROGRAMS[part]}`, '');
    }
    shell.standIn('/bin/logger');
    return shell;
  }

  test('Node with the flags that keep its memory small', () => {
    const shell = routerWith({ node: true, qjs: 'QuickJS version 2025-09-13' });

    const { stdout } = shell.run('holdfast.sh', ['trace', 'a b', '--json']);

    expect(stdout).toBe('threads: 2\n');
    expect(shell.calls()).toEqual([[...NODE_CALL, 'trace', 'a b', '--json']]);
  });

  test.each([
    ['there is no Node', { qjs: 'QuickJS version 2025-09-13' }],
    [
      'the package is the one for QuickJS',
      { node: true, qjs: 'QuickJS version 2025-09-13', parts: ['quickjs'] },
    ],
  ] as const)('QuickJS where %s', (_name, options) => {
    const shell = routerWith({ ...options, parts: ['quickjs'] });

    const { stdout } = shell.run('holdfast.sh', ['status', '--json']);

    expect(stdout).toBe('runtime: quickjs 2025-09-13\n');
    expect(shell.calls()).toEqual([QJS_ASKED, [...QJS_CALL, 'status', '--json']]);
  });

  test('an older QuickJS with the flag that it needs', () => {
    const shell = routerWith({ qjs: 'QuickJS version 2025-04-26' });

    shell.run('holdfast.sh', ['status']);

    expect(shell.calls()[1]).toEqual(QJS_CALL.toSpliced(2, 0, '--no-unhandled-rejection').concat('status'));
  });

  test.each([
    ['QuickJS version 2024-01-13', /too old/],
    ['QuickJS-ng version 0.10.1', /QuickJS-ng/],
    ['', /QuickJS-ng/],
  ])('refuses %s', (qjs, why) => {
    const shell = routerWith({ qjs });

    const { status, stdout, stderr } = shell.run('holdfast.sh', ['run']);

    expect({ status, stdout }).toEqual({ status: 127, stdout: '' });
    expect(stderr).toMatch(why);
    expect(shell.calls()).toEqual([QJS_ASKED]);
  });

  test.each([
    ["\toption runtime 'quickjs'\n", ['qjs', 'qjs']],
    ['\toption runtime quickjs', ['qjs', 'qjs']],
    ['\toption "runtime" "quickjs" # why\n', ['qjs', 'qjs']],
    ["\toption 'runtime' 'node'\n", ['node']],
    ["\toption runtime 'auto'\n", ['node']],
    ["\toption runtime 'quick'\n", ['node']],
    ["\t#option runtime 'quickjs'\n", ['node']],
    ['', ['node']],
  ])('option runtime: %j', (line, programs) => {
    const shell = routerWith({ node: true, qjs: 'QuickJS version 2025-09-13' });
    shell.write('/etc/config/holdfast', `config agent 'agent'\n\toption log_level 'info'\n${line}`);

    shell.run('holdfast.sh', ['status']);

    expect(shell.calls().map(([program]) => program)).toEqual(programs);
  });

  test.each(['--config', '-c'])('of the file after %s, where the service has its own', (word) => {
    const shell = routerWith({ node: true, qjs: 'QuickJS version 2025-09-13' });
    shell.write('/etc/config/holdfast', "config agent 'agent'\n\toption runtime 'node'\n");
    shell.write('/var/etc/holdfast/holdfast', "config agent 'agent'\n\toption runtime 'quickjs'\n");

    shell.run('holdfast.sh', ['run', word, join(shell.root, 'var/etc/holdfast/holdfast')]);

    expect(shell.calls().map(([program]) => program)).toEqual(['qjs', 'qjs']);
  });

  describe('a test message', () => {
    const TEXT = "config agent 'agent'\n\toption notify_script '/root/tell'\n";
    const COPY = '/var/etc/holdfast/notify-test';

    /** Started by this user id; the program that changes users shows what it could read. */
    function routerFor(userId: number): RouterShell {
      const shell = routerWith({ node: true });
      shell.write('/etc/config/holdfast', TEXT, 0o600);
      shell.standIn('/bin/id', `echo ${userId}`);
      shell.standIn('/bin/chown');
      shell.standIn(
        '/bin/start-stop-daemon',
        'for last; do :; done; /usr/bin/busybox stat -c %A "$last"; cat "$last"; exit 1',
      );
      return shell;
    }

    function callsOf(shell: RouterShell): string[][] {
      const known = shell.calls().map((words) => words.map((word) => word.replace(/\.\d+/, '.PID')));
      return known.filter(([program]) => program !== 'id');
    }

    test.each([[['notify-test']], [['--json', 'notify-test']]])(
      'of root is the user’s of the service, from a private copy that does not stay: %j',
      (words) => {
        const shell = routerFor(0);

        const { status, stdout } = shell.run('holdfast.sh', words);

        expect({ status, stdout }).toEqual({ status: 1, stdout: `-rw-------\n${TEXT}` });
        expect(callsOf(shell)).toEqual([
          ['chown', 'holdfast:holdfast', `${COPY}.PID`],
          [
            ...['start-stop-daemon', '-S', '-q', '-c', 'holdfast:holdfast', '-p', `${COPY}.PID.pid`, '-x'],
            ...['/usr/bin/node', '--', ...NODE_CALL.slice(1), ...words, '--config', `${COPY}.PID`],
          ],
        ]);
        expect(readdirSync(join(shell.root, 'var/etc/holdfast'))).toEqual([]);
      },
    );

    test.each([
      ['--config', ['--config', 'OTHER']],
      ['-c', ['-c', 'OTHER']],
      ['--config=', ['--config=OTHER']],
    ])('is about the file after %s', (_name, words) => {
      const shell = routerFor(0);
      shell.write('/etc/other', `${TEXT}\n`);
      const given = words.map((word) => word.replace('OTHER', join(shell.root, 'etc/other')));

      const { stdout } = shell.run('holdfast.sh', ['notify-test', ...given]);

      expect(stdout).toBe(`-rw-------\n${TEXT}\n`);
    });

    test('of the service’s own user, or without a configuration, starts as everything else', () => {
      const shells = [routerFor(7353), routerFor(0)];
      rmSync(join(shells[1]?.root ?? '', 'etc/config/holdfast'));

      for (const shell of shells) {
        shell.run('holdfast.sh', ['notify-test']);
      }

      expect(shells.map(callsOf)).toEqual(shells.map(() => [[...NODE_CALL, 'notify-test']]));
    });

    test('that the user cannot be given is not sent, and says why', () => {
      const shell = routerFor(0);
      shell.standIn('/bin/chown', 'exit 1');

      const { status, stderr } = shell.run('holdfast.sh', ['notify-test']);

      expect(status).toBe(127);
      expect(stderr).toMatch(/The user holdfast cannot be given/);
      expect(callsOf(shell).map(([program]) => program)).toEqual(['chown']);
      expect(readdirSync(join(shell.root, 'var/etc/holdfast'))).toEqual([]);
    });

    test('leaves other commands to root', () => {
      const shell = routerFor(0);

      shell.run('holdfast.sh', ['status']);

      expect(callsOf(shell)).toEqual([[...NODE_CALL, 'status']]);
    });
  });

  test.each([
    ['node', { qjs: 'QuickJS version 2025-09-13' }],
    ['quickjs', { node: true }],
  ] as const)('option runtime %s, which is not installed, says so', (runtime, options) => {
    const shell = routerWith(options);
    shell.write('/etc/config/holdfast', `config agent 'agent'\n\toption runtime '${runtime}'\n`);

    const { status, stderr } = shell.run('holdfast.sh', ['--runtime']);

    expect(status).toBe(127);
    expect(stderr).toMatch(new RegExp(`asks for ${runtime}, which is not installed\\. Set it to auto`));
    expect(shell.calls().map(([name]) => name)).toEqual(['logger']);
  });

  test.each([
    ['/usr/bin/node', { node: true }, []],
    ['/usr/bin/qjs', { qjs: 'QuickJS version 2025-09-13' }, [QJS_ASKED]],
  ] as const)('--runtime starts no agent: %s', (path, options, calls) => {
    const shell = routerWith(options);

    const { status, stdout } = shell.run('holdfast.sh', ['--runtime']);

    expect({ status, stdout: stdout.replace(shell.root, '') }).toEqual({ status: 0, stdout: `${path}\n` });
    expect(shell.calls()).toEqual(calls);
  });

  test.each([
    { word: 'run', parts: ['node'], logged: [], remedy: 'Install the package node.' },
    { word: '--runtime', parts: ['node'], logged: ['logger'], remedy: 'Install the package node.' },
    { word: 'run', parts: ['quickjs'], logged: [], remedy: 'Install the packages quickjs and curl.' },
    {
      word: 'run',
      parts: ['node', 'quickjs'],
      logged: [],
      remedy: 'Install the package node, or the packages quickjs and curl.',
    },
  ] as const)('without a runtime $word says so: $remedy', ({ word, parts, logged, remedy }) => {
    const shell = routerWith({ parts: [...parts] });

    const { status, stdout, stderr } = shell.run('holdfast.sh', [word]);

    expect({ status, stdout }).toEqual({ status: 127, stdout: '' });
    expect(stderr).toMatch(/^holdfast: .*\n$/);
    expect(stderr.endsWith(`${remedy}\n`)).toBe(true);
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
    ['chown', '-Rh', 'holdfast:holdfast', '/etc/holdfast'],
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
    access: {
      ...Object.fromEntries(words('call').map(([object, method]) => [object, { methods: [method] }])),
      // For lines of the log, once the socket in the jail leads nowhere.
      log: { methods: ['write'] },
    },
    subscribe: words('subscribe').flat(),
    listen: words('listen').flat(),
    send: [UBUS_EVENT],
  });
});

describe('the rpcd plugin', () => {
  const PLUGIN = readText('holdfast.uc');

  test('has the methods that the web interface calls', () => {
    const methods = [...PLUGIN.matchAll(/^\t\t(\w+): \{$/gm)].map(([, name]) => name);

    expect(methods).toEqual([
      ...['status', 'events', 'providers', 'update', 'check', 'check_config'],
      ...['trace', 'test', 'test_steps', 'service', 'import'],
    ]);
  });

  test('starts nothing itself: no shell, no process of its own', () => {
    expect(PLUGIN).not.toMatch(/\b(system|popen|process|task|exec)\s*\(/);
  });

  test('a trace as root starts no program of the configuration', () => {
    const source = /match\(read_file\(OUR_FILE.*?, \/(.+)\/\)\)/.exec(PLUGIN)?.[1] ?? 'nothing';
    const names = new RegExp(source.replaceAll('[:space:]', '\\s'));

    expect(
      ["\toption script '/bin/x'", "config a 'b'\n\tlist 'script_arg' 'x'", ' option\tscript x'].every(
        (text) => names.test(text),
      ),
    ).toBe(true);
    expect(names.test("\toption hostname 'script.example.org'")).toBe(false);
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
