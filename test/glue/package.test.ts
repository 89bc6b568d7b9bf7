/** The packages as `npm run package` makes them, from a private copy of the tree. */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type ApkPackage, readApk } from './apk-reader.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const COPIED = ['agent', 'schemas', 'firmware-glue', 'build.mjs', 'package.json', 'tsconfig.json'];
const TIME_SEC = 1_700_000_000;
const BUDGET_BYTES = 224 * 1024;
const SLOW_MS = 120_000;

/** Path on the router, mode, source. */
const FILES: readonly (readonly [path: string, mode: number, source: string])[] = [
  ['/etc/config/holdfast', 0o600, 'firmware-glue/holdfast/files/holdfast.config'],
  ['/etc/hotplug.d/iface/95-holdfast', 0o644, 'firmware-glue/holdfast/files/holdfast.hotplug-iface'],
  ['/etc/hotplug.d/ntp/95-holdfast', 0o644, 'firmware-glue/holdfast/files/holdfast.hotplug-ntp'],
  ['/etc/init.d/holdfast', 0o755, 'firmware-glue/holdfast/files/holdfast.init'],
  ['/etc/uci-defaults/90-holdfast', 0o755, 'firmware-glue/holdfast/files/holdfast.uci-defaults'],
  ['/lib/upgrade/keep.d/holdfast', 0o644, 'firmware-glue/holdfast/files/holdfast.keep'],
  ['/usr/bin/holdfast', 0o755, 'firmware-glue/holdfast/files/holdfast.sh'],
  ['/usr/lib/holdfast/catalogue.json', 0o644, 'dist/catalogue.json'],
  ['/usr/lib/holdfast/holdfast-alias.cjs', 0o644, 'dist/holdfast-alias.cjs'],
  ['/usr/lib/holdfast/holdfast-checks.cjs', 0o644, 'dist/holdfast-checks.cjs'],
  ['/usr/lib/holdfast/holdfast-config.cjs', 0o644, 'dist/holdfast-config.cjs'],
  ['/usr/lib/holdfast/holdfast-datagrams.cjs', 0o644, 'dist/holdfast-datagrams.cjs'],
  ['/usr/lib/holdfast/holdfast-device.cjs', 0o644, 'dist/holdfast-device.cjs'],
  ['/usr/lib/holdfast/holdfast-dns.cjs', 0o644, 'dist/holdfast-dns.cjs'],
  ['/usr/lib/holdfast/holdfast-get.cjs', 0o644, 'dist/holdfast-get.cjs'],
  ['/usr/lib/holdfast/holdfast-import.cjs', 0o644, 'dist/holdfast-import.cjs'],
  ['/usr/lib/holdfast/holdfast-loading.cjs', 0o644, 'dist/holdfast-loading.cjs'],
  ['/usr/lib/holdfast/holdfast-notify.cjs', 0o644, 'dist/holdfast-notify.cjs'],
  ['/usr/lib/holdfast/holdfast-protocols.cjs', 0o644, 'dist/holdfast-protocols.cjs'],
  ['/usr/lib/holdfast/holdfast-schema.cjs', 0o644, 'dist/holdfast-schema.cjs'],
  ['/usr/lib/holdfast/holdfast-sources.cjs', 0o644, 'dist/holdfast-sources.cjs'],
  ['/usr/lib/holdfast/holdfast-tools.cjs', 0o644, 'dist/holdfast-tools.cjs'],
  ['/usr/lib/holdfast/holdfast.cjs', 0o755, 'dist/holdfast.cjs'],
  ['/usr/lib/holdfast/licenses.txt', 0o644, 'dist/licenses.txt'],
  ['/usr/lib/lua/prometheus-collectors/holdfast.lua', 0o644, 'firmware-glue/holdfast/files/holdfast.lua'],
  ['/usr/share/acl.d/holdfast.json', 0o644, 'firmware-glue/holdfast/files/holdfast.acl.json'],
  ['/usr/share/rpcd/acl.d/holdfast.json', 0o644, 'firmware-glue/holdfast/files/holdfast.rpcd-acl.json'],
  ['/usr/share/rpcd/ucode/holdfast.uc', 0o644, 'firmware-glue/holdfast/files/holdfast.uc'],
];

/** The parts that Node alone has, and QuickJS alone. */
const NODE_ONLY = ['holdfast-datagrams.cjs'];
const QUICKJS_ONLY = [
  'holdfast-agent.mjs',
  'holdfast-checker.mjs',
  'holdfast-orphans.mjs',
  'holdfast-reader.mjs',
  'holdfast-rsa.mjs',
  'holdfast-trouble.mjs',
];
const PROGRAM = FILES.map(([path]) => path.split('/').at(-1) ?? '').filter((name) => name.endsWith('.cjs'));
const QUICKJS_PROGRAM = PROGRAM.filter((name) => !NODE_ONLY.includes(name))
  .map((name) => name.replace('.cjs', '.mjs'))
  .concat(QUICKJS_ONLY);
/** What the apk holds. */
const QUICKJS_FILES: typeof FILES = [
  ...FILES.filter(([path]) => !path.endsWith('.cjs')),
  ...QUICKJS_PROGRAM.map((name) => [`/usr/lib/holdfast/${name}`, 0o644, `dist/${name}`] as const),
].sort(([a], [b]) => (a < b ? -1 : 1));
/** What the overlay holds. */
const BOTH = [...FILES, ...QUICKJS_FILES.filter(([path]) => path.endsWith('.mjs'))];

let tree: string;
let out: string;
let printed: string;
let version: string;
let ipkPath: string;
let apkPath: string;
let apk: ApkPackage;

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'holdfast-package-'));
  for (const name of COPIED) {
    cpSync(join(ROOT, name), join(tree, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
  run(process.execPath, ['build.mjs'], tree);
  out = join(tree, 'out');
  printed = pack(tree, ['--out', out]).stdout;
  version = `${JSON.parse(readFileSync(join(tree, 'package.json'), 'utf8')).version}-r1`;
  ipkPath = join(out, `holdfast_${version}_all.ipk`);
  apkPath = join(out, `holdfast-${version}.apk`);
  apk = readApk(readFileSync(apkPath));
}, SLOW_MS);
afterAll(() => rmSync(tree, { recursive: true, force: true }));

function run(program: string, words: string[], cwd: string, env: NodeJS.ProcessEnv = process.env) {
  const { status, stdout, stderr } = spawnSync(program, words, { cwd, env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

function pack(where: string, words: string[], env: Record<string, string> = {}) {
  return run(process.execPath, [join(where, 'firmware-glue/package.mjs'), ...words], where, {
    ...process.env,
    SOURCE_DATE_EPOCH: String(TIME_SEC),
    ...env,
  });
}

/** A copy of the tree that a test may spoil; the built bundle comes along. */
function spoiledTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'holdfast-spoiled-'));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  for (const name of ['firmware-glue', 'package.json', 'dist']) {
    cpSync(join(tree, name), join(copy, name), { recursive: true });
  }
  return copy;
}

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-unpacked-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The parts of an ipk, taken apart by the tar of this machine. */
function unpackIpk(path: string): string {
  const folder = emptyFolder();
  expect(run('tar', ['-xzf', path], folder)).toMatchObject({ status: 0, stderr: '' });
  mkdirSync(join(folder, 'control'));
  expect(run('tar', ['-xzf', '../control.tar.gz'], join(folder, 'control'))).toMatchObject({
    status: 0,
    stderr: '',
  });
  return folder;
}

/** `MODE OWNER PATH` of each entry, as tar lists it. */
function listTar(path: string): string[] {
  const { status, stdout } = run('tar', ['-tzvf', path, '--numeric-owner', '--full-time'], '/', {
    ...process.env,
    TZ: 'UTC',
  });
  expect(status).toBe(0);
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [mode, owner, , day, time, name] = line.split(/\s+/);
      expect(`${day}T${time}Z`).toBe(new Date(TIME_SEC * 1000).toISOString().replace('.000', ''));
      return `${mode} ${owner} ${name}`;
    });
}

function letters(mode: number, kind: 'd' | '-'): string {
  const bits = [...'rwxrwxrwx'].map((letter, index) => (mode & (1 << (8 - index)) ? letter : '-'));
  return kind + bits.join('');
}

function foldersOf(paths: readonly string[]): string[] {
  const folders = paths.flatMap((path) => {
    const parts = path.split('/').slice(1, -1);
    return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`);
  });
  return [...new Set(folders)];
}

/** What is packed of a source: two programs without their lines of comment, all else as it stands. */
function sourceOf(source: string): Buffer {
  const content = readFileSync(join(tree, source));
  const mark = { uc: '//', lua: '--' }[source.split('.').at(-1) ?? ''];
  const lines = content.toString().split('\n');
  return mark === undefined
    ? content
    : Buffer.from(lines.filter((line) => !line.trimStart().startsWith(mark)).join('\n'));
}

describe('what is made', () => {
  it('stays within the flash that a router can spare', () => {
    expect(statSync(ipkPath).size).toBeLessThan(BUDGET_BYTES);
    expect(statSync(apkPath).size).toBeLessThan(BUDGET_BYTES);
  });

  it('is the same to the byte whenever, wherever and however it is made', () => {
    const other = spoiledTree();
    chmodSync(join(other, 'firmware-glue/holdfast/files/holdfast.init'), 0o600);
    const again = join(other, 'again');
    const words = [process.execPath, join(other, 'firmware-glue/package.mjs'), '--out', again];

    const { status } = run('sh', ['-c', 'umask 077; exec "$@"', 'sh', ...words], '/', {
      ...process.env,
      SOURCE_DATE_EPOCH: String(TIME_SEC),
      TZ: 'Pacific/Auckland',
      LC_ALL: 'C',
    });

    expect(status).toBe(0);
    const names = readdirSync(out).filter((name) => name.includes('holdfast'));
    expect(names.sort()).toEqual(
      readdirSync(again)
        .filter((name) => name.includes('holdfast'))
        .sort(),
    );
    for (const name of names) {
      expect(readFileSync(join(again, name)).equals(readFileSync(join(out, name))), name).toBe(true);
    }
  });

  it('has the license of everything that is bundled, also where node_modules is a link', () => {
    const { dependencies } = JSON.parse(readFileSync(join(tree, 'package.json'), 'utf8'));

    const titles = sourceOf('dist/licenses.txt')
      .toString()
      .split('\n----\n\n')
      .map((one) => one.split(' ')[0]);

    expect(titles).toEqual(expect.arrayContaining(Object.keys(dependencies)));
  });

  it('carries the time it is told', () => {
    const { status } = pack(tree, ['--out', emptyFolder()], { SOURCE_DATE_EPOCH: 'yesterday' });

    expect(status).not.toBe(0);
    expect(apk.files.map(({ mtimeSec }) => mtimeSec)).toEqual(apk.files.map(() => TIME_SEC));
  });

  it('is listed with mode, owner and size', () => {
    for (const [path, mode, source] of FILES) {
      const size = String(sourceOf(source).length);
      expect(printed).toMatch(new RegExp(`^ +0${mode.toString(8)} root:root +${size} ${path}$`, 'm'));
    }
    expect(printed).toContain(`holdfast_${version}_all.ipk: ${statSync(ipkPath).size} bytes`);
    expect(printed).toContain('the .ipk of the agent runs on Node');
  });
});

describe('the ipk', () => {
  it('has the three parts that opkg looks for', () => {
    expect(listTar(ipkPath)).toEqual([
      '-rw-r--r-- 0/0 ./debian-binary',
      '-rw-r--r-- 0/0 ./data.tar.gz',
      '-rw-r--r-- 0/0 ./control.tar.gz',
    ]);
    expect(readFileSync(join(unpackIpk(ipkPath), 'debian-binary'), 'utf8')).toBe('2.0\n');
  });

  it('holds each file with its mode, root’s, and each folder before its files', () => {
    const entries = listTar(join(unpackIpk(ipkPath), 'data.tar.gz'));

    const paths = FILES.map(([path]) => path);
    const expected = [
      `${letters(0o755, 'd')} 0/0 ./`,
      ...foldersOf(paths).map((path) => `${letters(0o755, 'd')} 0/0 .${path}/`),
      ...FILES.map(([path, mode]) => `${letters(mode, '-')} 0/0 .${path}`),
    ];
    expect([...entries].sort()).toEqual(expected.sort());
    const names = entries.map((entry) => entry.split(' ')[2] ?? '');
    for (const path of paths) {
      for (const folder of foldersOf([path])) {
        expect(names.indexOf(`.${folder}/`)).toBeLessThan(names.indexOf(`.${path}`));
      }
    }
  });

  it('holds the contents unchanged', () => {
    const folder = unpackIpk(ipkPath);
    expect(run('tar', ['-xzf', 'data.tar.gz'], folder).status).toBe(0);

    for (const [path, , source] of FILES) {
      expect(readFileSync(join(folder, path)).equals(sourceOf(source)), path).toBe(true);
    }
  });

  it('says what it is and what it needs', () => {
    const control = readFileSync(join(unpackIpk(ipkPath), 'control/control'), 'utf8');

    const fields = Object.fromEntries(
      control
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/: (.*)/s)),
    );
    expect(fields).toMatchObject({
      Package: 'holdfast',
      Version: version,
      Depends: 'node',
      Architecture: 'all',
      License: 'Apache-2.0',
      'Require-User': expect.stringMatching(/^holdfast=(\d+):holdfast=\1$/),
      SourceDateEpoch: String(TIME_SEC),
    });
  });

  it('keeps the configuration and hands the rest to OpenWrt’s own functions', () => {
    const folder = join(unpackIpk(ipkPath), 'control');

    expect(readFileSync(join(folder, 'conffiles'), 'utf8')).toBe('/etc/config/holdfast\n');
    expect(callsOf(join(folder, 'postinst'))).toBe(
      `default_postinst ${join(folder, 'postinst')} configure\n`,
    );
    expect(callsOf(join(folder, 'prerm'))).toBe(`default_prerm ${join(folder, 'prerm')} configure\n`);
    expect(readdirSync(folder).filter((name) => statSync(join(folder, name)).mode & 0o100)).toEqual([
      'postinst',
      'postrm',
      'prerm',
    ]);
  });

  it.each([
    ['removed', ['remove'], {}, []],
    [
      'upgraded',
      ['upgrade', '2.0'],
      {},
      ['etc/config/.holdfast.import-undo.json', 'etc/holdfast/published.json'],
    ],
    [
      'upgraded by a newer opkg',
      [],
      { PKG_UPGRADE: '1' },
      ['etc/config/.holdfast.import-undo.json', 'etc/holdfast/published.json'],
    ],
  ])('when it is %s, what it made itself is left: %j %j', (_, words, env, left) => {
    const root = emptyFolder();
    for (const path of [
      'etc/holdfast/published.json',
      'etc/config/.holdfast.import-undo.json',
      'etc/config/ddns',
    ]) {
      mkdirSync(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), '');
    }

    writeFileSync(join(root, 'etc/holdfast/.published.json.12.tmp'), '');
    mkdirSync(join(root, 'var/run/holdfast-test'), { recursive: true });
    writeFileSync(join(root, 'var/run/holdfast-test/1.draft'), '');
    const scraps = ['etc/holdfast/.published.json.12.tmp', 'var/run/holdfast-test/1.draft'];
    const own = left.length > 0 ? [...left, ...scraps] : left;

    const postrm = join(unpackIpk(ipkPath), 'control/postrm');
    const { status } = run('sh', [postrm, ...words], '/', { ...process.env, ...env, IPKG_INSTROOT: root });

    expect(status).toBe(0);
    const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const paths = files.map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)).sort();
    expect(paths).toEqual([...own, 'etc/config/ddns'].sort());
    expect(existsSync(join(root, 'etc/holdfast'))).toBe(left.length > 0);
  });
});

describe('after the removal', () => {
  /** Both package managers run it: opkg as `postrm remove`, apk-tools without words. */
  const scripts = () => [
    readFileSync(join(unpackIpk(ipkPath), 'control/postrm'), 'utf8'),
    apk.scripts['post-deinstall'] ?? '',
    makefileScript('postrm'),
  ];

  it('nothing of the program is left, and ubusd and rpcd forget it', () => {
    for (const text of scripts()) {
      const root = emptyFolder();
      for (const folder of ['usr/lib/holdfast', 'usr/lib/other', 'etc/holdfast/providers.d', 'bin']) {
        mkdirSync(join(root, folder), { recursive: true });
      }
      const ubus = `#!/bin/sh\necho "$*" >>'${root}/calls'\n`;
      writeFileSync(join(root, 'bin/ubus'), ubus, { mode: 0o755 });
      writeFileSync(join(root, 'script'), text.replaceAll(/"\$\{IPKG_INSTROOT\}(?=["/]\/?\w)/g, `"${root}`));

      const { status, stderr } = run('sh', [join(root, 'script')], root, {
        PATH: `${join(root, 'bin')}:${process.env.PATH}`,
      });

      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(readdirSync(join(root, 'usr/lib'))).toEqual(['other']);
      // What the user has put there stays.
      expect(readdirSync(join(root, 'etc/holdfast'))).toEqual(['providers.d']);
      expect(readFileSync(join(root, 'calls'), 'utf8')).toBe(
        ['ubus', 'rpcd'].map((name) => `-t 5 call service signal {"name":"${name}","signal":1}\n`).join(''),
      );
    }
  });
});

it('the web interface leaves no empty folders', () => {
  const root = emptyFolder();
  const resources = join(root, 'www/luci-static/resources');
  for (const folder of ['holdfast', 'view/holdfast', 'view/other']) {
    mkdirSync(join(resources, folder), { recursive: true });
  }
  const folder = unpackIpk(join(out, `luci-app-holdfast_${version}_all.ipk`));

  const { status, stderr } = run('sh', [join(folder, 'control/postrm'), 'remove'], '/', {
    ...process.env,
    IPKG_INSTROOT: root,
  });

  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect([readdirSync(resources), readdirSync(join(resources, 'view'))]).toEqual([['view'], ['other']]);
});

/** A script of the Makefile, with its dollar signs as make passes them on. */
function makefileScript(name: string): string {
  const makefile = readFileSync(join(ROOT, 'firmware-glue/holdfast/Makefile'), 'utf8');
  const script = new RegExp(`^define Package/holdfast/${name}\n(.*?)^endef$`, 'ms').exec(makefile)?.[1];
  return (script ?? '').replaceAll('$$', '$');
}

/** What a package script calls of OpenWrt's functions, recorded by stand-ins for them. */
function callsOf(script: string): string {
  const root = emptyFolder();
  mkdirSync(join(root, 'lib'));
  const names = ['default_postinst', 'default_prerm', 'add_group_and_user'];
  writeFileSync(
    join(root, 'lib/functions.sh'),
    names.map((name) => `${name}() { echo ${name} "$@"; }\n`).join(''),
  );
  const { status, stdout, stderr } = run('sh', [script, 'configure'], '/', {
    ...process.env,
    IPKG_INSTROOT: root,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

describe('the apk', () => {
  it('says what it is and what it needs', () => {
    expect(apk.info).toMatchObject({ name: 'holdfast', version, arch: 'noarch', license: 'Apache-2.0' });
    expect(apk.depends).toEqual(['ca-bundle', 'curl', 'quickjs']);
    expect(apk.info.installedSize).toBe(apk.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  });

  it('has the hash of its own description, taken with zeros in its place, as its id', () => {
    const id = Buffer.from(String(apk.info.hashes), 'hex');
    const blank = Buffer.from(apk.database);
    blank.fill(0, apk.database.indexOf(id), apk.database.indexOf(id) + id.length);

    expect(id).toHaveLength(20);
    expect(createHash('sha256').update(blank).digest('hex')).toMatch(new RegExp(`^${apk.info.hashes}`));
  });

  it('holds each file with its mode, root’s, and contents that fit their hash', () => {
    const own = apk.files.filter(({ path }) => !path.startsWith('lib/apk/'));

    expect(own.map(({ path, mode, user, group }) => [`/${path}`, mode, user, group])).toEqual(
      QUICKJS_FILES.map(([path, mode]) => [path, mode, 'root', 'root']),
    );
    for (const { path, content, hash, sizeBytes } of apk.files) {
      expect({ path, sizeBytes, hash }).toEqual({
        path,
        sizeBytes: content.length,
        hash: createHash('sha256').update(content).digest('hex'),
      });
    }
    for (const [path, , source] of QUICKJS_FILES) {
      expect(own.find((file) => `/${file.path}` === path)?.content.equals(sourceOf(source)), path).toBe(true);
    }
  });

  it('describes every folder', () => {
    const paths = apk.files.map(({ path }) => `/${path}`);

    expect(apk.folders).toEqual(
      [
        '',
        ...foldersOf(paths)
          .map((path) => path.slice(1))
          .sort(),
      ].map((path) => ({ path, mode: 0o755, user: 'root', group: 'root' })),
    );
  });

  it('has beside it what OpenWrt’s functions read', () => {
    const registry = (ending: string) =>
      apk.files.find(({ path }) => path === `lib/apk/packages/holdfast.${ending}`)?.content.toString();

    const config = createHash('sha256')
      .update(sourceOf('firmware-glue/holdfast/files/holdfast.config'))
      .digest('hex');
    expect(registry('rusers')).toMatch(/^holdfast=(\d+):holdfast=\1\n$/);
    expect(registry('conffiles')).toBe('/etc/config/holdfast\n');
    expect(registry('conffiles_static')).toBe(`/etc/config/holdfast ${config}\n`);
    expect(
      registry('list')
        ?.split('\n')
        .filter((path) => !path.startsWith('/lib/apk/')),
    ).toEqual([...QUICKJS_FILES.map(([path]) => path), '']);
  });

  it('makes the user, enables and starts through OpenWrt’s functions', () => {
    const folder = emptyFolder();
    const calls = Object.entries(apk.scripts).map(([name, text]) => {
      writeFileSync(join(folder, name), text);
      return [name, name === 'post-deinstall' ? '' : callsOf(join(folder, name))];
    });

    expect(Object.fromEntries(calls)).toEqual({
      'post-install': 'add_group_and_user\ndefault_postinst\n',
      'pre-deinstall': 'default_prerm\n',
      'post-deinstall': '',
      'post-upgrade': 'add_group_and_user\ndefault_postinst\n',
    });
    expect(apk.scripts['post-upgrade']).toContain('export PKG_UPGRADE=1\n');
  });
});

/** The files of the web interface, with a catalogue for each language. */
function webFiles(): (readonly [path: string, mode: number, source: string])[] {
  const web = 'firmware-glue/luci-app-holdfast';
  const below = (folder: string) =>
    readdirSync(join(tree, web, folder), { recursive: true, withFileTypes: true }).flatMap((entry) =>
      entry.isFile() ? [join(entry.parentPath, entry.name).slice(join(tree, web, folder).length)] : [],
    );
  return [
    ...below('htdocs').map((name) => [`/www${name}`, 0o644, `${web}/htdocs${name}`] as const),
    ...below('root').map(
      (name) => [name, name.startsWith('/etc/uci-defaults/') ? 0o755 : 0o644, `${web}/root${name}`] as const,
    ),
    ...['de', 'fr'].map(
      (language) =>
        [
          `/usr/lib/lua/luci/i18n/holdfast.${language}.lmo`,
          0o644,
          `${web}/po/${language}/holdfast.po`,
        ] as const,
    ),
  ];
}

describe('the overlay', () => {
  it('is the same tree, and makes the user at the first boot', () => {
    const overlay = join(out, 'overlay');
    const files = readdirSync(overlay, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const modes = files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(overlay.length), statSync(path).mode & 0o7777];
    });

    const extra = ['/etc/uci-defaults/14-holdfast-user', 0o755];
    const expected = [...BOTH, ...webFiles()];
    expect(modes.sort()).toEqual([...expected.map(([path, mode]) => [path, mode]), extra].sort());
    for (const [path, , source] of expected.filter(([name]) => !name.endsWith('.lmo'))) {
      expect(readFileSync(join(overlay, path)).equals(sourceOf(source)), path).toBe(true);
    }
    const user = /Require-User: holdfast=(\d+)/.exec(
      readFileSync(join(unpackIpk(ipkPath), 'control/control'), 'utf8'),
    );
    expect(readFileSync(join(overlay, String(extra[0])), 'utf8')).toContain(
      `user_add holdfast ${user?.[1]} `,
    );
  });
});

describe('the packed agent', () => {
  it('finds its parts where it is installed', () => {
    const folder = emptyFolder();
    writeFileSync(join(folder, 'ddns'), "config service 'home'\n\toption service_name 'no-ip.com'\n");
    const agent = join(out, 'overlay/usr/lib/holdfast/holdfast.cjs');
    const words = ['import-ddns', '--json', '--from', join(folder, 'ddns'), '--config', join(folder, 'ours')];

    const { status, stdout, stderr } = run(process.execPath, [agent, ...words], '/');

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      sections: [{ section: 'home', remarks: ['It has no domain.'] }],
    });
  });
});

describe('the build stops', () => {
  it.each(['firmware-glue/holdfast/files/holdfast.new', 'dist/new.cjs', 'dist/new.json'])(
    'at a file that nobody listed: %s',
    (path) => {
      const spoiled = spoiledTree();
      writeFileSync(join(spoiled, path), '');

      const { status, stderr } = pack(spoiled, []);

      expect(status).not.toBe(0);
      expect(stderr).toContain(path);
    },
  );

  it('at a file that is missing', () => {
    const spoiled = spoiledTree();
    rmSync(join(spoiled, 'firmware-glue/holdfast/files/holdfast.init'));

    const { status, stderr } = pack(spoiled, []);

    expect(status).not.toBe(0);
    expect(stderr).toContain('holdfast.init');
  });

  it('at a package over its budget', () => {
    const folder = emptyFolder();
    for (const name of [...PROGRAM, ...QUICKJS_PROGRAM]) {
      writeFileSync(join(folder, name), '');
    }
    writeFileSync(join(folder, 'holdfast.cjs'), randomBytes(BUDGET_BYTES));
    writeFileSync(join(folder, 'catalogue.json'), '');
    writeFileSync(join(folder, 'licenses.txt'), '');

    const { status, stderr } = pack(tree, ['--out', folder, '--built', folder]);

    expect(status).toBe(1);
    expect(stderr).toContain('over its budget');
  });
});

describe('the web interface', () => {
  it('has no package while its folder is missing, and that is said', () => {
    const spoiled = spoiledTree();
    rmSync(join(spoiled, 'firmware-glue/luci-app-holdfast'), { recursive: true, force: true });

    const { status, stdout } = pack(spoiled, []);

    expect(status).toBe(0);
    expect(stdout).toContain('luci-app-holdfast: skipped');
    expect(readdirSync(join(spoiled, 'dist')).filter((name) => name.startsWith('luci-app'))).toEqual([]);
  });

  it('is packed from its folders', () => {
    const spoiled = spoiledTree();
    const web = join(spoiled, 'firmware-glue/luci-app-holdfast');
    rmSync(web, { recursive: true, force: true });
    for (const path of [
      'htdocs/luci-static/resources/view/a.js',
      'root/usr/share/luci/menu.d/a.json',
      'root/etc/uci-defaults/50-a',
    ]) {
      mkdirSync(join(web, path, '..'), { recursive: true });
      writeFileSync(join(web, path), `${path}\n`);
    }
    for (const [language, text] of [
      ['pt_BR', 'casa'],
      ['xx', ''],
    ]) {
      mkdirSync(join(web, 'po', String(language)), { recursive: true });
      writeFileSync(join(web, `po/${language}/a.po`), `msgid "home"\nmsgstr "${text}"\n`);
    }

    const { status } = pack(spoiled, []);

    expect(status).toBe(0);
    const { files, depends, scripts } = readApk(
      readFileSync(join(spoiled, `dist/luci-app-holdfast-${version}.apk`)),
    );
    expect(
      files.filter(({ path }) => !path.startsWith('lib/')).map(({ path, mode }) => [path, mode]),
    ).toEqual([
      ['etc/uci-defaults/50-a', 0o755],
      ['usr/lib/lua/luci/i18n/a.pt-br.lmo', 0o644],
      ['usr/share/luci/menu.d/a.json', 0o644],
      ['www/luci-static/resources/view/a.js', 0o644],
    ]);
    expect(depends).toEqual(['holdfast', 'luci-base']);
    expect(scripts['post-install']).toContain('/etc/init.d/rpcd reload');
    expect(existsSync(join(spoiled, `dist/luci-app-holdfast_${version}_all.ipk`))).toBe(true);
  });
});

describe('the Makefile builds the same', () => {
  const makefile = readFileSync(join(ROOT, 'firmware-glue/holdfast/Makefile'), 'utf8');

  it('files with the same modes', () => {
    const modes = { INSTALL_BIN: 0o755, INSTALL_CONF: 0o600, INSTALL_DATA: 0o644 };
    const lines = [...makefile.matchAll(/^\t\$\((INSTALL_(?:BIN|CONF|DATA))\) (\S+) \$\(1\)(\S+)$/gm)];

    const installed = lines.map(([, how, source, path]) => [
      path,
      modes[how as keyof typeof modes],
      source?.replace('./files', 'firmware-glue/holdfast/files').replace('$(PKG_BUILD_DIR)/', ''),
    ]);
    const quickjs = ['/usr/lib/holdfast/', 0o644, 'dist/*.mjs'];
    expect(installed.sort()).toEqual([...FILES.map((file) => [...file]), quickjs].sort());
  });

  it('under the same name, version, user and needs', () => {
    const value = (name: string) => new RegExp(`^ *${name}:=(.*)$`, 'm').exec(makefile)?.[1];
    const control = readFileSync(join(unpackIpk(ipkPath), 'control/control'), 'utf8');

    expect(`${value('PKG_VERSION')}-r${value('PKG_RELEASE')}`).toBe(version);
    expect(control).toContain(`Require-User: ${value('USERID')}\n`);
    const needs = (value('DEPENDS') ?? '').split(' ');
    const forRuntime = (start: string) =>
      needs.filter((need) => need.startsWith(start)).map((need) => need.slice(start.length));
    expect(control).toContain(`Depends: ${forRuntime('+!USE_APK:').join(', ')}\n`);
    expect(apk.depends).toEqual(forRuntime('+USE_APK:'));
    expect(makefile).toContain('define Package/holdfast/conffiles\n/etc/config/holdfast\nendef\n');
  });

  it('with the same script after removal', () => {
    const script = /define Package\/holdfast\/postrm\n(.*?)endef/s.exec(makefile)?.[1]?.replaceAll('$$', '$');

    expect(script).toBe(readFileSync(join(unpackIpk(ipkPath), 'control/postrm'), 'utf8'));
  });
});

/** Installed only on a developer's machine: Debian packages neither. */
const hasApk =
  spawnSync('apk', ['--version'], { encoding: 'utf8' }).stdout?.startsWith('apk-tools 3') === true;
const hasOpkg = spawnSync('opkg', ['--version'], { encoding: 'utf8' }).stdout?.startsWith('opkg') === true;

function installedModes(root: string, files = FILES): [string, number][] {
  return files.map(([path]) => [path, statSync(join(root, path)).mode & 0o7777]);
}

/** A package without contents, for others to depend on. */
function emptyIpk(name: string): string {
  const folder = emptyFolder();
  const path = join(folder, `${name}.ipk`);
  writeFileSync(join(folder, 'control'), `Package: ${name}\nVersion: 20\nArchitecture: all\n`);
  writeFileSync(join(folder, 'debian-binary'), '2.0\n');
  for (const words of [
    ['control.tar.gz', './control'],
    ['data.tar.gz', '--files-from', '/dev/null'],
    [path, './debian-binary', './data.tar.gz', './control.tar.gz'],
  ]) {
    expect(run('tar', ['-czf', ...words], folder).status).toBe(0);
  }
  return path;
}

// Neither tool is a package of Debian 12. Where one stands in PATH it is asked; the readers above always are.
if (hasApk) {
  it('apk-tools v3 installs the apk', () => {
    const root = emptyFolder();
    const needed = ['quickjs', 'curl', 'ca-bundle'].map((name) => join(root, `${name}.apk`));
    const flags = [
      '--root',
      root,
      '--initdb',
      '--allow-untrusted',
      '--no-network',
      '--no-scripts',
      '--arch',
      'noarch',
    ];
    for (const path of needed) {
      const about = [`name:${basename(path, '.apk')}`, 'version:20', 'arch:noarch'];
      run('apk', ['mkpkg', ...about.flatMap((one) => ['--info', one]), '--output', path], '/');
    }

    expect(run('apk', ['verify', '--allow-untrusted', apkPath], '/').status).toBe(0);
    expect(run('apk', [...flags, 'add', ...needed, apkPath], '/')).toMatchObject({ status: 0 });
    expect(installedModes(root, QUICKJS_FILES)).toEqual(QUICKJS_FILES.map(([path, mode]) => [path, mode]));
  });
}

if (hasOpkg) {
  it('opkg installs the ipk, and removes it', () => {
    const root = emptyFolder();
    mkdirSync(join(root, 'tmp'));
    writeFileSync(join(root, 'opkg.conf'), `dest root /\nlists_dir ext ${root}/lists\narch all 1\n`);
    const opkg = (...words: string[]) =>
      run('opkg', ['-f', join(root, 'opkg.conf'), '--offline-root', root, ...words], '/');

    expect(opkg('install', emptyIpk('node'), ipkPath).status).toBe(0);
    expect(installedModes(root)).toEqual(FILES.map(([path, mode]) => [path, mode]));
    expect(opkg('remove', 'holdfast').status).toBe(0);
    expect(FILES.filter(([path]) => existsSync(join(root, path)))).toEqual([]);
  });
}
