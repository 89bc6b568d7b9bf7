import { describe, expect, test } from 'vitest';
import { providersOf } from '../../agent/cli/import-ddns.ts';
import names from '../../agent/openwrt/ddns-scripts-names.json';
import { importDdns } from '../../agent/openwrt/import-ddns.ts';
import { isDead } from '../../agent/providers/definition.ts';
import { CATALOGUE } from '../fakes/catalogue.ts';

const NAMES = Object.entries(names as Record<string, { id?: string; byHand?: string; domain?: string }>);

function imported(service: string, domain = 'home@example.org') {
  const theirs = `config service 'home'
	option enabled '1'
	option service_name '${service}'
	option domain '${domain}'
	option username 'login'
	option password 'secret-word'
`;
  const { report, ours } = importDdns({
    theirs,
    ours: '',
    providers: providersOf(CATALOGUE.values()),
    sources: ['network'],
  });
  return { ours, report: report[0] };
}

test('all hundred names of ddns-scripts are known, in lower case', () => {
  expect(NAMES).toHaveLength(100);
  expect(NAMES.filter(([name]) => name !== name.toLowerCase())).toEqual([]);
});

describe.each(NAMES)('%s', (name, { id, byHand }) => {
  test('leads to an entry, or to a sentence that says what to do', () => {
    const entry = CATALOGUE.get(id ?? '');
    const { ours, report } = imported(name);

    expect(byHand ?? entry?.id).toBe(byHand ?? id);
    if (report?.verdict !== 'refused') {
      expect(ours).toContain(`option provider '${id}'`);
    } else {
      const reason = byHand ?? (entry && isDead(entry) ? entry.dead.instead : 'enter it by hand');
      expect(report.remarks.join(' ')).toContain(reason);
    }
  });
});

test.each([
  ['Namecheap, where the user name is the label', 'namecheap.com', 'example.org', "'login.example.org'"],
  ['an @ before the zone', 'duckdns.org', 'www@example.org', "'www.example.org'"],
])('%s', (_, service, domain, hostname) => {
  expect(imported(service, domain).ours).toContain(`option hostname ${hostname}`);
});

test('the zone goes into the account where the provider wants it', () => {
  expect(imported('namecheap.com', 'example.org').ours).toContain("option zone 'example.org'");
});
