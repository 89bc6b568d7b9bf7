/** The arguments of a program that is run by hand. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** As `parseArgs` of Node reads them; what it does not understand is told, and the program ends with status 2. */
export function argumentsOf<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\nTry --help.\n`);
    process.exit(2);
  }
}
