/** The parts of the QuickJS host that are text and arithmetic; what runs on a real `qjs` is in test/quickjs. */
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { curlConfig, hasSent, readHead } from '../../agent/hosts/quickjs-curl.ts';
import { cappedOctets, octetsOf, octetText, textOf } from '../../agent/hosts/quickjs-octets.ts';
import { signRsa } from '../../agent/hosts/quickjs-rsa.ts';
import { asciiName, faultOf, mayTryElsewhere, readTrace } from '../../agent/hosts/quickjs-trouble.ts';
import { onSameOrigin, parseTarget, type Target, urlOf } from '../../agent/hosts/quickjs-url.ts';
import { secretForms } from '../../agent/hosts/secret-forms.ts';
import { httpFailure, isFaultCode } from '../../agent/net/http-failure.ts';
import { get } from '../net/loopback.ts';

const HTTPS: Target = { secure: true, hostname: 'server.example', port: 443, path: '/' };

describe('the end of curl', () => {
  const SENT = '> GET / HTTP/1.1\n';
  const CONNECTED = '* Connected to server.example (192.0.2.1) port 443 (#0)\n';

  function facts(times: Partial<Record<'namelookup' | 'connect' | 'starttransfer', number>>): string {
    const { namelookup = 0, connect = 0, starttransfer = 0 } = times;
    return `@facts ${namelookup} ${connect} 0 0 ${starttransfer}\n`;
  }

  test.each<[number, string, string, string]>([
    [-1, 'killed before the request', '', 'unreachable http/CONNECT_FAILED'],
    [-1, 'killed after the request', SENT, 'unconfirmed http/RESET'],
    [
      1,
      'no TLS in this curl',
      'curl: (1) Protocol "https" not supported\n',
      'unreachable http/TLS_HANDSHAKE',
    ],
    [1, 'HTTP/0.9', `${SENT}curl: (1) Received HTTP/0.9 when not allowed\n`, 'unconfirmed http/BAD_REPLY'],
    [3, 'URL', 'curl: (3) URL malformed\n', 'refused http/BAD_REQUEST'],
    [6, 'no such name', 'curl: (6) Could not resolve host: server.example\n', 'offline http/DNS'],
    [
      6,
      'no such name, by the word of the library',
      'curl: (6) Could not resolve host: server.example (Name does not resolve)\n',
      'unreachable http/NO_NAME',
    ],
    [
      7,
      'refused',
      '* connect to 192.0.2.1 port 443 failed: Connection refused\n',
      'unreachable http/REFUSED',
    ],
    [
      7,
      'refused, the other family without a route',
      '*   Trying [2001:db8::1]:443...\n* Immediate connect fail for 2001:db8::1: Network is unreachable\n* connect to 192.0.2.1 port 443 from 192.0.2.2 port 5 failed: Connection refused\n',
      'unreachable http/REFUSED',
    ],
    [
      7,
      'no route',
      '* connect to 192.0.2.1 port 443 failed: No route to host\n',
      'unreachable http/HOST_UNREACHABLE',
    ],
    [
      7,
      'musl',
      '* connect to 192.0.2.1 port 443 failed: Network unreachable\n',
      'unreachable http/HOST_UNREACHABLE',
    ],
    [
      7,
      'no route here',
      '* Immediate connect fail for 192.0.2.1: Network is unreachable\n',
      'offline http/NO_ROUTE',
    ],
    [
      7,
      'no route here, said twice',
      '* Immediate connect fail for 192.0.2.1: Network is unreachable\n* connect to 192.0.2.1 port 443 from 0.0.0.0 port 0 failed: Network is unreachable\n',
      'offline http/NO_ROUTE',
    ],
    [
      7,
      'one family without a route here, the other without one afar',
      '* Immediate connect fail for 2001:db8::1: Network is unreachable\n* connect to 192.0.2.1 port 443 from 192.0.2.2 port 5 failed: No route to host\n',
      'unreachable http/HOST_UNREACHABLE',
    ],
    [
      7,
      'firewall',
      '* connect to 192.0.2.1 port 443 failed: Operation not permitted\n',
      'offline http/NO_ROUTE',
    ],
    [7, 'a curl without words', 'curl: (7) Error\n', 'unreachable http/CONNECT_FAILED'],
    [8, 'weird reply', SENT, 'unconfirmed http/BAD_REPLY'],
    [18, 'partial body', SENT, 'unconfirmed http/RESET'],
    [28, 'lookup', facts({}), 'offline http/DNS'],
    [28, 'TCP', facts({ namelookup: 0.1 }), 'unreachable http/CONNECT_TIMEOUT'],
    [28, 'TLS', CONNECTED + facts({ namelookup: 0.1 }), 'unreachable http/TLS_TIMEOUT'],
    [28, 'TLS, by the time', facts({ namelookup: 0.1, connect: 0.2 }), 'unreachable http/TLS_TIMEOUT'],
    [28, 'first byte', SENT + facts({ namelookup: 0.1, connect: 0.2 }), 'unconfirmed http/NO_REPLY'],
    [
      28,
      'body',
      SENT + facts({ namelookup: 0.1, connect: 0.2, starttransfer: 0.3 }),
      'unconfirmed http/BODY_TIMEOUT',
    ],
    [
      35,
      'handshake',
      'curl: (35) OpenSSL/3.0: error:0A00010B: wrong version number\n',
      'unreachable http/TLS_HANDSHAKE',
    ],
    [
      45,
      'local address',
      'curl: (45) bind failed with errno 99: Cannot assign requested address\n',
      'offline http/NO_ROUTE',
    ],
    [52, 'empty reply', SENT, 'unconfirmed http/RESET'],
    [55, 'sending', SENT, 'unconfirmed http/RESET'],
    [56, 'reset', `${SENT}curl: (56) Recv failure: Connection reset by peer\n`, 'unconfirmed http/RESET'],
    [
      56,
      'chunks',
      `${SENT}curl: (56) Illegal or missing hexadecimal sequence in chunked-encoding\n`,
      'unconfirmed http/BAD_REPLY',
    ],
    [
      60,
      'OpenSSL: expired',
      'curl: (60) SSL certificate problem: certificate has expired\n',
      'unreachable http/TLS_EXPIRED',
    ],
    [
      60,
      'OpenSSL: early',
      'curl: (60) SSL certificate problem: certificate is not yet valid\n',
      'unreachable http/TLS_NOT_YET_VALID',
    ],
    [
      60,
      'OpenSSL: name',
      "curl: (60) SSL: no alternative certificate subject name matches target host name 'a'\n",
      'unreachable http/TLS_WRONG_HOST',
    ],
    [
      60,
      'OpenSSL: authority',
      'curl: (60) SSL certificate problem: unable to get local issuer certificate\n',
      'unreachable http/TLS_UNKNOWN_CA',
    ],
    [
      60,
      'mbedTLS: expired',
      'curl: (60) Cert verify failed: BADCERT_EXPIRED\n',
      'unreachable http/TLS_EXPIRED',
    ],
    [
      60,
      'mbedTLS: early',
      'curl: (60) Cert verify failed: BADCERT_FUTURE\n',
      'unreachable http/TLS_NOT_YET_VALID',
    ],
    [
      60,
      'mbedTLS: early, in words',
      'curl: (60) The certificate validity starts in the future\n',
      'unreachable http/TLS_NOT_YET_VALID',
    ],
    [
      60,
      'mbedTLS: name',
      'curl: (60) Cert verify failed: BADCERT_CN_MISMATCH\n',
      'unreachable http/TLS_WRONG_HOST',
    ],
    [
      60,
      'mbedTLS: authority',
      'curl: (60) Cert verify failed: BADCERT_NOT_TRUSTED\n',
      'unreachable http/TLS_UNKNOWN_CA',
    ],
    [
      60,
      'wolfSSL: early',
      'curl: (60) ASN date error, current date before\n',
      'unreachable http/TLS_NOT_YET_VALID',
    ],
    [
      60,
      'wolfSSL: expired',
      'curl: (60) ASN date error, current date after\n',
      'unreachable http/TLS_EXPIRED',
    ],
    [
      60,
      'GnuTLS: early',
      'curl: (60) server certificate not activated yet: certificate is not yet activated\n',
      'unreachable http/TLS_NOT_YET_VALID',
    ],
    [77, 'no authorities', 'curl: (77) error setting certificate file\n', 'unreachable http/TLS_UNKNOWN_CA'],
    [83, 'issuer', '', 'unreachable http/TLS_UNKNOWN_CA'],
    [99, 'unknown, before the request', '', 'unreachable http/CONNECT_FAILED'],
    [99, 'unknown, after the request', SENT, 'unconfirmed http/RESET'],
  ])('%d %s', (status, _name, text, expected) => {
    const code = faultOf(status, HTTPS, undefined, readTrace(text));

    expect(`${httpFailure(code, 'server.example:443', Date.now()).kind} ${code}`).toBe(expected);
  });

  test('77 with trust anchors of the account is about them', () => {
    expect(faultOf(77, HTTPS, '/etc/ca.pem', readTrace(''))).toBe('http/CA_FILE');
  });

  test('no status makes an unconfirmed request of one that surely was not sent, nor the other way', () => {
    for (let status = -1; status < 128; status++) {
      const before = faultOf(status, HTTPS, undefined, readTrace(''));
      const after = faultOf(status, HTTPS, undefined, readTrace(SENT));

      expect(isFaultCode(before) && isFaultCode(after)).toBe(true);
      if (mayTryElsewhere(after)) {
        // curl has these only while it connects.
        expect([5, 6, 7, 27, 35, 45, 53, 54, 58, 59, 64, 66]).toContain(status);
      }
    }
  });

  test('knows a sent request by its first line alone', () => {
    expect(['', '* > \n', '{ [5 bytes data]\n', '* Connected\n>'].some(hasSent)).toBe(false);
    expect(hasSent('* Connected\n> GET / HTTP/1.1\r\n')).toBe(true);
  });
});

describe('the configuration of curl', () => {
  test('has each value on a line of its own, and quoted', () => {
    const config = curlConfig(
      get('https://server.example/', { method: 'POST', body: 'a"b\\c\nurl = "http://evil.example"\r\t\v' }),
      HTTPS,
      {},
    );

    const lines = (config ?? '').split('\n');
    expect(lines).toContain('data-raw = "a\\"b\\\\c\\nurl = \\"http://evil.example\\"\\r\\t\\v"');
    expect(lines.filter((line) => line.startsWith('url'))).toEqual(['url = "https://server.example:443/"']);
    expect(lines).not.toContain('insecure');
    expect(lines).not.toContain('location');
  });

  test('never lets a value out of its quotes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (body, value) => {
        const config = curlConfig(
          get('https://server.example/', { method: 'PUT', headers: { 'X-A': value }, body }),
          HTTPS,
          {},
        );

        const lines = config?.split('\n') ?? [];
        expect(lines.every((line) => /^[a-z0-9.-]+(?: = "(?:[^"\\]|\\.)*")?$/s.test(line))).toBe(true);
      }),
    );
  });

  test.each([
    ['a family', { family: 'ipv6' }, 'ipv6'],
    ['a local address', { family: 'ipv4', localAddress: '192.0.2.7' }, 'interface = "host!192.0.2.7"'],
  ] as const)('has %s', (_name, way, line) => {
    expect(curlConfig(get('https://server.example/'), HTTPS, way)?.split('\n')).toContain(line);
  });

  test('a body that GET cannot have is refused, as by Node', () => {
    expect(curlConfig(get('https://server.example/', { body: 'a' }), HTTPS, {})).toBeUndefined();
  });
});

test.each<[string, string, { status: number; length: number } | undefined]>([
  ['complete', 'HTTP/1.1 200 OK\r\nA: 1\r\n\r\nbody', { status: 200, length: 25 }],
  ['bare line feeds', 'HTTP/1.1 200 OK\nA: 1\n\nbody', { status: 200, length: 22 }],
  [
    'behind an interim one',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
    { status: 204, length: 52 },
  ],
  ['only an interim one', 'HTTP/1.1 100 Continue\r\n\r\n', undefined],
  ['cut', 'HTTP/1.1 200 OK\r\nA: 1\r\n', undefined],
  ['empty', '', undefined],
  ['no HTTP', '220 ready\r\n\r\n', { status: 0, length: 13 }],
])('the head of a reply: %s', (_name, text, expected) => {
  const head = readHead(octetsOf(text));

  expect(head && { status: head.status, length: head.length }).toEqual(expected);
});

describe('octets', () => {
  test('become the text that TextDecoder makes of them', () => {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc.string({ unit: 'binary' }).map((text) => new TextEncoder().encode(text)),
      fc
        .constantFrom('f0', 'f09f', 'e282', 'eda080', 'c080', 'f4908080', 'ff')
        .map((hex) => Buffer.from(hex, 'hex')),
    );

    fc.assert(
      fc.property(fc.array(pieces), (parts) => {
        const octets = Buffer.concat(parts);

        expect(textOf(octets)).toBe(decoder.decode(octets));
      }),
      { numRuns: 2000 },
    );
  });

  test('become characters and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), (octets) => {
        expect(octetsOf(octetText(octets))).toEqual(Uint8Array.from(octets));
      }),
    );
  });

  test('are collected up to a limit', () => {
    const collected = cappedOctets(5);

    collected.add(octetsOf('abc'));
    collected.add(octetsOf('def'));
    collected.add(octetsOf('ghi'));

    expect([collected.text(), collected.isFull(), collected.size()]).toEqual(['abcde', true, 5]);
  });
});

describe('URLs', () => {
  test.each([
    'http://server.example',
    'https://server.example/',
    'HTTPS://SERVER.example:8443/nic/update?hostname=a.example&myip=2001:db8::1',
    'http://192.0.2.1/a b?c=d e#f',
    'http://[2001:DB8:0::1]:80/ü?ü="<>',
    'https://server.example?query',
    'https://server.example/a\\b?c\\d',
    "https://server.example/a|b^c`d{e}f~g!$&'()*+,;=:@%41[]",
  ])('%s is the same as on Node', (text) => {
    const url = new URL(text);
    const target = parseTarget(text, asciiName);

    expect(target).toMatchObject({
      secure: url.protocol === 'https:',
      hostname: url.hostname,
      port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)),
    });
    expect(decodeURI(target?.path ?? '')).toBe(decodeURI(url.pathname + url.search));
  });

  test.each([
    '',
    'server.example',
    'ftp://server.example/',
    'http:///a',
    'http://user@server.example/',
    'http://user:password@server.example/',
    'http://server.example:65536/',
    'http://server.example:port/',
    'http://server .example/',
    'http://server.example\n.evil.example/',
    'http://[192.0.2.1]/',
    'http://[::1/',
    'http://-a=b/',
  ])('%j is none', (text) => {
    expect(parseTarget(text, asciiName)).toBeUndefined();
  });

  test('never hold what ends a line or a word', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (tail) => {
        const target = parseTarget(`https://server.example/${tail}`, asciiName);

        expect(target === undefined || /^https:\/\/server\.example:443\/[!-~]*$/.test(urlOf(target))).toBe(
          true,
        );
      }),
    );
  });

  test('a location leads where it does on Node, or nowhere', () => {
    const base = 'http://server.example/a/b?c';
    const places = fc.constantFrom(
      '',
      '/',
      '//',
      'x',
      '?',
      '#',
      ':',
      'http:',
      'https:',
      'server.example',
      '@',
      '..',
      '\\',
    );

    fc.assert(
      fc.property(fc.array(places, { maxLength: 6 }), (parts) => {
        const location = parts.join('');
        const target = parseTarget(base, asciiName);
        const next = target && onSameOrigin(location, target, asciiName);
        const theirs = URL.canParse(location, base) ? new URL(location, base) : undefined;

        // Stricter than a browser is allowed; another origin never is.
        if (next) {
          expect(theirs?.origin).toBe('http://server.example');
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('RSA signatures', () => {
  const MESSAGE = new TextEncoder().encode('message');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

  test.each([
    ['sha256', 'pkcs8'],
    ['sha512', 'pkcs8'],
    ['sha256', 'pkcs1'],
  ] as const)('with %s and a key in %s are those of Node', (hash, type) => {
    const pem = String(privateKey.export({ type, format: 'pem' }));

    const signature = signRsa(hash, pem, MESSAGE);

    expect(Buffer.from(signature ?? []).toString('hex')).toBe(
      sign(hash, MESSAGE, privateKey).toString('hex'),
    );
    expect(verify(hash, MESSAGE, createPublicKey(privateKey), signature ?? new Uint8Array(0))).toBe(true);
  });

  test('with a key of an odd length have its size', () => {
    const { privateKey: odd } = generateKeyPairSync('rsa', { modulusLength: 1027 });
    const pem = String(odd.export({ type: 'pkcs8', format: 'pem' }));

    expect(Buffer.from(signRsa('sha256', pem, MESSAGE) ?? [])).toEqual(sign('sha256', MESSAGE, odd));
  });

  const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  test.each([
    ['nothing', ''],
    ['no PEM', 'password'],
    ['PEM without a key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'],
    ['half a key', pem.replace(/([\w+/=]+\n){8}-----END/, '-----END')],
    ['a damaged key', pem.replace(/(.{20}\n.{20})./, '$1A').replace(/(.{60}\n)/, '')],
    ['another kind of key', String(elliptic.export({ type: 'pkcs8', format: 'pem' }))],
    [
      'a key with a passphrase',
      String(privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'a' })),
    ],
  ])('there is none with %s', (_name, text) => {
    expect(signRsa('sha256', text, MESSAGE)).toBeUndefined();
  });

  test('a foreign text never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (der) => {
        const text = `-----BEGIN PRIVATE KEY-----\n${Buffer.from(der).toString('base64')}\n-----END PRIVATE KEY-----`;

        expect(signRsa('sha256', text, MESSAGE)).toBeUndefined();
      }),
      { numRuns: 1000 },
    );
  });
});

test('the forms of a password are those that Node makes', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, unit: 'binary' }),
      fc.string({ unit: 'binary' }),
      (password, username) => {
        const forms = secretForms(username, password);

        expect(forms).toEqual(
          expect.arrayContaining([
            password,
            Buffer.from(`${username}:${password}`).toString('base64'),
            encodeURIComponent(Buffer.from(password).toString()),
            new URLSearchParams({ '': password }).toString().slice(1),
          ]),
        );
      },
    ),
  );
});
