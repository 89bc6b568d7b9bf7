/** Packages for opkg (OpenWrt up to 24.10): a gzipped tar that holds two more of them. */
import { gzipSync } from 'node:zlib';
import { foldersOf } from './contents.mjs';
import { tarOf } from './tar.mjs';

/** Place of the operating system in a gzip header (RFC 1952), and the value for Unix. */
const GZIP_OS_OFFSET = 9;
const GZIP_OS_UNIX = 3;

export function ipkOf(content, timeSec) {
  const payload = tarOf(
    [
      { path: './', type: 'folder', mode: 0o755 },
      ...treeOf(content.files).map(({ path, ...rest }) => ({ ...rest, path: `.${path}` })),
    ],
    timeSec,
  );
  const control = tarOf(
    [
      { path: './', type: 'folder', mode: 0o755 },
      ...controlFilesOf(content, payload.length, timeSec).map(([name, text, mode]) => ({
        path: `./${name}`,
        type: 'file',
        mode,
        content: Buffer.from(text),
      })),
    ],
    timeSec,
  );
  return gzip(
    tarOf(
      [
        { path: './debian-binary', type: 'file', mode: 0o644, content: Buffer.from('2.0\n') },
        { path: './data.tar.gz', type: 'file', mode: 0o644, content: gzip(payload) },
        { path: './control.tar.gz', type: 'file', mode: 0o644, content: gzip(control) },
      ],
      timeSec,
    ),
  );
}

/** Files and their folders, each folder before what it holds. */
function treeOf(files) {
  return [
    ...foldersOf(files).map((path) => ({ path: `${path}/`, type: 'folder', mode: 0o755 })),
    ...files.map((file) => ({ path: file.path, type: 'file', mode: file.mode, content: file.content })),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Name, text and mode of each file beside the payload, sorted by name. */
function controlFilesOf(content, installedBytes, timeSec) {
  const fields = [
    ['Package', content.name],
    ['Version', content.version],
    ['Depends', content.depends.join(', ')],
    ['Source', content.origin],
    ['SourceName', content.name],
    ['License', content.license],
    ['Section', content.section],
    ['Require-User', content.user ?? ''],
    ['SourceDateEpoch', String(timeSec)],
    ['URL', content.url],
    ['Maintainer', content.maintainer],
    ['Architecture', 'all'],
    ['Installed-Size', String(installedBytes)],
    ['Description', content.description],
  ];
  const control = fields.filter(([, value]) => value !== '').map(([name, value]) => `${name}: ${value}\n`);
  return [
    ...(content.conffiles.length > 0
      ? [['conffiles', content.conffiles.map((path) => `${path}\n`).join(''), 0o644]]
      : []),
    ['control', control.join(''), 0o644],
    ['postinst', hook(`[ "\${IPKG_NO_SCRIPT}" = "1" ] && exit 0\n`, 'default_postinst'), 0o755],
    ...(content.afterInstall === undefined
      ? []
      : [['postinst-pkg', `#!/bin/sh\n${content.afterInstall}`, 0o755]]),
    ...(content.afterRemoval === undefined ? [] : [['postrm', `#!/bin/sh\n${content.afterRemoval}`, 0o755]]),
    ['prerm', hook('', 'default_prerm'), 0o755],
  ];
}

/** What OpenWrt puts around every package: users, uci-defaults, enable and start are done by its functions. */
function hook(guard, call) {
  return `#!/bin/sh
${guard}[ -s "\${IPKG_INSTROOT}/lib/functions.sh" ] || exit 0
. "\${IPKG_INSTROOT}/lib/functions.sh"
${call} $0 $@
`;
}

function gzip(bytes) {
  const packed = gzipSync(bytes, { level: 9 });
  packed[GZIP_OS_OFFSET] = GZIP_OS_UNIX;
  return packed;
}
