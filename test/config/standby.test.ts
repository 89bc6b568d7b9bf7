/** Standby names take the address of the name that they stand by, and are questioned where they would not help. */
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../agent/config/load.ts';
import { planOf } from '../../agent/config/plan.ts';
import { catalogue } from './catalogue.ts';

const ACCOUNTS = `
config account 'a'
	option provider 'grouped.example'
	option username 'user'
	option password 'test-secret-0'

config account 'b'
	option provider 'generic'
	option password 'test-secret-1'
	option server 'https://update.example.net'

config account 'v4'
	option provider 'plain.example'
	option username 'user'
	option password 'test-secret-2'

config agent
	option contact 'admin@example.org'
`;

interface Section {
  name?: string;
  account?: string;
  [option: string]: string | string[] | undefined;
}

/** Two sections: the main name, and its standby at account b. */
function file(home: Section, duck: Section, more: Record<string, Section> = {}): string {
  const sections: Record<string, Section> = {
    home: { hostname: 'home.grouped.example', account: 'a', standby: ['duck'], ...home },
    duck: { hostname: 'home.example.net', account: 'b', ...duck },
    ...more,
  };
  return `${ACCOUNTS}${Object.entries(sections)
    .map(
      ([name, options]) =>
        `\nconfig hostname '${name}'\n${Object.entries(options)
          .flatMap(([option, value]) =>
            Array.isArray(value)
              ? value.map((item) => `\tlist ${option} '${item}'\n`)
              : value === undefined
                ? []
                : [`\toption ${option} '${value}'\n`],
          )
          .join('')}`,
    )
    .join('')}`;
}

function load(text: string) {
  const { config, problems } = loadConfig(text, 'holdfast', catalogue, () => undefined);
  return {
    config,
    problems,
    codes: problems.map(
      ({ severity, code, option, section }) =>
        `${severity} ${code} ${option} ${section?.split(' ')[1] ?? ''}`,
    ),
    host: (id: string) => config.hostnames.find((one) => one.id === id),
  };
}

describe('the address', () => {
  test('of a standby that says nothing itself is that of the main name', () => {
    const { host, problems, config } = load(
      file(
        {
          source: 'web',
          network: ['wanb', 'wan'],
          echo_url: ['https://echo.example.org'],
          family: 'dual',
          allow_private: '1',
          ipv6_suffix: '::abcd',
        },
        {},
      ),
    );

    expect(problems).toEqual([]);
    expect(host('duck')).toMatchObject({
      source: 'web',
      networks: ['wanb', 'wan'],
      echoUrls: ['https://echo.example.org'],
      family: 'dual',
      allowPrivate: true,
      ipv6Suffix: '::abcd',
      standby: [],
    });
    const { home, duck } = planOf(config, 'salt').hosts;
    expect(home?.standby).toEqual(['duck']);
    expect(duck?.source).toBe(home?.source);
  });

  test('comes through a chain of standbys', () => {
    const { host } = load(
      file(
        { network: ['wanb'] },
        { standby: ['third'] },
        { third: { hostname: 'home.example.com', account: 'b' } },
      ),
    );

    expect(host('third')?.networks).toEqual(['wanb']);
  });

  test('of two that stand by each other is the same, whoever says it', () => {
    const said = load(file({}, { standby: ['home'], network: ['wanb'] }));
    const unsaid = load(file({}, { standby: ['home'] }));

    expect(said.codes).toEqual([]);
    expect(said.host('home')?.networks).toEqual(['wanb']);
    expect(said.host('duck')?.networks).toEqual(['wanb']);
    expect(unsaid.host('home')?.networks).toEqual(['wan']);
    expect(unsaid.host('duck')?.standby).toEqual(['home']);
  });

  test('of its own counts, all of it, and is questioned', () => {
    const { host, codes } = load(
      file({ source: 'web', echo_url: ['https://echo.example.org'] }, { network: ['wanb'] }),
    );

    expect(host('duck')).toMatchObject({ source: 'network', networks: ['wanb'] });
    expect(host('duck')).not.toHaveProperty('echoUrls');
    expect(codes).toEqual(["warning config/STANDBY_DIFFERS standby 'home'"]);
  });

  test('of its own that is the same is not questioned', () => {
    const { codes } = load(file({ network: ['wanb'] }, { network: ['wanb'] }));

    expect(codes).toEqual([]);
  });

  test('has only the families that the provider of the standby takes', () => {
    const home = { hostname: 'home.example.com', account: 'b', family: 'dual', ipv6_suffix: '::1' };
    const { host, codes } = load(file(home, { account: 'v4' }));

    expect(host('duck')).toMatchObject({ family: 'ipv4' });
    expect(host('duck')).not.toHaveProperty('ipv6Suffix');
    expect(codes).toEqual([]);
  });

  test('of its own family alone has no host part of the other', () => {
    const { host, codes } = load(file({ family: 'dual', ipv6_suffix: '::1' }, { family: 'ipv4' }));

    expect(host('duck')).not.toHaveProperty('ipv6Suffix');
    expect(codes).toEqual([]);
  });

  test('of another host in the LAN is questioned', () => {
    const { codes } = load(file({ family: 'ipv6', ipv6_suffix: '::1' }, { ipv6_suffix: '::2' }));

    expect(codes).toEqual(["warning config/STANDBY_DIFFERS standby 'home'"]);
  });

  test('of another family is no help', () => {
    const { codes } = load(file({ family: 'ipv6' }, { family: 'ipv4' }));

    expect(codes).toEqual(["warning config/STANDBY_DIFFERS standby 'home'"]);
  });

  test('that the provider cannot take is a mistake of the standby, with its line', () => {
    const text = file({ family: 'ipv6' }, { account: 'v4' });
    const { problems, codes } = load(text);

    expect(codes).toEqual([
      "warning config/NO_STANDBY standby 'home'",
      "error config/FAMILY_NOT_SERVED family 'duck'",
    ]);
    const line = text.split('\n').findIndex((one) => one.includes("hostname 'duck'")) + 1;
    expect(problems[1]?.line).toBe(line);
  });
});

describe('a standby that would not help', () => {
  test.each([
    ['itself', { standby: ['home'] }, {}, "warning config/NO_STANDBY standby 'home'"],
    ['one that is not there', { standby: ['nobody'] }, {}, "warning config/NO_SUCH_HOSTNAME standby 'home'"],
    ['one that is not enabled', {}, { enabled: '0' }, "warning config/NO_STANDBY standby 'home'"],
    [
      'the same name elsewhere',
      {},
      { hostname: 'home.grouped.example' },
      "warning config/NO_STANDBY standby 'home'",
    ],
  ])('is %s', (_, home, duck, expected) => {
    const { codes, host } = load(file(home, duck));

    expect(codes).toEqual([expected]);
    expect(host('home')?.standby).toEqual([]);
  });

  test.each([
    ['the provider', { account: 'a' }, 'the provider'],
    ['the domain', { hostname: 'two.grouped.example' }, 'the domain grouped.example'],
  ])('shares %s with the main name', (_, duck, what) => {
    const { codes, problems, host } = load(file({}, duck));

    expect(codes).toEqual(["warning config/STANDBY_SHARED standby 'home'"]);
    expect(problems[0]?.sentence).toContain(what);
    expect(host('home')?.standby).toEqual(['duck']);
  });

  test.each([
    ['a.example.co.uk', 'b.example.co.uk', true],
    ['a.one.co.uk', 'b.two.co.uk', false],
    ['a.example.de', 'b.example.de', true],
    ['a.one.de', 'b.two.de', false],
  ])('%s and %s: the same domain is %s', (one, two, isShared) => {
    const { codes } = load(file({ hostname: one }, { hostname: two }));

    expect(codes.length > 0).toBe(isShared);
  });

  test('at another server of one kind is no shared provider', () => {
    const other = `\nconfig account 'c'\n\toption provider 'generic'\n\toption password 'x'\n\toption server 'https://other.example.com'\n`;

    const { codes } = load(file({ account: 'b' }, { account: 'c' }) + other);

    expect(codes).toEqual([]);
  });
});
