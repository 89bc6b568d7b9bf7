/** Alias sections: what they may be, and what each mistake costs. */
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../agent/config/load.ts';
import { planOf } from '../../agent/config/plan.ts';
import { catalogue } from './catalogue.ts';

const BASE = `
config account 'a'
	option provider 'plain.example'
	option username 'user'
	option password 'test-secret-0'

config account 'b'
	option provider 'generic'
	option password 'test-secret-1'
	option server 'https://update.example.net'

config account 'dns'
	option provider 'over-dns'
	option username 'key'
	option password 'c2VjcmV0'

config hostname 'home'
	option hostname 'home.plain.example'
	option account 'a'

config hostname 'duck'
	option hostname 'home.example.net'
	option account 'b'

config hostname 'off'
	option hostname 'off.example.net'
	option account 'b'
	option enabled '0'

config hostname 'broken'
	option hostname '.'
	option account 'b'
`;

function alias(options: string, more = ''): string {
  return `${BASE}${more}\nconfig alias 'www'\n${options.trim().replace(/^\s*/gm, '\t')}\n`;
}

const FINE = `
option hostname 'www.example.org'
option account 'dns'
list target 'home'
list target 'duck'`;

function load(text: string) {
  const { config, problems } = loadConfig(text, 'holdfast', catalogue, () => undefined);
  // The broken section is a part of every file here; the invented provider finds the zone by itself.
  const own = problems.filter(
    ({ section, code }) => section !== "hostname 'broken'" && code !== 'config/UNUSED_OPTION',
  );
  return {
    config,
    problems: own,
    codes: own.map(({ severity, code, option }) => `${severity} ${code}${option ? ` ${option}` : ''}`),
  };
}

describe('a good alias', () => {
  test('has its defaults', () => {
    const { config, problems } = load(alias(FINE));

    expect(problems).toEqual([]);
    expect(config.aliases).toEqual([
      {
        id: 'www',
        enabled: true,
        hostname: 'www.example.org',
        account: 'dns',
        targets: ['home', 'duck'],
        ttlSec: 60,
        outageSec: 300,
        recoverySec: 3600,
      },
    ]);
  });

  test('is planned, unless it is not enabled', () => {
    const planned = planOf(load(alias(FINE)).config, 'salt').aliases;
    const off = planOf(load(alias(`${FINE}\noption enabled '0'`)).config, 'salt').aliases;

    expect(planned?.www).toMatchObject({
      targets: ['home', 'duck'],
      outageMs: 300_000,
      recoveryMs: 3_600_000,
    });
    expect(off).toBeUndefined();
  });

  test.each([
    { name: 'its targets', text: alias(FINE.replace("list target 'duck'", '')) },
    { name: 'the name of a target', text: alias(FINE).replace('home.plain.example', 'new.plain.example') },
    { name: 'its account', text: alias(FINE, "\nconfig account 'dns'\n\toption zone 'example.org'\n") },
  ])('has another revision when $name changes', ({ text }) => {
    const revision = (config: string) => planOf(load(config).config, 'salt').aliases?.www?.revision;

    expect(revision(text)).toEqual(expect.any(String));
    expect(revision(text)).not.toBe(revision(alias(FINE)));
  });
});

test('a provider that cannot is refused, with those that can', () => {
  const { problems, codes, config } = load(alias(FINE.replace("account 'dns'", "account 'a'")));

  expect(codes).toEqual(['error config/NO_CNAME account']);
  expect(problems[0]?.sentence).toContain('Plain DNS');
  expect(problems[0]?.sentence).toContain('over-dns');
  expect(config.aliases).toEqual([]);
});

describe('is left out when', () => {
  const hostname = (name: string) => FINE.replace('www.example.org', name);

  test.each([
    ['the name is a domain', hostname('example.org'), '', 'error config/ALIAS_AT_APEX hostname'],
    [
      'the name is the zone of the account',
      hostname('dyn.example.org'),
      "\nconfig account 'dns'\n\toption zone 'dyn.example.org.'\n",
      'error config/ALIAS_AT_APEX hostname',
    ],
    [
      'the name is outside of the zone of the account',
      FINE,
      "\nconfig account 'dns'\n\toption zone 'example.com'\n",
      'error config/ALIAS_NOT_IN_ZONE hostname',
    ],
    ['the name is a hostname already', hostname('home.example.net'), '', 'error config/ALIAS_TAKEN hostname'],
    ['the name is none', hostname('a..b'), '', 'error config/BAD_HOSTNAME hostname'],
    [
      'the account is not there',
      FINE.replace("'dns'", "'nobody'"),
      '',
      'error config/NO_SUCH_ACCOUNT account',
    ],
    ['a target is not there', `${FINE}\nlist target 'nowhere'`, '', 'error config/NO_SUCH_HOSTNAME target'],
    ['the outage is too short', `${FINE}\noption outage '10'`, '', 'error config/BAD_VALUE outage'],
    [
      'no target is left',
      "option hostname 'www.example.org'\noption account 'dns'\nlist target 'off'",
      '',
      'error config/NO_TARGET target',
    ],
  ])('%s', (_, options, more, expected) => {
    const { codes, config } = load(alias(options, more));

    expect(codes).toEqual([expected]);
    expect(config.aliases).toEqual([]);
  });
});

describe('goes on without a target that', () => {
  test.each([
    ['is not enabled', 'off', ''],
    ['has a mistake of its own', 'broken', ''],
    [
      'has the name of another',
      'twin',
      "\nconfig hostname 'twin'\n\toption hostname 'home.plain.example'\n\toption account 'b'\n",
    ],
  ])('%s', (_, id, more) => {
    const { codes, config, problems } = load(alias(`${FINE}\nlist target '${id}'`, more));

    expect(codes).toEqual(['warning config/NO_TARGET target']);
    expect(problems[0]?.sentence).toMatch(new RegExp(`'${id}'.*because it .*\\.$`));
    expect(config.aliases[0]?.targets).toEqual(['home', 'duck']);
  });
});

describe('is warned of', () => {
  test.each([
    ['a single target', FINE.replace("list target 'duck'", ''), '', 'warning config/ONE_TARGET target'],
    [
      'checks that are switched off',
      FINE,
      "\nconfig agent\n\toption verify '0'\n",
      'warning config/ALIAS_NEEDS_VERIFY target',
    ],
  ])('%s', (_, options, more, expected) => {
    const { codes, config } = load(alias(options, more));

    expect(codes).toEqual([expected]);
    expect(config.aliases).toHaveLength(1);
  });

  test.each([
    { ttl: "option ttl '20'", codes: ['warning config/TTL_RAISED ttl'], ttlSec: 30 },
    { ttl: "option ttl '30'", codes: [], ttlSec: 30 },
    { ttl: "option ttl '120'", codes: [], ttlSec: 120 },
  ])('a TTL that is too short: $ttl', ({ ttl, codes, ttlSec }) => {
    const loaded = load(alias(`${FINE}\n${ttl}`));

    expect(loaded.codes).toEqual(codes);
    expect(loaded.config.aliases[0]?.ttlSec).toBe(ttlSec);
  });
});

test('the same alias twice counts once', () => {
  const { codes, config } = load(`${alias(FINE)}\nconfig alias 'again'\n${FINE}\n`);

  expect(codes).toEqual(['error config/ALIAS_TAKEN hostname']);
  expect(config.aliases.map(({ id }) => id)).toEqual(['www']);
});
