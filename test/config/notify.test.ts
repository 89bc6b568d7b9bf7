/** `list notify` and `notify_script`: what they may be, what is warned of, and what stays a secret. */
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../agent/config/load.ts';
import {
  channelPlansOf,
  channelsOf,
  parseNotifyAddress,
  secretsOfNotify,
} from '../../agent/config/notify.ts';
import { catalogue } from './catalogue.ts';

function load(...options: string[]) {
  const text = `config agent\n${options.map((line) => `\t${line}\n`).join('')}config hostname 'h'\n`;
  const { config, problems } = loadConfig(text, 'holdfast', catalogue, () => undefined);
  const ours = problems.filter(({ option }) => option === 'notify' || option === 'notify_script');
  return { agent: config.agent, problems: ours };
}

describe('an address', () => {
  test.each([
    [
      'https://hooks.example.org/in?key=1',
      { style: 'webhook', url: 'https://hooks.example.org/in?key=1', server: 'hooks.example.org' },
    ],
    ['https://hooks.example.org', { url: 'https://hooks.example.org/', server: 'hooks.example.org' }],
    ['https://hooks.example.org?key=1', { url: 'https://hooks.example.org?key=1' }],
    [
      'HTTPS://Hooks.example.org:8443/a',
      { url: 'HTTPS://Hooks.example.org:8443/a', server: 'Hooks.example.org:8443' },
    ],
    ['https://[2001:db8::1]:8443/a', { url: 'https://[2001:db8::1]:8443/a', server: '[2001:db8::1]:8443' }],
    [
      'https://user:p%40ss%3Aword@hooks.example.org/a',
      {
        url: 'https://hooks.example.org/a',
        login: { scheme: 'basic', username: 'user', password: 'p@ss:word' },
      },
    ],
    ['https://token@hooks.example.org/', { login: { scheme: 'basic', username: 'token', password: '' } }],
    ['https://u:100%@hooks.example.org/', { login: { scheme: 'basic', username: 'u', password: '100%' } }],
    ['ntfy+https://ntfy.example.org/topic', { style: 'ntfy', url: 'https://ntfy.example.org/topic' }],
    [
      'ntfy+https://:tk_1@ntfy.example.org/topic',
      { style: 'ntfy', login: { scheme: 'basic', username: '', password: 'tk_1' } },
    ],
    ['https://ntfy.sh/topic', { style: 'ntfy' }],
    [
      'gotify+https://gotify.example.org/?token=A1',
      { style: 'gotify', url: 'https://gotify.example.org/?token=A1' },
    ],
  ])('%s', (text, expected) => {
    expect(parseNotifyAddress(text)).toMatchObject({ exposed: false, ...expected });
  });

  test('without a login has none', () => {
    expect(parseNotifyAddress('https://hooks.example.org/')).not.toHaveProperty('login');
  });

  test.each([
    'https://',
    'https:///path',
    'https://@/',
    'https://a@b@hooks.example.org/',
    'https://hooks.example.org:port/',
    'https://2001:db8::1/',
    'https://hooks.example.org/a#part',
    'ntfy+https://ntfy.example.org/',
    'ntfy+https://ntfy.example.org',
    'ntfy+https://ntfy.example.org/topic?x=1',
    'https://ntfy.sh/',
    'discord+https://hooks.example.org/',
  ])('that is none: %s', (text) => {
    expect(parseNotifyAddress(text)).toBeUndefined();
  });

  test.each([
    ['http://hooks.example.org/', true],
    ['http://203.0.113.7/', true],
    ['http://[2001:db8::1]/', true],
    ['ntfy+http://ntfy.example.org/topic', true],
    ['http://192.168.1.20:8080/', false],
    ['http://10.0.0.2/', false],
    ['http://127.0.0.1:8080/', false],
    ['http://[::1]/', false],
    ['http://[fd00::1]/', false],
    ['http://nas/', false],
    ['http://nas.lan/', false],
    ['http://nas.local:8080/', false],
    ['http://nas.home.arpa/', false],
    ['http://nas.lan.example.org/', true],
    ['https://203.0.113.7/', false],
  ])('in the clear beyond the house: %s -> %s', (text, exposed) => {
    expect(parseNotifyAddress(text)?.exposed).toBe(exposed);
  });
});

describe('the configuration', () => {
  test('takes addresses and a program', () => {
    const { agent, problems } = load(
      "list notify 'https://hooks.example.org/a'",
      "list notify 'gotify+https://gotify.example.org/?token=A1'",
      "option notify_script '/etc/tell'",
    );

    expect(problems).toEqual([]);
    expect(agent.notify.map(({ style }) => style)).toEqual(['webhook', 'gotify']);
    expect(agent.notifyScript).toBe('/etc/tell');
  });

  test('leaves out what cannot be posted to, and keeps the rest', () => {
    const { agent, problems } = load(
      "list notify 'ntfy+https://secret.example.org/'",
      "list notify 'https://hooks.example.org/a'",
    );

    expect(agent.notify.map(({ server }) => server)).toEqual(['hooks.example.org']);
    expect(problems).toMatchObject([{ severity: 'error', code: 'config/BAD_VALUE' }]);
    expect(JSON.stringify(problems)).not.toContain('secret');
  });

  test('loses only the entries with a mistake, and names each', () => {
    const { agent, problems } = load(
      "list notify 'https://hooks.example.org/a'",
      "list notify 'htps://secret.example.org/a'",
      "list notify 'ntfy+https://secret.example.org/'",
      "list notify 'hooks.example.org'",
      "list notify 'https://hooks.example.com/b'",
    );

    expect(agent.notify.map(({ server }) => server)).toEqual(['hooks.example.org', 'hooks.example.com']);
    expect(problems.map(({ code, sentence }) => `${code} ${sentence.split(' of ', 1)[0]}`).sort()).toEqual([
      'config/BAD_VALUE Entry 2',
      'config/BAD_VALUE Entry 3',
      'config/BAD_VALUE Entry 4',
    ]);
    expect(problems.every(({ sentence }) => sentence.endsWith('It is left out.'))).toBe(true);
    expect(JSON.stringify(problems)).not.toContain('secret');
  });

  test('warns of a place beyond the house in the clear', () => {
    const { agent, problems } = load("list notify 'http://u:secret@hooks.example.org/secret'");

    expect(agent.notify).toHaveLength(1);
    expect(problems).toMatchObject([{ severity: 'warning', code: 'config/PLAIN_HTTP' }]);
    expect(problems[0]?.sentence).toContain('hooks.example.org');
    expect(JSON.stringify(problems)).not.toContain('secret');
  });

  test.each([
    "option notify_script 'tell'",
    "list notify 'hooks.example.org'",
    "list notify 'mailto:me@example.org'",
  ])('refuses %s', (option) => {
    const { agent, problems } = load(option);

    expect(problems).toMatchObject([{ severity: 'error', code: 'config/BAD_VALUE' }]);
    expect([agent.notify, agent.notifyScript]).toEqual([[], '']);
  });
});

describe('the channels', () => {
  const ADDRESSES = [
    "list notify 'https://hooks.example.org/secret1'",
    "list notify 'https://hooks.example.org/secret2'",
  ];

  test('are the addresses in their order, the program, and always ubus', () => {
    const { agent } = load(
      "list notify 'https://ntfy.sh/topic'",
      ...ADDRESSES,
      "option notify_script '/etc/tell'",
    );

    expect(channelsOf(agent, 'salt').map(({ title, type }) => `${type} ${title}`)).toEqual([
      'web ntfy at ntfy.sh',
      'web hooks.example.org',
      'web hooks.example.org',
      'script /etc/tell',
      'ubus ubus',
    ]);
  });

  test('have an id each, which stays the same and tells nothing', () => {
    const ids = (salt: string) => channelsOf(load(...ADDRESSES).agent, salt).map(({ id }) => id);

    expect(new Set(ids('salt')).size).toBe(3);
    expect(ids('salt')).toEqual(ids('salt'));
    expect(ids('other')).not.toEqual(ids('salt'));
    expect(ids('salt').join()).toMatch(/^web [0-9a-f]{4},web [0-9a-f]{4},ubus$/);
  });

  test('are one where an address stands twice', () => {
    const { agent } = load(ADDRESSES[0] ?? '', ADDRESSES[0] ?? '');

    expect(channelsOf(agent, 'salt')).toHaveLength(2);
  });

  test('come without their secrets into the plan', () => {
    const plans = channelPlansOf(channelsOf(load(...ADDRESSES).agent, 'salt'));

    expect(plans.map((plan) => Object.keys(plan))).toEqual(new Array(3).fill(['id', 'title']));
    expect(JSON.stringify(plans)).not.toContain('secret');
  });
});

describe('what is taken out of foreign text', () => {
  test.each([
    ['https://u:s3cret@hooks.example.org/', ['s3cret']],
    ['https://t0ken@hooks.example.org/', ['t0ken']],
    ['https://hooks.example.org/services/T0000/AbCdEfGh1', ['/services/T0000/AbCdEfGh1', 'AbCdEfGh1']],
    ['gotify+https://gotify.example.org/message?token=AbCdEfGh1', ['AbCdEfGh1']],
    ['https://hooks.example.org/in', []],
  ])('%s', (text, expected) => {
    const address = parseNotifyAddress(text);

    const secrets = address ? secretsOfNotify(address).map(({ password }) => password) : [];

    expect(secrets).toEqual(expect.arrayContaining(expected));
    expect(expected.length === 0 ? secrets : []).toEqual([]);
  });
});
