import type { Problem } from '../config/config.ts';

/** `FILE:LINE: severity: section, option: sentence`, as compilers print it, so that editors jump there. */
export function problemText(problem: Problem): string {
  // Most sentences name the option themselves.
  const { option, sentence } = problem;
  const place = [
    problem.section,
    option && !sentence.includes(`'${option}'`) ? `option ${option}` : undefined,
  ];
  const where = place.filter((part) => part !== undefined).join(', ');
  return `${problem.file}:${problem.line}: ${problem.severity}: ${where === '' ? '' : `${where}: `}${sentence}`;
}

/** `1 error`, `2 errors`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** What the log says of a defect. The stack begins with the message on Node, and without it on QuickJS. */
export function defectText(defect: unknown): string {
  const text = String(defect);
  const stack = defect instanceof Error ? (defect.stack ?? '') : '';
  return stack.includes(text) ? stack : `${text}\n${stack}`.trim();
}
