import type { CatalogueEntry } from '../agent/providers/definition.ts';

export function cataloguePage(entries: readonly CatalogueEntry[]): string;
