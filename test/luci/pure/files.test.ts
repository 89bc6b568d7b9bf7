/** What holds for every file of the admin page: its size, its rights, and that nothing foreign becomes markup. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findPage, menuTree } from '../web/menu.ts';
import { RESOURCES, requiredBy } from './module.ts';

const APP = new URL('../../../firmware-glue/luci-app-holdfast/', import.meta.url);
const PLUGIN = readFileSync(new URL('../holdfast/files/holdfast.uc', APP), 'utf8');
const MAX_SCRIPT_BYTES = 60_000;

const files = readdirSync(RESOURCES, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.js'),
);
const sources = files.map((name) => ({ name, source: readFileSync(new URL(name, RESOURCES), 'utf8') }));

interface Rights {
  ubus: Record<string, string[]>;
  uci?: string[];
}

function json<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(path, APP), 'utf8'));
}

describe('the scripts', () => {
  it('are small enough for a router to serve', () => {
    expect(sources.reduce((sum, { source }) => sum + Buffer.byteLength(source), 0)).toBeLessThanOrEqual(
      MAX_SCRIPT_BYTES,
    );
  });

  it.each(sources)('$name can be read as a module of LuCI', ({ source }) => {
    expect(source.startsWith("'use strict';\n")).toBe(true);
    expect(
      () => new Function(...requiredBy(source).map(({ as }) => as.replaceAll('.', '_')), source),
    ).not.toThrow();
  });

  it.each(sources)('$name requires only what there is', ({ source }) => {
    const own = requiredBy(source).filter(({ name }) => name.startsWith('holdfast.'));

    for (const { name } of own) {
      expect(existsSync(new URL(`${name.replaceAll('.', '/')}.js`, RESOURCES)), name).toBe(true);
    }
  });

  it.each(sources)('$name makes no markup of texts', ({ source }) => {
    expect(source).not.toMatch(
      /innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|dom\.(content|append|parse|create)|rawhtml/,
    );
    // LuCI's E() takes a string for HTML: it gets lists, and only the helper that makes text of them calls it.
    expect(source.match(/\bE\((?!\[\]|tag, style)/g) ?? []).toEqual([]);
    expect(source).not.toMatch(/\.(href|src)\s*=/);
  });

  it('show every link to elsewhere only after it was checked', () => {
    const links = sources.flatMap(({ name, source }) =>
      [...source.matchAll(/href: ?[^,}]+|\{ href,/g)].map(([text]) => `${name}: ${text}`),
    );

    expect(links.filter((text) => !/href: L\.(url|resource)\(/.test(text))).toEqual([
      'holdfast/show.js: { href,',
    ]);
  });

  it('poll one method, and only on the overview', () => {
    const polls = sources.filter(({ source }) => source.includes('poll.add'));

    expect(polls.map(({ name }) => name)).toEqual(['view/holdfast/overview.js']);
    expect(polls[0]?.source).toContain('poll.add(() => this.refresh());');
    expect(polls[0]?.source).toContain('return calls.status().then((reply) => this.update(reply));');
  });
});

describe('the menu', () => {
  const menu = json<Record<string, { action: { type: string; path: string }; depends?: { acl: string[] } }>>(
    'root/usr/share/luci/menu.d/luci-app-holdfast.json',
  );
  const SETTINGS = ['add', 'hostnames', 'accounts', 'aliases', 'settings', 'import'];

  it('leads to pages that there are', () => {
    const views = Object.values(menu).flatMap(({ action }) => (action.type === 'view' ? [action.path] : []));

    expect(views.map((path) => `view/${path}.js`).sort()).toEqual(
      files.filter((name) => name.startsWith('view/holdfast/')).sort(),
    );
  });

  it('shows the settings only to those who may see them', () => {
    const groups = Object.entries(menu).map(([path, { depends }]) => [
      path.split('/')[3] ?? '',
      depends?.acl,
    ]);

    expect(Object.fromEntries(groups)).toEqual({
      '': undefined,
      overview: ['luci-app-holdfast-status'],
      ...Object.fromEntries(SETTINGS.map((name) => [name, ['luci-app-holdfast']])),
    });
  });

  it.for([
    { groups: ['luci-app-holdfast-status'], first: 'overview', pages: ['overview'] },
    { groups: ['luci-app-holdfast'], first: 'add', pages: SETTINGS },
    {
      groups: ['luci-app-holdfast-status', 'luci-app-holdfast'],
      first: 'overview',
      pages: ['overview', ...SETTINGS],
    },
    { groups: ['luci-app-other'], first: undefined, pages: [] },
  ])('$groups: nothing else is needed for its pages', ({ groups, first, pages }) => {
    const tree = menuTree([menu], {
      levels: (group) => (groups.includes(group) ? ['read'] : []),
      hasConfig: () => true,
      hasFile: () => true,
    });
    const at = (...names: string[]) => findPage(tree, ['admin', 'services', 'holdfast', ...names])?.path[3];

    expect(['overview', ...SETTINGS].filter((name) => at(name) === name)).toEqual(pages);
    expect(at()).toBe(first);
  });
});

describe('the rights', () => {
  const acl = json<Record<string, { read: Rights; write: Rights }>>(
    'root/usr/share/rpcd/acl.d/luci-app-holdfast.json',
  );
  const state = acl['luci-app-holdfast-status'];
  const settings = acl['luci-app-holdfast'];
  const granted = (kind: 'read' | 'write') => [
    ...new Set([state, settings].flatMap((group) => group?.[kind].ubus.holdfast ?? []).sort()),
  ];

  it('to read let nobody change anything', () => {
    expect(granted('read')).toEqual(['providers', 'status']);
    expect(Object.values(settings?.read.ubus ?? {}).flat()).toEqual(
      expect.arrayContaining(['dump', 'getNetworkDevices', 'get_proto_handlers']),
    );
    expect(
      Object.values(settings?.read.ubus ?? {})
        .flat()
        .filter((method) => !/^(get|providers$|status$|dump$)/.test(method)),
    ).toEqual([]);
  });

  it('to see how the names stand do not show the passwords', () => {
    expect(state?.read).toEqual({ ubus: { holdfast: ['status'] } });
    expect(state?.write).toEqual({ ubus: { holdfast: ['check', 'service', 'update'] } });
    expect(settings?.read.uci).toEqual(['holdfast', 'network']);
  });

  it('to write end at our own configuration', () => {
    expect(granted('write')).toEqual(['check', 'import', 'service', 'test', 'test_steps', 'update']);
    expect(Object.keys(settings?.write.ubus ?? {})).toEqual(['holdfast']);
    expect(settings?.write.uci).toEqual(['holdfast']);
  });

  it('name methods that the plugin has, and all that the pages call', () => {
    const calls = readFileSync(new URL('holdfast/calls.js', RESOURCES), 'utf8');
    const called = [...calls.matchAll(/(?:declare|raw)\('(\w+)'/g)].map(([, method]) => method);

    expect([...called].sort()).toEqual([...granted('read'), ...granted('write')].sort());
    for (const method of called) {
      expect(PLUGIN).toMatch(new RegExp(`^\\t\\t${method}: \\{$`, 'm'));
    }
  });

  it('name neither wildcards nor the programs of the router', () => {
    expect(JSON.stringify(acl)).not.toMatch(/\*|"file"|"exec"|"luci"|"rc"/);
  });
});

describe('after the installation', () => {
  const script = readFileSync(new URL('root/etc/uci-defaults/50-luci-app-holdfast', APP), 'utf8');

  it('rpcd reads the rights again, and nobody is logged out', () => {
    expect(script).toContain('{"name":"rpcd","signal":1}');
    expect(script).not.toMatch(/restart/);
  });
});

describe('the plugin', () => {
  it('runs programs from lists of words, and two of them only', () => {
    const commands = [...PLUGIN.matchAll(/command: (\w+)/g)].map(([, name]) => name);

    expect(new Set(commands)).toEqual(new Set(['PROGRAM', 'INIT']));
    expect(PLUGIN).not.toMatch(/popen|system\(|\/bin\/sh/);
  });

  it('keeps the values of a test in a file of its own, and removes it', () => {
    expect(PLUGIN).toMatch(/'wx', 0600/);
    expect(PLUGIN).toMatch(/mkdir\(TESTS, 0700\)/);
    expect(PLUGIN.match(/forget\(id\);/g)).toHaveLength(1);
  });
});

it('the Makefile has the version of the agent', () => {
  const value = (name: string, path: string) =>
    new RegExp(`^${name}:=(.*)$`, 'm').exec(readFileSync(new URL(path, APP), 'utf8'))?.[1];

  expect(fileURLToPath(APP)).toMatch(/luci-app-holdfast\/$/);
  expect(['PKG_VERSION', 'PKG_RELEASE'].map((name) => value(name, 'Makefile'))).toEqual(
    ['PKG_VERSION', 'PKG_RELEASE'].map((name) => value(name, '../holdfast/Makefile')),
  );
});
