/** From the strings of one UCI section to the typed options of the schema. */
import type { UciSection, UciSectionKey } from '../openwrt/uci.ts';
import type { Problem } from './config.ts';
import type { OptionFacts, Validator } from './options.ts';
import { closest } from './suggest.ts';
import { type SectionType, sectionFacts } from './validate.generated.js';

export type Complaint = Pick<Problem, 'severity' | 'option' | 'value' | 'code' | 'sentence'>;
/** Adds a problem; the place is filled in from the section. */
export type Complain = (complaint: Complaint) => void;

/** The words that OpenWrt's own scripts take for a truth value. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 'on', 'true', 'yes', 'enabled'].map((word) => [word, true] as const),
  ...['0', 'off', 'false', 'no', 'disabled'].map((word) => [word, false] as const),
]);

/** From here on the service has added lines of its own to its copy of the file (the init script). */
const COPIED = '\n# Copied for the agent:\n';

/** How many lines of this text are the user's. */
export function ownLinesOf(text: string): number {
  const end = text.indexOf(COPIED);
  return end < 0 ? Number.POSITIVE_INFINITY : text.slice(0, end).split('\n').length;
}

/** A statement after the first `ownLines` is shown where its section begins. */
export function complainAbout(
  section: UciSection,
  file: string,
  ownLines: number,
  problems: Problem[],
): Complain {
  const own = section.options.filter(({ line }) => line <= ownLines);
  const lines = new Map(own.map(({ name, line }) => [name, line]));
  return (complaint) => {
    const line = lines.get(complaint.option ?? '') ?? section.line;
    problems.push({ ...complaint, file, line, section: sectionLabel(section) });
  };
}

/** `hostname 'home'`, or `hostname @2` for the third anonymous or named section of its type. */
export function sectionLabel(section: UciSectionKey): string {
  return section.name === undefined
    ? `${section.type} @${section.index}`
    : `${section.type} '${section.name}'`;
}

/**
 * Converts and checks one section. Every fault is complained about once for each option. With `fallback` a
 * bad option takes its default, and of a list only the bad entries are left out; without, a section with a bad
 * option is `undefined`.
 */
export function readSection<T>(
  section: UciSection,
  type: SectionType,
  validate: Validator<T>,
  complain: Complain,
  fallback = false,
): T | undefined {
  const facts = sectionFacts[type];
  const values: Record<string, unknown> = {};
  for (const { name, value } of section.options) {
    const option = Object.hasOwn(facts.options, name) ? facts.options[name] : undefined;
    if (option === undefined) {
      complain(unknownOption(name, type));
      continue;
    }
    values[name] = convert(option, value);
    if (option.later && JSON.stringify(values[name]) !== JSON.stringify(option.default)) {
      complain({
        severity: 'warning',
        option: name,
        code: 'config/NO_EFFECT_YET',
        sentence: `Option '${name}' is accepted but has no effect in this version.`,
      });
    }
  }
  if (validate(values)) {
    return values;
  }
  const bad = new Set<string>();
  for (const { instancePath, params } of validate.errors ?? []) {
    const [, name = '', index] = instancePath.split('/');
    const option = facts.options[name];
    if (params) {
      complain(missingOption(params.missingProperty, facts.options));
    } else if (option !== undefined && !bad.has(fallback ? instancePath : name)) {
      bad.add(fallback ? instancePath : name);
      // People put a password into the wrong option of an account: none of its values is repeated.
      const mayShow = option.secret !== true && type !== 'account';
      complain(badValue(name, option, values[name], index, { fallback, mayShow }));
    }
  }
  for (const [name, value] of fallback ? Object.entries(values) : []) {
    const good = Array.isArray(value) ? value.filter((_, index) => !bad.has(`/${name}/${index}`)) : [];
    const isSpoiled = Array.isArray(value) && good.length < value.length;
    if (bad.has(`/${name}`) || (isSpoiled && good.length === 0)) {
      delete values[name];
    } else if (isSpoiled) {
      values[name] = good;
    }
  }
  return fallback && validate(values) ? values : undefined;
}

/** What an option may be, as the end of a sentence that begins with "must be". */
export function allowedText(facts: OptionFacts): string {
  if (facts.enum !== undefined) {
    return `one of: ${facts.enum.join(', ')}`;
  }
  if (facts.type === 'boolean') {
    return '1 or 0';
  }
  if (facts.type === 'integer') {
    return `a whole number from ${facts.minimum} to ${facts.maximum}${facts.unit ? ` (${facts.unit})` : ''}`;
  }
  return facts.allowed ?? 'text';
}

/**
 * A value that may be shown to people, or undefined: never one that could carry a credential in a URL, or
 * that runs over several lines, because after a forgotten quote it may hold a password.
 */
export function shown(value: string): string | undefined {
  const isPlain = value.length <= 64 && /^[ -~\u00a1-\uffff]*$/.test(value);
  return isPlain && !value.includes('://') ? value : undefined;
}

function convert(facts: OptionFacts, value: string | string[]): unknown {
  if (facts.type === 'array') {
    // As in OpenWrt's own files, `option network 'wan wan6'` stands for a list; no item may hold a space.
    return typeof value === 'string' ? value.split(/[ \t\r\n]+/).filter((item) => item !== '') : value;
  }
  const text = typeof value === 'string' || value.length !== 1 ? value : value[0];
  if (typeof text === 'string' && facts.type === 'boolean') {
    return BOOLEANS.get(text) ?? text;
  }
  if (typeof text === 'string' && facts.type === 'integer') {
    return /^[0-9]{1,9}$/.test(text) ? Number(text) : text;
  }
  return text;
}

function unknownOption(name: string, type: SectionType): Complaint {
  const names = Object.keys(sectionFacts[type].options);
  const guess = closest(name, names);
  const hint = guess === undefined ? `known are: ${names.join(', ')}.` : `did you mean '${guess}'?`;
  return {
    severity: 'warning',
    option: name,
    code: 'config/UNKNOWN_OPTION',
    sentence: `Option '${name}' is not known in a section of type ${type}; ${hint}`,
  };
}

function missingOption(name: string, options: Record<string, OptionFacts>): Complaint {
  const facts = options[name];
  return {
    severity: 'error',
    option: name,
    code: 'config/MISSING_OPTION',
    sentence: `Option '${name}' is missing; it must be ${facts === undefined ? 'set' : allowedText(facts)}.`,
  };
}

function badValue(
  name: string,
  facts: OptionFacts,
  value: unknown,
  index: string | undefined,
  { fallback, mayShow }: { fallback: boolean; mayShow: boolean },
): Complaint {
  const culprit = Array.isArray(value) && index !== undefined ? value[Number(index)] : value;
  const text = mayShow ? shown(String(culprit)) : undefined;
  const place = { severity: 'error' as const, option: name, ...(text === undefined ? {} : { value: text }) };
  if (text !== undefined && facts.planned?.includes(text)) {
    return {
      ...place,
      code: 'config/NOT_IN_THIS_VERSION',
      sentence: `Option '${name}': '${text}' is not available in this version; it must be ${allowedText(facts)}.`,
    };
  }
  const isList = Array.isArray(value) && facts.type !== 'array' ? ' and not a list' : '';
  const is = text === undefined || isList !== '' ? '' : ` is '${text}' but`;
  const isEntry = fallback && culprit !== value;
  const usual = typeof facts.default === 'boolean' ? Number(facts.default) : (facts.default ?? '');
  const isLeftOut = isEntry || usual === '';
  const instead = fallback ? (isLeftOut ? ' It is left out.' : ` The default (${usual}) is used.`) : '';
  return {
    ...place,
    code: 'config/BAD_VALUE',
    sentence: `${isEntry ? `Entry ${Number(index) + 1} of option` : 'Option'} '${name}'${is} must be ${allowedText(facts)}${isList}.${instead}`,
  };
}
