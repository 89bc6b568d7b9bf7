/** Every text of the admin page, in English, German and French. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  SENTENCES_FILE,
  sentencesText,
  TEMPLATE_FILE,
  templateText,
  textsOf,
} from '../../firmware-glue/pack/i18n.mjs';
import { keyOf, lmoOf, poEntries } from '../../firmware-glue/pack/lmo.mjs';
import { loadModule } from './pure/module.ts';

const APP = new URL('../../firmware-glue/luci-app-holdfast/', import.meta.url);
const PLACEHOLDER = /%[a-z]|\{\w+\}|`[^`]*`/g;

const texts = await textsOf();

describe('the template', () => {
  it('is what `npm run i18n` makes', async () => {
    expect(readFileSync(TEMPLATE_FILE, 'utf8')).toBe(await templateText());
  });

  it('has every text once', () => {
    expect(texts.length).toBeGreaterThan(250);
    expect(new Set(texts.map(({ id }) => id)).size).toBe(texts.length);
  });
});

describe('what the agent says', () => {
  const AGENT = new URL('../../agent/', import.meta.url);
  const PLUGIN = readFileSync(new URL('../holdfast/files/holdfast.uc', APP), 'utf8');
  const { codes, sentences }: { codes: Record<string, string>; sentences: string[] } = JSON.parse(
    readFileSync(new URL('po/templates/sentences.json', APP), 'utf8'),
  );
  const sources = readdirSync(AGENT, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(new URL(name, AGENT), 'utf8'))
    .join('\n');
  const codesOf = (name: string) =>
    [...readFileSync(new URL(name, AGENT), 'utf8').matchAll(/'(\w+\/[A-Z_]+)'/g)].map(
      ([, code = '']) => code,
    );

  it.each(Object.keys(codes))('%s is a code of the agent', (code) => {
    expect(sources).toContain(`'${code}'`);
  });

  it('reaches the pages', async () => {
    expect(readFileSync(SENTENCES_FILE, 'utf8')).toBe(await sentencesText());
  });

  // What the agent puts together from parts is held against what it really says, below.
  it.each(sentences)('%s', (sentence) => {
    const strange = sentence
      .replace(/\{\w+\}/g, ' ')
      .split(/[^\w'-]+/)
      .filter((word) => !`${sources}${PLUGIN}`.includes(word));

    expect(strange).toEqual([]);
  });

  const said = [
    [
      'home.example.org: wan has 192.0.2.1; nothing is published yet.',
      'home.example.org: wan hat 192.0.2.1; veröffentlicht ist noch nichts.',
    ],
    [
      'home.example.org: wan has 192.0.2.1; 192.0.2.2 is still published. It changed 2 times in 3 s.',
      'home.example.org: wan hat 192.0.2.1; veröffentlicht ist noch 192.0.2.2. Das hat sich in 3 s 2-mal geändert.',
    ],
    [
      'a.example.org, b.example.org and 3 others: wan has 192.0.2.1, as published.',
      'a.example.org, b.example.org und 3 weitere: wan hat 192.0.2.1, wie veröffentlicht.',
    ],
    ['The provider has confirmed this address.', 'Der Anbieter hat diese Adresse bestätigt.'],
    [
      'home.example.org: No-IP confirmed 192.0.2.1 and 2001:db8::1.',
      'home.example.org: No-IP hat 192.0.2.1 und 2001:db8::1 bestätigt.',
    ],
    [
      'home.example.org: Username or password is wrong. Correct it; nothing is sent until then. Reply: badauth',
      'home.example.org: Benutzername oder Passwort ist falsch. Berichtigen Sie das; bis dahin wird nichts gesendet. Antwort: badauth',
    ],
    [
      'This is no complete hostname. Correct it, e.g. home.example.org. Seen since 23 March, 05:41 UTC.',
      'Das ist kein vollständiger Hostname. Berichtigen Sie ihn, z. B. home.example.org. So seit 23. März, 05:41 UTC.',
    ],
    [
      "home.example.org: Interfaces 'wan' and 'wan6' are down; the name keeps its last address.",
      'home.example.org: Die Schnittstellen „wan“ und „wan6“ sind nicht verbunden; der Name behält seine letzte Adresse.',
    ],
    [
      "home.example.org: Interface 'wan' has no IPv4 address now.",
      'home.example.org: Die Schnittstelle „wan“ hat jetzt keine IPv4-Adresse.',
    ],
    [
      'home.example.org: Every server in charge of example.org gives the published address.',
      'home.example.org: Jeder für example.org zuständige Server nennt die veröffentlichte Adresse.',
    ],
    [
      'No-IP has taken no update of home.example.org for an hour. 192.0.2.1:443 did not answer in time, so the update may or may not have been made; Holdfast tries again by itself.',
      'No-IP hat seit einer Stunde keine Aktualisierung von home.example.org angenommen. 192.0.2.1:443 hat nicht rechtzeitig geantwortet; ob die Aktualisierung gemacht ist, ist also ungewiss. Holdfast versucht es von selbst wieder.',
    ],
    [
      'home.example.org is all right again. It took 2 days 3 hours.',
      'Mit home.example.org ist alles wieder in Ordnung. Dauer: 2 Tage 3 Stunden.',
    ],
    [
      'Updates of home.example.org are taken again. It took 1 minute.',
      'Aktualisierungen von home.example.org werden wieder angenommen. Dauer: 1 Minute.',
    ],
    ['Something that nobody has translated: 192.0.2.1.', 'Something that nobody has translated: 192.0.2.1.'],
  ] as const;

  it.each(said)('%s', (english, german) => {
    const entries = poEntries(readFileSync(new URL('po/de/holdfast.po', APP), 'utf8'));
    const catalogue = new Map(entries.map(({ id, texts: [text = ''] }) => [id, text]));
    const words = loadModule<{ learn(table: object): void; say(text: string): string }>(
      'holdfast/words.js',
      {},
      { _: (text: string) => catalogue.get(text) ?? text },
    );
    words.learn({ states: {}, sentences });

    expect(words.say(english)).toBe(german);
  });

  it('has a translation for everything that a check of the DNS comes to, and for every state of an update', () => {
    const all = ['core/verdicts.ts', 'core/summary.ts', 'engine/status.ts'].flatMap(codesOf);

    expect(all.length).toBeGreaterThan(35);
    expect(all.filter((code) => codes[code] === undefined)).toEqual([]);
  });
});

describe.each(['de', 'fr'])('the catalogue %s', (language) => {
  const source = readFileSync(new URL(`po/${language}/holdfast.po`, APP), 'utf8');
  const [head, ...entries] = poEntries(source);
  const byId = new Map(entries.map((entry) => [entry.id, entry]));

  it('says its language and how it counts', () => {
    expect(head?.texts[0]).toContain(`Language: ${language}\n`);
    expect(head?.texts[0]).toMatch(/Plural-Forms: nplurals=2; plural=\(n [!>][=]? ?1\);/);
  });

  it('has every text and nothing else', () => {
    expect(entries.map(({ id }) => id)).toEqual(texts.map(({ id }) => id));
    expect(entries.filter(({ texts: done }) => done.some((text) => text.trim() === ''))).toEqual([]);
  });

  it('keeps every placeholder and every literal word', () => {
    const changed = texts.filter(({ id }) => {
      const wanted = (id.match(PLACEHOLDER) ?? []).sort().join();
      return (byId.get(id)?.texts ?? []).some(
        (text) => (text.match(PLACEHOLDER) ?? []).sort().join() !== wanted,
      );
    });

    expect(changed).toEqual([]);
  });

  it('has both forms where a number decides, and one elsewhere', () => {
    const wrong = texts.filter(
      ({ id, plural }) => byId.get(id)?.texts.length !== (plural === undefined ? 1 : 2),
    );

    expect(wrong).toEqual([]);
  });

  it('ends its sentences as the English ones do', () => {
    const odd = texts.filter(
      ({ id, remark = id }) =>
        remark.endsWith('.') !== (byId.get(id)?.texts ?? []).every((text) => text.endsWith('.')),
    );

    expect(odd).toEqual([]);
  });

  it('has no exclamation marks, and no markup', () => {
    expect(entries.flatMap(({ texts: done }) => done).filter((text) => /[!<>]/.test(text))).toEqual([]);
  });
});

/** What LuCI finds in a catalogue, read as it reads it. */
function readLmo(bytes: Buffer): Map<number, string> {
  const indexAt = bytes.readUInt32BE(bytes.length - 4);
  const found = new Map<number, string>();
  let last = -1;
  for (let at = indexAt; at < bytes.length - 4; at += 16) {
    const [key = 0, , offset = 0, length = 0] = [0, 4, 8, 12].map((field) => bytes.readUInt32BE(at + field));
    expect(key).toBeGreaterThanOrEqual(last);
    expect(offset % 4).toBe(0);
    last = key;
    found.set(key, bytes.toString('utf8', offset, offset + length));
  }
  return found;
}

describe('what LuCI reads', () => {
  it('finds every translation under the hash of its text', () => {
    const source = readFileSync(new URL('po/de/holdfast.po', APP), 'utf8');

    const found = readLmo(lmoOf(source) ?? Buffer.alloc(0));

    const wanted = poEntries(source).flatMap(({ id, plural, texts: done }) =>
      id === ''
        ? []
        : done.map((text, index) => [plural === undefined ? id : `${id}\u0002${index}`, text] as const),
    );
    const different = wanted.filter(([key, text]) => key !== text);
    expect(different.map(([key]) => found.get(keyOf(key)))).toEqual(different.map(([, text]) => text));
    expect(found.get(0)).toBe('nplurals=2; plural=(n != 1);');
  });

  it.each([
    ['', 0],
    ['a', 0x115ea782],
    ['ab', 0x516b8b44],
    ['abc', 0xd2be198a],
    ['abcd', 0xdad8b8db],
    ['é', 0xc4fba554],
    ['aé', 0xe3d9c55b],
    ['Loading view…', 0x68c0397b],
  ])('the hash of %j is that of LuCI', (text, expected) => {
    expect(keyOf(text)).toBe(expected);
  });

  it('is nothing where nothing is translated', () => {
    expect(lmoOf('msgid "a"\nmsgstr ""\n')).toBeUndefined();
  });

  it.each([
    ['quotes and backslashes', 'msgid "a \\"b\\" \\\\"\nmsgstr "c"\n', [{ id: 'a "b" \\', texts: ['c'] }]],
    ['a text on several lines', 'msgid ""\n"a "\n"b"\nmsgstr ""\n"c"\n', [{ id: 'a b', texts: ['c'] }]],
    ['a context', 'msgctxt "x"\nmsgid "a"\nmsgstr "b"\n', [{ context: 'x', id: 'a', texts: ['b'] }]],
    [
      'two entries',
      'msgid "a"\nmsgstr "1"\n\nmsgid "b"\nmsgstr "2"\n',
      [
        { id: 'a', texts: ['1'] },
        { id: 'b', texts: ['2'] },
      ],
    ],
    [
      'a plural',
      'msgid "%d x"\nmsgid_plural "%d xs"\nmsgstr[0] "a"\nmsgstr[1] "b"\n',
      [{ id: '%d x', plural: '%d xs', texts: ['a', 'b'] }],
    ],
    ['a remark', '# "no"\n#: a.js\nmsgid "a"\nmsgstr "b"\n', [{ id: 'a', texts: ['b'] }]],
  ])('reads %s', (_, source, expected) => {
    expect(poEntries(source)).toEqual(expected);
  });
});
