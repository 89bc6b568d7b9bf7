/** The arguments of `npm run demo`. */
import { parseArgs } from 'node:util';
import { RUNTIMES, type Runtime } from '../quickjs/runtime.ts';
import type { Mode } from './stage.ts';

export interface Wish {
  json: boolean;
  help: boolean;
  replay: boolean;
  runtime: Runtime;
  mode?: Mode;
}

/** What the user wants of the demo; a sentence where the arguments do not say it. */
export function readArguments(argv: readonly string[]): Wish | string {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        mode: { type: 'string' },
        runtime: { type: 'string', default: 'node' },
        replay: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const { mode, json, help } = values;
    const runtime = RUNTIMES.find((one) => one === values.runtime);
    if (runtime === undefined) {
      throw new Error(`--runtime must be node or quickjs, not '${values.runtime}'.`);
    }
    const { replay: year } = values;
    if (year !== undefined && year !== '2014') {
      throw new Error(`--replay knows 2014 alone, not '${year}'.`);
    }
    if (mode === undefined || mode === 'namespace' || mode === 'stand-in') {
      return { json, help, runtime, replay: year !== undefined, ...(mode !== undefined && { mode }) };
    }
    throw new Error(`--mode must be namespace or stand-in, not '${mode}'.`);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
