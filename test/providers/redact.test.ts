import { describe, expect, test } from 'vitest';
import type { Credential } from '../../agent/providers/protocol.ts';
import { createRedactor } from '../../agent/providers/redact.ts';

/** Plain, percent-encoded and as the token of Basic. */
function forms(username: string, password: string): string[] {
  return [password, encodeURIComponent(password), btoa(`${username}:${password}`)];
}

function redactorOf(...credentials: Partial<Credential>[]) {
  return createRedactor(() => credentials, forms);
}

describe('secrets in foreign text', () => {
  const account = { username: 'user', password: 'pa ss/word' };

  test.each([
    { name: 'plain', text: 'wrong: pa ss/word!', expected: 'wrong: ***!' },
    { name: 'percent-encoded', text: '?p=pa%20ss%2Fword&x', expected: '?p=***&x' },
    { name: 'as Basic token', text: `Basic ${btoa('user:pa ss/word')}`, expected: 'Basic ***' },
    { name: 'again and again', text: 'pa ss/wordpa ss/word', expected: '******' },
    { name: 'not at all', text: 'good 192.0.2.1', expected: 'good 192.0.2.1' },
    { name: 'the username stays', text: 'hello user', expected: 'hello user' },
    { name: 'nothing', text: '', expected: '' },
  ])('$name', ({ text, expected }) => {
    expect(redactorOf(account)(text)).toBe(expected);
  });

  test('of two that overlap the longer goes first, so that no rest remains', () => {
    const redact = redactorOf({ password: 'abc' }, { password: 'abcdef' });

    expect(redact('xabcdefx xabcx')).toBe('x***x x***x');
  });

  test.each(['', 'a', 'go'])(
    'a password as short as "%s" would tear up words and is left alone',
    (password) => {
      expect(redactorOf({ username: 'u', password })('good going')).toBe('good going');
    },
  );

  test('what looks like a pattern is taken as it stands', () => {
    expect(redactorOf({ password: '$&.*' })('a $&.* b, axx')).toBe('a *** b, axx');
  });

  test('an account without a password has nothing to hide', () => {
    expect(redactorOf({ username: 'user' })('user undefined')).toBe('user undefined');
  });
});

test('after a reload the new secret is hidden', () => {
  let password = 'first-one';
  const redact = createRedactor(() => [{ password }], forms);
  const before = redact('first-one second-one');

  password = 'second-one';

  expect(before).toBe('*** second-one');
  expect(redact('first-one second-one')).toBe('first-one ***');
});
