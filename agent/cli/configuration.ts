/** Reads the configuration file and the password files it names. */
import type { Config, Problem } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { sectionFacts } from '../config/validate.generated.js';
import type { Host } from '../ports.ts';
import { loadCatalogue } from '../providers/catalogue.ts';

/** The init script copies the one to the other; whoever is told of a mistake must not correct it in the copy. */
const FILE_OF_OWNER = '/etc/config/holdfast';
const COPY_OF_SERVICE = '/var/etc/holdfast/holdfast';

export type Configuration =
  | { ok: true; config: Config; problems: Problem[] }
  | { ok: false; sentence: string };

/** What of a host it takes to read the configuration. */
export type ConfigurationFiles = Pick<Host, 'readText' | 'listFolder' | 'programFolder'>;

export async function readConfiguration(files: ConfigurationFiles, path: string): Promise<Configuration> {
  let text: string | undefined;
  try {
    text = await files.readText(path);
  } catch (cause) {
    return {
      ok: false,
      sentence: `${path} cannot be read (${messageOf(cause)}). Run this as root, or name another file with --config.`,
    };
  }
  if (text === undefined) {
    return { ok: false, sentence: `${path} does not exist. Create it, or name another file with --config.` };
  }
  const { catalogue, problems: ofCatalogue } = await loadCatalogue(files, files.programFolder);
  const secrets = new Map<string, string | undefined>();
  loadConfig(text, path, catalogue, (file) => {
    secrets.set(file, undefined);
    return undefined;
  });
  for (const file of secrets.keys()) {
    secrets.set(file, await files.readText(file).catch(() => undefined));
  }
  const file = path === COPY_OF_SERVICE ? FILE_OF_OWNER : path;
  const { config, problems } = loadConfig(text, file, catalogue, (secret) => secrets.get(secret));
  const catalogueProblems = ofCatalogue.map(
    (problem): Problem => ({ ...problem, severity: 'error', line: 1, code: 'config/PROVIDER_FILE' }),
  );
  return { ok: true, config, problems: [...problems, ...catalogueProblems] };
}

/** What the import from ddns-scripts shares with this. */
export interface ImportParts {
  catalogue: Parameters<typeof loadConfig>[2];
  loadConfig: typeof loadConfig;
  /** The values of `option source` that this version knows. */
  sources: readonly string[];
}

export async function importParts(files: ConfigurationFiles) {
  const { catalogue } = await loadCatalogue(files, files.programFolder);
  return { catalogue, loadConfig, sources: sectionFacts.hostname.options.source?.enum ?? [] };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
