import { expect, test } from 'vitest';
import { userAgentOf } from '../../agent/providers/user-agent.ts';

const OPENWRT = "DISTRIB_ID='OpenWrt'\nDISTRIB_RELEASE='24.10.2'\nDISTRIB_TARGET='x86/64'\n";

test.each([
  {
    name: 'a release',
    file: OPENWRT,
    expected: 'Holdfast DDNS-Agent/OpenWrt24.10.2-1.2.3 admin@example.org',
  },
  {
    name: 'a snapshot',
    file: "DISTRIB_RELEASE='SNAPSHOT'\n",
    expected: 'Holdfast DDNS-Agent/OpenWrtSNAPSHOT-1.2.3 admin@example.org',
  },
  {
    name: 'a release candidate',
    file: 'DISTRIB_RELEASE=25.12.0-rc1\n',
    expected: 'Holdfast DDNS-Agent/OpenWrt25.12.0-rc1-1.2.3 admin@example.org',
  },
  { name: 'no file', file: undefined, expected: 'Holdfast DDNS-Agent/Linux-1.2.3 admin@example.org' },
  { name: 'an empty file', file: '', expected: 'Holdfast DDNS-Agent/Linux-1.2.3 admin@example.org' },
  {
    name: 'another variable that ends alike',
    file: "MY_DISTRIB_RELEASE='9'\n",
    expected: 'Holdfast DDNS-Agent/Linux-1.2.3 admin@example.org',
  },
  {
    name: 'a release with a line break and a header in it',
    file: "DISTRIB_RELEASE='1\r\nX-Evil: 1'\n",
    expected: 'Holdfast DDNS-Agent/OpenWrt1-1.2.3 admin@example.org',
  },
])('$name: $expected', ({ file, expected }) => {
  expect(userAgentOf(file, '1.2.3', 'admin@example.org')).toBe(expected);
});

test('without a contact nothing hangs over the end', () => {
  expect(userAgentOf(OPENWRT, '1.2.3', '')).toBe('Holdfast DDNS-Agent/OpenWrt24.10.2-1.2.3');
});

test('a release of any length stays short', () => {
  const agent = userAgentOf(`DISTRIB_RELEASE='${'9'.repeat(5000)}'`, '1.2.3', 'admin@example.org');

  expect(agent).toBe(`Holdfast DDNS-Agent/OpenWrt${'9'.repeat(40)}-1.2.3 admin@example.org`);
});
