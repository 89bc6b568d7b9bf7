import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../agent/config/load.ts';
import schema from '../../schemas/config.schema.json';
import { CATALOGUE } from '../fakes/catalogue.ts';
import { FILES, makeRouterShell, type RouterShell, type Section } from './router-shell.ts';

const INIT = readFileSync(join(FILES, 'holdfast.init'), 'utf8');
const HOME: Section = { type: 'hostname', name: 'home', options: { hostname: 'home.example.org' } };
const PRIVATE = '/var/etc/holdfast';

function agent(options: Record<string, string> = {}): Section {
  return { type: 'agent', name: 'agent', options };
}

function account(options: Record<string, string>): Section {
  return { type: 'account', name: 'noip', options };
}

/** A router with the package, a runtime, and a `uci` that can read the file, or cannot. */
function installed(): RouterShell {
  const shell = makeRouterShell();
  shell.write('/etc/config/holdfast', "config agent 'agent'\n");
  shell.standIn('/bin/chown');
  shell.standIn('/bin/uci', `exit "\${UCI_STATUS:-0}"`);
  shell.standIn('/usr/bin/holdfast', 'echo /usr/bin/node');
  return shell;
}

function procdCalls(shell: RouterShell): string[][] {
  return shell.calls().filter(([name]) => name?.startsWith('procd_'));
}

function instance(verb: string, pause: string, copies: string[] = []): string[][] {
  return [
    ['procd_open_instance', verb],
    ['procd_set_param', 'command', '/usr/bin/holdfast', verb, '--syslog', '--config', `${PRIVATE}/holdfast`],
    ['procd_set_param', 'file', `${PRIVATE}/holdfast`, ...copies],
    ['procd_set_param', 'reload_signal', 'HUP'],
    ['procd_set_param', 'respawn', '3600', pause, '0'],
    ['procd_set_param', 'stderr', '1'],
    ['procd_set_param', 'pidfile', `/var/run/holdfast.${verb}.pid`],
    ['procd_set_param', 'user', 'holdfast'],
    ['procd_set_param', 'group', 'holdfast'],
    ['procd_set_param', 'no_new_privs', '1'],
    ['procd_add_jail', 'holdfast', 'log', 'procfs'],
    [
      'procd_add_jail_mount',
      ...['/usr/bin/node', '/usr/lib/holdfast', PRIVATE, '/bin/ubus', '/var/run/ubus', '/sbin/ip'],
      ...[
        '/usr/bin/logger',
        '/usr/bin/curl',
        '/usr/bin/nc',
        '/bin/sleep',
        '/etc/ssl',
        '/etc/hosts',
        '/etc/openwrt_release',
      ],
    ],
    ['procd_add_jail_mount_rw', '/var/run/holdfast', '/etc/holdfast'],
    ['procd_close_instance'],
  ];
}

describe('start', () => {
  test('resident: one agent that procd starts again for ever', () => {
    const shell = installed();

    const { status, stderr } = shell.init('start_service', [agent(), HOME]);

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(procdCalls(shell)).toEqual(instance('run', '5'));
  });

  test('by events: a command that ends, and that procd starts again after an hour', () => {
    const shell = installed();

    shell.init('start_service', [agent({ mode: 'event' }), HOME]);

    expect(procdCalls(shell)).toEqual(instance('once', '3600'));
  });

  test('gives the agent a copy of its own, in folders that suit', () => {
    const shell = installed();

    shell.init('start_service', [agent(), HOME]);
    const copy = statSync(join(shell.root, PRIVATE, 'holdfast'));

    expect(shell.read(`${PRIVATE}/holdfast`)).toBe(shell.read('/etc/config/holdfast'));
    expect(copy.mode & 0o777).toBe(0o600);
    expect(shell.calls().filter(([name]) => name === 'chown')).toEqual([
      ['chown', 'holdfast:holdfast', '/etc/holdfast'],
      ['chown', 'holdfast:holdfast', '/var/run/holdfast'],
      ['chown', 'holdfast:holdfast', `${PRIVATE}/holdfast.new`],
    ]);
  });

  test('does not write to flash where the folder is there', () => {
    const shell = installed();
    shell.init('start_service', [agent(), HOME]);
    shell.calls();

    shell.init('start_service', [agent(), HOME]);

    expect(shell.calls().filter((call) => call.includes('/etc/holdfast') && call[0] === 'chown')).toEqual([]);
  });

  test.each([
    { name: 'the agent is disabled', sections: [agent({ enabled: '0' }), HOME] },
    { name: 'the agent is off', sections: [agent({ enabled: 'off' }), HOME] },
    { name: 'there is no hostname', sections: [agent()] },
    {
      name: 'every hostname is disabled',
      sections: [agent(), { ...HOME, options: { ...HOME.options, enabled: '0' } }],
    },
    { name: 'there is no configuration', sections: [] },
  ])('nothing where $name', ({ sections }) => {
    const shell = installed();

    const { status } = shell.init('start_service', sections);

    expect(status).toBe(0);
    expect(shell.calls().filter(([name]) => name !== 'uci')).toEqual([]);
    expect(shell.exists(PRIVATE)).toBe(false);
  });

  test('a hostname without an agent section is enough', () => {
    const shell = installed();

    shell.init('start_service', [HOME]);

    expect(procdCalls(shell)).toEqual(instance('run', '5'));
  });

  test('a file that uci refuses is left to the agent, which names the line', () => {
    const shell = installed();
    shell.write('/etc/config/holdfast', "config agent 'agent\n");

    shell.init('start_service', [], { UCI_STATUS: '1' });

    expect(procdCalls(shell)).toEqual(instance('run', '5'));
    expect(shell.read(`${PRIVATE}/holdfast`)).toBe("config agent 'agent\n");
  });

  test('nothing, and no complaint, without the file', () => {
    const shell = makeRouterShell();
    shell.standIn('/bin/uci', 'exit 1');

    const ended = shell.init('start_service', []);

    expect(ended).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(shell.calls()).toEqual([]);
  });

  test('of several agent sections the first one counts, as it does for the agent', () => {
    const shell = installed();

    shell.init('start_service', [
      agent({ enabled: '0' }),
      { ...agent({ mode: 'event' }), name: 'other' },
      HOME,
    ]);

    expect(shell.calls()).toEqual([]);
  });

  test('nothing without a runtime', () => {
    const shell = installed();
    shell.standIn('/usr/bin/holdfast', 'exit 127');

    shell.init('start_service', [agent(), HOME]);

    expect(shell.calls()).toEqual([['holdfast', '--runtime']]);
  });

  test('files that an account names are handed over as copies', () => {
    const shell = installed();
    shell.write('/root/it is secret', 'p4ss\n', 0o600);
    shell.write('/root/ca.pem', 'PEM\n');
    const files = {
      password_file: join(shell.root, '/root/it is secret'),
      ca_file: join(shell.root, '/root/ca.pem'),
    };

    shell.init('start_service', [agent(), account(files), HOME]);
    const copies = [`${PRIVATE}/noip.ca_file`, `${PRIVATE}/noip.password_file`];

    expect(procdCalls(shell)).toEqual(instance('run', '5', copies));
    expect(copies.map((path) => shell.read(path))).toEqual(['PEM\n', 'p4ss\n']);
    expect(copies.map((path) => statSync(join(shell.root, path)).mode & 0o777)).toEqual([0o600, 0o600]);
    const again = (option: string) =>
      `\n# Copied for the agent:\nconfig account 'noip'\n\toption ${option} '${PRIVATE}/noip.${option}'\n`;
    expect(shell.read(`${PRIVATE}/holdfast`).replaceAll(shell.root, '')).toBe(
      `${shell.read('/etc/config/holdfast')}${again('password_file')}${again('ca_file')}`,
    );
  });

  test('the agent takes the copies, and no line has another number than in the file', () => {
    const shell = installed();
    const file = join(shell.root, '/root/secret');
    const text = `# mine\n\nconfig account 'noip'\n\toption provider 'dyndns2'\n\toption username 'u'\n\toption server 'https://ddns.example.org'\n\toption password_file '${file}'\n\nconfig hostname\n\toption hostname 'home.example.org'\n\toption account 'noip'\n\toption familly 'ipv6'`;
    shell.write('/root/secret', 'p4ss\n');
    shell.write('/etc/config/holdfast', text);
    shell.init('start_service', [account({ password_file: file }), HOME]);

    const copied = shell.read(`${PRIVATE}/holdfast`).replaceAll(shell.root, '');
    const read = (all: string, secret: string) =>
      loadConfig(all, 'holdfast', CATALOGUE, (path) => (path.startsWith(PRIVATE) ? secret : undefined));
    const places = ({ problems }: ReturnType<typeof read>) =>
      problems.map(({ line, code, option }) => `${line} ${code} ${option}`);

    expect(places(read(copied, 'p4ss\n'))).toEqual(['12 config/UNKNOWN_OPTION familly']);
    expect(places(read(copied, ''))).toEqual([
      '3 config/PASSWORD_FILE password_file',
      '11 config/ACCOUNT_BROKEN account',
      '12 config/UNKNOWN_OPTION familly',
    ]);
    expect(read(copied, 'p4ss\n').config.accounts.get('noip')?.password).toBe('p4ss');
  });

  test.each<{ name: string; section: string; env: Record<string, string> }>([
    { name: 'uci cannot read the file', section: 'noip', env: { UCI_STATUS: '1' } },
    { name: 'the section has no name', section: 'cfg0a1b2c', env: {} },
  ])('no copy where $name', ({ section, env }) => {
    const shell = installed();
    shell.write('/root/secret', 'p4ss\n');
    const options = { password_file: join(shell.root, '/root/secret') };

    shell.init('start_service', [{ type: 'account', name: section, options }, HOME], env);

    expect(shell.read(`${PRIVATE}/holdfast`)).toBe(shell.read('/etc/config/holdfast'));
    expect(shell.exists(`${PRIVATE}/${section}.password_file`)).toBe(false);
  });

  test.each([
    { type: 'account', option: 'script' },
    { type: 'hostname', option: 'script' },
    { type: 'agent', option: 'notify_script' },
  ])('without a jail where $type has a $option: it needs the whole system', ({ type, option }) => {
    const shell = installed();
    const section = { type, name: 'other', options: { [option]: '/root/own.sh' } };

    shell.init('start_service', [HOME, section]);
    const names = procdCalls(shell).map((call) => call.slice(0, 2).join(' '));

    expect(names).toContain('procd_set_param no_new_privs');
    expect(names.filter((name) => name.includes('jail'))).toEqual([]);
  });

  test('another runtime, or a jail no more, ends the running process: to a change procd only sends the signal', async () => {
    const shell = installed();
    const own = account({ script: '/root/own.sh' });
    const changes: [name: string, sections: Section[], runtime: string, ends: boolean][] = [
      ['an option', [agent({ log_level: 'debug' }), HOME], 'node', false],
      ['a script', [agent(), own, HOME], 'node', true],
      ['another option', [agent({ resync: '60' }), own, HOME], 'node', false],
      ['another runtime', [agent(), own, HOME], 'qjs', true],
      ['no script', [agent(), HOME], 'qjs', true],
      ['the other mode, which is another process', [agent({ mode: 'event' }), HOME], 'node', false],
    ];
    shell.init('start_service', [agent(), HOME]);

    const seen: [name: string, ends: boolean][] = [];
    for (const [name, sections, runtime] of changes) {
      const service = spawn('sleep', ['1000'], { argv0: 'holdfast' });
      const ended = once(service, 'exit');
      shell.write('/var/run/holdfast.run.pid', `${service.pid}\n`);
      shell.standIn('/usr/bin/holdfast', `echo /usr/bin/${runtime}`);
      shell.init('start_service', sections);
      // Of two deadly signals the first one counts.
      service.kill('SIGKILL');
      seen.push([name, (await ended)[1] === 'SIGTERM']);
    }

    expect(seen).toEqual(changes.map(([name, , , ends]) => [name, ends]));
  });

  test('a copy goes when the option goes; a named file that is not there stays named', () => {
    const shell = installed();
    shell.write('/root/secret', 'p4ss\n', 0o600);
    shell.init('start_service', [
      agent(),
      account({ password_file: join(shell.root, '/root/secret') }),
      HOME,
    ]);
    shell.calls();

    shell.init('start_service', [agent(), account({ password_file: '/root/none' }), HOME]);

    expect(shell.exists(`${PRIVATE}/noip.password_file`)).toBe(false);
    expect(shell.read(`${PRIVATE}/holdfast`)).toBe(shell.read('/etc/config/holdfast'));
  });

  test('whatever changes in the file, procd is told the same', () => {
    const shell = installed();
    shell.init('start_service', [agent(), HOME]);
    const before = procdCalls(shell);
    shell.write('/etc/config/holdfast', "config agent 'agent'\n\toption log_level 'debug'\n");

    shell.init('start_service', [
      agent({ log_level: 'debug', resync: '60' }),
      account({ username: 'x' }),
      HOME,
    ]);

    expect(procdCalls(shell)).toEqual(before);
    expect(shell.read(`${PRIVATE}/holdfast`)).toContain('debug');
  });
});

test('stop takes the process id away: hotplug must not start the service again', () => {
  const shell = installed();
  shell.write('/var/run/holdfast.once.pid', '1\n');

  shell.init('stop_service', []);

  expect(shell.exists('/var/run/holdfast.once.pid')).toBe(false);
});

describe('the files with process ids', () => {
  const FILES_OF = { run: '/var/run/holdfast.run.pid', once: '/var/run/holdfast.once.pid' };

  /** A process that could be the agent. */
  function living(): number {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', 'holdfast'], {
      stdio: 'ignore',
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    return child.pid ?? 0;
  }

  test.each(['start_service', 'stop_service'])('%s removes those of processes that have ended', (action) => {
    const shell = installed();
    const ended = spawnSync(process.execPath, ['-e', '', 'holdfast']).pid;
    shell.write(FILES_OF.run, `${ended}\n`);
    shell.write(FILES_OF.once, '');

    const { status, stderr } = shell.init(action, [agent(), HOME]);

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(Object.values(FILES_OF).filter(shell.exists)).toEqual([]);
  });

  test.each(['start_service', 'stop_service'])('%s leaves that of a living agent to procd', (action) => {
    const shell = installed();
    shell.write(FILES_OF.run, `${living()}\n`);
    shell.write(FILES_OF.once, '1\n');

    shell.init(action, [agent(), HOME]);

    expect(Object.values(FILES_OF).filter(shell.exists)).toEqual([FILES_OF.run]);
  });

  test.each([
    { name: 'the agent is switched off', sections: [agent({ enabled: '0' }), HOME] },
    { name: 'there is no hostname', sections: [agent()] },
  ])('a start where $name removes those of ended ones, too', ({ sections }) => {
    const shell = installed();
    shell.write(FILES_OF.once, '1\n');

    shell.init('start_service', sections);

    expect(shell.exists(FILES_OF.once)).toBe(false);
  });
});

describe('validation', () => {
  const SECTIONS = ['agent', 'account', 'hostname', 'alias'] as const;

  test('a changed file reloads; procd knows the rules of all four sections, added in one call', () => {
    const shell = installed();

    shell.init('service_triggers', []);

    const calls = shell.calls().map((call) => call.slice(0, 3));
    expect(calls).toEqual([
      ['procd_add_reload_trigger', 'holdfast'],
      ['procd_add_validation', 'validate_all'],
      ...SECTIONS.map((type) => ['uci_load_validate', 'holdfast', type]),
    ]);
  });

  test.each(SECTIONS)('%s: every option, with type, limits and default of the schema', (type) => {
    const shell = installed();

    shell.init(`validate_${type} NAME CALLBACK`, []);
    const [, , , section, callback, ...rules] = shell.calls()[0] ?? [];

    expect({ section, callback }).toEqual({ section: 'NAME', callback: 'CALLBACK' });
    expect(rules).toEqual(
      Object.entries<OptionSchema>(schema.$defs[type].properties).map(([name, option]) =>
        ruleOf(name, option),
      ),
    );
  });
});

test('what validate_data prints of each value, a password perhaps, reaches nobody', () => {
  const shell = installed();
  const prints =
    'uci_load_validate() { echo "holdfast.noip.password=p4ss validates as string" >&2; return 1; }';

  const { stdout, stderr } = shell.init(`${prints}; validate_account noip || echo faulty`, []);

  expect({ stdout, stderr }).toEqual({ stdout: 'faulty\n', stderr: '' });
});

interface OptionSchema {
  type: string;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  pattern?: string;
  items?: { type: string; pattern?: string };
  default?: unknown;
}

/** `NAME:TYPE[:DEFAULT]` as validate_data takes it; an empty default is none. */
function ruleOf(name: string, option: OptionSchema): string {
  const { default: value } = option;
  const text = Array.isArray(value)
    ? value.join(' ')
    : String(value === true ? 1 : value === false ? 0 : (value ?? ''));
  return `${name}:${typeOf(option)}${text === '' ? '' : `:${text}`}`;
}

function typeOf({ type, enum: words, minimum, maximum, pattern, items }: OptionSchema): string {
  if (items) {
    return `list(${typeOf(items)})`;
  }
  if (words) {
    // Double quotes would be lost on the way into procd, by way of a shell.
    return `or(${words.map((word) => `'${word}'`).join()})`;
  }
  if (type === 'integer') {
    return `range(${minimum},${maximum})`;
  }
  // validate_data counts bytes and knows no patterns: it can say no more than the length of ASCII words.
  const length = /^\^\[[!-~\\]*[^^\]]\]\{(\d+),(\d+)\}\$$/.exec(pattern ?? '');
  const ascii = length && !pattern?.startsWith('^[^') && !pattern?.includes(':.]');
  return type === 'boolean' ? 'bool' : ascii ? `rangelength(${length[1]},${length[2]})` : 'string';
}

describe('the script', () => {
  test('is short, does not wait, and stays off the network', () => {
    expect(INIT.split('\n').length - 1).toBeLessThan(80);
    // After a slash it is a program that the jail gets.
    expect(INIT).not.toMatch(/(?<!\/)\b(sleep|usleep|wait|wget|curl|uclient-fetch|nslookup|ping|nc)\b/);
  });
});
