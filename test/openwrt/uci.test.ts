import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseUci, writeUci } from '../../agent/openwrt/uci.ts';

/** Any UTF-16 unit, lone surrogates included. */
const anyChar = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));

interface Pair {
  name: string;
  given: string;
  exported: string | null;
}

const pairs: Pair[] = JSON.parse(
  readFileSync(new URL('../fixtures/uci/pairs.json', import.meta.url), 'utf8'),
);

describe('what uci export says', () => {
  test.each(pairs.filter(({ exported }) => exported !== null))('$name', ({ given, exported }) => {
    const { sections, problems } = parseUci(given, 'holdfast');

    expect(problems).toEqual([]);
    // uci ends an empty file without the final blank line
    expect(writeUci(sections).trimEnd()).toBe(exported?.trimEnd());
  });

  test.each(pairs.filter(({ exported }) => exported === null))('refused: $name', ({ given }) => {
    expect(parseUci(given, 'holdfast').problems).not.toEqual([]);
  });
});

describe('a broken line costs no more than it must', () => {
  const cases = [
    {
      name: 'unknown command',
      text: 'config a b\n\toption x 1\n\toptoin y 2\n\toption z 3\n',
      problems: [{ line: 3, column: 2 }],
      left: ['a b x=1 z=3'],
    },
    {
      name: 'two values',
      text: 'config a b\n\toption x one two\n\toption z 3\n',
      problems: [{ line: 2, column: 15 }],
      left: ['a b z=3'],
    },
    {
      name: 'quote never closed',
      text: "config a b\n\toption x 'one\n\toption y 2\nconfig c d\n\toption z 3\n",
      problems: [{ line: 2, column: 11 }],
      left: ['a b y=2', 'c d z=3'],
    },
    {
      name: 'quote closed by the next line',
      text: "config a b\n\toption x 'one\n\toption y 'two'\n\toption z 3\n",
      problems: [{ line: 2, column: undefined }],
      left: ['a b y=two z=3'],
    },
    {
      name: 'options of a broken section do not fall into the one before',
      text: 'config a b\n\toption x 1\nconfig c d-e\n\toption x 2\n\tlist y 3\nconfig f g\n\toption x 4\n',
      problems: [{ line: 3, column: 10 }],
      left: ['a b x=1', 'f g x=4'],
    },
    {
      name: 'option before the first section',
      text: 'option x 1\nconfig a b\n',
      problems: [{ line: 1, column: 1 }],
      left: ['a b'],
    },
    {
      name: 'a byte order mark',
      text: '\ufeffconfig a b\n\toption x 1\n',
      problems: [{ line: 1, column: undefined }],
      left: ['a b x=1'],
    },
    {
      name: 'the byte order mark of UTF-16, which is no UTF-8',
      text: '\ufffd\ufffdconfig a b\n',
      problems: [{ line: 1, column: undefined }],
      left: ['a b'],
    },
  ];

  test.each(cases)('$name', ({ text, problems, left }) => {
    const parsed = parseUci(text, 'holdfast');

    expect(parsed.problems.map(({ line, column }) => ({ line, column }))).toMatchObject(problems);
    expect(
      parsed.sections.map(({ type, name, options }) =>
        [type, name, ...options.map((option) => `${option.name}=${option.value}`)].join(' '),
      ),
    ).toEqual(left);
  });

  test('a value swallowed by a forgotten quote is not repeated in the problem', () => {
    const { problems } = parseUci("config a b\n\toption x 'one\n\toption password 'hunter2'\n", 'holdfast');

    expect(problems).not.toEqual([]);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });
});

test('lines and indexes are told', () => {
  const text = "config a\n\nconfig b x\nconfig a\n\toption o 'one\ntwo'\n\toption p 1\n";

  const { sections } = parseUci(text, 'holdfast');

  expect(sections).toEqual([
    { type: 'a', name: undefined, index: 0, line: 1, options: [] },
    { type: 'b', name: 'x', index: 0, line: 3, options: [] },
    {
      type: 'a',
      name: undefined,
      index: 1,
      line: 4,
      options: [
        { name: 'o', value: 'one\ntwo', line: 5 },
        { name: 'p', value: '1', line: 7 },
      ],
    },
  ]);
});

test.each([
  { what: 'another value', text: 'config a b\n\toption x 1\n\toption x 2\n', replaces: [2] },
  {
    what: 'a value in a section that goes on',
    text: 'config a b\n\toption x 1\nconfig a b\n\toption x 2\n',
    replaces: [2],
  },
  { what: 'a list', text: 'config a b\n\tlist x 1\n\toption x 2\n', replaces: [2] },
  { what: 'the same value', text: 'config a b\n\toption x 1\n\toption x 1\n', replaces: [undefined] },
  { what: 'a further item', text: 'config a b\n\tlist x 1\n\tlist x 2\n', replaces: [undefined] },
  { what: 'an empty value', text: "config a b\n\toption x 1\n\toption x ''\n", replaces: [undefined] },
])('the line that is replaced: $what', ({ text, replaces }) => {
  const { sections, problems } = parseUci(text, 'holdfast');

  expect(problems).toEqual([]);
  expect(sections[0]?.options.map((option) => option.replaces)).toEqual(replaces);
});

describe('properties', () => {
  const name = fc.stringMatching(/^\w{1,8}$/);
  const value = fc.string({ unit: anyChar, maxLength: 20 }).filter((text) => !text.includes('\0'));
  const quirky = fc.string({
    unit: fc.constantFrom("'", '"', '\\', '#', ';', '\n', '\r', '\t', ' ', 'a', 'ü'),
  });
  const anyValue = fc.oneof(value, quirky);
  const option = fc.record({
    name,
    value: fc.oneof(
      anyValue.filter((text) => text !== ''),
      fc.array(anyValue, { minLength: 1, maxLength: 3 }),
    ),
  });
  const section = fc.record({
    type: fc.stringMatching(/^[a-z-]{1,8}$/),
    name: fc.option(name, { nil: undefined }),
    options: fc.uniqueArray(option, { selector: (one) => one.name, maxLength: 5 }),
  });
  const file = fc.uniqueArray(section, { selector: (one) => one.name ?? Symbol(), maxLength: 5 });

  test('what was written is read back', () => {
    fc.assert(
      fc.property(file, (sections) => {
        const parsed = parseUci(writeUci(sections), 'holdfast');

        expect(parsed.problems).toEqual([]);
        expect(
          parsed.sections.map(({ type, name, options }) => ({
            type,
            name,
            options: options.map((one) => ({ name: one.name, value: one.value })),
          })),
        ).toEqual(sections);
      }),
    );
  });

  test('no text makes it throw, and every problem has a place', () => {
    const words = fc.constantFrom(
      'config ',
      'option ',
      'list ',
      'package ',
      '\n',
      '\r\n',
      "'",
      '"',
      '\\',
      '#',
      ';',
      'a',
      ' ',
      '\0',
    );
    const hostile = fc.oneof(
      fc.string({ unit: anyChar }),
      fc.array(words).map((parts) => parts.join('')),
    );

    fc.assert(
      fc.property(hostile, (text) => {
        const lines = text.split('\n').length;
        for (const problem of parseUci(text, 'holdfast').problems) {
          expect(problem.line).toBeGreaterThanOrEqual(1);
          expect(problem.line).toBeLessThanOrEqual(lines);
          expect(problem.sentence).toMatch(/\.$/);
        }
      }),
    );
  });

  test.each([
    ['open quotes', "option x '\n"],
    ['open double quotes', 'config a b\noption x "\\"\n'],
    ['many options', (index: number) => `option o${index} 1\n`],
    ['many sections', (index: number) => `config a s${index}\n`],
    ['one long value', 'x'],
    ['joined lines', '\\\n'],
    ['semicolons', ";';'"],
  ])('a huge file costs little: %s', (_, part) => {
    const pieces = Array.from({ length: 40_000 }, (__, index) =>
      typeof part === 'string' ? part : part(index),
    );
    const text = `config a b\n${pieces.join('')}`;
    const startMs = performance.now();

    const { problems } = parseUci(text, 'holdfast');

    expect(performance.now() - startMs).toBeLessThan(2000);
    expect(problems.length).toBeLessThan(60);
  });
});
