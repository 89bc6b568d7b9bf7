/** The few ports of the program that reads the configuration. */
import * as os from 'quickjs:os';
import * as std from 'quickjs:std';
import { checked } from './quickjs-errors.ts';
import { folderOf, quickjsFiles } from './quickjs-files.ts';

const [script = '', path = ''] = scriptArgs;

export function quickjsReaderFiles() {
  const { readText, listFolder } = quickjsFiles(() => true);
  return {
    files: { readText, listFolder, programFolder: folderOf(os.realpath(script)[0]) },
    path,
    print(text: string): void {
      const output = std.fdopen(1, 'w', {});
      output?.puts(text);
      checked(output?.close() ?? -1, 'standard output');
    },
  };
}

/** The same interpreter with the same flags, and this program beside the agent in its place. */
export function commandOf(
  name: string,
  commandLine: string,
  agentScript: string,
  programFolder: string,
): string[] {
  const words = commandLine.split('\0');
  const end = words.indexOf(agentScript);
  return end < 1 ? [] : [...words.slice(0, end), `${programFolder}/${name}`];
}
