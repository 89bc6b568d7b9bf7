import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../agent/config/load.ts';
import { catalogue } from './catalogue.ts';

/** Any UTF-16 unit, lone surrogates included. */
const anyChar = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));

const ACCOUNT = `
config account 'a'
	option provider 'plain.example'
	option username 'user'
	option password 'test-secret-0'
`;

function load(text: string, files: Record<string, string> = {}) {
  return loadConfig(text, 'holdfast', catalogue, (path) => files[path]);
}

function codes(text: string, files: Record<string, string> = {}): string[] {
  return load(text, files).problems.map(({ severity, code, option }) =>
    [severity, code, option].filter((part) => part !== undefined).join(' '),
  );
}

/** A hostname section beside a good account. */
function host(options: string, account = ACCOUNT): string {
  return `${account}\nconfig hostname 'h'\n\toption account 'a'\n${options.replace(/^/gm, '\toption ')}\n`;
}

function account(options: string): string {
  return `config account 'a'\n${options.replace(/^/gm, '\toption ')}\n`;
}

describe('a good file', () => {
  test('gives everything with its defaults', () => {
    const { config, problems } = load(host("hostname 'Home.Plain.Example.'"));

    expect(problems).toEqual([]);
    expect(config.agent).toEqual({
      enabled: true,
      logLevel: 'notice',
      resyncSec: 600,
      holdDownSec: 10,
      verify: true,
      runtime: 'auto',
      mode: 'resident',
      contact: '',
      notify: [],
      notifyScript: '',
      resolvers: [],
      publicResolvers: ['1.1.1.1', '8.8.8.8', '9.9.9.9'].map((address) => ({ address, port: 53 })),
      controlServers: [],
      dohUrls: [],
      dnsPort: 53,
      stateDir: '/var/run/holdfast',
      publishedFile: '/etc/holdfast/published.json',
    });
    expect([...config.accounts.values()]).toMatchObject([
      { id: 'a', provider: { id: 'plain.example' }, username: 'user', password: 'test-secret-0' },
    ]);
    expect(config.hostnames).toEqual([
      {
        id: 'h',
        enabled: true,
        hostname: 'home.plain.example',
        inDns: true,
        account: 'a',
        networks: ['wan'],
        devices: [],
        family: 'ipv4',
        source: 'network',
        allowPrivate: false,
        standby: [],
      },
    ]);
  });

  test.each([
    ['1', true],
    ['on', true],
    ['true', true],
    ['yes', true],
    ['enabled', true],
    ['0', false],
    ['off', false],
    ['false', false],
    ['no', false],
    ['disabled', false],
  ])('truth value %s', (word, expected) => {
    const { config } = load(host(`hostname 'h.plain.example'\nallow_private '${word}'`));

    expect(config.hostnames[0]?.allowPrivate).toBe(expected);
  });

  test('an option may stand for a list, with spaces between the items', () => {
    const { config, problems } = load(host("hostname 'h.plain.example'\nnetwork 'wan  wanb'"));

    expect(problems).toEqual([]);
    expect(config.hostnames[0]?.networks).toEqual(['wan', 'wanb']);
  });

  test('a laboratory of its own: control servers and DNS over HTTPS', () => {
    const text =
      "config agent\n\tlist control_server '192.0.2.41#5353'\n\tlist doh_url 'https://[2001:db8::53]:8443/q'\n";

    expect(load(text).config.agent).toMatchObject({
      controlServers: [{ address: '192.0.2.41', port: 5353 }],
      dohUrls: ['https://[2001:db8::53]:8443/q'],
    });
  });

  test('a list loses only its bad entries, and takes the default where none is left', () => {
    const some = load("config agent\n\tlist resolver 'bogus'\n\tlist resolver '192.0.2.1'\n");
    const none = load("config agent\n\tlist public_resolver 'bogus'\n");

    expect(some.config.agent.resolvers).toEqual([{ address: '192.0.2.1', port: 53 }]);
    expect(some.problems.map(({ value, sentence }) => [value, sentence.slice(0, 29)])).toContainEqual([
      'bogus',
      "Entry 1 of option 'resolver' ",
    ]);
    expect(none.config.agent.publicResolvers).toEqual(load('config agent\n').config.agent.publicResolvers);
  });

  test('resolvers with and without a port', () => {
    const text = "config agent\n\tlist resolver '127.0.0.1#5353'\n\tlist resolver '2001:DB8::1'\n";

    expect(load(text).config.agent.resolvers).toEqual([
      { address: '127.0.0.1', port: 5353 },
      { address: '2001:db8::1', port: 53 },
    ]);
  });

  test('the first line of a password file is the password', () => {
    const text = account("provider 'plain.example'\nusername 'user'\npassword_file '/etc/key'");

    const { config } = load(text, { '/etc/key': 'from-the-file\r\nanother line\n' });

    expect(config.accounts.get('a')?.password).toBe('from-the-file');
  });

  const PEM = '-----BEGIN PRIVATE KEY-----\nMIIB\nAQAB\n-----END PRIVATE KEY-----';

  test.each([
    ['in PEM', `${PEM}\n`],
    [
      'in the file of a cloud',
      `{\n  "type": "service_account",\n  "private_key": ${JSON.stringify(PEM)}\n}\n`,
    ],
  ])('a private key is the whole of its file: %s', (_, file) => {
    const text = account("provider 'plain.example'\nusername 'user'\npassword_file '/etc/key'");

    const { config } = load(text, { '/etc/key': file });

    expect(config.accounts.get('a')?.password).toBe(file.trim());
  });

  test('a private key that is far too long is none', () => {
    const text = account("provider 'plain.example'\nusername 'user'\npassword_file '/etc/key'");

    expect(codes(text, { '/etc/key': `${PEM}${'\nAAAA'.repeat(5000)}` })).toContain(
      'error config/PASSWORD_FILE password_file',
    );
  });

  test.each(['192.0.2.53', 'ns1.example.org:5353', '[2001:db8::53]:53'])(
    'DNS updates go to a name server: %s',
    (server) => {
      const text = account(`provider 'over-dns'\nusername 'key'\npassword 'c2VjcmV0'\nserver '${server}'`);

      expect(load(text).config.accounts.get('a')?.server).toBe(server);
    },
  );

  test.each([
    { name: 'all.grouped.example', hostname: 'all.grouped.example', inDns: false },
    { name: 'Family', hostname: 'Family', inDns: false },
    { name: 'home.grouped.example', hostname: 'home.grouped.example', inDns: true },
    { name: '*.home.example.org', hostname: '*.home.example.org', inDns: true },
    { name: 'büro.example.org', hostname: 'xn--bro-hoa.example.org', inDns: true },
  ])('names that a provider with groups takes: $name', ({ name, hostname, inDns }) => {
    const text = host(`hostname '${name}'`, ACCOUNT.replace('plain', 'grouped'));

    expect(load(text).config.hostnames).toMatchObject([{ hostname, inDns }]);
  });

  test('hostnames without a section name get a name of their own that survives a move in the file', () => {
    const one = "config hostname\n\toption account 'a'\n\toption hostname 'one.plain.example'\n";
    const two = one.replace('one', 'two');
    const ids = (text: string) => load(ACCOUNT + text).config.hostnames.map(({ id }) => id);

    expect(ids(one + two)).toEqual(['@one.plain.example', '@two.plain.example']);
    expect(ids(two + one)).toEqual(['@two.plain.example', '@one.plain.example']);
  });
});

describe('one mistake', () => {
  const name = "hostname 'h.plain.example'";
  const good = "provider 'plain.example'\nusername 'user'\npassword 'x'";
  const nothing = 'warning config/NO_HOSTNAME';

  test.each([
    ['an empty file', '', [nothing]],
    [
      'agent: out of range',
      "config agent\n\toption resync '86401'\n",
      [nothing, 'error config/BAD_VALUE resync'],
    ],
    [
      'agent: no number',
      "config agent\n\toption hold_down '1m'\n",
      [nothing, 'error config/BAD_VALUE hold_down'],
    ],
    [
      'agent: no control server',
      "config agent\n\tlist control_server 'a.root-servers.example'\n",
      [nothing, 'error config/BAD_VALUE control_server'],
    ],
    [
      'agent: DNS over HTTPS with a query',
      "config agent\n\tlist doh_url 'https://192.0.2.53/dns-query?ct'\n",
      [nothing, 'error config/BAD_VALUE doh_url'],
    ],
    [
      'agent: DNS over HTTPS in the clear',
      "config agent\n\tlist doh_url 'http://192.0.2.53/dns-query'\n",
      [nothing, 'error config/BAD_VALUE doh_url'],
    ],
    [
      'agent: no resolver',
      "config agent\n\tlist resolver '192.0.2.300'\n",
      [nothing, 'error config/BAD_VALUE resolver'],
    ],
    [
      'agent: port out of range',
      "config agent\n\tlist resolver '192.0.2.1#0'\n",
      [nothing, 'error config/BAD_VALUE resolver'],
    ],
    [
      'agent: list for one value',
      "config agent\n\tlist verify '1'\n\tlist verify '0'\n",
      [nothing, 'error config/BAD_VALUE verify'],
    ],
    [
      'agent: another runtime, which is for the script that starts the agent',
      "config agent\n\toption runtime 'quickjs'\n",
      [nothing],
    ],
    [
      'agent: name of an inherited property',
      "config agent\n\toption constructor '1'\n",
      [nothing, 'warning config/UNKNOWN_OPTION constructor'],
    ],
    ['two agents', 'config agent\n\nconfig agent\n', [nothing, 'warning config/SECOND_AGENT']],
    ['unnamed account', account(good).replace(" 'a'", ''), ['error config/UNNAMED_ACCOUNT', nothing]],
    ['no provider', account("username 'user'"), ['error config/MISSING_OPTION provider', nothing]],
    ['unknown provider', account("provider 'nobody'"), [nothing, 'error config/UNKNOWN_PROVIDER provider']],
    [
      'nothing that the provider needs',
      account("provider 'plain.example'"),
      ['error config/MISSING_OPTION username', 'error config/MISSING_OPTION password', nothing],
    ],
    [
      'no server where one is needed',
      account("provider 'generic'\npassword 'x'"),
      ['error config/MISSING_OPTION server', nothing],
    ],
    [
      'a user name that nobody needs',
      account("provider 'generic'\npassword 'x'\nserver 'https://a.example'\nusername 'u'"),
      [nothing, 'warning config/UNUSED_OPTION username'],
    ],
    [
      'server without HTTPS',
      account(`${good}\nserver 'http://a.example'`),
      [nothing, 'error config/BAD_VALUE server'],
    ],
    [
      'server that is no origin',
      account(`${good}\nserver 'ns1.example.org'`),
      [nothing, 'error config/BAD_VALUE server'],
    ],
    [
      'origin in place of a name server',
      account(`${good.replace('plain.example', 'over-dns')}\nserver 'https://a.example'`),
      [nothing, 'error config/BAD_VALUE server'],
    ],
    [
      'two passwords',
      account(`${good}\npassword_file '/etc/key'`),
      [nothing, 'error config/TWO_PASSWORDS password_file'],
    ],
    [
      'password file missing',
      account("provider 'plain.example'\nusername 'u'\npassword_file '/none'"),
      [nothing, 'error config/PASSWORD_FILE password_file'],
    ],
    ['no contact', account(good.replace('plain', 'grouped')), ['warning config/NO_CONTACT', nothing]],
    ['no hostname in a hostname', host("family 'ipv4'"), ['error config/MISSING_OPTION hostname']],
    ['bad hostname', host("hostname 'a..example.org'"), ['error config/BAD_HOSTNAME hostname']],
    ['an address for a hostname', host("hostname '192.0.2.1'"), ['error config/BAD_HOSTNAME hostname']],
    [
      'no such account',
      host(name).replace("account 'a'\n\toption hostname", "account 'b'\n\toption hostname"),
      ['error config/NO_SUCH_ACCOUNT account'],
    ],
    [
      'account with a mistake',
      host(name, ACCOUNT.replace("'user'", "''")),
      ['error config/MISSING_OPTION username', 'error config/ACCOUNT_BROKEN account'],
    ],
    ['family that is no family', host(`${name}\nfamily 'ipv5'`), ['error config/BAD_VALUE family']],
    [
      'family that the provider lacks',
      host(`${name}\nfamily 'dual'`),
      ['error config/FAMILY_NOT_SERVED family'],
    ],
    ['source that nobody knows', host(`${name}\nsource 'pigeon'`), ['error config/BAD_VALUE source']],
    ['source device without a device', host(`${name}\nsource 'device'`), ['error config/NO_DEVICE source']],
    ['source script without a script', host(`${name}\nsource 'script'`), ['error config/NO_SCRIPT source']],
    [
      'script that is no full path',
      host(`${name}\nsource 'script'\nscript 'address.sh'`),
      ['error config/BAD_VALUE script'],
    ],
    [
      'echo service with a part that is never sent',
      host(`${name}\nsource 'web'\necho_url 'https://echo.example/ip#here'`),
      ['error config/BAD_VALUE echo_url'],
    ],
    [
      'echo service without TLS',
      host(`${name}\nsource 'web'\necho_url 'http://echo.example/'`),
      ['error config/BAD_VALUE echo_url'],
    ],
    [
      'STUN server as a URL',
      host(`${name}\nsource 'stun'\nstun_server 'stun:stun.example'`),
      ['error config/BAD_VALUE stun_server'],
    ],
    [
      'settings of other sources',
      host(
        `${name}\nsource 'dns'\necho_url 'https://echo.example/'\nstun_server 'stun.example'\nscript '/bin/ip'`,
      ),
      [
        'warning config/UNUSED_OPTION echo_url',
        'warning config/UNUSED_OPTION stun_server',
        'warning config/UNUSED_OPTION script',
      ],
    ],
    ['device without the source', host(`${name}\ndevice 'eth1'`), ['warning config/UNUSED_OPTION device']],
    ['suffix that is none', host(`${name}\nipv6_suffix 'abcd'`), ['error config/BAD_SUFFIX ipv6_suffix']],
    [
      'suffix without IPv6',
      host(`${name}\nipv6_suffix '::1'`),
      ['error config/SUFFIX_WITHOUT_IPV6 ipv6_suffix'],
    ],
    ['standby that is not there', host(`${name}\nstandby 'x'`), ['warning config/NO_SUCH_HOSTNAME standby']],
    [
      'disabled but still checked',
      host(`${name}\nenabled '0'\nfamily 'x'`),
      ['error config/BAD_VALUE family'],
    ],
    [
      'alias at a provider that has none',
      `${host(name)}\nconfig alias\n\toption hostname 'x.example.org'\n\toption account 'a'\n\toption target 'h'\n`,
      ['error config/NO_CNAME account'],
    ],
    ['name used twice for different types', `${host(name)}\nconfig alias 'a'\n`, ['error config/SYNTAX']],
  ])('%s', (_, text, expected) => {
    expect(codes(text).sort()).toEqual([...expected].sort());
  });

  test('an encoded user name is questioned where the provider does not decode it', () => {
    const encoded = (provider: string) =>
      codes(
        `config agent\n\toption contact 'admin@example.org'\n${account(`provider '${provider}'\nusername 'g%3Au'\npassword 'x'`)}`,
      );

    expect(encoded('plain.example')).toContain('warning config/ENCODED_USERNAME username');
    expect(encoded('grouped.example')).toEqual([nothing]);
  });

  const KEEPS = account("provider 'generic'\npassword 'x'\nserver 'https://ddns.example.org'");
  const ERASES = ACCOUNT.replace('plain', 'grouped');

  test.each<{ at: string; first: string; second: string; remedy?: string }>([
    { at: ERASES, first: 'ipv4', second: 'ipv4', remedy: 'remove one of them.' },
    { at: ERASES, first: 'ipv4', second: 'dual', remedy: 'remove one of them.' },
    {
      ...{ at: ERASES, first: 'ipv4', second: 'ipv6' },
      remedy: "set option 'family' to dual there and remove this one.",
    },
    { at: KEEPS, first: 'ipv4', second: 'ipv6' },
    { at: ERASES, first: 'ipv4', second: "ipv4'\n\toption enabled '0" },
  ])('the same name twice: $first and $second: $remedy', ({ at, first, second, remedy }) => {
    const one = (family: string) =>
      `config hostname\n\toption account 'a'\n\toption hostname 'h.example.org'\n\toption family '${family}'\n`;

    const { problems } = load(`${at}${one(first)}${one(second)}`);

    const told = problems.filter(({ code }) => code === 'config/DUPLICATE_HOSTNAME');
    expect(told).toEqual(
      remedy === undefined ? [] : [expect.objectContaining({ sentence: expect.stringContaining(remedy) })],
    );
  });

  test('a bad agent option takes its default and spares the others', () => {
    const { config } = load("config agent\n\toption resync '5'\n\toption hold_down '20'\n");

    expect(config.agent).toMatchObject({ resyncSec: 600, holdDownSec: 20 });
  });

  test.each([
    ['resync', '5', 'The default (600) is used.'],
    ['verify', 'si', 'The default (1) is used.'],
    ['notify_script', 'tell', 'It is left out.'],
  ])('agent option %s says what becomes of it', (option, value, end) => {
    const { problems } = load(`config agent\n\toption ${option} '${value}'\n`);

    expect(problems.find(({ line }) => line === 2)?.sentence.slice(-end.length)).toBe(end);
  });

  test('an option that stands twice is told, and the last one counts', () => {
    const text = host("hostname 'h.plain.example'\nhostname 'i.plain.example'\nfamily ipv4\nfamily ipv4");

    const { config, problems } = load(text);

    expect(config.hostnames.map(({ hostname }) => hostname)).toEqual(['i.plain.example']);
    expect(problems).toMatchObject([
      { severity: 'warning', code: 'config/REPEATED_OPTION', section: "hostname 'h'", line: 10 },
    ]);
    expect(problems[0]?.sentence).toContain('in line 9');
  });

  test('a section that goes on later keeps what it had, and says what it lost', () => {
    const text = `${host("hostname 'h.plain.example'\nenabled 1")}config hostname h\n\toption enabled 0\n`;

    const { config, problems } = load(text);

    expect(config.hostnames).toMatchObject([{ hostname: 'h.plain.example', enabled: false }]);
    expect(problems.map(({ code }) => code)).toEqual(['config/REPEATED_OPTION']);
  });

  test('what the service has put into its copy of the file is no repetition', () => {
    const copied = "\n# Copied for the agent:\nconfig account 'a'\n\toption password_file '/copy'\n";
    const account = "config account 'a'\n\toption provider 'plain.example'\n\toption password_file '/mine'\n";

    expect(codes(`${account}${copied}`)).not.toContain('warning config/REPEATED_OPTION password_file');
  });

  test('a section that lost a line is left out: it might mean something else now', () => {
    const text = host("hostname 'h.plain.example'\nenabled 0 # off\nnetwork wan wanb");

    const { config, problems } = load(text);

    expect(config.hostnames).toEqual([]);
    expect(problems).toMatchObject([{ code: 'config/SYNTAX', section: "hostname 'h'", line: 11 }]);
  });

  test('hostnames of an account that lost a line say what they wait for', () => {
    const text = host("hostname 'h.plain.example'", ACCOUNT.replace("'user'", 'user name'));

    expect(codes(text)).toEqual(['error config/SYNTAX', 'error config/ACCOUNT_BROKEN account']);
  });
});

describe('ten mistakes in one file', () => {
  const text = readFileSync(new URL('../fixtures/config/ten-mistakes', import.meta.url), 'utf8');

  test('give ten messages a router owner understands', () => {
    const lines = load(text).problems.map(
      ({ line, section, severity, sentence }) => `${line} ${severity}, ${section}: ${sentence}`,
    );

    expect(lines).toEqual([
      "4 error, agent 'agent': Option 'resync' is '5' but must be a whole number from 60 to 86400 (seconds). The default (600) is used.",
      "6 warning, agent 'agent': Option 'contakt' is not known in a section of type agent; did you mean 'contact'?",
      "14 error, account 'mistyped': The provider 'plan.example' is not in the catalogue; did you mean 'plain.example'?",
      "18 error, account 'forgetful': Plain DNS needs option 'password' (Update key).",
      "29 error, hostname 'web': Option 'source' is 'pigeon' but must be one of: network, device, web, dns, stun, router, script.",
      "33 error, hostname 'lost': There is no account section named 'goood'; did you mean 'good'?",
      "36 error, hostname 'short': The name 'short' is not complete: write the full name, for example home.example.org.",
      "40 error, hostname 'twin': The hostname 'home.plain.example' with account 'good' is already in section 'home'; remove one of them.",
      "46 error, hostname 'unquoted': Something follows the value: put quotes around the whole value.",
      "48 warning, hostnam 'typo': A section of type 'hostnam' is not known; did you mean 'hostname'?",
    ]);
  });

  test('leave the rest working', () => {
    const { config } = load(text);

    expect([...config.accounts.keys()]).toEqual(['good']);
    expect(config.hostnames.map(({ id }) => id)).toEqual(['home', 'office']);
    expect(config.hostnames[1]?.networks).toEqual(['wanb', 'wan']);
  });
});

describe('secrets', () => {
  const SECRET = 'Tr0ub4dor-3';

  test.each([
    ['in an unknown option', `passwrd '${SECRET}'`],
    ['in a list', `password '${SECRET}'\n\tlist password 'x'`],
    ['in a URL', `server 'https://user:${SECRET}@a.example'`],
    ['after a forgotten quote in the line before', `username 'user\n\toption password '${SECRET}'`],
    ['after a forgotten quote, closed again', `provider 'plain.example\n\toption password "${SECRET}"\n'`],
    ['with a control character', `password '${SECRET}\u0007'`],
    ['in a notification address', `x 1\nconfig agent\n\tlist notify 'ftp://${SECRET}.example'`],
    ['as the file that holds it', `password_file '${SECRET}'\n\toption password '${SECRET}'`],
  ])('stay out of every problem: %s', (_, options) => {
    const { problems } = load(`config account 'a'\n\toption provider 'plain.example'\n\toption ${options}\n`);

    expect(problems.length).toBeGreaterThan(1);
    expect(JSON.stringify(problems)).not.toContain(SECRET);
  });

  test('stay out whatever else is wrong', () => {
    const words = fc.constantFrom(
      'option ',
      'list ',
      'config account ',
      'config hostname ',
      "'",
      '"',
      '\n',
      ' ',
      'a',
      'hostname',
      'provider',
      'server',
      '#',
      ';',
      '\\',
    );
    const noise = fc.array(words, { maxLength: 12 }).map((parts) => parts.join(''));

    fc.assert(
      fc.property(noise, noise, (before, after) => {
        const { problems } = load(`${before}\nconfig account 'z'\n\toption password '${SECRET}'\n${after}\n`);

        expect(JSON.stringify(problems)).not.toContain(SECRET);
      }),
    );
  });
});

test('no text makes the loader throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyChar }), fc.string({ unit: anyChar }), (name, value) => {
      const quoted = value.replaceAll("'", '');
      const text = `${host(`hostname '${quoted}'\nipv6_suffix '${quoted}'\nfamily 'ipv6'`)}${name}`;

      for (const problem of load(text).problems) {
        expect(problem).toMatchObject({
          file: 'holdfast',
          code: expect.stringMatching(/^config\/[A-Z_]+$/),
          sentence: expect.stringMatching(/^[A-Z].*[.?]$/s),
        });
      }
    }),
  );
});
