/** `holdfast providers [WORD]`: the catalogue. */
import { CATALOGUE } from '../providers/registry.ts';
import { type CommandContext, EXIT } from './command.ts';

export async function providers({ host, json, words }: CommandContext): Promise<number> {
  const word = (words[0] ?? '').toLowerCase();
  const found = [...CATALOGUE.values()].filter((entry) =>
    [entry.id, entry.title, ...entry.zones].some((text) => text.toLowerCase().includes(word)),
  );
  if (json) {
    host.writeOut(`${JSON.stringify(found)}\n`);
    return EXIT.ok;
  }
  for (const entry of found) {
    host.writeOut(`${entry.id.padEnd(20)} ${entry.title} (${entry.protocol}) ${entry.homepage}\n`);
    for (const [option, field] of Object.entries(entry.fields)) {
      host.writeOut(`  option ${option.padEnd(12)} ${field.title}${field.required ? '' : ' (optional)'}\n`);
    }
  }
  if (found.length === 0) {
    host.writeErr(
      `holdfast: No provider contains '${word}'. The entry dyndns2 serves many that are not listed.\n`,
    );
    return EXIT.failed;
  }
  return EXIT.ok;
}
