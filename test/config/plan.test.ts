import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../agent/config/load.ts';
import { planOf } from '../../agent/config/plan.ts';
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

test('the plan carries the settings in the units of the core, without disabled names', () => {
  expect(planFor(TEXT)).toEqual({
    agent: { resyncMs: 300_000, verify: true, holdDownMs: 20_000 },
    accounts: {
      a: {
        id: 'a',
        providerTitle: 'Grouped DNS',
        revision: expect.stringMatching(/^[0-9a-f]{4}$/),
        dual: true,
        partial: 'erases',
        minIntervalMs: 60_000,
        busyWaitMs: 1_800_000,
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
  });
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
