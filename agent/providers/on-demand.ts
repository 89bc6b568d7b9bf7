/** Protocols of the fewest users; a file of its own in the package, loaded when the first account needs one. */
import type { Protocol } from './protocol.ts';
import { rest } from './protocols/rest.ts';
import { rfc2136 } from './protocols/rfc2136.ts';
import { alias } from './protocols/rfc2136-alias.ts';
import { script } from './protocols/script.ts';

export const ON_DEMAND: Record<'rest' | 'rfc2136' | 'script', Protocol> = {
  rest,
  rfc2136: { ...rfc2136, alias },
  script,
};
