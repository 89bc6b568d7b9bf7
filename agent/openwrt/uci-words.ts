/** The words of a UCI file, with its quoting and its comments. */

/** White space as C's isspace() has it in the "C" locale; JavaScript's \s knows more. */
function isSpace(char: string): boolean {
  return char === ' ' || (char >= '\t' && char <= '\r');
}

/**
 * Takes words from the current line. Only an open quote or a backslash at its end lets a statement run on
 * into the next line. A NUL character, which no text file has, ends its line.
 */
export class UciWords {
  /** Why the last word could not be read. */
  fault: string | undefined;
  readonly #text: string;
  /** Offsets where the lines begin, and the end of the text. */
  readonly #starts: number[];
  /** Index of the current line. */
  #current = -1;
  #firstOfStatements = -1;
  #at = 0;
  /** Where the current line ends: after its line feed, or earlier at a comment. */
  #stop = 0;
  /** Where a complaint should point. */
  #mark = 0;
  #statement = 0;

  constructor(text: string) {
    this.#text = text;
    this.#starts = [0];
    for (let feed = text.indexOf('\n'); feed >= 0; feed = text.indexOf('\n', feed + 1)) {
      this.#starts.push(feed + 1);
    }
    if (this.#starts.at(-1) !== text.length) {
      this.#starts.push(text.length);
    }
  }

  get lineCount(): number {
    return Math.max(1, this.#starts.length - 1);
  }

  /** The current line, from 1. */
  get line(): number {
    return this.#current + 1;
  }

  /** Where to look for the last fault; `runsTo` when the statement began in an earlier line than it ended. */
  position(): { line: number; column?: number; runsTo?: number } {
    const first = this.#firstOfStatements;
    const start = this.#starts[first] ?? 0;
    return this.#mark < (this.#starts[first + 1] ?? 0)
      ? { line: first + 1, column: this.#mark - start + 1 }
      : { line: first + 1, runsTo: this.#current + 1 };
  }

  /** Faults of a whole statement are shown at its beginning. */
  markStatement(): void {
    this.#mark = this.#statement;
  }

  nextLine(): boolean {
    this.fault = undefined;
    if (!this.#extend()) {
      return false;
    }
    this.#firstOfStatements = this.#current;
    return true;
  }

  /** After a problem: a forgotten quote may have swallowed good lines, so they are read again. */
  rewindToNextLine(): void {
    this.#current = this.#firstOfStatements;
  }

  skipSpace(): void {
    while (this.#at < this.#stop && isSpace(this.#char())) {
      this.#at++;
    }
  }

  /** The word that begins a statement, unquoted and ended by a space or tab only. */
  command(): string | undefined {
    while (this.#char() === ' ' || this.#char() === '\t') {
      this.#at++;
    }
    this.#statement = this.#at;
    this.#mark = this.#at;
    const start = this.#at;
    while (this.#at < this.#stop && this.#char() !== ' ' && this.#char() !== '\t') {
      this.#at++;
    }
    const word = this.#text.slice(start, this.#at);
    this.#at++;
    return word === '' ? undefined : word;
  }

  /** The next word without its quotes; empty at the end of the statement. */
  word(): string {
    this.skipSpace();
    this.#mark = this.#at;
    if (this.#char() === ';') {
      this.#at++;
      return '';
    }
    let word = '';
    let plain = true;
    do {
      const char = this.#char();
      if (char === '') {
        break;
      }
      if (char === '#') {
        this.#stop = this.#at;
        return word;
      }
      if (char === ';') {
        // libuci ends the word by writing over the semicolon, unless quotes left it room: then the rest
        // of the line is lost.
        if (plain) {
          this.#stop = this.#at;
        }
        return word;
      }
      if (char === "'" || char === '"') {
        plain = false;
        word += this.#quoted(char);
        if (this.fault !== undefined) {
          return '';
        }
      } else if (char === '\\') {
        plain = false;
        word += this.#escaped();
      } else {
        word += char;
        this.#at++;
      }
    } while (this.#at < this.#stop && !isSpace(this.#char()));
    if (this.#at < this.#stop) {
      this.#at++;
    }
    return word;
  }

  endOfStatement(): string | undefined {
    const rest = this.word();
    return (
      this.fault ??
      (rest === '' ? undefined : 'Something follows the value: put quotes around the whole value.')
    );
  }

  /** The current character; empty at the end of the line. */
  #char(): string {
    if (this.#at >= this.#stop) {
      return '';
    }
    return this.#text.charAt(this.#at);
  }

  /** Makes the next line part of what is being read. */
  #extend(): boolean {
    const start = this.#starts[this.#current + 1];
    const end = this.#starts[this.#current + 2];
    if (start === undefined || end === undefined) {
      return false;
    }
    this.#current++;
    const nul = this.#text.slice(start, end).indexOf('\0');
    this.#stop = nul < 0 ? end : start + nul;
    this.#at = start;
    return true;
  }

  #quoted(quoteChar: string): string {
    const opened = this.#at;
    let value = '';
    this.#at++;
    for (;;) {
      const char = this.#char();
      if (char === quoteChar) {
        this.#at++;
        return value;
      }
      if (char === '') {
        if (!this.#extend()) {
          this.#mark = opened;
          this.fault = 'A quote is opened here and never closed.';
          return '';
        }
      } else if (char === '\\' && quoteChar === '"') {
        value += this.#escaped();
      } else {
        value += char;
        this.#at++;
      }
    }
  }

  /** A backslash makes the next character plain; at the end of a line it joins the next line. */
  #escaped(): string {
    this.#at++;
    const rest = this.#text.slice(this.#at, Math.min(this.#stop, this.#at + 3));
    if (rest === '' || rest === '\n' || rest === '\r\n') {
      if (!this.#extend()) {
        this.#stop = this.#at;
      }
      return '';
    }
    const char = this.#char();
    this.#at++;
    return char;
  }
}
