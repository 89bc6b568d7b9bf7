/** Reads an apk-tools v3 package after its format description, apk-v3(5), and not after our writer. */
import { inflateRawSync } from 'node:zlib';

export interface ApkFile {
  path: string;
  mode: number;
  user: string;
  group: string;
  sizeBytes: number;
  mtimeSec: number;
  /** SHA-256 in hexadecimal digits. */
  hash: string;
  /** Empty for an empty file. */
  content: Buffer;
}

export interface ApkPackage {
  info: Record<string, string | number>;
  depends: string[];
  folders: { path: string; mode: number; user: string; group: string }[];
  files: ApkFile[];
  scripts: Record<string, string>;
  /** The database without the header of its block. */
  database: Buffer;
}

type Value = number | Buffer | Slots | undefined;
/** Slots of an object or an array, from 1. */
type Slots = Map<number, Value>;

const INFO_FIELDS = [
  'name',
  'version',
  'hashes',
  'description',
  'arch',
  'license',
  'origin',
  'maintainer',
  'url',
];
const INSTALLED_SIZE = 12;
const DEPENDS = 15;
const SCRIPT_FIELDS = [
  'trigger',
  'pre-install',
  'post-install',
  'pre-deinstall',
  'post-deinstall',
  'pre-upgrade',
  'post-upgrade',
];

export function readApk(bytes: Buffer): ApkPackage {
  if (bytes.toString('latin1', 0, 4) !== 'ADBd') {
    throw new Error('the file does not begin with a deflated database');
  }
  const plain = inflateRawSync(bytes.subarray(4));
  if (plain.toString('latin1', 0, 8) !== 'ADB.pckg') {
    throw new Error('the schema is not that of a package');
  }
  const [first, ...rest] = blocksOf(plain);
  if (first?.type !== 0 || rest.some(({ type }) => type !== 2)) {
    throw new Error('the blocks are not one database and then contents');
  }
  const root = rootOf(first.payload);
  const contents = new Map(
    rest.map(({ payload }) => [`${payload.readUInt32LE(0)}/${payload.readUInt32LE(4)}`, payload.subarray(8)]),
  );
  const info = slots(root.get(1));
  const folders: ApkPackage['folders'] = [];
  const files: ApkFile[] = [];
  for (const [folderIndex, value] of slots(root.get(2))) {
    const folder = slots(value);
    const path = text(folder.get(1));
    folders.push({ path, ...aclOf(folder.get(2)) });
    for (const [fileIndex, entry] of slots(folder.get(3))) {
      const file = slots(entry);
      const content = contents.get(`${folderIndex}/${fileIndex}`) ?? Buffer.alloc(0);
      contents.delete(`${folderIndex}/${fileIndex}`);
      files.push({
        path: `${path}/${text(file.get(1))}`,
        ...aclOf(file.get(2)),
        sizeBytes: Number(file.get(3)),
        mtimeSec: Number(file.get(4)),
        hash: buffer(file.get(5)).toString('hex'),
        content,
      });
    }
  }
  if (contents.size > 0) {
    throw new Error('there are contents without a file');
  }
  return {
    info: {
      ...Object.fromEntries(INFO_FIELDS.map((name, index) => [name, text(info.get(index + 1))])),
      hashes: buffer(info.get(3)).toString('hex'),
      installedSize: Number(info.get(INSTALLED_SIZE)),
    },
    depends: [...slots(info.get(DEPENDS)).values()].map((dependency) => text(slots(dependency).get(1))),
    folders,
    files,
    scripts: Object.fromEntries(
      [...slots(root.get(3))].flatMap(([index, script]) =>
        script === undefined ? [] : [[SCRIPT_FIELDS[index - 1] ?? '', text(script)]],
      ),
    ),
    database: first.payload,
  };
}

/** Two bits of type and 30 of size, which counts the word itself; padded to multiples of eight. */
function blocksOf(plain: Buffer): { type: number; payload: Buffer }[] {
  const blocks: { type: number; payload: Buffer }[] = [];
  let at = 8;
  while (at < plain.length) {
    const word = plain.readUInt32LE(at);
    const sizeBytes = word % 2 ** 30;
    blocks.push({ type: Math.floor(word / 2 ** 30), payload: plain.subarray(at + 4, at + sizeBytes) });
    at += Math.ceil(sizeBytes / 8) * 8;
  }
  if (at !== plain.length) {
    throw new Error('the last block is cut off');
  }
  return blocks;
}

function rootOf(database: Buffer): Slots {
  if (database.readUInt8(0) !== 0) {
    throw new Error('the database wants a newer reader');
  }
  return slots(valueAt(database, database.readUInt32LE(4)));
}

function valueAt(database: Buffer, word: number): Value {
  const type = Math.floor(word / 2 ** 28);
  const low = word % 2 ** 28;
  switch (type) {
    case 0:
      return low === 0 ? undefined : low;
    case 1:
      return low;
    case 2:
      return database.readUInt32LE(low);
    case 8:
      return sized(database, low + 1, database.readUInt8(low));
    case 9:
      return sized(database, low + 2, database.readUInt16LE(low));
    case 10:
      return sized(database, low + 4, database.readUInt32LE(low));
    case 13:
    case 14: {
      if (low % 4 !== 0) {
        throw new Error('an object is not aligned');
      }
      const count = database.readUInt32LE(low);
      return new Map(
        Array.from({ length: count - 1 }, (_, index) => [
          index + 1,
          valueAt(database, database.readUInt32LE(low + 4 * (index + 1))),
        ]),
      );
    }
    default:
      throw new Error(`a value has the unknown type ${type}`);
  }
}

function sized(database: Buffer, at: number, lengthBytes: number): Buffer {
  if (at + lengthBytes > database.length) {
    throw new Error('a blob runs over the end');
  }
  return database.subarray(at, at + lengthBytes);
}

function aclOf(value: Value): { mode: number; user: string; group: string } {
  const acl = slots(value);
  return { mode: Number(acl.get(1)), user: text(acl.get(2)), group: text(acl.get(3)) };
}

function slots(value: Value): Slots {
  return value instanceof Map ? value : new Map();
}

function buffer(value: Value): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

function text(value: Value): string {
  return buffer(value).toString();
}
