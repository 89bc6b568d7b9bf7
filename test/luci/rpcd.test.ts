/** The stand-in for rpcd, which the browser tests use, answers as a real router did. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import configSchema from '../../schemas/config.schema.json' with { type: 'json' };
import recorded from '../fixtures/rpc/pairs.json' with { type: 'json' };
import { type Executed, loadPlugin } from './router/plugin.ts';
import { createRpcd } from './router/rpcd.ts';
import { type AclFile, createSessions, NOBODY, sessionReply } from './router/sessions.ts';
import type { UbusObject } from './router/ubus.ts';
import { createUciStore } from './router/uci-store.ts';
import { translate } from './router/ucode.ts';

const LOGINS = {
  root: { password: 'root-password', read: ['*'], write: ['*'] },
  guest: { password: 'guest-password', read: ['*'], write: [] },
};
const ACLS: AclFile[] = [
  { unauthenticated: { read: { ubus: { luci: ['getFeatures'] } } } },
  {
    'luci-app-example': {
      read: { ubus: { holdfast: ['status'] }, uci: ['network'] },
      write: { ubus: { holdfast: ['update'], 'file.*': ['exec'] }, uci: ['network'] },
    },
  },
];

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-rpcd-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('JSON-RPC', () => {
  const holdfast: UbusObject = (method, { name }) => {
    if (method === 'update') {
      return name === undefined ? { status: 2 } : { status: 0, data: { updated: name } };
    }
    return { status: 0, data: { state: 'ok', enabled: true } };
  };

  function answering(objects: Record<string, UbusObject>) {
    const sessions = createSessions(LOGINS, () => ACLS);
    const rpcd = createRpcd(sessions, () => ({ 'network.interface.wan': holdfast, ...objects }));
    const id = sessions.login('root', 'root-password')?.id ?? '';
    return (request: unknown) => rpcd.answer(JSON.stringify(request).replaceAll('SESSION', id));
  }

  it.for(recorded.pairs)('$name', async ({ request, answer }) => {
    const found = await answering({ holdfast })(request);

    expect(found).toEqual(answer);
  });

  it(recorded.gone.name, async () => {
    const found = await answering({})(recorded.gone.request);

    expect(found).toEqual(recorded.gone.answer);
  });

  it.for([
    ['no JSON', '{', -32700],
    ['no request', '{"jsonrpc":"1.0"}', -32600],
    ['an unknown method', '{"jsonrpc":"2.0","id":1,"method":"subscribe"}', -32601],
    ['too few parameters', '{"jsonrpc":"2.0","id":1,"method":"call","params":["x"]}', -32602],
  ] as const)('%s', async ([, body, code]) => {
    const sessions = createSessions(LOGINS, () => ACLS);

    const found = await createRpcd(sessions, () => ({})).answer(body);

    expect(found).toMatchObject({ error: { code } });
  });
});

describe('sessions', () => {
  it('that of nobody is as recorded', () => {
    const nobody = createSessions(LOGINS, () => ACLS).find(NOBODY);

    const reply = nobody && sessionReply(nobody);

    expect(reply).toEqual(recorded.nobody);
  });

  it('a login answers with an id of its own, its rights and its time', () => {
    const sessions = createSessions(LOGINS, () => ACLS);

    const [one, other] = [0, 1].map(() => sessions.login('root', 'root-password'));

    expect(Object.keys(one ? sessionReply(one) : {})).toEqual(recorded.login.members);
    expect(one?.id).toMatch(/^[0-9a-f]{32}$/);
    expect(one?.id).not.toBe(other?.id);
    expect(one?.timeoutSec).toBe(recorded.login.timeout);
  });

  it.for([
    { who: 'root', scope: 'ubus', object: 'holdfast', name: 'update', allowed: true },
    { who: 'guest', scope: 'ubus', object: 'holdfast', name: 'status', allowed: true },
    { who: 'guest', scope: 'ubus', object: 'holdfast', name: 'update', allowed: false },
    { who: 'guest', scope: 'uci', object: 'network', name: 'read', allowed: true },
    { who: 'guest', scope: 'uci', object: 'network', name: 'write', allowed: false },
    { who: 'root', scope: 'uci', object: 'system', name: 'read', allowed: false },
    { who: 'root', scope: 'ubus', object: 'file.any', name: 'exec', allowed: true },
    { who: 'root', scope: 'ubus', object: 'filexany', name: 'exec', allowed: false },
  ] as const)('$who, $scope $object $name: $allowed', ({ who, scope, object, name, allowed }) => {
    const sessions = createSessions(LOGINS, () => ACLS);
    const id = sessions.login(who, LOGINS[who].password)?.id ?? '';

    expect(sessions.allows(id, scope, object, name)).toBe(allowed);
  });

  it('a wrong password, an unknown name and a destroyed session get nothing', () => {
    const sessions = createSessions(LOGINS, () => ACLS);
    const id = sessions.login('root', 'root-password')?.id ?? '';

    const wrong = [sessions.login('root', 'x'), sessions.login('constructor', 'x')];
    const destroyed = [sessions.destroy(id), sessions.destroy(NOBODY)];

    expect(wrong).toEqual([undefined, undefined]);
    expect(destroyed).toEqual([true, false]);
    expect(sessions.allows(id, 'ubus', 'holdfast', 'status')).toBe(false);
  });
});

describe('uci', () => {
  const TEXT = `config interface 'loopback'
\toption device 'lo'
\toption proto 'static'
\tlist ipaddr '127.0.0.1/8'

config globals 'globals'
\toption ula_prefix 'fd77:77:77::/48'
\toption dhcp_default_duid '00047a5e0a3c4a7b4d0e9c5bd2a1f3e45678'

config device
\toption name 'br-lan'
\toption type 'bridge'
\tlist ports 'eth0'
`;

  function storeWith(text = TEXT, may: (config: string, level: string) => boolean = () => true) {
    const folder = temporaryFolder();
    const file = join(folder, 'network');
    writeFileSync(file, text);
    const told: string[] = [];
    const store = createUciStore(
      folder,
      (_, config, level) => may(config, level),
      (config) => told.push(config),
    );
    onTestFinished(() => store.close());
    const call = (method: string, args: Record<string, unknown> = {}, session = 'one') =>
      store.call(method, { config: 'network', ...args }, session);
    return { store, call, told, text: () => readFileSync(file, 'utf8') };
  }

  it('get is as recorded, the names of anonymous sections included', () => {
    const { call } = storeWith();

    expect(call('get')).toEqual({ status: 0, data: recorded.network });
  });

  it.for([
    ['another configuration', 'get', { config: 'nosuch' }, 4],
    ['no such section', 'get', { section: 'nosuch' }, 4],
    ['no such option', 'delete', { section: 'globals', option: 'nosuch' }, 4],
    ['a section name that UCI does not take', 'add', { type: 'interface', name: 'a-b' }, 2],
    ['an option name that UCI does not take', 'set', { section: 'globals', values: { 'a-b': '1' } }, 2],
    ['nothing to apply', 'apply', {}, 5],
    ['nothing to confirm', 'confirm', {}, 5],
  ] as const)('%s', ([, method, args, status]) => {
    const { call } = storeWith();

    expect(call(method, args)).toEqual({ status });
  });

  it('what may not be read or written is refused with 6', () => {
    const { call } = storeWith(TEXT, (_, level) => level === 'read');

    const replies = [
      call('get'),
      call('set', { section: 'globals', values: { a: '1' } }),
      call('add', { type: 'x' }),
    ];

    expect(replies.map((reply) => reply?.status)).toEqual([0, 6, 6]);
  });

  it('changes belong to their session and are told as LuCI shows them', () => {
    const { call, text, told } = storeWith();
    call('set', { section: 'globals', values: { ula_prefix: 'fd00::/48', list: ['a', 'b'] } });
    call('add', { type: 'interface', name: 'wanb', values: { auto: false } });
    call('delete', { section: 'loopback', option: 'proto' });

    const changes = [call('changes', { config: undefined }), call('changes', { config: undefined }, 'two')];
    const seen = ['one', 'two'].map((session) =>
      call('get', { section: 'globals', option: 'ula_prefix' }, session),
    );

    expect(changes.map((reply) => reply?.data)).toEqual([
      {
        changes: {
          network: [
            ['set', 'globals', 'ula_prefix', 'fd00::/48'],
            ['list-add', 'globals', 'list', 'a'],
            ['list-add', 'globals', 'list', 'b'],
            ['set', 'wanb', 'interface'],
            ['set', 'wanb', 'auto', '0'],
            ['remove', 'loopback', 'proto'],
          ],
        },
      },
      { changes: {} },
    ]);
    expect(seen.map((reply) => reply?.data)).toEqual([{ value: 'fd00::/48' }, { value: 'fd77:77:77::/48' }]);
    expect({ text: text(), told }).toEqual({ text: TEXT, told: [] });
  });

  it('apply writes, tells procd, and takes all back unless it is confirmed', () => {
    const { call, text, told } = storeWith();
    call('set', { section: 'globals', values: { ula_prefix: 'fd00::/48' } });

    const applied = call('apply', { rollback: true, timeout: 60 });
    const written = text();
    const strange = call('confirm', {}, 'two');
    const taken = call('rollback');

    expect([applied, strange, taken].map((reply) => reply?.status)).toEqual([0, 6, 0]);
    expect(written).toContain("option ula_prefix 'fd00::/48'");
    expect(text()).toBe(TEXT);
    expect(told).toEqual(['network', 'network']);
  });

  it('a confirmed apply stays, and the changes are gone', () => {
    const { call, text } = storeWith();
    call('set', { section: 'globals', values: { ula_prefix: 'fd00::/48' } });
    call('apply', { rollback: true, timeout: 60 });

    const statuses = [call('confirm'), call('rollback')].map((reply) => reply?.status);

    expect(statuses).toEqual([0, 5]);
    expect(text()).toContain("option ula_prefix 'fd00::/48'");
    expect(call('changes', { config: undefined })?.data).toEqual({ changes: {} });
  });

  it('order moves sections, revert forgets', () => {
    const { store, call } = storeWith();
    call('order', { sections: ['globals', 'loopback'] });
    const names = () => store.sections('network', 'one').map(({ name }) => name);
    const moved = names();
    call('revert');
    const back = names();

    expect(moved.slice(0, 2)).toEqual(['globals', 'loopback']);
    expect(back.slice(0, 2)).toEqual(['loopback', 'globals']);
  });
});

describe('ucode', () => {
  it.for([
    ["import { a, b as c } from 'fs';", 'const { a, b: c } = __modules("fs", ["a","b"]);'],
    ['for (let a in f(x))', 'for (const a of __items(1, f(x)))'],
    ['for (let a, b in x) {', 'for (const [a, b] of __items(2, x)) {'],
    ['/[^[:space:]]/', '/[^\\s]/'],
    ['mkdir(x, 0700)', 'mkdir(x, 0o700)'],
    ["'0700' + x0700 + 10700", "'0700' + x0700 + 10700"],
  ] as const)('%s', ([ucode, script]) => {
    expect(translate(ucode)).toBe(script);
  });

  it.for(['/[[:graph:]]/', 'for (let a in f(\n'])('what is not known is an error: %s', (text) => {
    expect(() => translate(text)).toThrow(/known|read/);
  });
});

describe('the plugin of rpcd, as it stands', () => {
  type Options = Record<string, string | string[]>;

  function plugin(
    answer: Partial<Executed> = {},
    instances: unknown = {},
    accounts: readonly Options[] = [],
  ) {
    const root = temporaryFolder();
    mkdirSync(join(root, 'var/run/holdfast'), { recursive: true });
    mkdirSync(join(root, 'etc/config'), { recursive: true });
    const programs: string[][] = [];
    const drafts: { mode: number; text: string }[] = [];
    const objects = loadPlugin({
      root,
      uci: {
        sections: () =>
          accounts.map((options, index) => ({
            ...{ name: `saved${index}`, type: 'account', anonymous: false },
            options: new Map(Object.entries(options)),
          })),
        assign: () => {},
      },
      call: () => instances,
      async execute(command, params) {
        programs.push([command, ...params]);
        const draft = join(root, params[params.indexOf('--config') + 1] ?? '');
        if (params.includes('--config')) {
          drafts.push({ mode: lstatSync(draft).mode & 0o777, text: readFileSync(draft, 'utf8') });
        }
        return { status: 0, stdout: '{}\n', stderr: '', ...answer };
      },
    });
    const call = async (method: string, args: Record<string, unknown> = {}) =>
      (await objects.holdfast?.(method, args, '')) ?? { status: 3 };
    return { root, programs, drafts, call };
  }

  it('status needs no program, and shows what the agent wrote last', async () => {
    const { root, call, programs } = plugin();
    writeFileSync(join(root, 'var/run/holdfast/status.json'), '{"version":1,"events":[]}');

    const { status, data } = await call('status');

    expect(status).toBe(0);
    expect(data).toMatchObject({ running: false, status: { version: 1 } });
    expect(programs).toEqual([]);
  });

  it('a status file that is a link, or no JSON, is not followed', async () => {
    const { root, call } = plugin();
    writeFileSync(join(root, 'var/run/holdfast/status.json'), 'no JSON');

    const { data } = await call('status');

    expect(data).toMatchObject({ status: null });
  });

  it('update runs the program with words, and what looks like an option is refused', async () => {
    const { call, programs } = plugin();

    const replies = [
      await call('update', { hostname: 'home' }),
      await call('update', { hostname: '--config' }),
    ];

    expect(programs).toEqual([['/usr/bin/holdfast', 'update', 'home', '--json']]);
    expect(replies.map(({ data }) => data)).toMatchObject([
      { ok: true },
      { ok: false, code: 'rpc/HOSTNAME' },
    ]);
  });

  it('trace sends what is confirmed already only when it is told to', async () => {
    const { call, programs } = plugin();

    await call('trace', { hostname: 'home' });
    await call('trace', { hostname: 'home', force: false });
    await call('trace', { hostname: 'home', force: true });

    expect(programs.map((words) => words.slice(1))).toEqual([
      ['trace', 'home', '--json'],
      ['trace', 'home', '--json'],
      ['trace', 'home', '--force', '--json'],
    ]);
  });

  it('arguments of another type or name are refused before the plugin is asked', async () => {
    const { call, programs } = plugin();

    const replies = [
      await call('update', { hostname: 5 }),
      await call('update', { other: 'x' }),
      await call('nosuch'),
    ];

    expect(replies.map(({ status }) => status)).toEqual([2, 2, 3]);
    expect(programs).toEqual([]);
  });

  it('a test before saving hands its values over in a private file that does not stay', async () => {
    const { root, call, programs, drafts } = plugin();
    const config = {
      account: { provider: 'no-ip.com', password: "it's secret" },
      hostname: { hostname: 'home.example.org' },
    };

    const { data } = await call('test', { config });
    await expect
      .poll(async () => (await call('test_steps', { id: (data as { id: string }).id })).data)
      .toMatchObject({ done: true });

    expect(JSON.stringify(programs)).not.toContain('secret');
    expect(drafts).toMatchObject([
      { mode: 0o600, text: expect.stringContaining("option password 'it'\\''s secret'") },
    ]);
    expect(existsSync(join(root, 'var/run/holdfast-test', `${(data as { id: string }).id}.draft`))).toBe(
      false,
    );
  });

  it('values that would be more than a value are refused', async () => {
    const { call, programs } = plugin();
    const withHost = (hostname: Record<string, unknown>) =>
      call('test', { config: { account: {}, hostname } });

    const replies = [
      await withHost({ hostname: "a'\nconfig account 'x'" }),
      await withHost({ "x'\n": 'a' }),
      await withHost({ script: '/bin/sh' }),
      await call('test', { config: { account: {}, hostname: 'home' } }),
    ];

    expect(replies.map(({ data }) => (data as { ok: boolean }).ok)).toEqual([false, false, false, false]);
    expect(programs).toEqual([]);
  });

  describe('a test before saving reads no file of root for the caller', () => {
    const ELSEWHERE = '/etc/shadow';

    interface Case {
      name: string;
      account: Options;
      saved?: readonly Options[];
    }

    /** The answer to a test of this account, whose files are there. */
    async function tested(account: Options, saved: readonly Options[] = []) {
      const made = plugin({}, {}, saved);
      for (const folder of ['etc/holdfast/keys', 'etc/holdfast/trusted', 'etc/ssl/certs']) {
        mkdirSync(join(made.root, folder), { recursive: true });
      }
      for (const file of [
        ...['etc/shadow', 'etc/holdfast/password', 'etc/holdfast/keys/inner'],
        ...['etc/ssl/certs/ca.pem', 'etc/ssl/key.pem'],
      ]) {
        writeFileSync(join(made.root, file), 'secret\n');
      }
      symlinkSync('../shadow', join(made.root, 'etc/holdfast/link'));
      symlinkSync('/etc', join(made.root, 'etc/holdfast/up'));
      const { data } = await made.call('test', {
        config: {
          account: { provider: 'no-ip.com', ...account },
          hostname: { hostname: 'home.example.org' },
        },
      });
      return { ...(data as { ok: boolean; code?: string; sentence?: string }), programs: made.programs };
    }

    it.for<Case>([
      { name: 'in the folder for it', account: { password_file: '/etc/holdfast/password' } },
      { name: 'a CA in the folder for it', account: { ca_file: '/etc/ssl/certs/ca.pem' } },
      { name: 'a CA in our own folder', account: { ca_file: '/etc/holdfast/password' } },
      {
        name: 'of an account as it is saved',
        account: { username: 'user', password_file: ELSEWHERE },
        saved: [
          { provider: 'duckdns.org' },
          { provider: 'no-ip.com', username: 'user', password_file: ELSEWHERE },
        ],
      },
    ])('$name: tested', async ({ account, saved }) => {
      const reply = await tested(account, saved);

      expect(reply).toMatchObject({ ok: true });
      expect(reply.programs.map(([, command]) => command)).toEqual(['trace']);
    });

    it.for<Case>([
      { name: 'elsewhere', account: { password_file: ELSEWHERE } },
      { name: 'past the folder', account: { password_file: '/etc/holdfast/../shadow' } },
      { name: 'past it by a folder', account: { password_file: '/etc/holdfast/./../shadow' } },
      { name: 'behind a link', account: { password_file: '/etc/holdfast/link' } },
      { name: 'behind a link to a folder', account: { password_file: '/etc/holdfast/up/shadow' } },
      { name: 'in a folder below', account: { password_file: '/etc/holdfast/keys/inner' } },
      { name: 'the folder', account: { password_file: '/etc/holdfast/keys' } },
      { name: 'not there', account: { password_file: '/etc/holdfast/nothing' } },
      { name: 'named from nowhere', account: { password_file: 'etc/holdfast/password' } },
      { name: 'several', account: { password_file: ['/etc/holdfast/password', ELSEWHERE] } },
      { name: 'a password among the CAs', account: { password_file: '/etc/ssl/certs/ca.pem' } },
      { name: 'a CA elsewhere', account: { ca_file: '/etc/ssl/key.pem' } },
      {
        name: 'of a saved account, for another server',
        account: { username: 'user', password_file: ELSEWHERE, server: 'https://other.example' },
        saved: [{ provider: 'no-ip.com', username: 'user', password_file: ELSEWHERE }],
      },
      {
        name: 'of a saved account of another provider',
        account: { password_file: ELSEWHERE },
        saved: [{ provider: 'duckdns.org', password_file: ELSEWHERE }],
      },
    ])('$name: refused, and told what to do', async ({ account, saved }) => {
      const reply = await tested(account, saved);

      expect(reply).toMatchObject({ ok: false, code: 'rpc/FILE', programs: [] });
      expect(reply.sentence).toMatch(/Put the file there, or save and apply the account first\.$/);
    });

    it('every option that the schema gives a path is limited so', async () => {
      const kinds = ['agent', 'account', 'hostname'] as const;
      const paths = kinds.flatMap((kind) =>
        Object.entries(configSchema.$defs[kind].properties)
          .filter(([, facts]) => 'pattern' in facts && /^\^\(?\//.test(facts.pattern))
          .map(([option]) => [kind, option] as const),
      );

      const drafts = await Promise.all(
        paths.map(async ([kind, option]) => {
          const { call, drafts: handedOver } = plugin();
          await call('test', { config: { [kind]: { [option]: ELSEWHERE } } });
          return handedOver.map(({ text }) => text).join('');
        }),
      );

      expect(paths.length).toBeGreaterThan(5);
      expect(drafts.filter((text) => text.includes(ELSEWHERE))).toEqual([]);
    });
  });
});
