/**
 * Packages for apk-tools v3 (OpenWrt from 25.12 on): a database that describes every file, then the contents.
 * Unsigned: such a file is installed with `apk add --allow-untrusted`.
 */
import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { AdbWriter } from './adb.mjs';
import { foldersOf } from './contents.mjs';

/** First four bytes of the file: the rest is one raw deflate stream. */
const COMPRESSED = 'ADBd';
const FILE_MAGIC = 'ADB.';
const SCHEMA_PACKAGE = 'pckg';
const BLOCK_ADB = 0;
const BLOCK_CONTENT = 2;
const BLOCK_ALIGNMENT = 8;
const ID_BYTES = 20;

/** Field numbers of the schema, from apk-tools' own names for them. */
const PACKAGE = { info: 1, paths: 2, scripts: 3 };
const INFO = {
  name: 1,
  version: 2,
  hashes: 3,
  description: 4,
  arch: 5,
  license: 6,
  origin: 7,
  maintainer: 8,
  url: 9,
  installedSize: 12,
  depends: 15,
};
const DEPENDENCY = { name: 1 };
const FOLDER = { name: 1, acl: 2, files: 3 };
const FILE = { name: 1, acl: 2, size: 3, mtime: 4, hash: 5 };
const ACL = { mode: 1, user: 2, group: 3 };
const SCRIPTS = { postInstall: 3, preDeinstall: 4, postDeinstall: 5, postUpgrade: 7 };

export function apkOf(content, timeSec) {
  const files = [...content.files, ...registryFilesOf(content)].sort(byPath);
  const folders = ['', ...foldersOf(files)].map((path) => ({
    path,
    files: files.filter((file) => file.path.slice(0, file.path.lastIndexOf('/')) === path),
  }));
  // The id of a package is the hash of its database with zeros in the place of that id.
  const blank = databaseOf(content, folders, timeSec, Buffer.alloc(ID_BYTES));
  const id = createHash('sha256').update(blank).digest().subarray(0, ID_BYTES);
  const database = databaseOf(content, folders, timeSec, id);
  const contents = folders.flatMap(({ files: inside }, folder) =>
    inside.flatMap(({ content: bytes }, file) =>
      bytes.length === 0
        ? []
        : [block(BLOCK_CONTENT, Buffer.concat([uint32(folder + 1), uint32(file + 1), bytes]))],
    ),
  );
  const header = Buffer.from(FILE_MAGIC + SCHEMA_PACKAGE);
  const plain = Buffer.concat([header, block(BLOCK_ADB, database), ...contents]);
  // Many small files of several kinds: shorter blocks, each with a code of its own, pack them 0.3% smaller.
  const packed = deflateRawSync(plain, { level: 9, memLevel: 6 });
  return Buffer.concat([Buffer.from(COMPRESSED), packed]);
}

function databaseOf(content, folders, timeSec, id) {
  const adb = new AdbWriter();
  const acl = (mode) =>
    adb.object({ [ACL.mode]: adb.int(mode), [ACL.user]: adb.blob('root'), [ACL.group]: adb.blob('root') });
  const fileOf = (file) =>
    adb.object({
      [FILE.name]: adb.blob(file.path.slice(file.path.lastIndexOf('/') + 1)),
      [FILE.acl]: acl(file.mode),
      [FILE.size]: adb.int(file.content.length),
      [FILE.mtime]: adb.int(timeSec),
      [FILE.hash]: adb.blob(createHash('sha256').update(file.content).digest()),
    });
  const paths = folders.map(({ path, files }) =>
    adb.object({
      [FOLDER.name]: adb.blob(path.slice(1)),
      [FOLDER.acl]: acl(0o755),
      [FOLDER.files]: adb.array(files.map(fileOf)),
    }),
  );
  const sizeBytes = folders.flatMap(({ files }) => files).reduce((sum, file) => sum + file.content.length, 0);
  const info = adb.object({
    [INFO.name]: adb.blob(content.name),
    [INFO.version]: adb.blob(content.version),
    [INFO.hashes]: adb.blob(id),
    [INFO.description]: adb.blob(content.description),
    [INFO.arch]: adb.blob('noarch'),
    [INFO.license]: adb.blob(content.license),
    [INFO.origin]: adb.blob(content.origin),
    [INFO.maintainer]: adb.blob(content.maintainer),
    [INFO.url]: adb.blob(content.url),
    [INFO.installedSize]: adb.int(sizeBytes),
    [INFO.depends]: adb.array(
      [...content.depends].sort().map((name) => adb.object({ [DEPENDENCY.name]: adb.blob(name) })),
    ),
  });
  const scripts = Object.entries(scriptsOf(content));
  return adb.finish(
    adb.object({
      [PACKAGE.info]: info,
      [PACKAGE.paths]: adb.array(paths),
      [PACKAGE.scripts]: adb.object(
        Object.fromEntries(scripts.map(([name, text]) => [SCRIPTS[name], adb.blob(text)])),
      ),
    }),
  );
}

/** What OpenWrt's shell functions look for beside an apk package. */
function registryFilesOf({ name, files, user, conffiles }) {
  const file = (ending, text) => ({
    path: `/lib/apk/packages/${name}.${ending}`,
    mode: 0o644,
    content: Buffer.from(text),
  });
  const users = user === undefined ? [] : [file('rusers', `${user}\n`)];
  const list = [...files, ...users].sort(byPath).map(({ path }) => `${path}\n`);
  const sums = files
    .filter(({ path }) => conffiles.includes(path))
    .map(({ path, content }) => `${path} ${createHash('sha256').update(content).digest('hex')}\n`);
  return [
    ...users,
    file('list', list.join('')),
    ...(conffiles.length === 0
      ? []
      : [
          file('conffiles', conffiles.map((path) => `${path}\n`).join('')),
          file('conffiles_static', sums.join('')),
        ]),
  ];
}

function scriptsOf({ name, afterInstall = '', afterRemoval }) {
  const start = `[ -s "\${IPKG_INSTROOT}/lib/functions.sh" ] || exit 0
. "\${IPKG_INSTROOT}/lib/functions.sh"
export root="\${IPKG_INSTROOT}"
export pkgname="${name}"
`;
  const install = `[ "\${IPKG_NO_SCRIPT}" = "1" ] && exit 0
${start}add_group_and_user
default_postinst
${afterInstall}`;
  return {
    postInstall: `#!/bin/sh\n${install}`,
    preDeinstall: `#!/bin/sh\n${start}default_prerm\n`,
    ...(afterRemoval === undefined ? {} : { postDeinstall: `#!/bin/sh\n${afterRemoval}` }),
    postUpgrade: `#!/bin/sh\nexport PKG_UPGRADE=1\n${install}`,
  };
}

/** Two bits of type, 30 of size, then the bytes up to the next multiple of eight. */
function block(type, bytes) {
  const sizeBytes = bytes.length + 4;
  return Buffer.concat([
    uint32(type * 2 ** 30 + sizeBytes),
    bytes,
    Buffer.alloc((BLOCK_ALIGNMENT - (sizeBytes % BLOCK_ALIGNMENT)) % BLOCK_ALIGNMENT),
  ]);
}

function uint32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function byPath(a, b) {
  return Buffer.compare(Buffer.from(a.path), Buffer.from(b.path));
}
