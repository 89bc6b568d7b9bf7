/** Small lies in the source of a decision: each must be noticed by some test. */
import { compile } from './world.ts';

export interface Mutation {
  file: string;
  line: number;
  /** The line above, and the changed line before and after, without their indentation. */
  above: string;
  before: string;
  after: string;
  /** The whole file with the change, compiled. */
  code: string;
  /** Where its code begins to differ. */
  at: number;
}

interface Rule {
  pattern: RegExp;
  becomes(match: string): string;
}

/** Outside of comments and texts. What no longer parses, or changes only a type, is no mutation. */
const RULES: readonly Rule[] = [
  { pattern: / === /g, becomes: () => ' !== ' },
  { pattern: / !== /g, becomes: () => ' === ' },
  { pattern: / && /g, becomes: () => ' || ' },
  { pattern: / \|\| /g, becomes: () => ' && ' },
  { pattern: / \?\? /g, becomes: () => ' && ' },
  { pattern: / >= /g, becomes: () => ' > ' },
  { pattern: / <= /g, becomes: () => ' < ' },
  { pattern: / > /g, becomes: () => ' >= ' },
  { pattern: / < /g, becomes: () => ' <= ' },
  { pattern: / \+ /g, becomes: () => ' - ' },
  { pattern: / - /g, becomes: () => ' + ' },
  { pattern: / \* /g, becomes: () => ' / ' },
  // Not where zero stands for "nothing" (one millisecond is as little), nor where it is the default of a field.
  { pattern: /(?<![\w.])(?!(?<=[?:] )0\b|(?<= = )0(?:[,\]]| \}))\d[\d_]*(?![\w.])/g, becomes: another },
  { pattern: /(?<!\?: )\btrue\b/g, becomes: () => 'false' },
  { pattern: /\bfalse\b/g, becomes: () => 'true' },
  { pattern: /Math\.max\(/g, becomes: () => 'Math.min(' },
  { pattern: /Math\.min\(/g, becomes: () => 'Math.max(' },
  { pattern: /Math\.ceil\(/g, becomes: () => 'Math.floor(' },
  { pattern: /\.some\(/g, becomes: () => '.every(' },
  { pattern: /\.every\(/g, becomes: () => '.some(' },
  { pattern: /\.find\(/g, becomes: () => '.findLast(' },
  { pattern: /\.at\(-1\)/g, becomes: () => '.at(0)' },
  { pattern: /\bif \(.*\) \{$/gm, becomes: () => 'if (false) {' },
  { pattern: /^ +(?:continue|break);$/gm, becomes: () => ';' },
  { pattern: /^ +state\.\w+\[[^\]]+\] = /gm, becomes: () => 'void ' },
  // A call for its effect alone: a wake-up, a report, a part of the step.
  {
    pattern: /^ +(?=(?:\w+\(draft\b|[\w.]+\.(?:push|delete|set)\())/gm,
    becomes: (indent) => `${indent}false && `,
  },
  { pattern: /(?<=\.\.\.\()!?\w[\w.]*(?= && \{)/g, becomes: () => 'false' },
];

function another(digits: string): string {
  const number = Number(digits.replaceAll('_', ''));
  return String(number === 0 ? 1 : 2 * number);
}

/** All mutations of one file, in the order of its lines. */
export function mutationsOf(file: string, source: string): Mutation[] {
  const masked = codeOf(source);
  const original = compile(source);
  return RULES.flatMap(({ pattern, becomes }) =>
    [...masked.matchAll(pattern)].flatMap((match) => {
      const end = match.index + match[0].length;
      const mutated = source.slice(0, match.index) + becomes(match[0]) + source.slice(end);
      const code = compiled(mutated);
      const line = masked.slice(0, match.index).split('\n').length;
      const [above, before] = [lineOf(source, line - 1), lineOf(source, line)];
      return code === undefined || code === original
        ? []
        : [
            {
              file,
              line,
              above,
              before,
              after: lineOf(mutated, line),
              code,
              at: firstDifference(original, code),
            },
          ];
    }),
  ).sort((a, b) => a.line - b.line);
}

function compiled(source: string): string | undefined {
  try {
    return compile(source);
  } catch {
    return;
  }
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (a[at] === b[at]) {
    at += 1;
  }
  return at;
}

function lineOf(source: string, line: number): string {
  return (source.split('\n')[line - 1] ?? '').trim();
}

/** The source with blanks in the place of comments, texts and regular expressions, at the same offsets. */
function codeOf(source: string): string {
  const masked =
    /\/\*[\s\S]*?\*\/|\/\/.*|'(?:\\.|[^'\\\n])*'|(?<=[(,=:!&|?{};[\n] *)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;
  return withoutTemplates(source.replace(masked, blank));
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}

/** Blanks the texts of template literals and keeps what stands in their `${}`. */
function withoutTemplates(source: string): string {
  const open: ('text' | 'code')[] = [];
  let kept = '';
  for (let at = 0; at < source.length; at += 1) {
    const char = source[at] ?? '';
    const isText = open.at(-1) === 'text';
    if (char === '`') {
      isText ? open.pop() : open.push('text');
      kept += ' ';
    } else if (isText && char === '$' && source[at + 1] === '{') {
      open.push('code');
      kept += '  ';
      at += 1;
    } else if (isText) {
      kept += char === '\n' ? char : ' ';
    } else {
      if (open.length > 0 && (char === '{' || char === '}')) {
        char === '{' ? open.push('code') : open.pop();
      }
      kept += char;
    }
  }
  return kept;
}
