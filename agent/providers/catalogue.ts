/**
 * The catalogue: one compact file beside the program, and the user's own entries, which go before it. It is
 * read when the configuration is read; only the entries that accounts use stay in memory.
 */
import type { Files } from '../ports.ts';
import type { Catalogue, CatalogueEntry } from './definition.ts';
import type { Json } from './json-pointer.ts';
import type { SchemaObject } from './schema-check.ts';

export const USER_FOLDER = '/etc/holdfast/providers.d';
const FILE = 'catalogue.json';

export interface LoadedCatalogue {
  catalogue: Catalogue;
  /** Ids of the entries that the user made. */
  own: ReadonlySet<string>;
  problems: CatalogueProblem[];
}

export interface CatalogueProblem {
  file: string;
  sentence: string;
}

/** What the build packs into one file: each entry was checked against the schema by then. */
interface PackedCatalogue {
  schema: SchemaObject;
  providers: CatalogueEntry[];
}

type CatalogueFiles = Pick<Files, 'readText' | 'listFolder'>;

/** Never throws: without the file there is no provider, and a problem says why. */
export async function loadCatalogue(
  files: CatalogueFiles,
  programFolder: string,
  userFolder = USER_FOLDER,
): Promise<LoadedCatalogue> {
  const problems: CatalogueProblem[] = [];
  const packed = await readPacked(files, `${programFolder}/${FILE}`, problems);
  // The file has them in an order of its own.
  const byId = packed.providers.sort((a, b) => (a.id < b.id ? -1 : 1));
  const catalogue = new Map(byId.map((entry) => [entry.id, entry]));
  const own = new Set<string>();
  const names = await files.listFolder(userFolder).catch(() => []);
  for (const name of names.filter((one) => one.endsWith('.json') && !one.startsWith('.'))) {
    const file = `${userFolder}/${name}`;
    const text = await files.readText(file).catch(() => undefined);
    const checked = await checkEntry(packed.schema, text, name.replace(/\.json$/, ''));
    if ('entry' in checked) {
      catalogue.set(checked.entry.id, checked.entry);
      own.add(checked.entry.id);
    } else {
      problems.push(...checked.mistakes.map((sentence) => ({ file, sentence })));
    }
  }
  return { catalogue, own, problems };
}

/** The mistakes of a file before it is put into the folder; none means that it can be used. */
export async function checkProviderFile(
  files: CatalogueFiles,
  programFolder: string,
  file: string,
): Promise<string[]> {
  const problems: CatalogueProblem[] = [];
  const packed = await readPacked(files, `${programFolder}/${FILE}`, problems);
  if (problems.length > 0) {
    return problems.map(({ sentence }) => sentence);
  }
  const text = await files.readText(file).catch(() => undefined);
  const name = (file.split('/').at(-1) ?? '').replace(/\.json$/, '');
  const checked = await checkEntry(packed.schema, text, name);
  return 'entry' in checked ? [] : checked.mistakes;
}

async function checkEntry(
  schema: SchemaObject,
  text: string | undefined,
  name: string,
): Promise<{ entry: CatalogueEntry } | { mistakes: string[] }> {
  if (text === undefined) {
    return { mistakes: ['The file does not exist or cannot be read.'] };
  }
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (cause) {
    return { mistakes: [`The file is no JSON: ${cause instanceof Error ? cause.message : String(cause)}.`] };
  }
  // Few routers have entries of their own: the check is loaded with the first.
  const { checkSchema } = await import('./schema-check.ts');
  const mistakes = checkSchema(schema, value).map(
    ({ place, text: what }) => `${place || 'The file'} ${what}.`,
  );
  // The schema has been kept: the value has the shape.
  const entry = value as unknown as CatalogueEntry;
  if (mistakes.length === 0 && entry.id !== name) {
    mistakes.push(`id is '${entry.id}', but the file is called ${name}.json; make them the same.`);
  }
  return mistakes.length === 0 ? { entry } : { mistakes };
}

async function readPacked(
  files: CatalogueFiles,
  path: string,
  problems: CatalogueProblem[],
): Promise<PackedCatalogue> {
  try {
    const text = await files.readText(path);
    if (text !== undefined) {
      return JSON.parse(text) as PackedCatalogue;
    }
  } catch {
    // The same advice helps against a damaged file.
  }
  const sentence = 'The catalogue of providers is missing or damaged; install the package again.';
  problems.push({ file: path, sentence });
  return { schema: {}, providers: [] };
}
