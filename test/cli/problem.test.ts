import { expect, test } from 'vitest';
import { defectText } from '../../agent/cli/problem.ts';

function errorWith(stack: string): Error {
  const error = new TypeError('cannot read property');
  error.stack = stack;
  return error;
}

test.each([
  [
    "Node's stack, which begins with the message",
    'TypeError: cannot read property\n    at step (agent.js:1:2)',
  ],
  ["QuickJS's stack, which has no message", '    at step (agent.js:1:2)\n'],
])('%s: the log has the message once, and where it was', (_, stack) => {
  const text = defectText(errorWith(stack));

  expect(text).toBe('TypeError: cannot read property\n    at step (agent.js:1:2)');
});

test('what was thrown may be anything', () => {
  expect([defectText('a word'), defectText(undefined)]).toEqual(['a word', 'undefined']);
});
