/** What the programs that are run by hand say to an option that they do not have. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

test.concurrent.for(['fleet', 'fuzz', 'mutants'])(
  '%s: a wrong option is named, with status 2',
  async (name) => {
    const ended = await new Promise((resolve) => {
      execFile(
        `${ROOT}node_modules/.bin/tsx`,
        [`${ROOT}test/${name}/main.ts`, '--bogus'],
        (error, _, stderr) => resolve({ status: error?.code, stderr }),
      );
    });

    expect(ended).toEqual({ status: 2, stderr: "Unknown option '--bogus'\nTry --help.\n" });
  },
);
