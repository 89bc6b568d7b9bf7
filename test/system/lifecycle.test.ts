import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import statusSchema from '../../schemas/status.schema.json';
import type { Service } from '../service/service.ts';
import {
  accountSection,
  agentSection,
  hostSection,
  makeRouter,
  makeService,
  type Router,
  readJson,
  section,
  until,
} from './agent-process.ts';

const HOME = 'home.ddns.example';
const OFFICE = 'office.ddns.example';
const PASSWORD = 'demo-password';
const validStatus = new Ajv2020({ strict: true, allErrors: true }).compile(statusSchema);

/** One hostname `home` of the service's first account, on a WAN with 203.0.113.1. */
async function connected(agentOptions: Record<string, string> = {}, accountOptions = {}) {
  const service = await makeService();
  const router = makeRouter();
  const text = configText(service, agentOptions, accountOptions);
  router.configure(text);
  router.moveTo('203.0.113.1');
  return { service, router, text };
}

function configText(
  service: Service,
  agentOptions: Record<string, string> = {},
  accountOptions = {},
): string {
  return (
    agentSection(service, { hold_down: '1', ...agentOptions }) +
    accountSection(service, 'demo', accountOptions) +
    hostSection('home', HOME, 'demo')
  );
}

async function published(router: Router, address: string, id = 'home') {
  await until(`${id} confirmed at ${address}`, () => {
    const host = router.host(id);
    const done = host?.confirmed.ipv4?.address === address && host.axes.update.verdict === 'ok';
    return done || JSON.stringify(host?.axes.update);
  });
}

function sent(service: Service): string[] {
  return service.requests().map(({ hosts, query }) => `${hosts.join()} ${query.myip}`);
}

describe('run', () => {
  test('publishes, then follows changes in place and through ifdown and ifup', async () => {
    const { service, router } = await connected();
    await router.boot();
    await published(router, '203.0.113.1');
    router.moveTo('203.0.113.2');
    await published(router, '203.0.113.2');
    router.moveTo('203.0.113.3');
    await published(router, '203.0.113.3');
    router.ifdown();
    await until('the lost WAN in the status', () => router.host('home')?.axes.update.verdict === 'warning');
    router.moveTo('203.0.113.4');
    await published(router, '203.0.113.4');

    expect(sent(service)).toEqual([1, 2, 3, 4].map((last) => `${HOME} 203.0.113.${last}`));
    expect(service.values(HOME, 'A')).toEqual(['203.0.113.4']);
  });

  test('the same address after ifdown and ifup is not sent again', async () => {
    const { service, router } = await connected();
    await router.boot();
    await published(router, '203.0.113.1');
    router.ifdown();
    await until('the lost WAN in the status', () => router.host('home')?.axes.update.verdict === 'warning');
    router.moveTo('203.0.113.1');
    await published(router, '203.0.113.1');

    expect(sent(service)).toEqual([`${HOME} 203.0.113.1`]);
  });

  test('a second agent is refused and leaves the first alone', async () => {
    const { router } = await connected();
    const first = await router.boot();
    const second = await router.run('run');
    const once = await router.run('once');

    expect(second).toMatchObject({ status: 1, stdout: '' });
    expect(second.stderr).toContain(`process ${first.pid}`);
    expect(once).toMatchObject({ status: 1, stdout: '' });
    expect(router.status()?.agent.pid).toBe(first.pid);
  });
});

describe('the end', () => {
  test.for(['TERM', 'INT'] as const)('%s ends with status 0 and no child', async (signal) => {
    const { router } = await connected();
    const agent = await router.boot();
    await published(router, '203.0.113.1');
    const beganMs = performance.now();
    agent.signal(signal);
    const { status } = await agent.ended;
    const tookMs = performance.now() - beganMs;
    const asked = await router.run('status');

    expect(status).toBe(0);
    expect(tookMs).toBeLessThan(1000);
    expect(asked.status).toBe(3);
    expect(readJson(join(router.stateDir, 'state.json'))).toMatchObject({ version: 1 });
  });

  test.for(['hang', 'hang-after-request'] as const)('TERM during a request (%s)', async (mode) => {
    const { service, router } = await connected();
    await service.levers.cutOff(mode);
    const agent = await router.boot();
    await until('the request', () => router.host('home')?.axes.update.code === 'update/SENDING');
    const beganMs = performance.now();
    agent.signal('TERM');
    const { status } = await agent.ended;
    const tookMs = performance.now() - beganMs;

    expect(status).toBe(0);
    expect(tookMs).toBeLessThan(1000);
  });

  test('TERM at once, before anything was read', async () => {
    const { router } = await connected();
    const agent = router.start(['run']);
    await until('Node to have started', () =>
      readFileSync(`/proc/${agent.pid}/maps`, 'utf8').includes('node'),
    );
    agent.signal('TERM');
    const { status } = await agent.ended;

    // Until the program's first line ran, the signal has its default meaning.
    expect([0, undefined]).toContain(status);
  });
});

describe('status', () => {
  test('for people and, as the schema says, for programs', async () => {
    const { router } = await connected();
    await router.boot();
    await published(router, '203.0.113.1');
    await until('the checks in DNS', () => router.host('home')?.axes.publicView.verdict === 'ok');
    const text = await router.run('status');
    const json = await router.run('status', '--json');

    expect(text.status).toBe(0);
    expect(text.stdout).toContain(`${HOME} (home, No-IP): ok`);
    expect(text.stdout).toContain('published: 203.0.113.1 since');
    expect(text.stdout).not.toContain('\u001b');
    expect(json.status).toBe(0);
    expect(validStatus(JSON.parse(json.stdout)), JSON.stringify(validStatus.errors)).toBe(true);
    expect(Object.values(JSON.parse(json.stdout).hostnames[0].axes)).toMatchObject(
      Array(4).fill({ verdict: 'ok' }),
    );
  });

  test('is as the schema says through failure, block, missing WAN and mistakes', async () => {
    const { service, router, text } = await connected({ log_level: 'nothing' }, { password: 'wrong' });
    router.configure(`${text}${hostSection('lost', 'lost.ddns.example', 'nobody')}`);
    const seen = new Set<string>();
    async function look(code: string): Promise<void> {
      await until(`${code} in the status`, () => router.host('home')?.axes.update.code === code);
      const { stdout } = await router.run('status', '--json');
      expect(validStatus(JSON.parse(stdout)), JSON.stringify(validStatus.errors)).toBe(true);
      seen.add(code);
    }
    const agent = await router.boot();
    await look('dyndns2/BADAUTH');
    router.ifdown();
    await until('the lost WAN', () => router.status()?.wans[0]?.up === false);
    router.moveTo('203.0.113.1');
    service.levers.overload();
    router.configure(text);
    agent.signal('USR1');
    await look('dyndns2/911');

    expect([...seen]).toHaveLength(2);
  });

  test('is as the schema says from the first byte on', async () => {
    const { service, router } = await connected();
    // Time enough to see what it says before.
    service.levers.slow(1000);
    const agent = router.start(['run']);
    const documents = new Set<string>();
    await until('the confirmation', () => {
      const path = join(router.stateDir, 'status.json');
      if (existsSync(path)) {
        documents.add(readFileSync(path, 'utf8'));
      }
      return router.host('home')?.confirmed.ipv4 !== undefined;
    });
    agent.signal('TERM');
    await agent.ended;

    expect(documents.size).toBeGreaterThan(1);
    for (const document of documents) {
      expect(validStatus(JSON.parse(document)), JSON.stringify(validStatus.errors)).toBe(true);
    }
  });
});

describe('HUP', () => {
  test('nothing new sends nothing; a new hostname is sent alone; one taken out is shown no more', async () => {
    const { service, router, text } = await connected();
    const agent = await router.boot();
    await published(router, '203.0.113.1');
    agent.signal('HUP');
    await until('the reload', () => agent.stderr().includes('read again') || agent.stderr());
    router.configure(`${text}${hostSection('office', OFFICE, 'demo')}`);
    agent.signal('HUP');
    await published(router, '203.0.113.1', 'office');
    router.configure(text);
    agent.signal('HUP');
    await until('one hostname in the status', () => router.status()?.hostnames.length === 1);

    expect(sent(service)).toEqual([`${HOME} 203.0.113.1`, `${OFFICE} 203.0.113.1`]);
    expect(service.values(OFFICE, 'A')).toEqual(['203.0.113.1']);
  });

  test('the right password lifts the block of the wrong one; a restart does not', async () => {
    const { service, router } = await connected({}, { password: 'wrong' });
    const blocked = () => until('the block', () => router.host('home')?.block?.code === 'dyndns2/BADAUTH');
    const first = await router.boot();
    await blocked();
    first.signal('TERM');
    await first.ended;
    const second = await router.boot();
    await until('the address', () => router.host('home')?.desired.ipv4?.address === '203.0.113.1');
    await blocked();
    const whileBlocked = sent(service).length;
    router.configure(configText(service, {}, { password: PASSWORD }));
    second.signal('HUP');
    await published(router, '203.0.113.1');

    expect(whileBlocked).toBe(1);
    expect(service.requests().map(({ replyBody }) => replyBody.trim())).toEqual([
      'badauth',
      'good 203.0.113.1',
    ]);
  });

  test('a file that has gone changes nothing', async () => {
    const { service, router, text } = await connected();
    const agent = await router.boot();
    await published(router, '203.0.113.1');
    rmSync(router.configFile);
    agent.signal('HUP');
    await until('the complaint', () => agent.stderr().includes('stay in force') || agent.stderr());
    router.moveTo('203.0.113.2');
    await published(router, '203.0.113.2');
    router.configure(text);
    agent.signal('HUP');
    await until('the reload', () => agent.stderr().includes('read again') || agent.stderr());

    expect(sent(service)).toEqual([`${HOME} 203.0.113.1`, `${HOME} 203.0.113.2`]);
  });
});

/** As kept over a boot an hour ago: everything is confirmed, and nothing was sent since. For agents without checks. */
function confirmedBefore(router: Router, names: Record<string, string>): void {
  const confirmed = { ipv4: { address: '203.0.113.1', wallMs: Date.now() - 3_600_000 } };
  const hosts = Object.entries(names).map(([id, hostname]) => [id, { hostname, account: 'demo', confirmed }]);
  mkdirSync(dirname(router.publishedFile), { recursive: true });
  writeFileSync(
    router.publishedFile,
    JSON.stringify({ version: 1, hosts: Object.fromEntries(hosts), zones: {} }),
  );
}

describe('update', () => {
  test('USR1 sends once more', async () => {
    const { service, router } = await connected();
    const agent = await router.boot();
    await published(router, '203.0.113.1');
    agent.signal('USR1');
    await until('the second request', () => service.requests().length === 2);
    await published(router, '203.0.113.1');
    router.moveTo('203.0.113.2');
    await published(router, '203.0.113.2');

    expect(sent(service)).toEqual([1, 1, 2].map((last) => `${HOME} 203.0.113.${last}`));
  });

  test('of one hostname, by section or by name, says what became of it', async () => {
    const { service, router, text } = await connected({ verify: '0' });
    router.configure(`${text}${hostSection('office', OFFICE, 'demo')}`);
    confirmedBefore(router, { home: HOME, office: OFFICE });
    await router.boot();
    await published(router, '203.0.113.1', 'office');
    const bySection = await router.run('update', 'home');
    const byName = await router.run('update', OFFICE, '--json');

    expect(sent(service)).toEqual([`${HOME} 203.0.113.1`, `${OFFICE} 203.0.113.1`]);
    expect(bySection).toMatchObject({ status: 0, stderr: '' });
    expect(bySection.stdout).toMatch(new RegExp(`^${HOME}: `));
    expect(byName.status).toBe(0);
    expect(JSON.parse(byName.stdout)).toMatchObject({ id: 'office', verdict: 'ok' });
  });

  test('of what was confirmed a moment ago is not sent again', async () => {
    const { service, router, text } = await connected({ verify: '0' });
    router.configure(`${text}${hostSection('office', OFFICE, 'demo')}`);
    confirmedBefore(router, { home: HOME, office: OFFICE });
    await router.boot();
    await published(router, '203.0.113.1', 'office');
    await router.run('update', 'home');
    const again = await router.run('update', 'home');
    const all = await router.run('update', '--json');
    const once = await router.run('update', 'home');

    expect(sent(service)).toEqual([`${HOME} 203.0.113.1`, `${OFFICE} 203.0.113.1`]);
    expect([again, all, once].map(({ status }) => status)).toEqual([0, 0, 0]);
    expect(again.stdout).toMatch(new RegExp(`^${HOME}: .* not sent again so soon.*\\n$`));
    expect(
      all.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).code),
    ).toEqual(['update/FRESH', 'update/OK']);
  });

  test('of a moved address goes out however short ago the last one was', async () => {
    const { service, router } = await connected({ hold_down: '300' });
    await router.boot();
    await published(router, '203.0.113.1');
    router.moveTo('203.0.113.2');
    await until('the new one waits', () => router.host('home')?.axes.update.verdict === 'pending');
    const { status } = await router.run('update', 'home');

    expect(status).toBe(0);
    expect(sent(service)).toEqual([1, 2].map((last) => `${HOME} 203.0.113.${last}`));
  });

  test('that fails has status 1 and tells the reason', async () => {
    const { service, router } = await connected({ verify: '0' });
    confirmedBefore(router, { home: HOME });
    await router.boot();
    await published(router, '203.0.113.1');
    service.levers.deleteHost(HOME);
    const refused = await router.run('update', 'home');

    expect(refused.status).toBe(1);
    expect(refused.stdout).toContain('not in this account');
  });

  test('of an unknown hostname names those there are', async () => {
    const { service, router } = await connected();
    await router.boot();
    await published(router, '203.0.113.1');
    const unknown = await router.run('update', 'hom');

    expect(unknown).toMatchObject({ status: 2, stdout: '' });
    expect(unknown.stderr).toContain("'hom'. Known are: home.");
    expect(sent(service)).toHaveLength(1);
  });
});

describe('once', () => {
  test('publishes, shows the status and ends; the second time there is nothing to send', async () => {
    const { service, router } = await connected();
    const first = await router.run('once');
    const second = await router.run('once', '--json');

    expect(first.status, first.stderr).toBe(0);
    expect(first.stdout).toContain('published: 203.0.113.1');
    expect(second.status).toBe(0);
    expect(validStatus(JSON.parse(second.stdout)), JSON.stringify(validStatus.errors)).toBe(true);
    expect(sent(service)).toEqual([`${HOME} 203.0.113.1`]);
  });

  test('that is refused has status 1', async () => {
    const { router } = await connected({}, { password: 'wrong' });
    const { status, stdout } = await router.run('once');

    expect(status).toBe(1);
    expect(stdout).toContain('Username or password is wrong');
  });
});

describe('trace', () => {
  test('shows each step, remembers nothing, and has no secret', async () => {
    const { service, router } = await connected();
    const text = await router.run('trace', 'home');
    const json = await router.run('trace', HOME, '--json');
    const { steps, result } = JSON.parse(json.stdout);

    expect(text.status, text.stderr).toBe(0);
    expect(text.stdout.split('\n').map((line) => line.split(' ', 1)[0])).toEqual(
      expect.arrayContaining(['source', 'request', 'reply', 'update', 'delegation', 'authority']),
    );
    expect(text.stdout).toContain('reply       HTTP 200 good 203.0.113.1');
    expect(json.status).toBe(0);
    expect(steps.map(({ step }: { step: string }) => step)).toEqual([
      ...['source', 'request', 'reply', 'update', 'delegation', 'authority', 'publicView'],
    ]);
    expect(result.axes.update.verdict).toBe('ok');
    expect(sent(service)).toHaveLength(2);
    expect(existsSync(router.stateDir)).toBe(false);
    expect(existsSync(router.publishedFile)).toBe(false);
    expect(text.stdout + text.stderr + json.stdout + json.stderr).not.toContain(PASSWORD);
  });

  test('of a refused update has status 1, of an unknown hostname 2', async () => {
    const { router } = await connected({}, { password: 'wrong' });
    const refused = await router.run('trace', 'home');
    const unknown = await router.run('trace', 'nobody');

    expect(refused.status).toBe(1);
    expect(refused.stdout).toContain('badauth');
    expect(unknown).toMatchObject({ status: 2, stdout: '' });
  });

  test('of a reply that the agent would ask again for is one attempt all the same', async () => {
    const { service, router } = await connected();
    service.levers.replyAlways({ status: 200, body: 'frobnicated' });
    const { status, stdout } = await router.run('trace', 'home');

    expect(status).toBe(1);
    expect(stdout).toMatch(/^reply {7}HTTP 200 frobnicated$/m);
    expect(stdout).toMatch(/^update {6}failed: /m);
    expect(service.requests()).toHaveLength(1);
  });

  test('leaves a running agent alone', async () => {
    const { service, router } = await connected();
    const agent = await router.boot();
    await published(router, '203.0.113.1');
    const traced = await router.run('trace', 'home', '--force');
    router.moveTo('203.0.113.2');
    await published(router, '203.0.113.2');

    expect(traced.status).toBe(0);
    expect(traced.stdout).toContain('reply       HTTP 200 nochg 203.0.113.1');
    expect(router.status()?.agent.pid).toBe(agent.pid);
    expect(sent(service)).toEqual([1, 1, 2].map((last) => `${HOME} 203.0.113.${last}`));
  });

  test('stops before the request where the address is confirmed, and looks at the DNS', async () => {
    const { service, router } = await connected();
    await router.boot();
    await published(router, '203.0.113.1');
    const text = await router.run('trace', 'home');
    const json = await router.run('trace', 'home', '--json');

    expect([text.status, json.status]).toEqual([0, 0]);
    expect(text.stdout).toMatch(/^source {6}.* has 203\.0\.113\.1, as published\.$/m);
    expect(text.stdout).toMatch(/^request {5}Nothing is sent: .* --force /m);
    expect(JSON.parse(json.stdout).steps.map(({ step }: { step: string }) => step)).toEqual([
      ...['source', 'request', 'update', 'delegation', 'authority', 'publicView'],
    ]);
    expect(sent(service)).toEqual([`${HOME} 203.0.113.1`]);
  });

  test.for([
    { name: 'the address has moved meanwhile', moved: true },
    { name: 'the last update was refused', refused: true },
  ])('goes out where $name', async ({ moved, refused }) => {
    const { service, router } = await connected();
    const agent = await router.boot();
    await published(router, '203.0.113.1');
    if (refused) {
      service.levers.deleteHost(HOME);
      router.moveTo('203.0.113.2');
      await until('it is refused', () => router.host('home')?.block !== undefined);
    }
    agent.signal('TERM');
    await agent.ended;
    const before = service.requests().length;
    if (moved) {
      router.moveTo('203.0.113.3');
    }
    await router.run('trace', 'home');

    expect(service.requests().length - before).toBe(1);
  });
});

describe('a configuration with ten mistakes', () => {
  async function mistaken() {
    const hosts = ['home.plain.example', 'office.plain.example'];
    const account = { username: 'router', password: 'fixture-secret-1', hosts };
    const service = await makeService({ accounts: [account], zones: ['plain.example'] });
    const router = makeRouter();
    const fixture = readFileSync(new URL('../fixtures/config/ten-mistakes', import.meta.url), 'utf8');
    // The fixture's provider is invented: the one of the catalogue that takes any server stands in for it.
    const good = ["'dyndns2'", `\toption server '${new URL(service.api.url).origin}'`].join('\n');
    const text = fixture
      .replaceAll("'plain.example'", `${good}\n\toption ca_file '${service.caFile}'`)
      .replace("'plan.example'", "'dyndsn2'")
      .replace(
        "\toption log_level 'notice'",
        "\toption verify '0'\n\toption state_dir '{DIR}/state'\n\toption published_file '{DIR}/flash/published.json'",
      );
    router.configure(text.replaceAll(/(\toption hostname .*)/g, "$1\n\toption allow_private '1'"));
    router.moveTo('203.0.113.1');
    return { service, router };
  }

  test('check-config says ten things, each with its place, and ends with 2', async () => {
    const { router } = await mistaken();
    const text = await router.run('check-config');
    const json = await router.run('check-config', '--json');
    const lines = text.stdout.trim().split('\n');
    const { problems, errors, enabled } = JSON.parse(json.stdout);

    expect([text.status, json.status]).toEqual([2, 2]);
    expect(lines).toHaveLength(11);
    for (const line of lines.slice(0, 10)) {
      expect(line).toMatch(/^\/\S+\/config:\d+: (error|warning): \S+ '\S+'(, option \S+)?: [A-Z].*[.?]$/);
    }
    expect(lines[10]).toBe('8 errors, 2 warnings. Hostnames kept up to date: home, office.');
    expect(problems).toHaveLength(10);
    expect({ errors, enabled }).toEqual({ errors: 8, enabled: ['home', 'office'] });
    expect(text.stdout + json.stdout).not.toContain('fixture-secret');
  });

  test('run publishes what is without a mistake', async () => {
    const { service, router } = await mistaken();
    await router.boot();
    await published(router, '203.0.113.1', 'home');
    await published(router, '203.0.113.1', 'office');
    const { stdout } = await router.run('status');

    expect(sent(service)).toEqual(['home.plain.example,office.plain.example 203.0.113.1']);
    expect(router.status()?.problems).toHaveLength(10);
    expect(stdout).toContain('10 problems in the configuration');
  });
});

describe('exit statuses and usage', () => {
  const COMMANDS = ['run', 'once', 'status', 'update', 'check-config', 'trace', 'providers', 'version'];

  test.for(COMMANDS)('%s --help', async (command) => {
    const { status, stdout, stderr } = await makeRouter().run(command, '--help');

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: holdfast ${command}`));
  });

  test.for([['--version'], ['-V'], ['--version', '--json'], ['status', '--version']])('%j', async (args) => {
    const json = args.includes('--json') ? ['--json'] : [];
    const { stdout: expected } = await makeRouter().run('version', ...json);
    const { status, stdout } = await makeRouter().run(...args);

    expect({ status, stdout }).toEqual({ status: 0, stdout: expected });
    expect(stdout).toContain('0.');
  });

  test.for([
    { to: '/dev/full', status: 1 },
    { to: '/dev/null', status: 0 },
  ])('who cannot write to $to ends with $status', async ({ to, status }) => {
    const shell = ['sh', '-c', `exec "$0" "$@" >${to}`];
    const ended = await makeRouter().start(['status', '--prometheus'], shell).ended;

    expect(ended).toEqual({ status, stdout: '', stderr: '' });
  });

  test('who prints for a reader that has gone ends well', async () => {
    const shell = ['sh', '-c', '{ "$0" "$@"; echo "$?" >&2; } | :'];
    const { stderr } = await makeRouter().start(['providers', '--json'], shell).ended;

    expect(stderr).toBe('0\n');
  });

  test('help names every command', async () => {
    const { status, stdout } = await makeRouter().run('--help');

    expect(status).toBe(0);
    expect(COMMANDS.filter((command) => !stdout.includes(`\n  ${command} `))).toEqual([]);
  });

  test.for([
    [],
    ['fly'],
    ['constructor'],
    ['run', 'now'],
    ['trace'],
    ['trace', 'home', 'office'],
    ['status', '--yaml'],
  ])('misuse: %j', async (args) => {
    const { status, stdout, stderr } = await makeRouter().run(...args);

    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^holdfast: .*\n$/);
  });

  test.for([
    ...['run', 'once', 'check-config'].map((command) => ({ args: [command], status: 2 })),
    { args: ['update'], status: 2 },
    { args: ['trace', 'home'], status: 2 },
    { args: ['status'], status: 3 },
    { args: ['version'], status: 0 },
    { args: ['--version'], status: 0 },
    { args: ['providers'], status: 0 },
    { args: ['providers', 'no-ip'], status: 0 },
    { args: ['providers', 'no such provider'], status: 1 },
  ])('without a configuration: $args', async ({ args, status: expected }) => {
    const { status, stdout, stderr } = await makeRouter().run(...args);

    expect(status).toBe(expected);
    expect(status === 0 ? stdout : stderr).toMatch(/\S.*\n$/);
  });

  test.for(['status', 'update'])('%s without an agent', async (command) => {
    const { router } = await connected();
    const { status, stderr } = await router.run(command);

    expect(status).toBe(3);
    expect(stderr).toContain('not running');
  });

  test('a configuration without a mistake', async () => {
    const { router } = await connected();
    const { status, stdout } = await router.run('check-config');

    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: 'No mistakes. Hostnames kept up to date: home.\n',
    });
  });
});

describe('what is remembered', () => {
  async function stopped(router: Router) {
    const agent = await router.boot();
    await published(router, '203.0.113.1');
    await until('the checks in DNS', () => router.host('home')?.axes.publicView.verdict === 'ok');
    agent.signal('TERM');
    return agent.ended;
  }

  test('a restart sends nothing and writes nothing to flash', async () => {
    const { service, router } = await connected();
    await stopped(router);
    const before = statSync(router.publishedFile);
    await stopped(router);
    const after = statSync(router.publishedFile);

    expect(sent(service)).toHaveLength(1);
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
  });

  test('published.json is written on a change alone', async () => {
    const { router } = await connected();
    const agent = await router.boot();
    await published(router, '203.0.113.1');
    await until('the checks in DNS', () => router.host('home')?.axes.publicView.verdict === 'ok');
    // The first check also writes down the name servers of the zone, a moment after it shows in the status.
    await until('the name servers', () =>
      JSON.stringify(readJson(router.publishedFile)).includes('nameServers'),
    );
    const before = statSync(router.publishedFile);
    agent.signal('HUP');
    await until('the reload', () => agent.stderr().includes('read again') || agent.stderr());
    router.ifdown();
    await until('the lost WAN in the status', () => router.host('home')?.axes.update.verdict === 'warning');
    router.moveTo('203.0.113.1');
    await published(router, '203.0.113.1');
    const between = statSync(router.publishedFile);
    router.moveTo('203.0.113.2');
    // The status may tell it a moment before it is on flash.
    await until('the new address in published.json', () =>
      JSON.stringify(readJson(router.publishedFile)).includes('203.0.113.2'),
    );
    const after = statSync(router.publishedFile);

    expect(between.mtimeMs).toBe(before.mtimeMs);
    // Its number may be one that a file before it had.
    expect(after.mtimeMs).toBeGreaterThan(before.mtimeMs);
    expect(after.mode & 0o777).toBe(0o600);
    expect(readJson(router.publishedFile)).toMatchObject({
      hosts: { home: { confirmed: { ipv4: { address: '203.0.113.2' } } } },
    });
  });

  test('a reboot, which empties the state folder, sends nothing', async () => {
    const { service, router } = await connected();
    await stopped(router);
    rmSync(router.stateDir, { recursive: true });
    await stopped(router);

    expect(sent(service)).toHaveLength(1);
  });

  test('an address that changed while the agent was down is sent at the start', async () => {
    const { service, router } = await connected();
    await stopped(router);
    router.moveTo('203.0.113.2');
    await router.boot();
    await published(router, '203.0.113.2');

    expect(sent(service)).toHaveLength(2);
  });

  test.for([
    ['half a file', '{"version":1,"bootId":"'],
    ['another shape', '{"version":1,"hosts":[]}'],
    ['empty', ''],
  ])('damaged files are set aside with a warning: %s', async ([, text]) => {
    const { service, router } = await connected();
    await stopped(router);
    const stateFile = join(router.stateDir, 'state.json');
    writeFileSync(stateFile, text ?? '');
    writeFileSync(router.publishedFile, text ?? '');
    const { status, stderr } = await stopped(router);

    expect(status).toBe(0);
    expect(stderr).toContain(`warning: ${stateFile} is damaged; it was set aside as ${stateFile}.damaged.`);
    expect(readFileSync(`${stateFile}.damaged`, 'utf8')).toBe(text);
    expect(readFileSync(`${router.publishedFile}.damaged`, 'utf8')).toBe(text);
    expect(readJson(stateFile)).toMatchObject({ version: 1 });
    expect(sent(service)).toHaveLength(2);
  });

  test('a damaged state.json alone costs no request', async () => {
    const { service, router } = await connected();
    await stopped(router);
    writeFileSync(join(router.stateDir, 'state.json'), 'no JSON');
    await stopped(router);

    expect(sent(service)).toHaveLength(1);
  });

  test('folders that cannot be written are told once and stop nothing', async () => {
    const { service, router } = await connected();
    // A file where the folder should be refuses root as well, which a mode would not.
    writeFileSync(router.stateDir, '');
    mkdirSync(join(router.folder, 'flash'));
    chmodSync(join(router.folder, 'flash'), 0o555);
    const agent = router.start(['run']);
    await until('the first request', () => service.requests().length === 1 || agent.stderr());
    await until('the complaint', () => agent.stderr().includes('cannot be written') || agent.stderr());
    router.moveTo('203.0.113.2');
    await until('the second request', () => service.values(HOME, 'A')[0] === '203.0.113.2' || agent.stderr());
    agent.signal('TERM');
    const { status, stderr } = await agent.ended;

    expect(status).toBe(0);
    expect(stderr.match(/state\.json cannot be written/g)).toHaveLength(1);
    expect(sent(service)).toEqual([`${HOME} 203.0.113.1`, `${HOME} 203.0.113.2`]);
  });
});

test('an agent that is switched off sends nothing and stays for the day it is switched on', async () => {
  const { service, router, text } = await connected();
  router.configure(configText(service, { enabled: '0' }));
  const agent = await router.boot();
  const { status, stdout } = await router.run('status', '--json');
  router.configure(text);
  agent.signal('HUP');
  await published(router, '203.0.113.1');

  expect(status).toBe(0);
  expect(JSON.parse(stdout).hostnames).toEqual([]);
  expect(sent(service)).toEqual([`${HOME} 203.0.113.1`]);
});

test('without any ubus command the status says what to do', async () => {
  const service = await makeService();
  const router = makeRouter({ ubus: '#!/no/such/interpreter\n' });
  router.configure(
    agentSection(service) +
      accountSection(service, 'demo') +
      section('hostname', 'home', { hostname: HOME, account: 'demo' }),
  );
  await router.boot();
  await until(
    'the verdict',
    () => router.host('home')?.axes.update.verdict === 'unknown' || JSON.stringify(router.host('home')),
  );

  expect(router.host('home')?.axes.update).toMatchObject({ code: 'ubus/MISSING' });
  expect(router.host('home')?.axes.update.sentence).toContain("source 'device'");
});
