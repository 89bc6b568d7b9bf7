export interface PoEntry {
  context?: string;
  id: string;
  plural?: string;
  texts: string[];
}
export function poEntries(source: string): PoEntry[];
export function lmoOf(source: string): Buffer | undefined;
export function keyOf(text: string): number;
