/**
 * `holdfast import-ddns`: from ddns-scripts to Holdfast. Shows everything and writes nothing; `--apply` adds
 * the sections here and disables them there, `--undo` puts both files back as they were. The agent's bundle
 * does not hold this; what it has already is handed over as `ImportParts`.
 */
import type { KnownProvider, Providers } from '../openwrt/ddns-scripts.ts';
import { type ImportResult, importDdns, type SectionReport } from '../openwrt/import-ddns.ts';
import type { Host } from '../ports.ts';
import { type CatalogueEntry, deathNotice, isDead } from '../providers/definition.ts';
import { type CommandContext, EXIT } from './command.ts';
import type { ImportParts } from './configuration.ts';

const THEIR_FILE = '/etc/config/ddns';
const CONFIG_MODE = 0o600;
const SERVICE_TIMEOUT_MS = 30_000;

const VERDICTS = { taken: 'taken', changed: 'taken with changes', refused: 'not taken' } as const;

/** Both files before and after the import. `before` is absent for a file that did not exist. */
interface Undo {
  files: { path: string; before?: string; after: string }[];
}

export async function importFromDdns(context: CommandContext, parts: ImportParts): Promise<number> {
  const { host, configFile, options } = context;
  const from = options.get('--from') ?? THEIR_FILE;
  if (options.has('--apply') && options.has('--undo')) {
    return complain(host, 'Give --apply or --undo, not both.', EXIT.usage);
  }
  try {
    return options.has('--undo') ? await undo(context) : await importFrom(context, parts, from);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    return complain(
      host,
      `${from} or ${configFile} is out of reach (${message}). Run this as root.`,
      EXIT.failed,
    );
  }
}

async function importFrom(
  { host, configFile, json, options }: CommandContext,
  parts: ImportParts,
  from: string,
): Promise<number> {
  const theirs = await host.readText(from);
  if (theirs === undefined) {
    return complain(host, `${from} does not exist: there is nothing to import.`, EXIT.usage);
  }
  const ours = await host.readText(configFile);
  const result = importDdns({
    theirs,
    ours: ours ?? '',
    providers: providersOf(parts.catalogue.values()),
    sources: parts.sources,
  });
  const apply = options.has('--apply');
  const obstacle = apply ? await obstacleTo(host, parts, configFile, ours ?? '', result) : undefined;
  const remarks: string[] = [];
  if (apply && obstacle === undefined) {
    const files: Undo['files'] = [
      { path: configFile, ...(ours === undefined ? {} : { before: ours }), after: result.ours },
      { path: from, before: theirs, after: result.theirs },
    ];
    await host.writeAtomic(
      undoFileOf(configFile),
      `${JSON.stringify({ files } satisfies Undo)}\n`,
      CONFIG_MODE,
    );
    await host.writeAtomic(configFile, result.ours, CONFIG_MODE);
    await host.writeAtomic(from, result.theirs, CONFIG_MODE);
    remarks.push(...(await reloadServices(host, from)));
  }
  const applied = apply && obstacle === undefined;
  const outcome = obstacle ?? outcomeOf(result, { applied, from, configFile });
  if (json) {
    const { report, added, problems } = result;
    const sections = { from, to: configFile, applied, sections: report, configuration: added.masked };
    host.writeOut(`${JSON.stringify({ ...sections, problems, remarks: [outcome, ...remarks] })}\n`);
  } else {
    host.writeOut(reportText(result, { from, configFile }));
    const text = [outcome, ...remarks].map((sentence) => `${sentence}\n`).join('');
    if (obstacle === undefined) {
      host.writeOut(text);
    } else {
      host.writeErr(`holdfast: ${text}`);
    }
  }
  return obstacle === undefined ? EXIT.ok : EXIT.failed;
}

/** The hosts of an entry stand in the facts of its protocol, in a shape of their own for each. */
export function providersOf(entries: Iterable<CatalogueEntry>): Providers {
  const living = new Map<string, KnownProvider>();
  const ended = new Map<string, string>();
  for (const entry of entries) {
    if (isDead(entry)) {
      ended.set(entry.id, deathNotice(entry));
      continue;
    }
    const { sources: _, notes: __, homepage: ___, credentialUrl: ____, ...facts } = entry;
    const hosts = [...JSON.stringify({ ...facts, fields: {} }).matchAll(/https:\/\/([a-z0-9.-]+)/g)];
    living.set(entry.id, { ...entry, hosts: hosts.flatMap(([, host]) => host ?? []) });
  }
  return { living, ended };
}

/** Why nothing may be written; everything is checked before the first file is touched. */
async function obstacleTo(
  host: Host,
  { catalogue, loadConfig }: ImportParts,
  configFile: string,
  ours: string,
  result: ImportResult,
): Promise<string | undefined> {
  if (result.added.text === '') {
    return 'No section can be taken; nothing was written.';
  }
  if (result.problems.length > 0) {
    return 'The file of ddns-scripts has lines that cannot be read, which would be lost; correct it first. Nothing was written.';
  }
  const undoFile = undoFileOf(configFile);
  if ((await host.readText(undoFile)) !== undefined) {
    return `An earlier import can still be undone: run holdfast import-ddns --undo, or delete ${undoFile} to keep it. Nothing was written.`;
  }
  const errorsOf = (text: string) =>
    loadConfig(text, configFile, catalogue, () => 'a password').problems.filter(
      ({ severity }) => severity === 'error',
    );
  const before = errorsOf(ours).length;
  const [broken] = errorsOf(result.ours).slice(before);
  if (before > 0) {
    return `${configFile} has mistakes; holdfast check-config shows them. Correct them first. Nothing was written.`;
  }
  return broken && `The result would not be accepted (${broken.sentence}) Nothing was written.`;
}

async function undo({ host, configFile, json }: CommandContext): Promise<number> {
  const undoFile = undoFileOf(configFile);
  const saved = undoOf(await host.readText(undoFile));
  if (saved === undefined) {
    return complain(host, `There is no import to undo (${undoFile}).`, EXIT.failed);
  }
  for (const { path, before, after } of saved.files) {
    const now = await host.readText(path);
    // A power cut may have come between the two files: the old text is as good as the new.
    if (now !== after && now !== before) {
      return complain(
        host,
        `${path} was changed since the import, and the change would be lost. Its earlier text stands in ${undoFile}; nothing was written.`,
        EXIT.failed,
      );
    }
  }
  for (const { path, before } of saved.files) {
    await (before === undefined ? host.remove(path) : host.writeAtomic(path, before, CONFIG_MODE));
  }
  await host.remove(undoFile);
  const from = saved.files.at(-1)?.path ?? '';
  const remarks = ['Both files are as they were before the import.', ...(await reloadServices(host, from))];
  host.writeOut(
    json ? `${JSON.stringify({ undone: true, remarks })}\n` : remarks.map((line) => `${line}\n`).join(''),
  );
  return EXIT.ok;
}

/**
 * Beside our configuration, in a folder that only root may write: what `--undo` puts back may name a script
 * that ddns-scripts runs as root, so the agent's own user must not be able to plant it. Hidden, for UCI takes
 * each other name in there for a configuration.
 */
function undoFileOf(configFile: string): string {
  const slash = configFile.lastIndexOf('/') + 1;
  return `${configFile.slice(0, slash)}.${configFile.slice(slash)}.import-undo.json`;
}

function undoOf(text: string | undefined): Undo | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isUndo(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isUndo(value: unknown): value is Undo {
  return (
    typeof value === 'object' &&
    value !== null &&
    'files' in value &&
    Array.isArray(value.files) &&
    value.files.every(
      (file: unknown) =>
        typeof file === 'object' &&
        file !== null &&
        'path' in file &&
        typeof file.path === 'string' &&
        'after' in file &&
        typeof file.after === 'string' &&
        (!('before' in file) || typeof file.before === 'string'),
    )
  );
}

/** The processes of ddns-scripts read their configuration only when they start. Another file is not theirs. */
async function reloadServices(host: Host, from: string): Promise<string[]> {
  if (from !== THEIR_FILE) {
    return [];
  }
  const remarks: string[] = [];
  for (const [name, action] of [
    ['ddns', 'restart'],
    ['holdfast', 'reload'],
  ] as const) {
    const script = `/etc/init.d/${name}`;
    // ddns-scripts may be gone, with its configuration left behind: then nothing of it is running.
    if ((await host.readText(script)) === undefined) {
      continue;
    }
    const { status } = await host.run([script, action], SERVICE_TIMEOUT_MS);
    if (status !== 0) {
      remarks.push(`${script} ${action} did not work; run it yourself.`);
    }
  }
  return remarks;
}

function reportText(
  { report, added, problems }: ImportResult,
  { from, configFile }: { from: string; configFile: string },
): string {
  const refused = report.filter(({ verdict }) => verdict === 'refused').length;
  const lines = [
    `${from}: ${report.length === 1 ? '1 section' : `${report.length} sections`}, ${report.length - refused} can be taken, ${refused} cannot.`,
    ...problems.map(({ line, sentence }) => `${from}:${line}: ${sentence}`),
    ...report.flatMap((section) => ['', headingOf(section), ...section.remarks.map((text) => `  - ${text}`)]),
    ...(added.masked === '' ? [] : ['', `For ${configFile}:`, '', added.masked]),
  ];
  return `${lines.join('\n')}\n\n`;
}

function headingOf({ section, hostname, into, verdict }: SectionReport): string {
  const name = hostname === undefined ? '' : ` (${hostname})`;
  return `${section}${name}: ${VERDICTS[verdict]}${into === undefined ? '' : ` as hostname '${into}'`}`;
}

function outcomeOf(
  { added }: ImportResult,
  { applied, from, configFile }: { applied: boolean; from: string; configFile: string },
): string {
  if (applied) {
    return `Written to ${configFile}, and disabled in ${from}. holdfast import-ddns --undo goes back.`;
  }
  return added.text === ''
    ? 'Nothing was written: no section can be taken.'
    : 'Nothing was written. holdfast import-ddns --apply adds this here and disables it there, in one step.';
}

function complain(host: Host, sentence: string, status: number): number {
  host.writeErr(`holdfast: ${sentence}\n`);
  return status;
}
