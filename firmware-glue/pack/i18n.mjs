/**
 * What luci-app-holdfast takes from elsewhere: `node firmware-glue/pack/i18n.mjs` makes options.json from the
 * schema of the configuration and sentences.json from po/templates/sentences.json, then po/templates/holdfast.pot
 * from every text in `_()` and `N_()`, in options.json, in the menu and in sentences.json: what the agent says, by its
 * code in general, and word by word with {gaps} for names and numbers. Equal sources give equal bytes; a test compares.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const APP = join(ROOT, 'firmware-glue/luci-app-holdfast');
const RESOURCES = 'htdocs/luci-static/resources';
export const OPTIONS_FILE = join(APP, RESOURCES, 'holdfast/options.json');
/** The states of the service, and the sentences of the agent that pages translate. */
export const SENTENCES_FILE = join(APP, RESOURCES, 'holdfast/sentences.json');
export const TEMPLATE_FILE = join(APP, 'po/templates/holdfast.pot');
const MENU = 'root/usr/share/luci/menu.d/luci-app-holdfast.json';
const SENTENCES = 'po/templates/sentences.json';
const ACL = 'root/usr/share/rpcd/acl.d/luci-app-holdfast.json';

/** `_('text')`, or `N_(count, 'one', 'many')`; texts stand in single quotes, the count is a plain name. */
const CALL = /(?<![\w$])(?:_\(|(N_)\([\w.]+, )'((?:[^'\\]|\\.)*)'(?:, '((?:[^'\\]|\\.)*)')?/g;

/** The options of each section type as forms need them. */
export async function optionsText() {
  const schema = JSON.parse(await readFile(join(ROOT, 'schemas/config.schema.json'), 'utf8'));
  const { labels } = JSON.parse(await readFile(join(APP, SENTENCES), 'utf8'));
  const kinds = Object.entries(schema.$defs).map(([kind, { properties, required = [] }]) => [
    kind,
    {
      required,
      options: Object.fromEntries(
        Object.entries(properties).map(([name, facts]) => [
          name,
          { ...formFacts(facts), ...(labels[kind]?.[name] && { labels: labels[kind][name] }) },
        ]),
      ),
    },
  ]);
  return `${JSON.stringify(Object.fromEntries(kinds), undefined, '\t')}\n`;
}

export async function sentencesText() {
  const { states, sentences } = JSON.parse(await readFile(join(APP, SENTENCES), 'utf8'));
  return `${JSON.stringify({ states, sentences }, undefined, '\t')}\n`;
}

function formFacts(facts) {
  const {
    items,
    'x-allowed': allowed,
    'x-secret': secret,
    'x-unit': unit,
    'x-later': later,
    'x-planned': _,
    ...rest
  } = facts;
  return {
    ...rest,
    ...(items?.pattern && { pattern: items.pattern }),
    ...(items?.enum && { enum: items.enum }),
    ...(allowed && { allowed }),
    ...(secret && { secret }),
    ...(unit && { unit }),
    ...(later && { later }),
  };
}

/**
 * Every text with the files it stands in, in the order of the files: `[{ id, plural?, remark?, places }]`.
 * `remark`: what a code stands for.
 */
export async function textsOf() {
  const texts = new Map();
  const note = (place, id, plural, remark) => {
    const known = texts.get(id) ?? { id, places: [] };
    texts.set(id, {
      ...known,
      ...(plural !== undefined && { plural }),
      ...(remark !== undefined && { remark }),
      places: [...new Set([...known.places, place])],
    });
  };
  for (const path of await scripts()) {
    const source = await readFile(path, 'utf8');
    for (const [, name, first, second] of source.matchAll(CALL)) {
      note(relative(APP, path), unquoted(first), name === 'N_' ? unquoted(second) : undefined);
    }
  }
  const optionsPlace = relative(APP, OPTIONS_FILE);
  for (const { options } of Object.values(JSON.parse(await readFile(OPTIONS_FILE, 'utf8')))) {
    for (const { title, description, allowed, labels = {} } of Object.values(options)) {
      for (const text of [title, description, allowed, ...Object.values(labels)].filter((one) => one)) {
        note(optionsPlace, text);
      }
    }
  }
  for (const { title } of Object.values(JSON.parse(await readFile(join(APP, MENU), 'utf8')))) {
    note(MENU, title);
  }
  for (const { description } of Object.values(JSON.parse(await readFile(join(APP, ACL), 'utf8')))) {
    note(ACL, description);
  }
  const { states, codes, sentences } = JSON.parse(await readFile(join(APP, SENTENCES), 'utf8'));
  for (const [, sentence] of Object.values(states)) {
    note(SENTENCES, sentence);
  }
  for (const [code, remark] of Object.entries(codes)) {
    note(SENTENCES, code, undefined, remark);
  }
  for (const sentence of sentences) {
    note(SENTENCES, sentence);
  }
  return [...texts.values()];
}

export async function templateText() {
  const head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8"\n';
  const entries = (await textsOf()).map(({ id, plural, remark, places }) => {
    const said = remark === undefined ? '' : `#. ${remark}\n`;
    const where = said + places.map((place) => `#: ${place}\n`).join('');
    const strings =
      plural === undefined ? 'msgstr ""\n' : `msgid_plural ${quoted(plural)}\nmsgstr[0] ""\nmsgstr[1] ""\n`;
    return `${where}msgid ${quoted(id)}\n${strings}`;
  });
  return [head, ...entries].join('\n');
}

async function scripts() {
  const entries = await readdir(join(APP, RESOURCES), { recursive: true });
  return entries
    .filter((name) => name.endsWith('.js'))
    .sort()
    .map((name) => join(APP, RESOURCES, name));
}

function unquoted(literal) {
  return literal.replace(/\\(.)/g, '$1');
}

export function quoted(text) {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(OPTIONS_FILE, await optionsText());
  await writeFile(SENTENCES_FILE, await sentencesText());
  await writeFile(TEMPLATE_FILE, await templateText());
  console.log(
    `${relative(ROOT, OPTIONS_FILE)}, ${relative(ROOT, SENTENCES_FILE)}, ${relative(ROOT, TEMPLATE_FILE)}: ${(await textsOf()).length} texts`,
  );
}
