import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../agent/config/load.ts';
import { planOf } from '../../agent/config/plan.ts';
import { outsideSettings } from '../../agent/core/source-key.ts';
import { CATALOGUE } from '../fakes/catalogue.ts';
import { catalogue } from './catalogue.ts';

const TEXT = `
config agent
	option resync '300'
	option hold_down '20'
	option contact 'admin@example.org'

config account 'a'
	option provider 'grouped.example'
	option username 'user'
	option password 'test-secret-0'

config hostname 'both'
	option hostname 'home.example.org'
	option account 'a'
	option family 'dual'
	option ipv6_suffix '::00AB'
	list network 'wan'
	list network 'wan6'

config hostname 'bridge'
	option hostname 'family'
	option account 'a'
	option source 'device'
	list device 'eth1'

config hostname 'off'
	option enabled '0'
	option hostname 'off.example.org'
	option account 'a'
`;

function planFor(text: string, salt = 'salt') {
  const { config, problems } = loadConfig(text, 'holdfast', catalogue, () => undefined);
  expect(problems).toEqual([]);
  return planOf(config, salt);
}

test('a process that events start is known to end', () => {
  const byEvents = planFor(TEXT.replace('config agent', "config agent\n\toption mode 'event'"));

  expect(byEvents.agent.byEvents).toBe(true);
});

test('the plan carries the settings in the units of the core, without disabled names', () => {
  expect(planFor(TEXT)).toEqual({
    agent: { resyncMs: 300_000, verify: true, holdDownMs: 20_000 },
    accounts: {
      a: {
        id: 'a',
        providerTitle: 'Grouped DNS',
        revision: expect.stringMatching(/^[0-9a-f]{4}$/),
        service: 'grouped.example',
        dual: true,
        partial: 'erases',
        minIntervalMs: 60_000,
        busyWaitMs: 1_800_000,
        homepage: 'https://plain.example',
        refreshMs: 2_160_000_000,
      },
    },
    hosts: {
      both: {
        id: 'both',
        hostname: 'home.example.org',
        account: 'a',
        revision: expect.stringMatching(/^[0-9a-f]{4}$/),
        source: 'network',
        networks: ['wan', 'wan6'],
        families: ['ipv4', 'ipv6'],
        allowPrivate: false,
        ipv6Suffix: '::ab',
        inDns: true,
      },
      bridge: {
        id: 'bridge',
        hostname: 'family',
        account: 'a',
        revision: expect.stringMatching(/^[0-9a-f]{4}$/),
        source: 'device',
        networks: ['eth1'],
        families: ['ipv4'],
        allowPrivate: false,
        inDns: false,
      },
    },
    resting: [{ hostname: 'off.example.org', account: 'a' }],
  });
});

test('where the agent is switched off every name rests', () => {
  const { hosts, resting, aliases } = planFor(
    TEXT.replace('config agent\n', "config agent\n\toption enabled '0'\n"),
  );

  expect({ hosts, aliases }).toEqual({ hosts: {}, aliases: undefined });
  expect(resting?.map(({ hostname }) => hostname)).toEqual(['home.example.org', 'family', 'off.example.org']);
});

test('no secret is in the plan', () => {
  expect(JSON.stringify(planFor(TEXT))).not.toContain('test-secret-0');
});

describe('revisions', () => {
  const before = planFor(TEXT);

  test.each([
    {
      name: 'nothing but a comment and the order',
      from: "\toption username 'user'\n",
      to: '',
      changes: [],
      append: "\nconfig account 'a' # more\n\toption username 'user'\n",
    },
    { name: 'the password', from: 'test-secret-0', to: 'test-secret-1', changes: ['account a'] },
    { name: 'the user name', from: "'user'", to: "'other'", changes: ['account a'] },
    { name: 'a network', from: 'wan6', to: 'wanb', changes: ['host both'] },
    { name: 'the hostname', from: 'home.example.org', to: 'house.example.org', changes: ['host both'] },
    { name: 'an agent option', from: "'300'", to: "'301'", changes: [] },
  ])('change with $name', ({ from, to, changes, append }) => {
    const after = planFor(TEXT.replace(from, to) + (append ?? ''));

    const changed = [
      ...Object.values(after.accounts).flatMap(({ id, revision }) =>
        revision === before.accounts[id]?.revision ? [] : [`account ${id}`],
      ),
      ...Object.values(after.hosts).flatMap(({ id, revision }) =>
        revision === before.hosts[id]?.revision ? [] : [`host ${id}`],
      ),
    ];
    expect(changed).toEqual(changes);
  });

  test('stay the same for the same file and differ by salt', () => {
    expect(planFor(TEXT)).toEqual(before);
    expect(planFor(TEXT, 'pepper').accounts.a?.revision).not.toBe(before.accounts.a?.revision);
  });
});

test.each([
  { options: "option provider 'no-ip.com'", service: 'no-ip.com' },
  {
    options: "option provider 'dyndns2'\n\toption server 'https://update.example.org:8443'",
    service: 'dyndns2 update.example.org:8443',
  },
  {
    options: "option provider 'bind-nsupdate'\n\toption server 'ns1.example.org:5353'",
    service: 'bind-nsupdate ns1.example.org:5353',
  },
  {
    options:
      "option provider 'custom-url'\n\toption url 'https://ddns.example.org/up?key=secret&ip={ip}'\n\toption success 'OK'",
    service: 'custom-url ddns.example.org',
  },
])('the records of an account are kept at $service', ({ options, service }) => {
  const login = "\toption username 'user'\n\toption password 'c2VjcmV0'\n";
  const { config } = loadConfig(
    `config account 'a'\n\t${options}\n${login}`,
    'holdfast',
    CATALOGUE,
    () => undefined,
  );

  const { accounts } = planOf(config, 'salt');

  expect(accounts.a?.service).toBe(service);
});

describe('sources that ask others', () => {
  function sourcesOf(...sections: string[]) {
    const hosts = sections.map(
      (options, index) =>
        `config hostname 'h${index}'\n\toption hostname 'h${index}.example.org'\n\toption account 'a'\n${options.replace(/^/gm, '\t')}\n`,
    );
    const account =
      "config agent\n\toption contact 'admin@example.org'\n\nconfig account 'a'\n\toption provider 'grouped.example'\n\toption username 'user'\n\toption password 'x'\n";
    const { hosts: plans } = planFor([account, ...hosts].join('\n'));
    return Object.values(plans).map(({ source, networks }) => ({
      settings: outsideSettings(source),
      networks,
    }));
  }

  test('carry their settings in the key', () => {
    expect(
      sourcesOf(
        "option source 'web'\nlist echo_url 'https://echo.example/ip'",
        "option source 'stun'\nlist device 'eth1'\nlist stun_server 'stun.example:3478'",
        "option source 'script'\noption script '/bin/x'\nlist script_arg 'a b'",
        "option source 'dns'\nlist network 'wan'\nlist network 'wanb'",
      ),
    ).toEqual([
      {
        settings: {
          kind: 'web',
          base: 'network',
          networks: ['wan'],
          families: ['ipv4'],
          echoUrls: ['https://echo.example/ip'],
        },
        networks: ['wan'],
      },
      {
        settings: {
          kind: 'stun',
          base: 'device',
          networks: ['eth1'],
          families: ['ipv4'],
          stunServers: ['stun.example:3478'],
        },
        networks: ['eth1'],
      },
      {
        settings: {
          kind: 'script',
          base: 'network',
          networks: ['wan'],
          families: ['ipv4'],
          argv: ['/bin/x', 'a b'],
        },
        networks: ['wan'],
      },
      {
        settings: { kind: 'dns', base: 'network', networks: ['wan', 'wanb'], families: ['ipv4'] },
        networks: ['wan', 'wanb'],
      },
    ]);
  });

  test('are shared by hostnames that differ only in their families', () => {
    const [one, other, third] = sourcesOf(
      "option source 'web'",
      "option source 'web'\noption family 'dual'",
      "option source 'web'\nlist network 'wanb'",
    );

    expect(one?.settings).toEqual(other?.settings);
    expect(one?.settings?.families).toEqual(['ipv4', 'ipv6']);
    expect(third?.settings?.families).toEqual(['ipv4']);
  });

  test('are not asked for an address that has a host part of its own', () => {
    const [one] = sourcesOf("option source 'web'\noption family 'dual'\noption ipv6_suffix '::5'");

    expect(one?.settings?.families).toEqual(['ipv4']);
  });
});

test.each([
  { provider: 'no-ip.com', more: '', title: 'No-IP' },
  {
    provider: 'dyndns2',
    more: "option server 'https://update.example.net:8443'",
    title: 'update.example.net',
  },
  {
    provider: 'custom-url',
    more: "option url 'https://ddns.example.net/u?n={hostname}&ip={ip}'\n\toption success 'OK'",
    title: 'ddns.example.net',
  },
])('an account at $provider is told of as $title', ({ provider, more, title }) => {
  const text = `config account 'a'\n\toption provider '${provider}'\n\toption username 'u'\n\toption password 'p'\n\t${more}\n`;
  const { config } = loadConfig(text, 'holdfast', CATALOGUE, () => undefined);

  expect(planOf(config, 'salt').accounts.a?.providerTitle).toBe(title);
});
