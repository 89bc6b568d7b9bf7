/** What the program loads on demand: scripts beside it, each with one object as its value. */
import * as std from 'quickjs:std';

declare global {
  /** What the build makes of an `import()` of a part. */
  var loadPart: (file: string) => Promise<object>;
}

/** Run at the start and never again: what nobody keeps leaves the memory. */
const ONCE = ['holdfast-loading.mjs', 'holdfast-orphans.mjs'];

/**
 * QuickJS's own `import()` looks beside the file of its caller, which code without debug information does not know.
 * What is wrong with a part costs its user only, who may try again.
 */
export function loadPartsFrom(folder: string): void {
  const loaded = new Map<string, object>();
  globalThis.loadPart = async (file) => {
    const known = loaded.get(file);
    if (known) {
      return known;
    }
    const part = loadScript(`${folder}/${file}`);
    if (!ONCE.includes(file)) {
      loaded.set(file, part);
    }
    return part;
  };
}

function loadScript(path: string): object {
  let reason: unknown = 'it is empty';
  try {
    const part = std.loadScript(path);
    if (part) {
      return part;
    }
  } catch (error) {
    reason = error;
  }
  throw new Error(`${path} is missing or damaged. Install the agent again. (${reason})`);
}
