/** Packs the catalogue: all entries and the schema for the user's own ones, as one compact JSON document. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const FOLDER = join(here, '../agent/providers/catalogue');
/** What people read in the schema; the router only checks with it. */
const ANNOTATIONS = ['$schema', '$id', 'title', 'description'];

/** Every entry of the folder by the name of its file. */
export async function readEntries(folder = FOLDER) {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8'))));
}

/**
 * The text of `catalogue.json`; one entry in each line, so that two versions can be compared. Without the
 * sources, which are for whoever keeps an entry up to date: a tenth of the whole. Entries that are alike stand
 * together, which makes a package 4 KB smaller: what is further back than 32 KB cannot be referred to.
 */
export async function packCatalogue(folder = FOLDER) {
  const schema = JSON.parse(await readFile(join(here, 'provider.schema.json'), 'utf8'));
  const entries = (await readEntries(folder)).sort((one, other) =>
    likeness(one) < likeness(other) ? -1 : 1,
  );
  const lines = entries.map(({ sources: _, ...entry }) => JSON.stringify(entry)).join(',\n');
  return ascii(`{"schema":${JSON.stringify(withoutAnnotations(schema))},\n"providers":[\n${lines}\n]}\n`);
}

/** Alike for entries of one protocol with one kind of login. */
function likeness({ protocol = '~', id, ...entry }) {
  return `${protocol} ${JSON.stringify(entry[protocol]?.authentication)} ${id}`;
}

/** A single other character would make the text twice as large in memory. */
function ascii(text) {
  return text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** `properties` and `$defs` hold names of our own, which may be called `title` themselves. */
function withoutAnnotations(node, isNames = false) {
  if (Array.isArray(node)) {
    return node.map((one) => withoutAnnotations(one));
  }
  if (typeof node !== 'object' || node === null) {
    return node;
  }
  return Object.fromEntries(
    Object.entries(node).flatMap(([name, value]) =>
      !isNames && ANNOTATIONS.includes(name)
        ? []
        : [[name, withoutAnnotations(value, ['properties', '$defs'].includes(name) && !isNames)]],
    ),
  );
}
