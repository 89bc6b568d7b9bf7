import type { Problem } from '../config/config.ts';

/** `FILE:LINE: severity: section, option: sentence`, as compilers print it, so that editors jump there. */
export function problemText(problem: Problem): string {
  const place = [problem.section, problem.option === undefined ? undefined : `option ${problem.option}`];
  const where = place.filter((part) => part !== undefined).join(', ');
  return `${problem.file}:${problem.line}: ${problem.severity}: ${where === '' ? '' : `${where}: `}${problem.sentence}`;
}
