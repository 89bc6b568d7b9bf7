/** One input to one target, with all that must hold afterwards. */
import type { Target } from './targets.ts';

/** Undefined when all is well; otherwise what went wrong, in one line. */
export async function faultOf(target: Target, input: Uint8Array): Promise<string | undefined> {
  try {
    await target.run(input);
  } catch (cause) {
    return cause instanceof Error ? `${cause.name}: ${cause.message} ${placeOf(cause)}` : String(cause);
  }
  const polluted = Object.keys(Object.prototype);
  if (polluted.length > 0) {
    for (const name of polluted) {
      Reflect.deleteProperty(Object.prototype, name);
    }
    return `the prototype of all objects has got ${polluted.join(', ')}`;
  }
  return undefined;
}

function placeOf({ stack = '' }: Error): string {
  return /\/(?:agent|test)\/[^\s)]+/.exec(stack)?.[0] ?? '';
}
