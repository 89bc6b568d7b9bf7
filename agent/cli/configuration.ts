/** Reads the configuration file and the password files it names. */
import type { Config, Problem } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import type { Files } from '../ports.ts';
import { CATALOGUE } from '../providers/registry.ts';

export const DEFAULT_CONFIG_FILE = '/etc/config/holdfast';

export type Configuration =
  | { ok: true; config: Config; problems: Problem[] }
  | { ok: false; sentence: string };

export async function readConfiguration(files: Files, path: string): Promise<Configuration> {
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
  const secrets = new Map<string, string | undefined>();
  loadConfig(text, path, CATALOGUE, (file) => {
    secrets.set(file, undefined);
    return undefined;
  });
  for (const file of secrets.keys()) {
    secrets.set(file, await files.readText(file).catch(() => undefined));
  }
  return { ok: true, ...loadConfig(text, path, CATALOGUE, (file) => secrets.get(file)) };
}

/** `FILE:LINE: severity: section, option: sentence`, as compilers print it, so that editors jump there. */
export function problemText(problem: Problem): string {
  const place = [problem.section, problem.option === undefined ? undefined : `option ${problem.option}`];
  const where = place.filter((part) => part !== undefined).join(', ');
  return `${problem.file}:${problem.line}: ${problem.severity}: ${where === '' ? '' : `${where}: `}${problem.sentence}`;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
