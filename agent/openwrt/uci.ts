/**
 * Reads and writes the text of UCI files (`/etc/config/NAME`) as OpenWrt's libuci does, with one
 * difference on purpose: libuci refuses a whole file for one bad line, this words reports the line
 * and goes on. Where libuci's behaviour surprises, the comment says so.
 */

import { UciWords } from './uci-words.ts';

export interface UciOption {
  name: string;
  /** A string from `option`, an array from `list`. */
  value: string | string[];
  /** Line of the last statement that changed it, from 1. */
  line: number;
  /** Line of a statement with another value that this one replaces; libuci says nothing of it. */
  replaces?: number;
}

/** What tells a section from the others. */
export interface UciSectionKey {
  type: string;
  /** Undefined for an anonymous section, which is then known as `@TYPE[INDEX]`. */
  name: string | undefined;
  /** Position among the sections of the same type, from 0. */
  index: number;
}

export interface UciSection extends UciSectionKey {
  line: number;
  options: UciOption[];
}

export interface UciProblem {
  file: string;
  line: number;
  /** From 1, counted in UTF-16 units. */
  column?: number;
  /** The section that lost a line by this; absent between sections. */
  section?: UciSectionKey;
  sentence: string;
}

export interface UciFile {
  sections: UciSection[];
  problems: UciProblem[];
}

/** A router's file has a few KiB; beyond this the rest is left unread. */
const MAX_CHARS = 256 * 1024;
/** Bounds the work on hostile text: each problem may cost one more pass over the rest of the file. */
const MAX_PROBLEMS = 50;

const NAME = /^\w+$/;
/** As some editors begin a file, in UTF-8 or (not readable then) in UTF-16. */
const BYTE_ORDER_MARK = /^(?:\ufeff|\ufffd\ufffd)/;
const PACKAGE_NAME = /^[\w-]+$/;
const TYPE = /^[!-~]+$/;

/** Reads a whole file; never throws. `file` is only repeated in the problems. */
export function parseUci(text: string, file: string): UciFile {
  const sections: UciSection[] = [];
  const problems: UciProblem[] = [];
  const byName = new Map<string, UciSection>();
  const counts = new Map<string, number>();
  const options = new Map<string, UciOption>();
  const isMarked = BYTE_ORDER_MARK.test(text);
  const words = new UciWords(text.replace(BYTE_ORDER_MARK, '').slice(0, MAX_CHARS));
  let section: UciSection | undefined;
  /** After a broken `config` line its options must not fall into the section before it. */
  let orphaned = false;

  if (isMarked) {
    report(
      1,
      undefined,
      'The file begins with a byte order mark, which uci does not know: save it as UTF-8 without one.',
    );
  }
  if (text.length > MAX_CHARS) {
    report(
      words.lineCount,
      undefined,
      `The file is longer than ${MAX_CHARS} characters; the rest was not read.`,
    );
  }
  while (problems.length < MAX_PROBLEMS && words.nextLine()) {
    const fault = readLine();
    if (fault === undefined) {
      continue;
    }
    const { line, column, runsTo } = words.position();
    const hint =
      runsTo === undefined ? '' : `Text that begins here runs on to line ${runsTo}; is a quote missing? `;
    report(line, column, hint + fault, section);
    words.rewindToNextLine();
  }
  if (problems.length >= MAX_PROBLEMS) {
    report(words.position().line, undefined, 'There are too many problems; the rest was not read.');
  }
  return { sections, problems };

  function report(line: number, column: number | undefined, sentence: string, inside?: UciSectionKey): void {
    problems.push({
      file,
      line,
      ...(column === undefined ? {} : { column }),
      ...(inside && { section: { type: inside.type, name: inside.name, index: inside.index } }),
      sentence,
    });
  }

  /** All statements of one line; returns what is wrong, if anything. */
  function readLine(): string | undefined {
    words.skipSpace();
    for (;;) {
      const command = words.command();
      if (command === undefined || command.startsWith('#')) {
        return undefined;
      }
      const fault = readStatement(command, words.line);
      if (fault !== undefined) {
        return fault;
      }
    }
  }

  function readStatement(command: string, line: number): string | undefined {
    switch (command) {
      case 'package':
      case 'p': {
        const name = words.word();
        // A file holds one package, named like the file: the statement is checked and then ignored.
        return words.fault ?? nameFault('package', name, PACKAGE_NAME) ?? words.endOfStatement();
      }
      case 'config':
      case 'c': {
        orphaned = true;
        section = undefined;
        const type = words.word();
        const typeFault = words.fault ?? nameFault('section type', type, TYPE);
        if (typeFault !== undefined) {
          return typeFault;
        }
        const name = words.word();
        const fault =
          words.fault ??
          (name === '' ? undefined : nameFault('section name', name, NAME)) ??
          words.endOfStatement();
        return fault ?? openSection(type, name, line);
      }
      case 'option':
      case 'o':
      case 'list':
      case 'l': {
        const name = words.word();
        const nameProblem = words.fault ?? nameFault('option name', name, NAME);
        if (nameProblem !== undefined) {
          return nameProblem;
        }
        const value = words.word();
        const fault = words.fault ?? words.endOfStatement();
        if (fault !== undefined) {
          return fault;
        }
        if (section === undefined) {
          words.markStatement();
          return orphaned ? undefined : 'An option stands before the first section.';
        }
        setOption(section, name, value, command.startsWith('l'), line);
        return undefined;
      }
      default:
        return 'A line must begin with "config", "option" or "list".';
    }
  }

  function openSection(type: string, name: string, line: number): string | undefined {
    const known = byName.get(name);
    if (known !== undefined && known.type !== type) {
      words.markStatement();
      return `The name '${name}' is already taken by a section of type '${known.type}' in line ${known.line}.`;
    }
    orphaned = false;
    if (known !== undefined) {
      section = known;
      return undefined;
    }
    const index = counts.get(type) ?? 0;
    counts.set(type, index + 1);
    section = { type, name: name === '' ? undefined : name, index, line, options: [] };
    sections.push(section);
    if (name !== '') {
      byName.set(name, section);
    }
    return undefined;
  }

  function setOption(to: UciSection, name: string, value: string, isList: boolean, line: number): void {
    // An empty `option` changes nothing, it does not even remove an earlier value; an empty list item counts.
    if (!isList && value === '') {
      return;
    }
    const key = `${to.type} ${to.index} ${name}`;
    const known = options.get(key);
    if (known === undefined) {
      const option = { name, value: isList ? [value] : value, line };
      options.set(key, option);
      to.options.push(option);
      return;
    }
    if (!isList && known.value !== value) {
      known.replaces = known.line;
    }
    known.line = line;
    if (!isList) {
      known.value = value;
    } else if (typeof known.value === 'string') {
      known.value = [known.value, value];
    } else {
      known.value.push(value);
    }
  }
}

/**
 * Prints sections as `uci export` does, without its `package` line. Options with an empty value are left
 * out: no words of UCI sees them.
 */
export function writeUci(
  sections: readonly {
    type: string;
    name?: string | undefined;
    options: readonly { name: string; value: string | readonly string[] }[];
  }[],
): string {
  let text = '';
  for (const { type, name, options } of sections) {
    text += `\nconfig ${type}${name === undefined ? '' : ` ${quote(name)}`}\n`;
    for (const option of options) {
      if (typeof option.value !== 'string') {
        for (const item of option.value) {
          text += `\tlist ${option.name} ${quote(item)}\n`;
        }
      } else if (option.value !== '') {
        text += `\toption ${option.name} ${quote(option.value)}\n`;
      }
    }
  }
  return `${text}\n`;
}

function quote(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}

function nameFault(what: string, name: string, pattern: RegExp): string | undefined {
  if (name === '') {
    return `The ${what} is missing.`;
  }
  if (pattern.test(name)) {
    return undefined;
  }
  if (pattern === TYPE) {
    return `The ${what} has a space or a character outside ASCII.`;
  }
  return `The ${what} has a character that is not allowed: only A-Z, a-z, 0-9 and "_" are.`;
}
