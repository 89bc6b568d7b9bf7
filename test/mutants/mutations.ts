/** Small lies in the source of a decision: each must be noticed by some test. */

export interface Mutation {
  file: string;
  line: number;
  was: string;
  is: string;
  /** The whole file with the change. */
  source: string;
}

interface Rule {
  pattern: RegExp;
  becomes(match: string): string;
}

/** Outside of comments, texts and types; what TypeScript would refuse is no mutation, for nothing checks types here. */
const RULES: readonly Rule[] = [
  { pattern: / === /g, becomes: () => ' !== ' },
  { pattern: / !== /g, becomes: () => ' === ' },
  { pattern: / && /g, becomes: () => ' || ' },
  { pattern: / \|\| /g, becomes: () => ' && ' },
  { pattern: / >= /g, becomes: () => ' > ' },
  { pattern: / <= /g, becomes: () => ' < ' },
  { pattern: / > /g, becomes: () => ' >= ' },
  { pattern: / < (?!\w+>)/g, becomes: () => ' <= ' },
  { pattern: / \+ (?=[\w(])/g, becomes: () => ' - ' },
  { pattern: / - (?=[\w(])/g, becomes: () => ' + ' },
  { pattern: / \* (?=[\w(])/g, becomes: () => ' / ' },
  { pattern: /\btrue\b(?!;\n\})/g, becomes: () => 'false' },
  { pattern: /\bfalse\b/g, becomes: () => 'true' },
  { pattern: /Math\.max\(/g, becomes: () => 'Math.min(' },
  { pattern: /Math\.min\(/g, becomes: () => 'Math.max(' },
  { pattern: /\.some\(/g, becomes: () => '.every(' },
  { pattern: /\.every\(/g, becomes: () => '.some(' },
  { pattern: /\bif \((?=.*\) \{$)/gm, becomes: () => 'if (false && ' },
  { pattern: /^( +)continue;$/gm, becomes: (match) => match.replace('continue;', ';') },
  { pattern: /^( +)state\.\w+\[.*\] = .*;$/gm, becomes: () => ';' },
  { pattern: /(?<=\.\.\.\()!?\w[\w.]*(?= && \{)/g, becomes: () => 'false' },
];

/** All mutations of one file, in the order of its lines. */
export function mutationsOf(file: string, source: string): Mutation[] {
  const code = withoutComments(source);
  return RULES.flatMap(({ pattern, becomes }) =>
    [...code.matchAll(pattern)].flatMap((match) => {
      const { index } = match;
      const [was] = match;
      const line = code.slice(0, index).split('\n').length;
      if (isDeclaration(code.split('\n')[line - 1] ?? '')) {
        return [];
      }
      const is = becomes(was);
      return [
        {
          file,
          line,
          was: was.trim(),
          is: is.trim(),
          source: code.slice(0, index) + is + code.slice(index + was.length),
        },
      ];
    }),
  ).sort((a, b) => a.line - b.line);
}

/** Types vanish before the tests run: a change there changes nothing. */
function isDeclaration(line: string): boolean {
  return /^(?:import|export (?:interface|type)|interface|type) |^ +\w+\??: [^=({]*;$|=> .*;$(?<=type.*)|^ +\| /.test(
    line,
  );
}

function withoutComments(source: string): string {
  return source
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|\s)\/\/.*$/gm, (comment) => comment.replace(/[^\n]/g, ' '));
}
