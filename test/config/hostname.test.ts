import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closest } from '../../agent/config/suggest.ts';
import { normaliseHostname } from '../../agent/core/hostname.ts';
import { zoneCandidates } from '../../agent/core/zone-candidates.ts';

/** Any UTF-16 unit, lone surrogates included. */
const anyChar = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));

const label63 = 'a'.repeat(63);

describe('normal form', () => {
  test.each([
    ['home.example.org', 'home.example.org'],
    ['HOME.Example.ORG.', 'home.example.org'],
    ['*.example.org', '*.example.org'],
    ['a-b.1.example', 'a-b.1.example'],
    ['3com.example', '3com.example'],
    ['7.example', '7.example'],
    ['Bücher.example', 'xn--bcher-kva.example'],
    ['bu\u0308cher.example', 'xn--bcher-kva.example'],
    ['faß.example', 'xn--fa-hia.example'],
    ['例え。テスト', 'xn--r8jz45g.xn--zckzah'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    [`${label63}.example`, `${label63}.example`],
    [
      `${label63}.${label63}.${label63}.${'a'.repeat(61)}`,
      `${label63}.${label63}.${label63}.${'a'.repeat(61)}`,
    ],
  ])('%s', (text, hostname) => {
    expect(normaliseHostname(text)).toEqual({ ok: true, hostname });
  });

  test.each(
    [
      '',
      '.',
      'home',
      '*.org',
      'a.*.example.org',
      '*a.example.org',
      'a..example.org',
      '.example.org',
      'example.org..',
      '-a.example.org',
      'a-.example.org',
      'a_b.example.org',
      'a b.example.org',
      'http://a.example.org',
      'a.example.org:80',
      'a@example.org',
      '192.0.2.1',
      'example.7',
      '2001:db8::1',
      '💩.example',
      'xn--ü.example',
      'xn--a!.example',
      'xn--99999999999.example',
      // Its end alone would be well.
      'xn--vt48h8g.example',
      `a${label63}.example`,
      `${'ü'.repeat(62)}.example`,
      `${label63}.${label63}.${label63}.${'a'.repeat(62)}`,
      'a.'.repeat(10_000),
    ].map((text) => ({ text })),
  )('refused: $text', ({ text }) => {
    expect(normaliseHostname(text)).toEqual({ ok: false, sentence: expect.stringMatching(/\.$/) });
  });

  test.each([
    { text: 'a..example.org', says: /two dots in a row/ },
    { text: '.example.org', says: /begins with a dot/ },
    { text: 'a'.repeat(506), says: /is not complete/ },
    // Longer ones are not even looked at.
    { text: 'a'.repeat(507), says: /longer than 253 characters/ },
  ])('is told what is wrong: $says', ({ text, says }) => {
    expect(normaliseHostname(text)).toEqual({ ok: false, sentence: expect.stringMatching(says) });
  });

  test('is reached in one step, is ASCII and short, whatever comes', () => {
    const labels = fc.array(
      fc.string({ unit: fc.constantFrom('a', 'Ü', 'ß', '語', '-', '0', '.', 'x', 'n', '*', '\u0308') }),
    );

    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: anyChar }),
          labels.map((parts) => parts.join('.')),
        ),
        (text) => {
          const result = normaliseHostname(text);
          if (result.ok) {
            expect(result.hostname).toMatch(/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$/);
            expect(result.hostname.length).toBeLessThanOrEqual(253);
            expect(normaliseHostname(result.hostname)).toEqual(result);
          }
        },
      ),
    );
  });
});

test.each([
  ['a.b.example.org', ['a.b.example.org', 'b.example.org', 'example.org', 'org']],
  ['*.example.org', ['example.org', 'org']],
])('zone candidates of %s', (hostname, zones) => {
  expect(zoneCandidates(hostname)).toEqual(zones);
});

test.each([
  { word: 'noip', candidates: ['dyndns2', 'no-ip.com'], expected: 'no-ip.com' },
  { word: 'no-ip.cmo', candidates: ['dyndns2', 'no-ip.com'], expected: 'no-ip.com' },
  { word: 'passwrd', candidates: ['username', 'password', 'password_file'], expected: 'password' },
  { word: 'Hostname', candidates: ['account', 'hostname'], expected: 'hostname' },
  { word: 'colour', candidates: ['account', 'hostname'], expected: undefined },
  { word: 'x', candidates: ['y'], expected: undefined },
  { word: 'p'.repeat(100_000), candidates: ['password'], expected: undefined },
])('did you mean: $word', ({ word, candidates, expected }) => {
  expect(closest(word, candidates)).toBe(expected);
});
