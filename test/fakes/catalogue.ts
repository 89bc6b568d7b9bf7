/** The catalogue as it stands in the folder, without a build. */
import { readdirSync, readFileSync } from 'node:fs';
import { type Catalogue, type CatalogueEntry, livingOf } from '../../agent/providers/definition.ts';

export const CATALOGUE_FOLDER = new URL('../../agent/providers/catalogue/', import.meta.url);

const ENTRIES: CatalogueEntry[] = readdirSync(CATALOGUE_FOLDER)
  .filter((file) => file.endsWith('.json'))
  .sort()
  .map((file) => JSON.parse(readFileSync(new URL(file, CATALOGUE_FOLDER), 'utf8')));

export const CATALOGUE: Catalogue = new Map(ENTRIES.map((entry) => [entry.id, entry]));

/** Without those that have ended. */
export const PROVIDERS = livingOf(CATALOGUE);
