/**
 * A credential appears in the request's `Authorization` header and nowhere else: not in a log, a status, a
 * file, the arguments or the environment of any process, whatever the server answers.
 */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { certificateKinds } from '../service/certificates.ts';
import { cutOffModes } from '../service/front.ts';
import type { ScriptedReply } from '../service/recorder.ts';
import type { Service } from '../service/service.ts';
import {
  accountSection,
  agentSection,
  descendantsOf,
  type Ended,
  hostSection,
  makeRouter,
  makeService,
  type Router,
  readQuietly,
  section,
  until,
} from './agent-process.ts';

interface Login {
  username: string;
  password: string;
}

const DIRECT: Login = { username: 'direct', password: `Canary-1 p@ss:%w&rd+/="é<\\'#` };
const FILED: Login = { username: 'filed', password: 'Canary-2;{$HOME}?|`x`' };
const HOSTS = ['one.ddns.example', 'two.ddns.example'];
const SAMPLE_MS = 15;
/** A command needs a fifth of it to get its reply on an idle machine. */
const GLIMPSE_MS = 1500;
/** Everything that a child was given, noted by itself. */
const NOTING_UBUS = `#!/bin/sh
{ printf '%s\\n' "$@"; env; cat /proc/$PPID/cmdline /proc/$PPID/environ; } >> "$HOLDFAST_UBUS_DIR/children.log"
case "$1" in
  call) exec cat "$HOLDFAST_UBUS_DIR/dump.json" ;;
  *) exec tail -n 0 -f "$HOLDFAST_UBUS_DIR/$1.log" ;;
esac
`;

/** How the secret of a login may be written; the stem stands for a part of it. */
function formsOf({ username, password }: Login): string[] {
  const percent = encodeURIComponent(password);
  const form = new URLSearchParams({ '': password }).toString().slice(1);
  const bytes = (text: string) => Buffer.from(text, 'utf8');
  return [
    password,
    password.slice(0, 'Canary-1'.length),
    JSON.stringify(password).slice(1, -1),
    percent,
    percent.replace(/%../g, (octet) => octet.toLowerCase()),
    form,
    bytes(password).toString('base64'),
    bytes(`${username}:${password}`).toString('base64'),
    bytes(password).toString('base64').slice(0, 16),
    // The part of the token that no longer depends on the user name.
    bytes(`${username}:${password}`)
      .toString('base64')
      .slice(Math.ceil((username.length + 1) / 3) * 4, -4),
  ];
}

/** The secret as a server could give it back. */
function echoOf({ username, password }: Login): string {
  const bytes = (text: string) => Buffer.from(text, 'utf8').toString('base64');
  const token = bytes(`${username}:${password}`);
  const form = new URLSearchParams({ '': password }).toString().slice(1);
  return [
    ...[password, encodeURIComponent(password), form, bytes(password), token],
    `Authorization: Basic ${token}`,
    `${username}:${password}`,
  ].join(' ');
}

function expectClean(what: string, text: string, logins: readonly Login[] = [DIRECT, FILED]): void {
  const leaks = logins.flatMap(formsOf).flatMap((form) => {
    const at = text.indexOf(form);
    return at < 0 ? [] : `${what}: ...${text.slice(Math.max(0, at - 120), at + form.length + 20)}...`;
  });
  expect(leaks).toEqual([]);
}

/** Every file of the router but those that the operator wrote. */
function filesOf(router: Router): string[] {
  return readdirSync(router.folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(router.folder, name))
    .filter((path) => path !== router.configFile && path !== passwordFile(router) && statSync(path).isFile());
}

function expectCleanFiles(router: Router): void {
  const files = filesOf(router);
  expect(files.filter((path) => /report\.|\.heap/.test(path))).toEqual([]);
  for (const path of files) {
    expectClean(path, readFileSync(path, 'utf8'));
  }
}

function passwordFile(router: Router): string {
  return join(router.folder, 'password');
}

/** Looks at the arguments and the environment of the agent and its children until the test ends. */
function sample(): { samples(): number } {
  let running = true;
  let samples = 0;
  const finished = (async () => {
    while (running) {
      for (const pid of descendantsOf(process.pid)) {
        samples += 1;
        const given = readQuietly(`/proc/${pid}/cmdline`) + readQuietly(`/proc/${pid}/environ`);
        expectClean(`process ${pid}`, given);
      }
      await pause(SAMPLE_MS);
    }
  })();
  // Read again below; a fault must not count as unhandled before that.
  finished.catch(() => {});
  onTestFinished(async () => {
    running = false;
    await finished;
  });
  return { samples: () => samples };
}

async function canaries(env: Record<string, string> = {}) {
  const accounts = [DIRECT, FILED].map((login, index) => ({ ...login, hosts: [HOSTS[index] ?? ''] }));
  const service = await makeService({ accounts });
  const router = makeRouter({ ubus: NOTING_UBUS, env });
  writeFileSync(passwordFile(router), `${FILED.password}\nsecond line\n`, { mode: 0o600 });
  router.configure(configText(service));
  router.moveTo('203.0.113.1');
  return { service, router, ...sample() };
}

function configText(service: Service, direct: Login = DIRECT): string {
  return (
    agentSection(service, { log_level: 'debug' }) +
    accountSection(service, 'direct', { ...direct }) +
    accountSection(service, 'filed', { username: FILED.username, password_file: '{DIR}/password' }) +
    hostSection('one', HOSTS[0] ?? '', 'direct') +
    hostSection('two', HOSTS[1] ?? '', 'filed')
  );
}

/** `once` may wait a minute for its next try: ended when it had the time for a reply. */
async function glimpseOfOnce(router: Router): Promise<Ended> {
  const command = router.start(['once']);
  const ended = command.ended.then(() => true);
  await Promise.race([ended, pause(GLIMPSE_MS)]);
  command.signal('TERM');
  return command.ended;
}

const ASKED = [['status'], ['status', '--json'], ['trace', 'one', '--force'], ['trace', 'two', '--force']];

/** Runs the agent until both hosts have got a verdict, asks it, and looks at all it said. */
async function everythingSaid(router: Router): Promise<string[]> {
  for (const folder of [router.stateDir, join(router.folder, 'flash')]) {
    rmSync(folder, { recursive: true, force: true });
  }
  const agent = await router.boot();
  const codes = await until('a verdict for both', () => {
    const axes = router.status()?.hostnames.map((one) => one.axes.update) ?? [];
    const judged = axes.length === 2 && axes.every((axis) => !/STARTING|SENDING/.test(axis.code));
    return judged ? axes.map((axis) => axis.code) : JSON.stringify(axes);
  });
  const said = await Promise.all(ASKED.map((words) => router.run(...words)));
  expectCleanFiles(router);
  agent.signal('TERM');
  said.push(await agent.ended, await router.run('status', '--json'), await glimpseOfOnce(router));
  for (const { stdout, stderr } of said) {
    expectClean('output', stdout + stderr);
    // JSON writes some characters in another way.
    expectClean('output', (stdout + stderr).replaceAll(/\\(["\\])/g, '$1'));
  }
  expectCleanFiles(router);
  return codes;
}

test('both passwords reach the server, and that is all', async () => {
  const { service, router, samples } = await canaries();
  const codes = await everythingSaid(router);
  const children = readFileSync(join(router.folder, 'ubus', 'children.log'), 'utf8');

  expect(codes).toEqual(['update/OK', 'update/OK']);
  expect(service.requests().filter(({ username }) => username === DIRECT.username).length).toBeGreaterThan(1);
  expect(service.requests().filter(({ username }) => username === FILED.username).length).toBeGreaterThan(1);
  expect(JSON.stringify(service.requests().map(({ path, query }) => [path, query]))).not.toContain('Canary');
  // Without these the silence would prove nothing.
  expect(samples()).toBeGreaterThan(10);
  expect(children).toContain('HOLDFAST_UBUS_DIR');
  expect(children).toContain('network.interface');
});

const echo = [DIRECT, FILED].map(echoOf).join(' ');
const bearing = [DIRECT, FILED].map((login) => encodeURIComponent(echoOf(login))).join('&');
/** What a header may hold: no blank ends, nothing beyond ASCII. */
const header = { 'X-Echo': bearing, 'Set-Cookie': `login=${bearing}` };

describe('a server that gives the credential back', () => {
  const REPLIES: [name: string, reply: ScriptedReply][] = [
    ['as text', { body: echo }],
    ['as a page with status 500', { status: 500, body: `<html><title>${echo}</title>${echo}</html>` }],
    [
      'behind badauth',
      { status: 401, body: `badauth ${echo}`, headers: { 'WWW-Authenticate': `Basic ${bearing}` } },
    ],
    ['behind good', { body: `good 203.0.113.1 ${echo}` }],
    [
      'behind good, line by line',
      { body: `good 203.0.113.1\r\n${[DIRECT, FILED].map((login) => `good ${echoOf(login)}`).join('\r\n')}` },
    ],
    ['behind nohost', { body: `nohost ${echo}` }],
    ['behind 911', { body: `911 ${echo}` }],
    ['behind abuse', { body: `abuse ${echo}` }],
    ['as the first word', { body: `${DIRECT.password}\n${FILED.password}` }],
    [
      'in a redirect elsewhere',
      { status: 302, headers: { ...header, Location: `https://else.example/?${bearing}` } },
    ],
    ['in a redirect to itself', { status: 307, headers: { ...header, Location: `/nic/update?${bearing}` } }],
    ['in a redirect that is none', { status: 302, headers: { Location: `::${bearing}` }, body: echo }],
    [
      'with Retry-After',
      { status: 429, headers: { ...header, 'Retry-After': bearing.slice(0, 40) }, body: echo },
    ],
    ['after much else', { body: `${'x'.repeat(16_300)}${echo}` }],
  ];

  test.for(REPLIES)('%s', async ([, reply]) => {
    const { service, router } = await canaries();
    service.levers.replyAlways(reply);

    await everythingSaid(router);

    expect(service.requests().length).toBeGreaterThan(1);
  });

  test('under a user name that is decoded before it is sent', async () => {
    const { service, router } = await canaries();
    const sent = { username: 'team:canary2', password: DIRECT.password };
    router.configure(configText(service, { username: 'team%3Acanary2', password: DIRECT.password }));
    service.levers.replyAlways({ body: echoOf(sent) });
    const agent = await router.boot();
    await until('a verdict', () => router.host('one')?.axes.update.verdict === 'failed');
    const traced = await router.run('trace', 'one', '--force');
    agent.signal('TERM');
    const { stderr } = await agent.ended;

    expectClean('log', stderr, [DIRECT, FILED, sent]);
    expectClean('trace', traced.stdout + traced.stderr, [DIRECT, FILED, sent]);
    for (const path of filesOf(router)) {
      expectClean(path, readFileSync(path, 'utf8'), [DIRECT, FILED, sent]);
    }
  });

  test('when the password was changed while the request was under way', async () => {
    const { service, router } = await canaries();
    service.levers.slow(2000);
    service.levers.replyAlways({ body: echo });
    const agent = await router.boot();
    await until('the request', () => service.requests().length > 0);
    router.configure(configText(service, { username: DIRECT.username, password: 'another one' }));
    agent.signal('HUP');
    await until('a verdict', () => router.host('one')?.axes.update.verdict === 'failed');
    agent.signal('TERM');
    const { stderr } = await agent.ended;

    expectClean('log', stderr);
    expectCleanFiles(router);
  });
});

describe('a line that fails', () => {
  test.for(cutOffModes.filter((mode) => !mode.startsWith('hang')))('%s', async (mode) => {
    const { service, router } = await canaries();
    await service.levers.cutOff(mode);
    const agent = await router.boot();
    await until('a verdict for both', () =>
      router.status()?.hostnames.every(({ axes }) => axes.update.verdict === 'failed'),
    );
    const { stdout } = await router.run('status', '--json');
    expectCleanFiles(router);
    agent.signal('TERM');
    const { stderr } = await agent.ended;

    expectClean('status', stdout);
    expectClean('log', stderr);
    expect(stderr).toContain('GET https://');
  });

  test.for(certificateKinds.filter((kind) => kind !== 'good'))('certificate: %s', async (kind) => {
    const { service, router } = await canaries();
    service.levers.certificate(kind);
    const agent = await router.boot();
    await until('a verdict for both', () =>
      router.status()?.hostnames.every(({ axes }) => axes.update.verdict === 'failed'),
    );
    agent.signal('TERM');
    const { stderr } = await agent.ended;

    expectClean('log', stderr);
    expectCleanFiles(router);
    expect(service.requests()).toEqual([]);
  });

  test.for(['QUIT', 'ABRT', 'TERM'] as const)('hangs until %s', async (signal) => {
    const { service, router } = await canaries();
    await service.levers.cutOff('hang-after-request');
    const agent = await router.boot();
    await until('both requests', () => service.requests().length === 2);
    const asked = await router.run('status', '--json');
    agent.signal(signal);
    const { stdout, stderr } = await agent.ended;

    expectClean('status', asked.stdout);
    expectClean('last words', stdout + stderr);
    expectCleanFiles(router);
  });

  // QuickJS reports an exception in a handler on standard error and goes on.
  if (inject('runtime') !== 'quickjs') {
    test('an exception in the middle of a request', async () => {
      const { service, router } = await canaries();
      const preload = join(router.folder, 'throw.cjs');
      const thrower = makeRouter({ ubus: NOTING_UBUS, env: { NODE_OPTIONS: `--require=${preload}` } });
      writeFileSync(
        preload,
        `const { ClientRequest } = require('node:http');
       ClientRequest.prototype.end = () => void setImmediate(() => { throw new Error('thrown on purpose'); });`,
      );
      writeFileSync(passwordFile(thrower), FILED.password);
      thrower.configure(configText(service));
      thrower.moveTo('203.0.113.1');
      const { status, stdout, stderr } = await thrower.start(['run']).ended;

      expect(status).not.toBe(0);
      expect(stderr).toContain('thrown on purpose');
      expectClean('last words', stdout + stderr);
      expectCleanFiles(thrower);
    });
  }
});

describe('mistakes around the password', () => {
  const { password } = DIRECT;
  const quoted = `'${password.replaceAll("'", "'\\''")}'`;

  test.for([
    ['misspelled option', `option passwrd ${quoted}`],
    ['as a list', `list password ${quoted}`, 0],
    ['twice', `option password ${quoted}\n\toption password 'other'\n\toption password_file '/nowhere'`],
    ['no quotes', `option password ${password}`],
    ['quote that never ends', `option password '${password.replaceAll("'", '')}`],
    ['as the file', `option password_file ${quoted}`],
    [
      'in the address',
      `option password ${quoted}\n\toption server 'https://u:${encodeURIComponent(password)}@a.example'`,
    ],
    ['as the account', `option provider ${quoted}`],
    ['as the type of a section', `\nconfig ${password.split(' ')[0]} ${quoted}`],
  ] satisfies [string, string, number?][])('%s', async ([, lines, status = 2]) => {
    const { service, router } = await canaries();
    const account = section('account', 'direct', { provider: 'no-ip.com', username: 'direct' });
    router.configure(
      `${agentSection(service)}${account}\t${lines}\n\n${hostSection('one', HOSTS[0] ?? '', 'direct')}`,
    );
    const agent = await router.boot();
    const said = await Promise.all([
      ...[router.run('check-config'), router.run('check-config', '--json')],
      router.run('status', '--json'),
    ]);
    agent.signal('TERM');
    said.push(await agent.ended);

    for (const { stdout, stderr } of said) {
      expectClean('output', stdout + stderr);
    }
    expectCleanFiles(router);
    expect(said[0]?.status).toBe(status);
  });
});
