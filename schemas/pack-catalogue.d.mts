import type { CatalogueEntry } from '../agent/providers/definition.ts';

export function readEntries(folder?: string): Promise<CatalogueEntry[]>;
export function packCatalogue(folder?: string): Promise<string>;
