/** What an account and its hostnames may be at a certain provider of the catalogue. */
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../agent/config/load.ts';
import { planOf } from '../../agent/config/plan.ts';
import { secretsOf } from '../../agent/config/secrets.ts';
import { CATALOGUE } from '../fakes/catalogue.ts';

function section(type: string, name: string, options: Record<string, string | string[]>): string {
  const lines = Object.entries(options).flatMap(([option, value]) =>
    [value].flat().map((one) => `\t${Array.isArray(value) ? 'list' : 'option'} ${option} '${one}'\n`),
  );
  return `config ${type} '${name}'\n${lines.join('')}\n`;
}

function load(...sections: string[]) {
  const { config, problems } = loadConfig(sections.join(''), 'holdfast', CATALOGUE, () => undefined);
  return {
    config,
    codes: problems.map(({ severity, code, option }) => `${severity} ${code} ${option}`),
    problems,
  };
}

const home = (account: string, more: Record<string, string> = {}, name = 'home') =>
  section('hostname', name, { hostname: `${name}.example.org`, account, ...more });

describe('an account', () => {
  test('keeps the options that only its provider has, lists line by line', () => {
    const { config, codes } = load(
      section('account', 'a', {
        provider: 'script',
        script: '/root/update',
        script_arg: ['one', 'two three'],
      }),
      section('account', 'b', {
        provider: 'sitelutions.com',
        username: 'u',
        password: 'p',
        record_id: '7',
        ttl: '300',
      }),
      home('a'),
    );

    expect(codes).toEqual([]);
    expect(config.accounts.get('a')?.options).toEqual({
      script: '/root/update',
      script_arg: 'one\ntwo three',
    });
    expect(config.accounts.get('b')?.options).toEqual({ record_id: '7', ttl: '300' });
  });

  test.each([
    [{ provider: 'namecheap.com', password: 'p' }, 'error config/MISSING_OPTION zone'],
    [{ provider: 'custom-url', url: 'https://ddns.example.net/{ip}' }, 'error config/MISSING_OPTION success'],
    [{ provider: 'powerdns-admin', username: 'u', password: 'p' }, 'error config/MISSING_OPTION server'],
    [{ provider: 'duckdns.org', password: 'p', zone: 'example.org' }, 'warning config/UNUSED_OPTION zone'],
    [{ provider: 'duckdns.org', password: 'p', username: 'u' }, 'warning config/UNUSED_OPTION username'],
    [{ provider: 'twodns.de', username: 'u', password: 'p' }, 'error config/DEAD_PROVIDER provider'],
    [{ provider: 'duckdns.com', password: 'p' }, 'error config/UNKNOWN_PROVIDER provider'],
  ])('%j: %s', (options, expected) => {
    const { codes } = load(section('account', 'a', options));

    expect(codes).toContain(expected);
  });

  test.each([
    ['url', { provider: 'custom-url', url: 'https://x.example/u?ip={ip}#hidden-word', success: 'OK' }],
    ['url', { provider: 'custom-url', url: 'https://x.example/u{#ip}', success: 'OK' }],
  ])("option '%s' of %j has a part that no server ever gets", (option, options) => {
    const { problems } = load(section('account', 'a', options), section('hostname', 'off', { enabled: '0' }));

    expect(problems[0]).toMatchObject({ severity: 'error', code: 'config/BAD_VALUE', option, line: 3 });
    expect(problems[0]?.sentence).toContain('without #, for nothing after it is ever sent');
    expect(problems[0]?.sentence).not.toContain('hidden-word');
  });

  test('never shows a URL of its own in a message', () => {
    const { problems } = load(
      section('account', 'a', {
        provider: 'custom-url',
        url: 'https://user:hidden-word@x.example/ ?',
        success: 'OK',
      }),
      section('account', 'b', {
        provider: 'duckdns.org',
        password: 'p',
        url: 'https://x.example/hidden-word',
      }),
    );

    expect(problems.length).toBeGreaterThan(1);
    expect(JSON.stringify(problems)).not.toContain('hidden-word');
  });

  test('has all its secrets taken out of foreign text', () => {
    const { config } = load(
      section('account', 'a', { provider: 'no-ip.com', username: 'g%3Au', password: 'p-word' }),
      section('account', 'b', { provider: 'script', script: '/root/x', script_arg: ['t-one', 't-two'] }),
    );

    const secrets = [...config.accounts.values()].flatMap(secretsOf);

    expect(secrets).toContainEqual({ username: 'g%3Au', password: 'p-word' });
    expect(secrets).toContainEqual({ username: 'g:u', password: 'p-word' });
    expect(secrets.map(({ password }) => password)).toEqual(expect.arrayContaining(['t-one', 't-two']));
  });
});

describe('a credential that selects what is updated', () => {
  const inwx = section('account', 'a', { provider: 'inwx.de', username: 'u', password: 'p' });
  const freedns = section('account', 'a', { provider: 'afraid.org-keyauth', password: 'p' });

  test.each([
    ['one hostname', [inwx, home('a')], []],
    [
      'a second one',
      [inwx, home('a'), home('a', {}, 'other')],
      ['error config/ONE_HOSTNAME_PER_ACCOUNT account'],
    ],
    ['a second one that is off', [inwx, home('a'), home('a', { enabled: '0' }, 'other')], []],
    ['one record', [freedns, home('a')], []],
    [
      'both families of a record',
      [freedns, home('a', { family: 'dual' })],
      ['error config/ONE_RECORD_PER_ACCOUNT family'],
    ],
    [
      'the other family with the same key',
      [
        freedns,
        home('a'),
        section('hostname', 'six', { hostname: 'home.example.org', account: 'a', family: 'ipv6' }),
      ],
      ['error config/ONE_HOSTNAME_PER_ACCOUNT account'],
    ],
  ])('%s', (_, sections, expected) => {
    expect(load(...sections).codes).toEqual(expected);
  });
});

describe('a URL of its own', () => {
  const BAD = ['error config/URL_PLACES family'];

  test.each<{ url: string; family: string; codes: string[]; says?: string }>([
    { url: '?ip={ip}', family: 'ipv4', codes: [] },
    { url: '?ip={ipv4}', family: 'ipv4', codes: [] },
    { url: '?ip={myip}', family: 'ipv6', codes: [] },
    { url: '{?ip,ip6}', family: 'ipv4', codes: [] },
    { url: '{?ip,ip6}', family: 'dual', codes: [] },
    { url: '', family: 'ipv4', codes: BAD, says: 'has no place for IPv4; write {ip} ' },
    { url: '?ip={ip}', family: 'ipv6', codes: BAD, says: 'has no place for IPv6; write {ip6} ' },
    { url: '?ip={ip}', family: 'dual', codes: BAD, says: 'has no place for IPv6; write {ip6} ' },
    { url: '?ip={ip}&ip6={ip6}', family: 'ipv4', codes: BAD, says: 'take {ip6} out, or write {?ip,ip6}' },
    {
      url: '?ip={ip}&ip6={ip6}',
      family: 'dual',
      codes: ['warning config/URL_PLACES family'],
      says: 'write {?ip,ip6} there',
    },
  ])('$url with family $family', ({ url, family, codes, says = '' }) => {
    const account = section('account', 'a', {
      provider: 'custom-url',
      url: `https://x.example/${url}`,
      success: 'OK',
    });

    const loaded = load(account, home('a', { family }));

    expect(loaded.codes).toEqual(codes);
    expect(loaded.problems.map(({ sentence }) => sentence).join()).toContain(says);
    expect(loaded.config.hostnames).toHaveLength(codes === BAD ? 0 : 1);
  });
});

test('a name that the DNS cannot show is not looked up, and the plan says why', () => {
  const { config, codes } = load(
    section('account', 'a', { provider: 'tunnelbroker.net', username: 'u', password: 'p' }),
    section('hostname', 'tunnel', { hostname: '123456', account: 'a' }),
  );

  expect(codes).toEqual([]);
  expect(planOf(config, '').hosts.tunnel).toMatchObject({
    inDns: false,
    noDnsCheck: expect.stringContaining('end of a tunnel'),
  });
});
