import { describe, expect, it } from 'vitest';
import { providersOf } from '../../agent/cli/import-ddns.ts';
import { loadConfig } from '../../agent/config/load.ts';
import type { KnownProvider } from '../../agent/openwrt/ddns-scripts.ts';
import { optionOf } from '../../agent/openwrt/ddns-scripts.ts';
import { importDdns } from '../../agent/openwrt/import-ddns.ts';
import { parseUci } from '../../agent/openwrt/uci.ts';
import { CATALOGUE } from '../fakes/catalogue.ts';

const SOURCES = ['network', 'device'];

/** A provider with one zone, a token, and no login. */
const tokenProvider: KnownProvider = {
  id: 'token.example',
  title: 'Token DNS',
  hosts: ['api.token.example'],
  fields: { password: { required: true } },
  families: { single: ['ipv4'], dual: false },
  zones: ['token.example'],
};

function service(options: Record<string, string>, name = 'home'): string {
  const lines = Object.entries(options).map(([option, value]) => `\toption ${option} '${value}'\n`);
  return `config service '${name}'\n${lines.join('')}\n`;
}

/** A section of No-IP as people have it. */
const NO_IP = {
  enabled: '1',
  service_name: 'no-ip.com',
  lookup_host: 'home.ddns.net',
  domain: 'home.ddns.net',
  username: 'key-user',
  password: 's3cret-word',
  use_https: '1',
};

function imported(
  theirs: string,
  more: { ours?: string; sources?: string[]; providers?: KnownProvider[]; ended?: [string, string][] } = {},
) {
  const { living, ended } = providersOf(CATALOGUE.values());
  const providers = { living: new Map(living), ended: new Map([...ended, ...(more.ended ?? [])]) };
  for (const provider of more.providers ?? []) {
    providers.living.set(provider.id, provider);
  }
  const result = importDdns({ theirs, ours: more.ours ?? '', providers, sources: more.sources ?? SOURCES });
  const sections = parseUci(result.ours, 'holdfast').sections.map((section) => ({
    type: section.type,
    name: section.name,
    ...Object.fromEntries(section.options.map(({ name, value }) => [name, value])),
  }));
  return {
    ...result,
    sections,
    first: result.report[0],
    remarks: result.report.flatMap(({ remarks }) => remarks).join('\n'),
    accounts: sections.filter(({ type }) => type === 'account'),
    hostnames: sections.filter(({ type }) => type === 'hostname'),
  };
}

function enabledOf(theirs: string): Record<string, string | undefined> {
  const { sections } = parseUci(theirs, 'ddns');
  return Object.fromEntries(
    sections
      .filter(({ type }) => type === 'service')
      .map((one) => [one.name ?? '', optionOf(one, 'enabled')]),
  );
}

describe('one section becomes an account and a hostname', () => {
  it('with the same name, credential and network', () => {
    const { accounts, hostnames, first } = imported(service(NO_IP));

    expect(accounts).toEqual([
      {
        type: 'account',
        name: 'no_ip_com',
        provider: 'no-ip.com',
        username: 'key-user',
        password: 's3cret-word',
      },
    ]);
    expect(hostnames).toEqual([
      {
        type: 'hostname',
        name: 'home',
        enabled: '1',
        hostname: 'home.ddns.net',
        account: 'no_ip_com',
        family: 'ipv4',
        source: 'network',
        network: ['wan'],
      },
    ]);
    expect(first).toMatchObject({ section: 'home', into: 'home', hostname: 'home.ddns.net' });
  });

  it('and an untouched section is taken as it stands', () => {
    const plain = service({
      ...NO_IP,
      service_name: 'token.example',
      domain: 'me.token.example',
      lookup_host: 'me.token.example',
    });

    expect(imported(plain, { providers: [tokenProvider] }).first).toMatchObject({
      verdict: 'taken',
      remarks: [],
    });
  });
});

describe('the provider', () => {
  const url = (text: string, more: Record<string, string> = {}) => {
    const { service_name: _, ...rest } = NO_IP;
    return service({ ...rest, update_url: text, ...more });
  };
  const cases: {
    name: string;
    given: string;
    provider: string;
    server?: string;
    says?: string;
    credential?: [string, string];
  }[] = [
    {
      name: 'service_name wins over update_url',
      given: service({
        ...NO_IP,
        update_url: 'https://update.example.org/nic/update?hostname=[DOMAIN]&myip=[IP]',
      }),
      provider: 'no-ip.com',
      says: 'service_name decides',
    },
    {
      name: 'service_name in another spelling',
      given: service({ ...NO_IP, service_name: 'No-IP.com' }),
      provider: 'no-ip.com',
    },
    {
      name: 'its name in 1.x',
      given: service({ ...NO_IP, service_name: 'noip.com' }),
      provider: 'no-ip.com',
    },
    {
      name: 'an update_url with a host of the catalogue',
      given: url('http://[USERNAME]:[PASSWORD]@dynupdate.no-ip.com/nic/update?hostname=[DOMAIN]&myip=[IP]'),
      provider: 'no-ip.com',
      credential: ['key-user', 's3cret-word'],
    },
    {
      name: 'an update_url with another host of the provider',
      given: url('http://[USERNAME]:[PASSWORD]@DYNUPDATE6.noip.com/nic/update?hostname=[DOMAIN]&myip=[IP]'),
      provider: 'no-ip.com',
    },
    {
      name: 'another service by its name',
      given: service({ ...NO_IP, service_name: 'dnsomatic.com' }),
      provider: 'dnsomatic.com',
    },
    {
      name: 'an unknown host that speaks dyndns2',
      given: url(
        'http://[USERNAME]:[PASSWORD]@update.example.org/nic/update?hostname=[DOMAIN]&myip=[IP]&mx=NO',
      ),
      provider: 'dyndns2',
      server: 'https://update.example.org',
      says: 'These parameters of update_url are not sent: mx.',
    },
    {
      name: 'an unknown host on a port of its own',
      given: url('https://update.example.org:8443/nic/update?hostname=[DOMAIN]&myip=[IP]'),
      provider: 'dyndns2',
      server: 'https://update.example.org:8443',
    },
    {
      name: 'port 443 is no port of its own',
      given: url('HTTPS://update.example.org:443/nic/update?hostname=[DOMAIN]'),
      provider: 'dyndns2',
      server: 'https://update.example.org',
    },
    {
      name: 'use_https on a port of its own',
      given: url('http://update.example.org:8443/nic/update?hostname=[DOMAIN]'),
      provider: 'dyndns2',
      server: 'https://update.example.org:8443',
    },
    {
      name: 'the usual port is told by the scheme, in capitals too',
      given: url('HTTP://update.example.org:80/nic/update?hostname=[DOMAIN]'),
      provider: 'dyndns2',
      server: 'https://update.example.org',
    },
    {
      name: 'port 80 does not survive the change to HTTPS',
      given: url('http://update.example.org:80/nic/update?hostname=[DOMAIN]&myip=[IP]'),
      provider: 'dyndns2',
      server: 'https://update.example.org',
    },
    {
      name: 'credentials in the URL are pulled out and decoded',
      given: url('https://me%40example.org:p%3Aq%2Fr@update.example.org/nic/update?hostname=[DOMAIN]'),
      provider: 'dyndns2',
      server: 'https://update.example.org',
      credential: ['me@example.org', 'p:q/r'],
      says: 'The credential stood in update_url',
    },
    {
      name: 'an @ in the user name of the URL',
      given: url('https://me@example.org:pass@update.example.org/nic/update?hostname=[DOMAIN]'),
      provider: 'dyndns2',
      credential: ['me@example.org', 'pass'],
    },
    {
      name: 'credentials among the parameters',
      given: url(
        'https://update.example.org/nic/update?username=joe&password=pa55&hostname=[DOMAIN]&myip=[IP]',
      ),
      provider: 'dyndns2',
      credential: ['joe', 'pa55'],
    },
    {
      name: 'one placeholder in place of another',
      given: url('https://[DOMAIN]:[PASSWORD]@update.example.org/nic/update?hostname=[DOMAIN]&myip=[IP]'),
      provider: 'dyndns2',
      credential: ['home.ddns.net', 's3cret-word'],
    },
    {
      name: 'the hostname is the login of he.net',
      given: service({ ...NO_IP, service_name: 'he.net', username: '' }),
      provider: 'he.net',
    },
    {
      name: 'the word custom is no name of a service',
      given: url('https://update.example.org/nic/update?hostname=[DOMAIN]&myip=[IP]', {
        service_name: '-- custom --',
      }),
      provider: 'dyndns2',
      server: 'https://update.example.org',
    },
    {
      name: 'the script of the package for No-IP',
      given: service({ ...NO_IP, service_name: '', update_script: '/usr/lib/ddns/update_no-ip_com.sh' }),
      provider: 'no-ip.com',
    },
  ];

  it.each(cases)('$name', ({ given, provider, server, says, credential }) => {
    const { accounts, remarks, ours } = imported(given);

    expect(accounts).toMatchObject([
      {
        provider,
        ...(server === undefined ? {} : { server }),
        ...(credential === undefined ? {} : { username: credential[0], password: credential[1] }),
      },
    ]);
    expect(remarks).toContain(says ?? '');
    expect(problemsOf(ours)).toEqual([]);
  });

  const refusals: { name: string; given: string; says: string }[] = [
    {
      name: 'a provider of a later version',
      given: service({ ...NO_IP, service_name: 'nobody.example' }),
      says: "The provider 'nobody.example' is not in the catalogue of this version.",
    },
    {
      name: 'an unknown service_name, even beside a good update_url',
      given: service({
        ...NO_IP,
        service_name: 'nobody.example',
        update_url: 'https://dynupdate.no-ip.com/nic/update?hostname=[DOMAIN]&myip=[IP]',
      }),
      says: 'not in the catalogue',
    },
    {
      name: 'a script of the user',
      given: service({ ...NO_IP, service_name: '', update_script: '/root/mine.sh' }),
      says: 'Holdfast runs no script of ddns-scripts',
    },
    {
      name: 'a script goes before update_url',
      given: url('https://dynupdate.no-ip.com/nic/update?hostname=[DOMAIN]', {
        update_script: '/root/mine.sh',
      }),
      says: 'Holdfast runs no script of ddns-scripts',
    },
    {
      name: 'a URL of another protocol',
      given: url('https://update.example.org/set.php?name=[DOMAIN]&ip=[IP]'),
      says: 'does not speak the dyndns2 protocol',
    },
    {
      name: 'plain HTTP on a port of its own',
      given: url('http://update.example.org:8080/nic/update?hostname=[DOMAIN]', { use_https: '0' }),
      says: 'plain HTTP on port 8080',
    },
    {
      name: 'the protocol without a hostname',
      given: url('https://update.example.org/nic/update?myip=[IP]'),
      says: 'does not speak the dyndns2 protocol',
    },
    { name: 'no URL at all', given: url('update.example.org'), says: 'not a URL' },
    {
      name: 'a URL with extra values',
      given: url('https://update.example.org/nic/update?hostname=[DOMAIN]&zone=[PARAMOPT]'),
      says: 'uses param_enc or param_opt',
    },
    {
      name: 'extra values of a service',
      given: service({ ...NO_IP, param_opt: 'zone-id', param_enc: 'x' }),
      says: 'It uses param_enc and param_opt',
    },
    { name: 'nothing', given: service({ ...NO_IP, service_name: '' }), says: 'It names no provider' },
  ];

  it.each(refusals)('not taken: $name', ({ given, says }) => {
    const { first, sections, theirs } = imported(given);

    expect(first).toMatchObject({ verdict: 'refused', remarks: [expect.stringContaining(says)] });
    expect(sections).toEqual([]);
    expect(enabledOf(theirs)).toEqual({ home: '1' });
  });
});

it('a service that has ended is told as such', () => {
  const given = service({ ...NO_IP, service_name: 'gone.example' });

  const { first } = imported(given, { ended: [['gone.example', 'Gone DNS has ended (2020). Use another.']] });

  expect(first).toMatchObject({ verdict: 'refused', remarks: ['Gone DNS has ended (2020). Use another.'] });
});

it('a provider that needs more than the section has is not taken', () => {
  const zoned = { ...tokenProvider, fields: { ...tokenProvider.fields, zone: { required: true } } };
  const given = service({ ...NO_IP, service_name: 'token.example' });

  const { first } = imported(given, { providers: [zoned] });

  expect(first).toMatchObject({ verdict: 'refused', remarks: [expect.stringContaining('needs zone')] });
});

describe('the name', () => {
  const cases: { name: string; options: Record<string, string>; hostname: string; says?: string }[] = [
    { name: 'in capitals', options: { domain: 'HOME.ddns.net.' }, hostname: 'home.ddns.net' },
    {
      name: 'international',
      options: { domain: 'büro.example.org', lookup_host: '' },
      hostname: 'xn--bro-hoa.example.org',
    },
    { name: 'a wildcard', options: { domain: '*.example.org', lookup_host: '' }, hostname: '*.example.org' },
    {
      name: 'host@zone',
      options: { domain: 'www@example.org', lookup_host: 'www.example.org' },
      hostname: 'www.example.org',
      says: 'The name is written in full: www.example.org.',
    },
    { name: '@zone', options: { domain: '@example.org', lookup_host: '' }, hostname: 'example.org' },
    {
      name: 'a group, and a lookup_host that is a name',
      options: { domain: 'all_mine' },
      hostname: 'all_mine',
      says: 'trusts the reply of the provider',
    },
    {
      name: 'another lookup_host',
      options: { lookup_host: 'alias.example.org' },
      hostname: 'home.ddns.net',
      says: 'lookup_host is another name',
    },
  ];

  it.each(cases)('$name', ({ options, hostname, says }) => {
    const { hostnames, remarks, ours } = imported(service({ ...NO_IP, ...options }));

    expect(hostnames).toMatchObject([{ hostname }]);
    expect(remarks).toContain(says ?? '');
    expect(problemsOf(ours)).toEqual([]);
  });

  it('a bare label is completed where the provider has one zone', () => {
    const given = service({
      ...NO_IP,
      service_name: 'token.example',
      domain: 'me',
      lookup_host: 'me.token.example',
    });

    const { hostnames, first } = imported(given, { providers: [tokenProvider] });

    expect(hostnames).toMatchObject([{ hostname: 'me.token.example' }]);
    expect(first?.remarks).toEqual(['The name is written in full: me.token.example.']);
  });

  it.each([
    ['missing', { domain: '' }, 'It has no domain.'],
    ['an address', { domain: '192.0.2.1' }, 'ends in a number'],
    ['with a space', { domain: 'a b.example.org' }, 'may only have letters'],
  ])('not taken: %s', (_, options, says) => {
    const { first } = imported(service({ ...NO_IP, ...options }));

    expect(first).toMatchObject({ verdict: 'refused', remarks: [expect.stringContaining(says)] });
  });
});

describe('the credential', () => {
  it.each(['username', 'password'])('not taken without a %s', (option) => {
    const { first } = imported(service({ ...NO_IP, [option]: '' }));

    expect(first).toMatchObject({
      verdict: 'refused',
      remarks: [expect.stringContaining(`needs a ${option}`)],
    });
  });

  it('a password of two lines is not taken and not shown', () => {
    const { first, added } = imported(service({ ...NO_IP, password: 'one\ntwo' }));

    expect(first).toMatchObject({ verdict: 'refused', remarks: [expect.stringContaining('Its password')] });
    expect(added.text).toBe('');
  });

  it('quotes and backslashes survive', () => {
    const { accounts } = imported(`config service a
	option service_name no-ip.com
	option domain home.ddns.net
	option username "o'neil"
	option password 'a"b\\c $d \`e\`'
`);

    expect(accounts).toMatchObject([{ username: "o'neil", password: 'a"b\\c $d `e`' }]);
  });

  it('the word Bearer is no login', () => {
    const bearer = {
      ...tokenProvider,
      fields: { username: { required: false }, password: { required: true } },
    };
    const given = service({
      ...NO_IP,
      service_name: 'token.example',
      domain: 'a.token.example',
      username: 'Bearer',
    });

    const { accounts } = imported(given, { providers: [bearer] });

    expect(accounts.map((account) => 'username' in account)).toEqual([false]);
  });

  it('a login that the provider has no use for is left out', () => {
    const given = service({ ...NO_IP, service_name: 'token.example', domain: 'a.token.example' });

    const { accounts } = imported(given, { providers: [tokenProvider] });

    expect(accounts).toEqual([
      { type: 'account', name: 'token_example', provider: 'token.example', password: 's3cret-word' },
    ]);
  });
});

describe('secrets stay out of whatever is shown', () => {
  it.each([
    ['an option', service(NO_IP)],
    [
      'a URL',
      service({
        ...NO_IP,
        service_name: '',
        update_url: 'https://u:s3cret-word@update.example.org/nic/update?hostname=[DOMAIN]',
      }),
    ],
    [
      'a parameter',
      service({
        ...NO_IP,
        service_name: '',
        update_url: 'https://dynupdate.no-ip.com/u?password=s3cret-word&hostname=[DOMAIN]',
      }),
    ],
    [
      'the name of a parameter',
      service({ ...NO_IP, service_name: '', update_url: 'https://dynupdate.no-ip.com/u?s3cret-word' }),
    ],
    [
      'a parameter that is nothing but the secret',
      service({ ...NO_IP, service_name: '', update_url: 'https://dynupdate.no-ip.com/u?secretword' }),
    ],
    [
      'a parameter in a refused URL',
      service({ ...NO_IP, service_name: '', update_url: 'https://update.example.org/x?s3cret-word' }),
    ],
    ['a proxy', service({ ...NO_IP, proxy: 'u:s3cret-word@192.0.2.1:8080' })],
    ['a token that is both', service({ ...NO_IP, username: 's3cret-word' })],
    ['an extra value', service({ ...NO_IP, param_enc: 's3cret-word' })],
    ['a script with its arguments', service({ ...NO_IP, service_name: '', update_script: '/x s3cret-word' })],
    ['the script of the address', service({ ...NO_IP, ip_source: 'script', ip_script: '/x s3cret-word' })],
    ['a broken line', `${service(NO_IP)}config service b\n\toption password s3cret-word s3cret-word\n`],
  ])('from %s', (_, given) => {
    const { report, added, problems } = imported(given);

    expect(JSON.stringify([report, added.masked, problems])).not.toMatch(/s3cret-word|secretword/);
  });
});

describe('HTTPS and certificates', () => {
  it.each([
    ['HTTP by default', { use_https: '' }, 'Updates go over HTTPS from now on.', undefined],
    ['HTTP by choice', { use_https: '0' }, 'Updates go over HTTPS from now on.', undefined],
    ['no check', { cacert: 'IGNORE' }, 'cacert IGNORE is not taken', undefined],
    ['a file', { cacert: '/etc/ssl/mine.pem' }, '', '/etc/ssl/mine.pem'],
    ['a folder', { cacert: '/etc/my-authorities' }, 'cacert names a folder', undefined],
  ])('%s', (_, options, says, caFile) => {
    const { accounts, remarks, ours } = imported(service({ ...NO_IP, ...options }));

    expect(
      accounts.map((account) => Object.entries(account).find(([name]) => name === 'ca_file')?.[1]),
    ).toEqual([caFile]);
    expect(remarks).toContain(says);
    expect(ours).not.toContain('IGNORE');
  });

  it('says nothing of the system’s own authorities', () => {
    const { remarks } = imported(service({ ...NO_IP, cacert: '/etc/ssl/certs/' }));

    expect(remarks).not.toContain('cacert');
  });
});

describe('where the address comes from', () => {
  const cases: { name: string; options: Record<string, string>; expected: object; says?: string }[] = [
    { name: 'the default', options: {}, expected: { source: 'network', network: ['wan'] } },
    {
      name: 'the default of IPv6',
      options: { use_ipv6: '1' },
      expected: { family: 'ipv6', network: ['wan6'] },
    },
    {
      name: 'another network',
      options: { ip_source: 'network', ip_network: 'wanb' },
      expected: { network: ['wanb'] },
    },
    {
      name: 'interface is only the event trigger',
      options: { interface: 'lan', ip_network: 'wan' },
      expected: { network: ['wan'] },
    },
    {
      name: 'stale options of another source do not count',
      options: { ip_source: 'network', ip_interface: 'eth9', ip_script: '/x', ip_url: 'http://192.0.2.1' },
      expected: { source: 'network', network: ['wan'] },
    },
    {
      name: 'bound elsewhere',
      options: { bind_network: 'wanb' },
      expected: { network: ['wan'] },
      says: 'bind_network is not taken',
    },
    {
      name: 'a device',
      options: { ip_source: 'interface', ip_interface: 'pppoe-wan' },
      expected: { source: 'device', device: ['pppoe-wan'] },
    },
    {
      name: 'the default device',
      options: { ip_source: 'interface' },
      expected: { source: 'device', device: ['eth1'] },
    },
    {
      name: 'an alias of a network',
      options: { ip_source: 'interface', ip_interface: '@wan' },
      expected: { source: 'network', network: ['wan'] },
      says: 'The alias @wan',
    },
    {
      name: 'a web page, asked over another line',
      options: { ip_source: 'web', interface: 'wan', bind_network: 'wanb' },
      expected: { network: ['wanb'] },
    },
    {
      name: 'a web page, in a version without that source',
      options: { ip_source: 'web', ip_url: 'http://checkip.example', interface: 'wanb' },
      expected: { source: 'network', network: ['wanb'] },
      says: 'in place of a web page',
    },
  ];

  it.each(cases)('$name', ({ options, expected, says }) => {
    const { hostnames, remarks, ours } = imported(service({ ...NO_IP, ...options }));

    expect(hostnames).toMatchObject([expected]);
    expect(remarks).toContain(says ?? '');
    expect(problemsOf(ours)).toEqual([]);
  });

  it('a web page, in a version with that source', () => {
    const given = service({ ...NO_IP, ip_source: 'web', ip_url: 'http://checkip.example' });

    const { hostnames, remarks, ours } = imported(given, { sources: [...SOURCES, 'web'] });

    expect(hostnames).toMatchObject([{ source: 'web' }]);
    expect(remarks).toContain('ip_url is not taken');
    expect(ours).not.toContain('http://checkip.example');
  });

  it.each([
    ['a script', { ip_source: 'script', ip_script: '/usr/bin/mine' }, 'comes from a script'],
    ['an unknown source', { ip_source: 'sorcery' }, "Its ip_source is 'sorcery'"],
    ['a bad name of a device', { ip_source: 'interface', ip_interface: 'a/b' }, 'not the name of a device'],
    ['a bad name of a network', { ip_network: 'a b' }, 'a name that Holdfast does not take'],
    ['a glue record', { is_glue: '1' }, 'is_glue'],
    ['a proxy', { proxy: '192.0.2.1:8080' }, 'goes through a proxy'],
  ])('not taken: %s', (_, options, says) => {
    const { first } = imported(service({ ...NO_IP, ...options }));

    expect(first).toMatchObject({ verdict: 'refused', remarks: [expect.stringContaining(says)] });
  });

  it('a family that the provider does not serve is not taken', () => {
    const given = service({ ...NO_IP, service_name: 'token.example', use_ipv6: '1' });

    const { first } = imported(given, { providers: [tokenProvider] });

    expect(first).toMatchObject({ verdict: 'refused', remarks: [expect.stringContaining('IPv6')] });
  });

  it.each([
    ['upd_privateip', '1', '1'],
    ['allow_local_ip', '1', '1'],
    ['upd_privateip', '0', undefined],
  ])('%s %s of the whole', (option, value, expected) => {
    const { sections } = imported(`config ddns global\n\toption ${option} ${value}\n\n${service(NO_IP)}`);

    const hostname: Record<string, unknown> | undefined = sections.find(({ type }) => type === 'hostname');
    expect(hostname?.allow_private).toBe(expected);
  });
});

describe('timers and the rest', () => {
  it.each([
    [
      'check_interval',
      { check_interval: '60', check_unit: 'seconds' },
      '(60 seconds), under the least of 300 seconds,',
    ],
    ['check_interval in minutes', { check_interval: '30' }, 'check_interval (1800 seconds) is not taken'],
    ['force_interval 0', { force_interval: '0' }, 'force_interval 0 (run once) is not taken'],
    ['force_interval', { force_interval: '24', force_unit: 'hours' }, 'force_interval is not taken'],
    ['retry_max_count', { retry_max_count: '5' }, 'never gives up'],
    ['retry_count of 1.x', { retry_count: '5' }, 'never gives up'],
    ['dns_server', { dns_server: '192.0.2.53' }, 'dns_server is not taken'],
    ['the trick with 127.0.0.1', {}, 'The address 127.0.0.1'],
  ])('%s is told', (_, options, says) => {
    const { first, ours } = imported(service({ ...NO_IP, ...options }));

    expect(first).toMatchObject({ verdict: 'changed' });
    expect(first?.remarks).toContainEqual(expect.stringContaining(says));
    expect(ours).not.toContain('127.0.0.1');
  });

  it.each<Record<string, string>>([
    { check_interval: '10', check_unit: 'minutes' },
    { retry_max_count: '0' },
    { use_syslog: '2', use_logfile: '1' },
  ])('nothing is said of %o', (options) => {
    expect(imported(service({ ...NO_IP, ...options })).remarks).toBe(imported(service(NO_IP)).remarks);
  });
});

describe('accounts, pairs and names', () => {
  const ipv6 = { ...NO_IP, use_ipv6: '1', interface: 'wan6' };

  it('sections with the same credential share an account', () => {
    const { accounts, hostnames } = imported(
      service(NO_IP, 'a') +
        service({ ...NO_IP, domain: 'b.ddns.net', lookup_host: '' }, 'b') +
        service({ ...NO_IP, domain: 'c.ddns.net', lookup_host: '', password: 'other' }, 'c'),
    );

    expect(accounts).toMatchObject([
      { name: 'no_ip_com', password: 's3cret-word' },
      { name: 'no_ip_com_2', password: 'other' },
    ]);
    expect(hostnames).toMatchObject([
      { name: 'a', account: 'no_ip_com' },
      { name: 'b', account: 'no_ip_com' },
      { name: 'c', account: 'no_ip_com_2' },
    ]);
  });

  it('both families of a name become one section', () => {
    const { hostnames, report } = imported(service(NO_IP, 'myddns_ipv4') + service(ipv6, 'myddns_ipv6'));

    expect(hostnames).toMatchObject([{ name: 'myddns', family: 'dual', network: ['wan', 'wan6'] }]);
    expect(report.map(({ into }) => into)).toEqual(['myddns', 'myddns']);
  });

  it.each([
    ['another account', { password: 'other' }],
    ['another line', { ip_network: 'wanb6' }],
    ['another kind of source', { ip_source: 'interface', ip_interface: 'wan' }],
    ['only one is enabled', { enabled: '0' }],
  ])('not joined: %s', (_, options) => {
    const { hostnames } = imported(service(NO_IP, 'a4') + service({ ...ipv6, ...options }, 'a6'));

    expect(hostnames).toMatchObject([
      { name: 'a4', family: 'ipv4' },
      { name: 'a6', family: 'ipv6' },
    ]);
  });

  it('a duplicate is not taken, and rests as well', () => {
    const { report, hostnames, theirs } = imported(service(NO_IP, 'a') + service(NO_IP, 'b'));

    expect(hostnames).toHaveLength(1);
    expect(report[1]).toMatchObject({
      verdict: 'refused',
      remarks: ["It keeps the same name as section 'a'."],
    });
    expect(enabledOf(theirs)).toEqual({ a: '0', b: '0' });
  });

  it.each([
    ['0', '1'],
    ['1', '0'],
  ])('of two that are enabled %s and %s, both are taken', (one, other) => {
    const { hostnames, ours } = imported(
      service({ ...NO_IP, enabled: one }, 'a') + service({ ...NO_IP, enabled: other }, 'b'),
    );

    expect(hostnames).toMatchObject([{ enabled: one }, { enabled: other }]);
    expect(problemsOf(ours)).toEqual([]);
  });

  it('no account and hostname share a name', () => {
    const { sections } = imported(service(NO_IP, 'no_ip_com'));

    expect(sections.map(({ type, name }) => [type, name])).toEqual([
      ['account', 'no_ip_com_2'],
      ['hostname', 'no_ip_com'],
    ]);
  });

  it('a section without a name gets one from its hostname', () => {
    const { hostnames, report } = imported(service(NO_IP).replace("'home'\n", '\n'));

    expect(hostnames).toMatchObject([{ name: 'home_ddns_net' }]);
    expect(report[0]).toMatchObject({ section: '@service[0]', into: 'home_ddns_net' });
  });

  it.each([
    ['missing', '', '0'],
    ['0', '0', '0'],
    ['on', 'on', '1'],
  ])('enabled %s stays what it was', (_, value, expected) => {
    const { hostnames } = imported(service({ ...NO_IP, enabled: value }));

    expect(hostnames).toMatchObject([{ enabled: expected }]);
  });
});

describe('beside a configuration that is there', () => {
  const ours = `# mine
config account 'noip'
	option provider 'no-ip.com'
	option username 'key-user'
	option password 's3cret-word'

config hostname 'home'
	option hostname 'other.ddns.net'
	option account 'noip'
`;

  it('keeps its text, uses its accounts and avoids its names', () => {
    const result = imported(service(NO_IP), { ours });

    expect(result.ours.startsWith(ours)).toBe(true);
    expect(result.accounts).toHaveLength(1);
    expect(result.hostnames).toMatchObject([{ name: 'home' }, { name: 'home_2', account: 'noip' }]);
    expect(result.first?.remarks).toContain("The section is called 'home_2'.");
  });

  it('a name that is kept here already is not taken, and goes on there', () => {
    const given = service({ ...NO_IP, domain: 'OTHER.ddns.net' });

    const { first, theirs, added } = imported(given, { ours });

    expect(first).toMatchObject({ verdict: 'refused', remarks: [expect.stringContaining("section 'home'")] });
    expect(enabledOf(theirs)).toEqual({ home: '1' });
    expect(added.text).toBe('');
  });

  it('what is disabled here stands in nobody’s way', () => {
    const disabled = ours.replace('config hostname', "config hostname 'example'\n\toption enabled '0'\n#");

    expect(imported(service(NO_IP), { ours: disabled }).hostnames).toHaveLength(2);
  });
});

it('their other sections and options stay as they are', () => {
  const { theirs } = imported(
    `config ddns 'global'\n\toption ddns_loglines '250'\n\n${service(NO_IP, 'a')}${service({ ...NO_IP, service_name: 'nobody.example' }, 'b')}`,
  );

  expect(enabledOf(theirs)).toEqual({ a: '0', b: '1' });
  expect(theirs).toContain("config ddns 'global'\n\toption ddns_loglines '250'");
  expect(theirs).toContain("option password 's3cret-word'");
});

it('a section with a line that cannot be read is not taken; the others are', () => {
  const { report, problems } = imported(`${service(NO_IP, 'a')}config service 'b'\n\toption domain x y\n`);

  expect(report.map(({ verdict }) => verdict)).toEqual(['changed', 'refused']);
  expect(problems).toHaveLength(1);
});

describe('whole files are accepted by the loader', () => {
  it.each([
    [
      'the sample of 1.x and 2.x',
      `config ddns "global"
	option date_format "%F %R"
	option log_lines "250"
	option allow_local_ip "0"

config service "myddns_ipv4"
	option service_name "no-ip.com"
	option domain "yourhost.example.com"
	option username "your_username"
	option password "your_password"
	option interface "wan"
	option ip_source "network"
	option ip_network "wan"

config service "myddns_ipv6"
	option update_url "http://[USERNAME]:[PASSWORD]@your.provider.example/nic/update?hostname=[DOMAIN]&myip=[IP]"
	option domain "yourhost.example.com"
	option username "your_username"
	option password "your_password"
	option use_ipv6 "1"
	option interface "wan6"
	option ip_source "network"
	option ip_network "wan6"
`,
      2,
    ],
    [
      'two lines, three names, one of them off',
      service({ ...NO_IP, enabled: '1' }, 'first') +
        service({ ...NO_IP, domain: 'second.ddns.net', ip_network: 'wanb', bind_network: 'wanb' }, 'second') +
        service(
          {
            ...NO_IP,
            domain: 'third.ddns.net',
            enabled: '0',
            ip_source: 'interface',
            ip_interface: 'eth1.2',
          },
          'third',
        ),
      3,
    ],
    ['nothing', '', 0],
  ])('%s', (_, given, hostnames) => {
    const { ours } = imported(given);

    const { config, problems } = loadConfig(ours, 'holdfast', CATALOGUE, () => undefined);

    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(config.hostnames).toHaveLength(hostnames);
  });
});

function problemsOf(ours: string): string[] {
  return loadConfig(ours, 'holdfast', CATALOGUE, () => undefined)
    .problems.filter(({ severity, code }) => severity === 'error' || code === 'config/UNKNOWN_OPTION')
    .map(({ sentence }) => sentence);
}
