/**
 * A strict reader of Prometheus' text format 0.0.4, stricter than Prometheus itself: whatever would be refused,
 * ambiguous or against the naming conventions is an error.
 */

export interface Exposition {
  /** `NAME{LABEL="VALUE",...}` with sorted labels and plain values, and its value. */
  samples: Map<string, number>;
  /** Name to type, in the order of the text. */
  types: Map<string, string>;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

export function readExposition(text: string): Exposition {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  const helps = new Set<string>();
  if (text !== '' && !text.endsWith('\n')) {
    throw new Error('the last line has no end');
  }
  let current = '';
  for (const line of text.split('\n').slice(0, -1)) {
    const [, word, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (word === 'HELP') {
      refuse(helps.has(name) || types.has(name), `second or late HELP: ${line}`);
      refuse(/\\(?![\\n])/.test(rest), `broken escape: ${line}`);
      helps.add(name);
    } else if (word === 'TYPE') {
      refuse(types.has(name), `second TYPE: ${line}`);
      refuse(!['counter', 'gauge'].includes(rest), `unknown type: ${line}`);
      types.set(name, rest);
      current = name;
    } else {
      refuse(line === '' || line.startsWith('#'), `stray line: ${line}`);
      const sample = readSample(line);
      refuse(sample.name !== current, `${sample.name} stands among the samples of ${current}`);
      refuse(samples.has(sample.key), `twice: ${sample.key}`);
      samples.set(sample.key, sample.value);
    }
  }
  for (const [name, type] of types) {
    refuse(!NAME.test(name), `name: ${name}`);
    refuse((type === 'counter') !== name.endsWith('_total'), `${name} is a ${type}`);
    refuse(/_(?:milliseconds|kilobytes|minutes|kib|ms)$/.test(name), `${name} has no base unit`);
    refuse(![...samples.keys()].some((key) => key.split('{')[0] === name), `${name} has no sample`);
  }
  return { samples, types };
}

function readSample(line: string): { name: string; key: string; value: number } {
  const [name = ''] = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line) ?? [];
  refuse(name === '', `no name: ${line}`);
  let at = name.length;
  const labels = new Map<string, string>();
  if (line[at] === '{') {
    at += 1;
    while (line[at] !== '}') {
      const [found, label = ''] = /^([a-zA-Z_][a-zA-Z0-9_]*)="/.exec(line.slice(at)) ?? [];
      refuse(found === undefined || labels.has(label) || label.startsWith('__'), `label: ${line}`);
      at += found?.length ?? 0;
      let value = '';
      while (line[at] !== '"') {
        refuse(at >= line.length, `open value: ${line}`);
        if (line[at] === '\\') {
          at += 1;
          refuse(!['\\', '"', 'n'].includes(line[at] ?? ''), `escape: ${line}`);
          value += line[at] === 'n' ? '\n' : line[at];
        } else {
          value += line[at];
        }
        at += 1;
      }
      labels.set(label, value);
      at += 1;
      refuse(line[at] !== ',' && line[at] !== '}', `after a label: ${line}`);
      at += line[at] === ',' ? 1 : 0;
    }
    refuse(labels.size === 0, `no labels: ${line}`);
    at += 1;
  }
  refuse(line[at] !== ' ', `no space: ${line}`);
  const number = line.slice(at + 1);
  refuse(!NUMBER.test(number), `value: ${line}`);
  const sorted = [...labels].sort(([one], [other]) => (one < other ? -1 : 1));
  const key = `${name}{${sorted.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',')}}`;
  return { name, key, value: Number(number) };
}

function refuse(wrong: boolean, what: string): void {
  if (wrong) {
    throw new Error(what);
  }
}
