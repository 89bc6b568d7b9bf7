import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { atOrigin, expand, type TemplateValues } from '../../agent/providers/template.ts';

const HOSTILE = 'aZ9-._~/?&=#%+,:;@{}[]()<>"\'\\ \t\r\n\0é€🙂';

describe('expand', () => {
  const template = 'https://ddns.example.org/nic/update{?hostname,myip}';

  test.each<{ name: string; values: TemplateValues; query: string }>([
    {
      name: 'one hostname, one address',
      values: { hostname: ['home.example.org'], myip: ['192.0.2.1'] },
      query: '?hostname=home.example.org&myip=192.0.2.1',
    },
    {
      name: 'lists are joined by commas that stay as they are',
      values: { hostname: ['a.example.org', 'b.example.org'], myip: ['192.0.2.1', '2001:db8::1'] },
      query: '?hostname=a.example.org,b.example.org&myip=192.0.2.1,2001%3Adb8%3A%3A1',
    },
    {
      name: 'what a group is called',
      values: { hostname: ['my group&x=1'], myip: ['192.0.2.1'] },
      query: '?hostname=my%20group%26x%3D1&myip=192.0.2.1',
    },
    {
      name: 'a value that is missing',
      values: { hostname: ['a.example.org'] },
      query: '?hostname=a.example.org',
    },
    {
      name: 'an empty list',
      values: { hostname: ['a.example.org'], myip: [] },
      query: '?hostname=a.example.org',
    },
  ])('$name', ({ values, query }) => {
    expect(expand(template, values)).toBe(`https://ddns.example.org/nic/update${query}`);
  });

  test('whatever a value holds, it cannot leave its place', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...HOSTILE), minLength: 1 }), (value) => {
        const { origin, searchParams } = new URL(
          expand(template, { hostname: [value], myip: ['192.0.2.1'] }),
        );

        expect(origin).toBe('https://ddns.example.org');
        expect([...searchParams.keys()]).toEqual(['hostname', 'myip']);
        expect(searchParams.get('hostname')).toBe(value);
      }),
    );
  });
});

test.each([
  { origin: 'https://other.example.net', expected: 'https://other.example.net/nic/update?hostname=a' },
  {
    origin: 'https://other.example.net:8443',
    expected: 'https://other.example.net:8443/nic/update?hostname=a',
  },
  { origin: 'https://[2001:db8::1]:8443', expected: 'https://[2001:db8::1]:8443/nic/update?hostname=a' },
  {
    origin: 'https://other.example.net/dropped',
    expected: 'https://other.example.net/nic/update?hostname=a',
  },
  { origin: 'other.example.net', expected: 'https://ddns.example.org/nic/update?hostname=a' },
  { origin: '', expected: 'https://ddns.example.org/nic/update?hostname=a' },
])('the same URL at $origin', ({ origin, expected }) => {
  expect(atOrigin('https://ddns.example.org/nic/update?hostname=a', origin)).toBe(expected);
});
