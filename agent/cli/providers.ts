/** `holdfast providers [WORD]`: the catalogue; with `--check FILE` the mistakes in an entry of one's own. */
import { checkProviderFile, loadCatalogue } from '../providers/catalogue.ts';
import {
  type CatalogueEntry,
  deathNotice,
  isDead,
  type ProviderDefinition,
} from '../providers/definition.ts';
import { type CommandContext, EXIT } from './command.ts';

export async function providers(context: CommandContext): Promise<number> {
  const { host, json, words, options } = context;
  const file = options.get('--check');
  if (file !== undefined) {
    return check(context, file);
  }
  const { catalogue, own, problems } = await loadCatalogue(host, host.programFolder);
  for (const problem of problems) {
    host.writeErr(`holdfast: ${problem.file}: ${problem.sentence}\n`);
  }
  const word = (words[0] ?? '').toLowerCase();
  const found = [...catalogue.values()]
    .filter((entry) => textsOf(entry).some((text) => text.toLowerCase().includes(word)))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  if (json) {
    const list = found.map((entry) => (own.has(entry.id) ? { ...entry, own: true } : entry));
    host.writeOut(`${JSON.stringify(list)}\n`);
    return EXIT.ok;
  }
  if (found.length === 0) {
    const sentence = `No provider contains '${word}'. The entries dyndns2 and custom-url serve many that are not listed.`;
    host.writeErr(`holdfast: ${sentence}\n`);
    return EXIT.failed;
  }
  const shown = found.length > MANY ? summaryOf : detailsOf;
  host.writeOut(found.map((entry) => shown(entry, own.has(entry.id))).join(''));
  return EXIT.ok;
}

/** So many at most are shown with all that a user has to know. */
const MANY = 3;

async function check({ host, json }: CommandContext, file: string): Promise<number> {
  const mistakes = await checkProviderFile(host, host.programFolder, file);
  if (json) {
    host.writeOut(`${JSON.stringify({ file, mistakes })}\n`);
  } else {
    host.writeOut(
      mistakes.length === 0
        ? `No mistakes. Put it into /etc/holdfast/providers.d and choose it with option provider.\n`
        : mistakes.map((sentence) => `${file}: ${sentence}\n`).join(''),
    );
  }
  return mistakes.length === 0 ? EXIT.ok : EXIT.usage;
}

function textsOf(entry: CatalogueEntry): string[] {
  return [entry.id, entry.title, ...(isDead(entry) ? [] : entry.zones)];
}

function summaryOf(entry: CatalogueEntry, isOwn: boolean): string {
  const name = entry.id.padEnd(22);
  if (isDead(entry)) {
    return `${name} ${entry.title}: ended ${entry.dead.since}\n`;
  }
  const marks = [
    entry.protocol,
    familiesText(entry),
    ...(entry.hostsPerCall > 1 ? [`${entry.hostsPerCall} hosts a call`] : []),
    ...(entry.unconfirmed ? ['unconfirmed'] : []),
    ...(isOwn ? ['your own'] : []),
  ];
  return `${name} ${entry.title} (${marks.join(', ')})\n`;
}

function detailsOf(entry: CatalogueEntry, isOwn: boolean): string {
  if (isDead(entry)) {
    return `${entry.id}: ${deathNotice(entry)}\n`;
  }
  const lines = [
    summaryOf(entry, isOwn).trimEnd(),
    `  ${entry.credentialUrl ?? entry.homepage}`,
    ...Object.entries(entry.fields).map(
      ([option, field]) =>
        `  option ${option.padEnd(10)} ${field.title}${field.required ? '' : ' (optional)'}: ${field.help}`,
    ),
    ...(entry.zones.length > 0 ? [`  zones: ${entry.zones.join(' ')}`] : []),
    ...entry.notes.map((note) => `  - ${note}`),
    ...(entry.cname
      ? [`  - A zone here can hold an alias, with a TTL of ${entry.cname.minTtlSec} seconds or more.`]
      : []),
    ...(entry.noDnsCheck === undefined ? [] : [`  - ${entry.noDnsCheck}`]),
    ...(entry.unconfirmed
      ? ['  - The provider documents nothing of this; it comes from other programs and was not tried.']
      : []),
  ];
  return `${lines.join('\n')}\n`;
}

function familiesText({ families }: ProviderDefinition): string {
  const names = { ipv4: 'IPv4', ipv6: 'IPv6' };
  const single = families.single.map((family) => names[family]).join('/');
  return families.dual ? `${single} together` : single;
}
