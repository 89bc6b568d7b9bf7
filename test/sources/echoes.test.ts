import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Family } from '../../agent/core/address.ts';
import { ECHOES, type EchoForm, ownEchoes, readEcho } from '../../agent/sources/echoes.ts';

describe('a body', () => {
  test.each<[EchoForm, Family, string, string | undefined]>([
    ['plain', 'ipv4', '198.51.100.9\n', '198.51.100.9'],
    ['plain', 'ipv6', '2001:DB8::0009', '2001:db8::9'],
    ['plain', 'ipv4', '2001:db8::9', undefined],
    ['plain', 'ipv6', '::ffff:198.51.100.9', '::ffff:c633:6409'],
    ['plain', 'ipv4', '198.51.100.9 198.51.100.9', undefined],
    ['plain', 'ipv4', '<p>198.51.100.9</p>', undefined],
    ['plain', 'ipv4', '198.51.100.09', undefined],
    ['plain', 'ipv6', 'fe80::1%eth0', undefined],
    ['plain', 'ipv4', '', undefined],
    ['trace', 'ipv4', 'fl=1\nip=198.51.100.9\nts=1\nwarp=off\ngateway=off\n', '198.51.100.9'],
    ['trace', 'ipv4', 'fl=1\r\nip=198.51.100.9\r\n', '198.51.100.9'],
    ['trace', 'ipv4', 'ip=198.51.100.9\nwarp=on\n', undefined],
    ['trace', 'ipv4', 'ip=198.51.100.9\nwarp=plus\n', undefined],
    ['trace', 'ipv4', 'ip=198.51.100.9\ngateway=on\n', undefined],
    ['trace', 'ipv4', 'ip=198.51.100.9\nip=198.51.100.8\n', undefined],
    ['trace', 'ipv4', 'skip=198.51.100.9\n', undefined],
    ['trace', 'ipv4', '198.51.100.9', undefined],
    ['text', 'ipv4', '<body>Current IP Address: 198.51.100.9</body>', '198.51.100.9'],
    ['text', 'ipv4', '{"ip":"198.51.100.9","again":"198.51.100.9"}', '198.51.100.9'],
    ['text', 'ipv4', 'You are 198.51.100.9.', '198.51.100.9'],
    ['text', 'ipv6', '{"ip":"2001:db8::9","v4":"198.51.100.9"}', '2001:db8::9'],
    ['text', 'ipv4', '198.51.100.9 or 198.51.100.8', undefined],
    ['text', 'ipv4', 'version 198.51.100.9.1', undefined],
    ['text', 'ipv4', 'x198.51.100.9', undefined],
    ['text', 'ipv4', 'Please log in', undefined],
  ])('%s, %s: %j', (form, family, body, expected) => {
    expect(readEcho(body, form, family)).toBe(expected);
  });

  test('no text throws', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        for (const form of ['plain', 'trace', 'text'] as const) {
          readEcho(text, form, 'ipv4');
          readEcho(text, form, 'ipv6');
        }
      }),
    );
  });
});

test('the table has independent operators behind TLS, enough of them for each family', () => {
  const names = ECHOES.map(({ operator }) => operator);
  const urls = ECHOES.flatMap((echo) => Object.values(echo.urls));

  expect(new Set(names).size).toBe(names.length);
  expect(urls.filter((url) => !url.startsWith('https://'))).toEqual([]);
  for (const family of ['ipv4', 'ipv6'] as const) {
    expect(ECHOES.filter((echo) => echo.urls[family] !== undefined).length).toBeGreaterThanOrEqual(4);
  }
});

test('two own services of one host are one witness', () => {
  const echoes = ownEchoes(['https://a.example/ip', 'https://A.example/other', 'https://b.example:8443/']);

  expect(echoes.map(({ operator }) => operator)).toEqual(['a.example', 'b.example:8443']);
});
