/**
 * Writes the catalogues of translations that LuCI reads, from gettext's .po: the texts one after the other, each
 * filled up to four octets, then an index sorted by the hash of the key, then the place of the index. All numbers
 * are 32 bits, big-endian. A plural has a key for each of its forms.
 */

const PLURAL_MARK = '\u0002';
const CONTEXT_MARK = '\u0001';
const PLURAL_FORMS = /^Plural-Forms: ([^\n]*)$/m;

/** The entries of a .po file: `{ context?, id, plural?, texts }`; the head is the entry with the id ''. */
export function poEntries(source) {
  const entries = [];
  let entry;
  let append = () => {};
  for (const line of source.split('\n')) {
    const [, word, index, literal] =
      /^(?:(msgctxt|msgid|msgid_plural|msgstr)(?:\[(\d)\])? )?"(.*)"$/.exec(line.trim()) ?? [];
    if (literal === undefined) {
      continue;
    }
    const text = literal.replace(/\\(.)/g, (_, letter) => (letter === 'n' ? '\n' : letter));
    if (word === 'msgctxt' || (word === 'msgid' && (entry === undefined || entry.id !== undefined))) {
      entry = { texts: [] };
      entries.push(entry);
    }
    if (word !== undefined) {
      append = appenderOf(entry, word, Number(index ?? 0));
    }
    append(text);
  }
  return entries;
}

function appenderOf(entry, word, index) {
  if (word === 'msgstr') {
    entry.texts[index] = '';
    return (text) => {
      entry.texts[index] += text;
    };
  }
  const name = { msgctxt: 'context', msgid: 'id', msgid_plural: 'plural' }[word];
  entry[name] = '';
  return (text) => {
    entry[name] += text;
  };
}

/** The catalogue as octets; undefined when nothing is translated. */
export function lmoOf(source) {
  const records = poEntries(source).flatMap(recordsOf);
  if (records.length === 0) {
    return undefined;
  }
  let offset = 0;
  const placed = records.map(({ key, count, text }) => {
    const bytes = Buffer.from(text);
    const at = offset;
    offset += bytes.length + padding(bytes.length);
    return { key, count, at, bytes };
  });
  const index = [...placed].sort((a, b) => a.key - b.key || a.at - b.at);
  return Buffer.concat([
    ...placed.flatMap(({ bytes }) => [bytes, Buffer.alloc(padding(bytes.length))]),
    ...index.map(({ key, count, at, bytes }) => uint32s(key, count, at, bytes.length)),
    uint32s(offset),
  ]);
}

function recordsOf({ context, id, plural, texts }) {
  if (id === '') {
    const forms = PLURAL_FORMS.exec(texts[0] ?? '')?.[1];
    return forms === undefined ? [] : [{ key: 0, count: 0, text: forms }];
  }
  return texts.flatMap((text, index) => {
    const name = context === undefined ? id : context + CONTEXT_MARK + id;
    const key = keyOf(plural === undefined ? name : `${name}${PLURAL_MARK}${index}`);
    // What is the same in both languages need not be looked up.
    return text === '' || key === keyOf(text) ? [] : [{ key, count: texts.length, text }];
  });
}

/** Paul Hsieh's SuperFastHash of the UTF-8 octets, begun with their number; LuCI computes the same in the browser. */
export function keyOf(text) {
  const bytes = Buffer.from(text);
  const whole = bytes.length - (bytes.length % 4);
  let hash = bytes.length;
  const mix = (value) => {
    hash = value >>> 0;
  };
  for (let at = 0; at < whole; at += 4) {
    mix(hash + bytes.readUInt16LE(at));
    mix((hash << 16) ^ ((bytes.readUInt16LE(at + 2) << 11) ^ hash));
    mix(hash + (hash >>> 11));
  }
  const rest = bytes.length % 4;
  if (rest === 3) {
    mix(hash + bytes.readUInt16LE(whole));
    mix(hash ^ (hash << 16));
    mix(hash ^ (bytes.readInt8(whole + 2) << 18));
    mix(hash + (hash >>> 11));
  } else if (rest === 2) {
    mix(hash + bytes.readUInt16LE(whole));
    mix(hash ^ (hash << 11));
    mix(hash + (hash >>> 17));
  } else if (rest === 1) {
    mix(hash + bytes.readInt8(whole));
    mix(hash ^ (hash << 10));
    mix(hash + (hash >>> 1));
  }
  for (const [left, right] of [
    [3, 5],
    [4, 17],
    [25, 6],
  ]) {
    mix(hash ^ (hash << left));
    mix(hash + (hash >>> right));
  }
  return hash;
}

function padding(lengthBytes) {
  return (4 - (lengthBytes % 4)) % 4;
}

function uint32s(...values) {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value, 4 * index);
  });
  return bytes;
}
