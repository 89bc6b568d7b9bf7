/** What checks have learned, so that it can be handed from one process to the next. */
import type { ControlAnswer } from '../../core/health.ts';
import { newZoneMemory, type ZoneMemory } from './zones.ts';

export interface CheckMemory extends ZoneMemory {
  /** When a zone was last asked over TCP as well, monotonic ms. */
  overTcp: Map<string, number>;
  /** At most one, under an empty name. */
  control: Map<string, { answer: ControlAnswer; atMs: number }>;
}

export function newMemory(): CheckMemory {
  return { ...newZoneMemory(), overTcp: new Map(), control: new Map() };
}

export function memoryText(memory: CheckMemory): string {
  return JSON.stringify(memory, (_key, value: unknown) => (value instanceof Map ? [...value] : value));
}

/** Of a text that `memoryText` has made, or an empty one. */
export function memoryOf(text: string): CheckMemory {
  const parts: Record<string, [string, never][]> = text === '' ? {} : JSON.parse(text);
  const maps = Object.entries(parts).map(([part, entries]) => [part, new Map(entries)]);
  return { ...newMemory(), ...Object.fromEntries(maps) };
}
