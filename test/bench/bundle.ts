/** What the measurements run: the built agent, as it was when they began. */
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Made } from '../demo/cleanup.ts';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));

/** Another build in this tree does not change it. */
export function copyOfBundle(made: Made): string {
  if (!existsSync(join(DIST, 'holdfast.cjs'))) {
    throw new Error('dist/holdfast.cjs is not there: run `npm run build` first');
  }
  const folder = made.folder();
  cpSync(DIST, folder, { recursive: true });
  return folder;
}

/** For our own programs: their compiler keeps its cache where it always has it. */
export function toolEnv(): NodeJS.ProcessEnv {
  const { TMPDIR: _, ...env } = process.env;
  return env;
}
