/** A program that prints the configuration for the agent of the QuickJS host, and ends. */
import { handOver } from './cli/reading.ts';
import { loadPartsFrom } from './hosts/quickjs-parts.ts';
import { quickjsReaderFiles } from './hosts/quickjs-reader.ts';

const { files, path, print } = quickjsReaderFiles();
loadPartsFrom(files.programFolder);
void import('./cli/configuration.ts')
  .then(({ readConfiguration }) => readConfiguration(files, path))
  .then((configuration) => print(handOver(configuration)));
