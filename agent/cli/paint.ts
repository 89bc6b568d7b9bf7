/** Colours, on a terminal only and never with NO_COLOR (no-color.org). */
import type { Host } from '../ports.ts';

const CODES = { plain: '', dim: '2', bold: '1', red: '31', green: '32', yellow: '33', blue: '34' } as const;

export type Colour = keyof typeof CODES;

export function paint(host: Pick<Host, 'isTerminal' | 'env'>, colour: Colour, text: string): string {
  const code = CODES[colour];
  return host.isTerminal && !host.env.NO_COLOR && code !== '' ? `\u001b[${code}m${text}\u001b[0m` : text;
}
