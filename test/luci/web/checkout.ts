/** LuCI's own files, found in a checkout of its sources or in the root of a router's file system. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AclFile } from '../router/sessions.ts';

const APP = fileURLToPath(new URL('../../../firmware-glue/luci-app-holdfast', import.meta.url));
const AGENT_ACL = fileURLToPath(
  new URL('../../../firmware-glue/holdfast/files/holdfast.rpcd-acl.json', import.meta.url),
);

export interface Checkout {
  /** Folders that stand for `/www`, ours first. */
  htdocs: readonly string[];
  acls: readonly AclFile[];
  /** Files of menu.d, parsed. */
  menus: readonly Record<string, unknown>[];
  /** Catalogues of a language, as text. */
  catalogues(language: string): string[];
  themes: readonly string[];
  /** Our own boxes of the status page, by file name. */
  boxes: readonly string[];
}

const MODULES = [
  'modules/luci-base',
  'modules/luci-mod-status',
  'modules/luci-mod-network',
  'protocols/luci-proto-ipv6',
  'protocols/luci-proto-ppp',
];
const THEMES: Readonly<Record<string, string>> = {
  bootstrap: 'themes/luci-theme-bootstrap',
  material: 'themes/luci-theme-material',
  openwrt2020: 'themes/luci-theme-openwrt-2020',
};

/** A text: what is wrong with the folder. */
export function openCheckout(folder: string): Checkout | string {
  const base = join(folder, 'modules/luci-base/htdocs/luci-static/resources/luci.js');
  if (!existsSync(base)) {
    return `${folder} is no checkout of LuCI: it has no modules/luci-base/htdocs/luci-static/resources/luci.js.`;
  }
  const modules = MODULES.map((path) => join(folder, path)).filter(existsSync);
  const themes = Object.entries(THEMES).filter(([, path]) => existsSync(join(folder, path, 'htdocs')));
  const packages = [APP, ...modules];
  return {
    htdocs: [...packages, ...themes.map(([, path]) => join(folder, path))].map((path) =>
      join(path, 'htdocs'),
    ),
    acls: [
      JSON.parse(readFileSync(AGENT_ACL, 'utf8')),
      ...packages.flatMap((path) => jsonFiles(join(path, 'root/usr/share/rpcd/acl.d'))),
    ],
    menus: packages.flatMap((path) =>
      jsonFiles<Record<string, unknown>>(join(path, 'root/usr/share/luci/menu.d')),
    ),
    catalogues(language) {
      const files = [
        join(folder, 'modules/luci-base/po', language, 'base.po'),
        join(APP, 'po', language, 'holdfast.po'),
      ];
      return files.filter(existsSync).map((file) => readFileSync(file, 'utf8'));
    },
    themes: themes.map(([name]) => name),
    boxes: namesIn(join(APP, 'htdocs/luci-static/resources/view/status/include')),
  };
}

/** The app's own ACL files and that of the agent, without any checkout. */
export function ownAcls(): AclFile[] {
  return [JSON.parse(readFileSync(AGENT_ACL, 'utf8')), ...jsonFiles(join(APP, 'root/usr/share/rpcd/acl.d'))];
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

function jsonFiles<T>(folder: string): T[] {
  return existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.json'))
        .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
    : [];
}
