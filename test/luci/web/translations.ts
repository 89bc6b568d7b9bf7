/**
 * What LuCI serves as `admin/translations/LANGUAGE`: `window.TR`, whose keys are digests of the original
 * texts. The digest is Paul Hsieh's SuperFastHash, started with the length of the text.
 */

interface Entry {
  context: string | undefined;
  id: string;
  plural: boolean;
  texts: string[];
}

/** The script of a language. */
export function translationScript(catalogues: readonly string[]): string {
  return `window.TR=${JSON.stringify(translations(catalogues))};`;
}

export function translations(catalogues: readonly string[]): Record<string, string> {
  const table: Record<string, string> = {};
  for (const entry of catalogues.flatMap(readCatalogue)) {
    const key =
      (entry.context === undefined ? '' : `${canonical(entry.context)}\u0001`) + canonical(entry.id);
    for (const [index, text] of entry.texts.entries()) {
      if (entry.id !== '' && text !== '') {
        table[digest(entry.plural ? `${key}\u0002${index}` : key)] = text;
      }
    }
    const formula = entry.id === '' ? /\bplural=[^;]+;/i.exec(entry.texts[0] ?? '')?.[0] : undefined;
    if (formula !== undefined) {
      table['00000000'] ??= formula;
    }
  }
  return table;
}

/** The entries of a file in gettext's PO format. */
export function readCatalogue(text: string): Entry[] {
  return text.split(/\n\s*\n/).flatMap((block) => {
    const fields = new Map<string, string>();
    let current = '';
    for (const line of block.split('\n')) {
      const [, keyword, quoted] =
        /^(?:(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?)\s+)?(".*")\s*$/.exec(line) ?? [];
      if (quoted !== undefined) {
        current = keyword ?? current;
        fields.set(current, (fields.get(current) ?? '') + JSON.parse(quoted));
      }
    }
    const id = fields.get('msgid');
    if (id === undefined) {
      return [];
    }
    const texts = [...fields].flatMap(([name, value]) => (name.startsWith('msgstr') ? [value] : []));
    return [{ context: fields.get('msgctxt'), id, plural: fields.has('msgid_plural'), texts }];
  });
}

/** LuCI looks texts up with their white space folded. */
function canonical(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

export function digest(text: string): string {
  const bytes = Buffer.from(text);
  const rest = bytes.length & 3;
  let hash = bytes.length;
  let offset = 0;
  for (; offset + 4 <= bytes.length; offset += 4) {
    hash = (hash + bytes.readUInt16LE(offset)) | 0;
    hash = (hash << 16) ^ (bytes.readUInt16LE(offset + 2) << 11) ^ hash;
    hash = (hash + (hash >>> 11)) | 0;
  }
  if (rest === 3) {
    hash = (hash + bytes.readUInt16LE(offset)) | 0;
    hash ^= hash << 16;
    hash ^= bytes.readInt8(offset + 2) << 18;
    hash = (hash + (hash >>> 11)) | 0;
  } else if (rest === 2) {
    hash = (hash + bytes.readUInt16LE(offset)) | 0;
    hash ^= hash << 11;
    hash = (hash + (hash >>> 17)) | 0;
  } else if (rest === 1) {
    hash = (hash + bytes.readInt8(offset)) | 0;
    hash ^= hash << 10;
    hash = (hash + (hash >>> 1)) | 0;
  }
  hash ^= hash << 3;
  hash = (hash + (hash >>> 5)) | 0;
  hash ^= hash << 4;
  hash = (hash + (hash >>> 17)) | 0;
  hash ^= hash << 25;
  hash = (hash + (hash >>> 6)) | 0;
  return (hash >>> 0).toString(16).padStart(8, '0');
}
