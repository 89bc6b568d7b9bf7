/** The admin page's words, times and addresses. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { combine, parseAddress, parseSuffix } from '../../../agent/core/address.ts';
import { SENTENCES_FILE } from '../../../firmware-glue/pack/i18n.mjs';
import { loadModule } from './module.ts';

interface TimelineEvent {
  at: string;
  level: string;
  code: string;
  sentence: string;
}

interface Words {
  verdict(name: string): { mark: string; label: string };
  nameVerdict(host: { verdict: string; works?: string }): string;
  service(state: string): { verdict: string; sentence: string; actions: string[] };
  action(name: string): string | undefined;
  axis(name: string): { title: string; question: string };
  step(name: string): string;
  said(one: { code?: string; sentence?: string }): string | undefined;
  plain(value: unknown): string;
  link(value: unknown): string | null;
  learn(table: { states: object; sentences: string[] }): void;
  say(text: string | undefined): string | undefined;
  ago(at: string, nowMs: number, language: string): string;
  isPlausible(at: string | undefined): boolean;
  addresses(
    host: object,
  ): { family: string; address?: string; next?: string | null; missing?: string | null }[];
  workingNames(status: object, host: object): string[];
  timeline(
    events: TimelineEvent[] | undefined,
  ): { day: string; rows: { sentence: string; count: number; weight: string }[] }[];
  incidents(status: object | null): { id: string }[];
  joinSuffix(prefix: string | null, suffix: string): { address?: string; problem?: string };
  findProviders(providers: object[], word: string): { id: string }[];
  providerFields(entry: object | undefined): { option: string }[];
  familyFor(entry: object): string;
  wanOf(networks: object[]): string;
  prefixOf(networks: object[]): string | null;
  freeName(text: string, taken: string[]): string;
  keepOrder(before: string[], picked: string[], offered: string[]): string[];
}

const TABLE = JSON.parse(readFileSync(SENTENCES_FILE, 'utf8'));
const words = loadModule<Words>('holdfast/words.js');
words.learn(TABLE);
const NOON_MS = Date.UTC(2026, 10, 22, 12);

describe('verdicts', () => {
  it.each(['ok', 'pending', 'warning', 'failed', 'unknown', 'off', 'never heard of'])(
    '%s is a mark and words',
    (name) => {
      const { mark, label } = words.verdict(name);

      expect(mark).toHaveLength(1);
      expect(label).not.toBe('');
      expect(words.nameVerdict({ verdict: name })).not.toBe('');
    },
  );

  it('a name that works is not said to be down, whatever else has failed', () => {
    const said = ['yes', 'no', 'unknown'].map((works) => words.nameVerdict({ verdict: 'failed', works }));

    expect(said).toEqual(['Needs attention', 'Does not work', 'Does not work']);
  });

  it('have a mark of their own each, for colour must not be the only sign', () => {
    const marks = ['ok', 'pending', 'warning', 'failed', 'unknown', 'off'].map(
      (name) => words.verdict(name).mark,
    );

    expect(new Set(marks).size).toBe(marks.length);
  });
});

describe('the service', () => {
  it.each([
    ['running', ['restart', 'stop']],
    ['starting', []],
    ['idle', ['start', 'stop']],
    ['stopped', ['start']],
    ['disabled', ['enable']],
    ['empty', []],
    ['noruntime', []],
    ['missing', []],
    ['denied', []],
    ['unreachable', []],
    ['unreadable', ['restart']],
    ['something new', []],
  ])('%s offers %j', (state, actions) => {
    const found = words.service(state);

    expect(found.actions).toEqual(actions);
    expect(found.sentence).toMatch(/\.$/);
    expect(found.actions.map((name) => words.action(name))).not.toContain(undefined);
  });
});

describe('axes and steps', () => {
  it.each(['update', 'delegation', 'authority', 'publicView'])('%s has a title and a question', (name) => {
    expect(words.axis(name).title).not.toBe(name);
    expect(words.axis(name).question).toMatch(/\?$/);
    expect(words.step(name)).toBe(words.axis(name).title);
  });

  it('an unknown step is called by its own name', () => {
    expect(words.step('dance')).toBe('dance');
  });
});

describe('what the agent says', () => {
  const CATALOGUE: Record<string, string> = {
    'update/OK': 'Gut.',
    'It goes out now.': 'Jetzt.',
    'Look again.': 'Noch einmal ansehen.',
    '{Names}: {Said}': '{Names} – {Said}',
    '{count} minutes': '{count} Minuten',
    'It took {Time}.': 'Das waren {Time}.',
    '{provider} took {address} of {name}.': '{name}: {address} ist bei {provider}.',
  };
  const german = loadModule<Words>('holdfast/words.js', {}, { _: (text: string) => CATALOGUE[text] ?? text });
  german.learn({ states: {}, sentences: Object.keys(CATALOGUE).toReversed() });

  it.each([
    ['by its code', { code: 'update/OK', sentence: 'It is good.' }, 'Gut.'],
    ['as it is, where the code is not known', { code: 'new/CODE', sentence: 'It is new.' }, 'It is new.'],
    ['by itself, without a code', { sentence: 'It goes out now.' }, 'Jetzt.'],
    [
      'by itself, where each sentence is known',
      { code: 'update/OK', sentence: 'It took 5 minutes.' },
      'Das waren 5 Minuten.',
    ],
    ['as it is, without either', { sentence: 'It is different.' }, 'It is different.'],
    ['not at all, where there is nothing', {}, undefined],
  ])('is found %s', (_, said, expected) => {
    expect(german.said(said)).toBe(expected);
  });

  it.each([
    ['with names in another order', 'X took 192.0.2.1 of a.example.', 'a.example: 192.0.2.1 ist bei X.'],
    [
      'sentence by sentence',
      'Look again. It is new. It goes out now.',
      'Noch einmal ansehen. It is new. Jetzt.',
    ],
    ['one in another', 'a.example: It took 5 minutes.', 'a.example – Das waren 5 Minuten.'],
    [
      'not where several words stand for one',
      'X took no address of a.example.',
      'X took no address of a.example.',
    ],
    ['not for a part of it', 'It took .', 'It took .'],
    ['without running away', ': '.repeat(300), expect.any(String)],
    ['and never as markup', '<b>: It goes out now.', '<b> – Jetzt.'],
  ])('is said %s', (_, text, expected) => {
    expect(german.say(text)).toEqual(expected);
  });

  it('is the agent’s own in its own language', () => {
    expect(words.said({ code: 'update/OK', sentence: 'It is good.' })).toBe('It is good.');
    expect(words.say('a.example: X confirmed 192.0.2.1. It took 5 minutes.')).toBe(
      'a.example: X confirmed 192.0.2.1. It took 5 minutes.',
    );
  });

  it('is taken apart in the order in which the table has it: what fits everything stands last', () => {
    expect(TABLE.sentences.at(-1)).toBe('{Names}: {Said}');
  });
});

describe('text from elsewhere', () => {
  it.each([
    ['plain', 'good 192.0.2.1', 'good 192.0.2.1'],
    ['markup, which stays text', '<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
    ['nothing', undefined, ''],
    ['a line break', 'a\r\nb', 'a b'],
    ['what turns the direction', 'evil\u202egpj.exe', 'evil gpj.exe'],
    ['an invisible mark', 'a\u200fb\u2066c', 'a b c'],
    ['a terminal’s escape', '\u001b[31mred', ' [31mred'],
  ])('%s', (_, given, expected) => {
    expect(words.plain(given)).toBe(expected);
  });

  it('is not endless', () => {
    expect(words.plain('a'.repeat(100_000)).length).toBeLessThan(1100);
  });

  it.each([
    ['https://www.example.org/key?x=1#y', true],
    ['https://[2001:db8::1]:8443/', true],
    ['http://www.example.org/', false],
    ['javascript:alert(1)', false],
    [' https://www.example.org', false],
    ['https://www.example.org/ x', false],
    ['https://user@www.example.org/', false],
    ['https://www.example.org\\@evil.example', false],
    [{ toString: (): string => 'https://www.example.org' }, false],
    [`https://www.example.org/${'a'.repeat(600)}`, false],
  ])('%j is a link: %s', (given, expected) => {
    expect(words.link(given) !== null).toBe(expected);
  });
});

describe('times', () => {
  it.each([
    [0, 'just now'],
    [4, 'just now'],
    [-4, 'just now'],
    [5, '5 seconds ago'],
    [59, '59 seconds ago'],
    [60, '1 minute ago'],
    [7199, '1 hour ago'],
    [7200, '2 hours ago'],
    [86_400, '1 day ago'],
    [40 * 86_400, '40 days ago'],
    [-300, 'in 5 minutes'],
  ])('%d seconds before now is %j', (sec, expected) => {
    expect(words.ago(new Date(NOON_MS - sec * 1000).toISOString(), NOON_MS, 'en')).toBe(expected);
  });

  it.each([
    ['de', 'vor 2 Stunden'],
    ['fr', 'il y a 2 heures'],
    ['pt_BR', 'há 2 horas'],
    ['zh_Hans', '2小时前'],
  ])('two hours ago is said in %s', (language, expected) => {
    expect(words.ago(new Date(NOON_MS - 7_200_000).toISOString(), NOON_MS, language)).toBe(expected);
  });

  it('what is no time is nothing', () => {
    expect(words.ago('soon', NOON_MS, 'en')).toBe('');
  });

  it.each([
    ['1970-01-01T00:00:12.000Z', false],
    ['2026-11-22T12:00:00.000Z', true],
    [undefined, false],
    ['soon', false],
  ])('%s can be right: %s', (at, expected) => {
    expect(words.isPlausible(at)).toBe(expected);
  });
});

describe('addresses of a hostname', () => {
  it.each([
    ['nothing known', {}, []],
    [
      'published and wanted are the same',
      {
        confirmed: { ipv4: { address: '192.0.2.1', since: 'x' } },
        desired: { ipv4: { address: '192.0.2.1', network: 'wan' } },
      },
      [{ family: 'ipv4', address: '192.0.2.1', next: null, missing: null }],
    ],
    [
      'another one is to come',
      {
        confirmed: { ipv4: { address: '192.0.2.1', since: 'x' } },
        desired: { ipv4: { address: '192.0.2.2' } },
      },
      [{ family: 'ipv4', address: '192.0.2.1', next: '192.0.2.2', missing: null }],
    ],
    [
      'the WAN has none',
      { confirmed: {}, desired: { ipv6: { code: 'a/B', sentence: 'There is none.' } } },
      [{ family: 'ipv6', address: undefined, missing: 'There is none.' }],
    ],
  ])('%s', (_, host, expected) => {
    expect(words.addresses(host)).toMatchObject(expected);
  });
});

describe('names that work', () => {
  const home = { id: 'home', hostname: 'home.example.org', works: 'no', standby: ['duck', 'gone'] };
  const duck = { id: 'duck', hostname: 'duck.example.org', works: 'yes' };

  it.each([
    ['a standby name', { hostnames: [home, duck] }, ['duck.example.org']],
    ['nothing', { hostnames: [home, { ...duck, works: 'unknown' }] }, []],
    [
      'an alias that points at it and works',
      {
        hostnames: [home],
        aliases: [
          { target: 'home', verdict: 'ok', hostname: 'a.example.org' },
          { target: 'home', verdict: 'failed', hostname: 'b.example.org' },
          { target: 'duck', verdict: 'ok', hostname: 'c.example.org' },
        ],
      },
      ['a.example.org'],
    ],
    ['nothing in an old status', {}, []],
  ])('%s', (_, status, expected) => {
    expect(words.workingNames(status, home)).toEqual(expected);
  });
});

describe('the timeline', () => {
  const event = (at: string, code: string, sentence = code, level = 'notice') => ({
    at,
    level,
    code,
    sentence,
  });

  it('begins with the latest, by day, with equal ones counted', () => {
    const days = words.timeline([
      event('1970-01-01T00:00:05.000Z', 'clock/UNSET'),
      event('2026-11-21T12:00:00.000Z', 'update/OK'),
      event('2026-11-22T12:00:00.000Z', 'update/BUSY', 'busy', 'warning'),
      event('2026-11-22T12:01:00.000Z', 'update/BUSY', 'busy', 'warning'),
      event('2026-11-22T12:02:00.000Z', 'update/OK'),
    ]);

    expect(days.map(({ rows }) => rows.map(({ sentence, count }) => [sentence, count]))).toEqual([
      [
        ['update/OK', 1],
        ['busy', 2],
      ],
      [['update/OK', 1]],
      [['clock/UNSET', 1]],
    ]);
    expect(days.at(-1)?.day).toBe('Before the clock was set');
  });

  it.each([
    ['incident/OPENED', 'error', 'opened'],
    ['incident/CLOSED', 'notice', 'closed'],
    ['incident/ENDED', 'notice', 'plain'],
    ['update/BUSY', 'warning', 'trouble'],
    ['update/DEFECT', 'error', 'trouble'],
    ['update/OK', 'notice', 'plain'],
  ])('%s (%s) stands out as %s', (code, level, weight) => {
    const [day] = words.timeline([event('2026-11-22T12:00:00.000Z', code, 'x', level)]);

    expect(day?.rows[0]?.weight).toBe(weight);
  });

  it('is empty without events', () => {
    expect(words.timeline(undefined)).toEqual([]);
  });

  it('has open incidents first, then the latest', () => {
    const found = words.incidents({
      incidents: [
        { id: 'old', openedAt: '2026-11-20T00:00:00.000Z', closedAt: '2026-11-20T01:00:00.000Z' },
        { id: 'young', openedAt: '2026-11-21T00:00:00.000Z', closedAt: '2026-11-21T01:00:00.000Z' },
        { id: 'open', openedAt: '2026-11-19T00:00:00.000Z' },
      ],
    });

    expect(found.map(({ id }) => id)).toEqual(['open', 'young', 'old']);
    expect(words.incidents(null)).toEqual([]);
  });
});

describe('the address of a host part', () => {
  it.each([
    ['2001:db8:1::/56', '::abcd', '2001:db8:1::abcd'],
    ['2001:db8:1:ff00::/56', '::12:0:0:0:1', '2001:db8:1:ff12::1'],
    ['2001:db8::/64', '::1:2:3:4', '2001:db8::1:2:3:4'],
    ['2001:db8::/60', '0:0:0:f::1', '2001:db8:0:f::1'],
  ])('%s and %s make %s', (prefix, suffix, expected) => {
    expect(words.joinSuffix(prefix, suffix)).toEqual({ address: expected });
  });

  it.each([
    ['no prefix', null, '::abcd'],
    ['no text of IPv6', '2001:db8::/56', 'abcd'],
    ['zero', '2001:db8::/56', '::'],
    ['two gaps', '2001:db8::/56', '1::2::3'],
    ['nine groups', '2001:db8::/56', '1:2:3:4:5:6:7:8:9'],
    ['bits of the prefix', '2001:db8::/64', '1::1'],
    ['a length that is none', '2001:db8::/200', '::1'],
  ])('%s is a problem in words', (_, prefix, suffix) => {
    const { address, problem } = words.joinSuffix(prefix, suffix);

    expect(address).toBeUndefined();
    expect(problem).toMatch(/\.$/);
  });

  it('is the one that the agent would publish', () => {
    const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });
    const text = (parts: number[]) => parts.map((part) => part.toString(16)).join(':');

    fc.assert(
      fc.property(groups, groups, fc.integer({ min: 1, max: 127 }), (prefix, suffix, length) => {
        const host = parseSuffix(text(suffix));
        const base = parseAddress(text(prefix))?.canonical ?? '';
        const expected = host === undefined ? undefined : combine(base, length, host);

        expect(words.joinSuffix(`${base}/${length}`, text(suffix)).address).toBe(expected);
      }),
    );
  });
});

describe('finding a provider', () => {
  const entries = [
    { id: 'old.example', title: 'No More', dead: { since: '2020' } },
    { id: 'duckdns.org', title: 'Duck DNS', zones: ['duckdns.org'] },
    { id: 'no-ip.com', title: 'No-IP', zones: ['ddns.net', 'hopto.org'] },
    { id: 'tano.example', title: 'Tano', zones: [] },
  ];

  it.each([
    ['no', ['no-ip.com', 'tano.example', 'old.example']],
    ['DUCK', ['duckdns.org']],
    ['home.hopto.org', ['no-ip.com']],
    ['ddns', ['no-ip.com']],
    ['nothing like it', []],
    ['', ['duckdns.org', 'no-ip.com', 'tano.example', 'old.example']],
  ])('%j finds %j', (word, expected) => {
    expect(words.findProviders(entries, word).map(({ id }) => id)).toEqual(expected);
  });

  it('has the fields first that are required', () => {
    const fields = {
      server: { required: false },
      username: { required: true },
      password: { required: true },
    };

    expect(words.providerFields({ fields }).map(({ option }) => option)).toEqual([
      'username',
      'password',
      'server',
    ]);
    expect(words.providerFields(undefined)).toEqual([]);
  });

  it.each([
    [{ families: { single: ['ipv4', 'ipv6'], dual: true } }, 'ipv4'],
    [{ families: { single: ['ipv6'], dual: false } }, 'ipv6'],
    [{}, 'ipv4'],
  ])('%j begins with %s', (entry, expected) => {
    expect(words.familyFor(entry)).toBe(expected);
  });
});

describe('networks', () => {
  const route = (target: string) => [{ target, mask: 0 }];

  it.each([
    [
      'the one with the default route',
      [{ interface: 'lan' }, { interface: 'wwan', route: route('0.0.0.0') }],
      'wwan',
    ],
    [
      'IPv4 goes first',
      [
        { interface: 'six', route: route('::') },
        { interface: 'four', route: route('0.0.0.0') },
      ],
      'four',
    ],
    ['IPv6 alone will do', [{ interface: 'six', route: route('::') }], 'six'],
    ['a guess', [{ interface: 'lan', route: [{ target: '192.0.2.0', mask: 24 }] }], 'wan'],
  ])('%s', (_, networks, expected) => {
    expect(words.wanOf(networks)).toBe(expected);
  });

  it('have a delegated prefix or none', () => {
    const wan6 = { interface: 'wan6', 'ipv6-prefix': [{ address: '2001:db8::', mask: 56 }] };

    expect(words.prefixOf([{ interface: 'wan' }, wan6])).toBe('2001:db8::/56');
    expect(words.prefixOf([])).toBeNull();
  });
});

describe('names of sections and orders of lists', () => {
  it.each([
    ['No-IP.com', [], 'no_ip_com'],
    ['no-ip.com', ['no_ip_com', 'no_ip_com_2'], 'no_ip_com_3'],
    ['---', [], 'name'],
    ['ümlaut', [], 'mlaut'],
  ])('%s beside %j becomes %s', (text, taken, expected) => {
    expect(words.freeName(text, taken)).toBe(expected);
  });

  it.each([
    ['added last', ['wan'], ['wan', 'wwan'], ['wan', 'wwan'], ['wan', 'wwan']],
    ['order kept', ['wwan', 'wan'], ['wan', 'wwan'], ['wan', 'wwan'], ['wwan', 'wan']],
    ['taken out', ['wwan', 'wan'], ['wan'], ['wan', 'wwan'], ['wan']],
    ['not offered, so kept', ['gone', 'wan'], ['wan'], ['wan'], ['gone', 'wan']],
  ])('%s', (_, before, picked, offered, expected) => {
    expect(words.keepOrder(before, picked, offered)).toEqual(expected);
  });
});
