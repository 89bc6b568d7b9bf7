/** What goes into the packages: one table for the agent, the folders of the web interface as they stand. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lmoOf } from './lmo.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const AGENT_FILES = 'firmware-glue/holdfast/files';
const WEB = 'firmware-glue/luci-app-holdfast';
/** What build.mjs makes, wherever it was told to put it. */
export const BUILT = 'dist';

/** What the agent reads beside itself; build.mjs makes other files there too, for people. */
const PROGRAM_PART = /^(?!holdfast\.meta\.json$).*\.(cjs|mjs|json|txt)$/;

/** Fixed, so that files keep their owner when the router is flashed anew. */
const USER_ID = 7353;

/** Source, path on the router, mode. The Makefile beside it installs the same; a test compares. */
const AGENT_TABLE = [
  [`${BUILT}/holdfast.cjs`, '/usr/lib/holdfast/holdfast.cjs', 0o755],
  [`${BUILT}/holdfast-import.cjs`, '/usr/lib/holdfast/holdfast-import.cjs', 0o644],
  [`${BUILT}/holdfast-loading.cjs`, '/usr/lib/holdfast/holdfast-loading.cjs', 0o644],
  [`${BUILT}/holdfast-alias.cjs`, '/usr/lib/holdfast/holdfast-alias.cjs', 0o644],
  [`${BUILT}/holdfast-checks.cjs`, '/usr/lib/holdfast/holdfast-checks.cjs', 0o644],
  [`${BUILT}/holdfast-config.cjs`, '/usr/lib/holdfast/holdfast-config.cjs', 0o644],
  [`${BUILT}/holdfast-dns.cjs`, '/usr/lib/holdfast/holdfast-dns.cjs', 0o644],
  [`${BUILT}/holdfast-datagrams.cjs`, '/usr/lib/holdfast/holdfast-datagrams.cjs', 0o644],
  [`${BUILT}/holdfast-device.cjs`, '/usr/lib/holdfast/holdfast-device.cjs', 0o644],
  [`${BUILT}/holdfast-get.cjs`, '/usr/lib/holdfast/holdfast-get.cjs', 0o644],
  [`${BUILT}/holdfast-notify.cjs`, '/usr/lib/holdfast/holdfast-notify.cjs', 0o644],
  [`${BUILT}/holdfast-protocols.cjs`, '/usr/lib/holdfast/holdfast-protocols.cjs', 0o644],
  [`${BUILT}/holdfast-schema.cjs`, '/usr/lib/holdfast/holdfast-schema.cjs', 0o644],
  [`${BUILT}/holdfast-sources.cjs`, '/usr/lib/holdfast/holdfast-sources.cjs', 0o644],
  [`${BUILT}/holdfast-tools.cjs`, '/usr/lib/holdfast/holdfast-tools.cjs', 0o644],
  [`${BUILT}/licenses.txt`, '/usr/lib/holdfast/licenses.txt', 0o644],
  [`${BUILT}/catalogue.json`, '/usr/lib/holdfast/catalogue.json', 0o644],
  [`${AGENT_FILES}/holdfast.sh`, '/usr/bin/holdfast', 0o755],
  [`${AGENT_FILES}/holdfast.init`, '/etc/init.d/holdfast', 0o755],
  [`${AGENT_FILES}/holdfast.config`, '/etc/config/holdfast', 0o600],
  [`${AGENT_FILES}/holdfast.hotplug-iface`, '/etc/hotplug.d/iface/95-holdfast', 0o644],
  [`${AGENT_FILES}/holdfast.hotplug-ntp`, '/etc/hotplug.d/ntp/95-holdfast', 0o644],
  [`${AGENT_FILES}/holdfast.uci-defaults`, '/etc/uci-defaults/90-holdfast', 0o755],
  [`${AGENT_FILES}/holdfast.acl.json`, '/usr/share/acl.d/holdfast.json', 0o644],
  [`${AGENT_FILES}/holdfast.rpcd-acl.json`, '/usr/share/rpcd/acl.d/holdfast.json', 0o644],
  [`${AGENT_FILES}/holdfast.uc`, '/usr/share/rpcd/ucode/holdfast.uc', 0o644],
  [`${AGENT_FILES}/holdfast.lua`, '/usr/lib/lua/prometheus-collectors/holdfast.lua', 0o644],
  [`${AGENT_FILES}/holdfast.keep`, '/lib/upgrade/keep.d/holdfast', 0o644],
];

/** Lines of comment, which these programs lose: on a router nobody reads them, and a fifth of each is comment. */
const COMMENT_LINES = { '.uc': /^[ \t]*\/\/.*\n/gm, '.lua': /^[ \t]*--.*\n/gm };

/** What each runtime needs. OpenWrt 24.10, which installs .ipk, has Node; 25.12, with .apk, has QuickJS. */
export const RUNTIMES = {
  node: { ending: '.cjs', depends: ['node'] },
  quickjs: { ending: '.mjs', depends: ['ca-bundle', 'curl', 'quickjs'] },
};
const PROGRAM_FOLDER = '/usr/lib/holdfast';
/** Parts of the program that only one runtime has. */
const NODE_ONLY = ['holdfast-datagrams.cjs'];
const QUICKJS_ONLY = [
  'holdfast-agent.mjs',
  'holdfast-checker.mjs',
  'holdfast-orphans.mjs',
  'holdfast-reader.mjs',
  'holdfast-rsa.mjs',
  'holdfast-trouble.mjs',
];

/** The rows for these runtimes. For QuickJS the program is the same parts under another ending, all of them data. */
function tableFor(runtimes) {
  const names = AGENT_TABLE.map(([source]) => source.split('/').at(-1)).filter((name) =>
    name.endsWith('.cjs'),
  );
  const quickjs = names
    .filter((name) => !NODE_ONLY.includes(name))
    .map((name) => name.replace('.cjs', '.mjs'));
  return [
    ...AGENT_TABLE.filter(([source]) => runtimes.includes('node') || !source.endsWith('.cjs')),
    ...(runtimes.includes('quickjs') ? [...quickjs, ...QUICKJS_ONLY] : []).map((name) => [
      `${BUILT}/${name}`,
      `${PROGRAM_FOLDER}/${name}`,
      0o644,
    ]),
  ];
}

/** Where the folders of a LuCI application land, as luci.mk has it. */
const WEB_FOLDERS = [
  ['htdocs', '/www'],
  ['root', ''],
];
/** Where LuCI looks for catalogues of translations. */
const TRANSLATIONS = '/usr/lib/lua/luci/i18n';
/** Programs among the files of a LuCI application. */
const WEB_PROGRAMS = /^\/(etc\/uci-defaults|etc\/init\.d|usr\/libexec\/rpcd)\//;

const COMMON = {
  origin: 'feeds/holdfast/holdfast',
  license: 'Apache-2.0',
  maintainer: 'The Holdfast authors',
  url: 'https://holdfast.example',
};

/**
 * Reads everything that the agent's package holds, for one runtime or for all; fails when a file is missing or
 * not in the table.
 */
export async function agentContent(version, built, runtimes = Object.keys(RUNTIMES)) {
  const present = [
    ...(await namesIn(join(ROOT, AGENT_FILES))).map((name) => `${AGENT_FILES}/${name}`),
    ...(await namesIn(built)).filter((name) => PROGRAM_PART.test(name)).map((name) => `${BUILT}/${name}`),
  ];
  const listed = tableFor(Object.keys(RUNTIMES)).map(([source]) => source);
  const unlisted = present.filter((path) => !listed.includes(path));
  if (unlisted.length > 0) {
    throw new Error(`Not in the table of pack/contents.mjs: ${unlisted.join(', ')}`);
  }
  const files = await Promise.all(
    tableFor(runtimes).map(async ([source, path, mode]) => ({
      path,
      mode,
      content: withoutComments(
        path,
        await read(
          source.startsWith(`${BUILT}/`) ? join(built, source.slice(BUILT.length)) : join(ROOT, source),
        ),
      ),
    })),
  );
  return {
    ...COMMON,
    name: 'holdfast',
    version,
    section: 'net',
    depends: runtimes.flatMap((runtime) => RUNTIMES[runtime].depends),
    user: `holdfast=${USER_ID}:holdfast=${USER_ID}`,
    conffiles: ['/etc/config/holdfast'],
    description:
      'Dynamic DNS agent that notices a new WAN address at once, reports it, and proves in the DNS that it is served',
    // Only what the agent made itself: the configuration is for opkg and apk to keep or to remove.
    afterRemoval: `[ "$1" = "upgrade" ] && exit 0
[ "\${PKG_UPGRADE}" = "1" ] && exit 0
rm -rf "\${IPKG_INSTROOT}/var/run/holdfast" "\${IPKG_INSTROOT}/var/run/holdfast-test" "\${IPKG_INSTROOT}/var/etc/holdfast"
rm -f "\${IPKG_INSTROOT}"/var/run/holdfast.*.pid
rm -f "\${IPKG_INSTROOT}/etc/holdfast/published.json" "\${IPKG_INSTROOT}/etc/holdfast/".published.json.*.tmp
rmdir "\${IPKG_INSTROOT}/etc/holdfast" 2>/dev/null
rm -f "\${IPKG_INSTROOT}/etc/config/.holdfast.import-undo.json"
rmdir "\${IPKG_INSTROOT}/usr/lib/holdfast" 2>/dev/null
# Until told, ubusd and rpcd go on with what was there when they started.
[ -n "\${IPKG_INSTROOT}" ] || for name in ubus rpcd; do
	ubus -t 5 call service signal "{\\"name\\":\\"$name\\",\\"signal\\":1}" >/dev/null 2>&1
done
exit 0
`,
    files: files.sort(byPath),
  };
}

/** The web interface; undefined while its folder does not exist. */
export async function webContent(version) {
  const exists = await stat(join(ROOT, WEB)).catch(() => undefined);
  if (exists === undefined) {
    return undefined;
  }
  const files = await Promise.all(
    WEB_FOLDERS.map(async ([folder, target]) => {
      const names = await filesBelow(join(ROOT, WEB, folder));
      return Promise.all(
        names.map(async (name) => {
          const path = `${target}/${name}`;
          return {
            path,
            mode: WEB_PROGRAMS.test(path) ? 0o755 : 0o644,
            content: await readFile(join(ROOT, WEB, folder, name)),
          };
        }),
      );
    }),
  );
  return {
    ...COMMON,
    name: 'luci-app-holdfast',
    version,
    section: 'luci',
    depends: ['holdfast', 'luci-base'],
    conffiles: [],
    description: 'Web interface of Holdfast',
    // rpcd reads its ACL files only then; the menu is cached.
    afterInstall: `[ -n "\${IPKG_INSTROOT}" ] || {
	rm -rf /tmp/luci-indexcache.* /tmp/luci-modulecache/
	/etc/init.d/rpcd reload
}
exit 0
`,
    // Folders that opkg leaves behind empty.
    afterRemoval: `rmdir "\${IPKG_INSTROOT}/www/luci-static/resources/view/holdfast" \\
	"\${IPKG_INSTROOT}/www/luci-static/resources/holdfast" 2>/dev/null
[ -n "\${IPKG_INSTROOT}" ] || rm -rf /tmp/luci-indexcache.* /tmp/luci-modulecache/
exit 0
`,
    files: [...files.flat(), ...(await translations())].sort(byPath),
  };
}

/** Each po/LANGUAGE/NAME.po as LuCI reads it. */
async function translations() {
  const folder = join(ROOT, WEB, 'po');
  const names = (await filesBelow(folder)).filter((name) => name.endsWith('.po'));
  const made = await Promise.all(
    names.map(async (name) => {
      const [language, file] = name.split('/');
      const content = lmoOf(await readFile(join(folder, name), 'utf8'));
      const path = `${TRANSLATIONS}/${file.replace(/po$/, '')}${language.toLowerCase().replace('_', '-')}.lmo`;
      return content === undefined ? [] : [{ path, mode: 0o644, content }];
    }),
  );
  return made.flat();
}

/** For an image made with FILES=: no package script runs there, so the first boot makes the user. */
export const OVERLAY_EXTRA = [
  {
    path: '/etc/uci-defaults/14-holdfast-user',
    mode: 0o755,
    content: Buffer.from(`#!/bin/sh
. /lib/functions.sh
group_exists holdfast || group_add holdfast ${USER_ID}
user_exists holdfast || user_add holdfast ${USER_ID} ${USER_ID}
group_add_user holdfast holdfast
exit 0
`),
  },
];

/** The folders that files stand in, all levels, without the root; parents first. */
export function foldersOf(files) {
  const folders = new Set();
  for (const { path } of files) {
    const parts = path.split('/').slice(1, -1);
    for (let depth = 1; depth <= parts.length; depth++) {
      folders.add(`/${parts.slice(0, depth).join('/')}`);
    }
  }
  return [...folders].sort();
}

async function namesIn(folder) {
  return readdir(folder).catch(() => []);
}

async function read(path) {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new Error(`${path} is in the table of pack/contents.mjs but cannot be read`, { cause });
  }
}

function withoutComments(path, content) {
  const lines = COMMENT_LINES[extname(path)];
  return lines === undefined ? content : Buffer.from(content.toString().replace(lines, ''));
}

async function filesBelow(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

function byPath(a, b) {
  return a.path < b.path ? -1 : 1;
}
