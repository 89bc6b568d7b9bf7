/** Processes for whoever must not start any. */
import type { Processes } from '../../agent/ports.ts';

export const noProcesses: Processes = {
  run(argv) {
    throw new Error(`started ${argv.join(' ')}`);
  },
  lines(argv) {
    throw new Error(`started ${argv.join(' ')}`);
  },
};
