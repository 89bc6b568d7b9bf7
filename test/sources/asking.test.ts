/** What is sent to whom, and which replies count: the sources over ports in memory. */
import { describe, expect, test } from 'vitest';
import type { Family } from '../../agent/core/address.ts';
import { type OutsideSettings, outsideKey } from '../../agent/core/source-key.ts';
import type {
  DatagramExchange,
  DatagramResult,
  DnsQuestion,
  DnsRecord,
  DnsReply,
  DnsServer,
  HttpReply,
  HttpRequest,
  RunResult,
} from '../../agent/ports.ts';
import { createSources } from '../../agent/sources/all.ts';
import { dnsOperators } from '../../agent/sources/dns.ts';
import { ECHOES, ownEchoes } from '../../agent/sources/echoes.ts';
import type { AskedWan } from '../../agent/sources/outside.ts';
import { routerAsk } from '../../agent/sources/router.ts';
import { scriptAsk } from '../../agent/sources/script.ts';
import { ownStunServers, STUN_SERVERS, stunOperators } from '../../agent/sources/stun.ts';
import { webOperators } from '../../agent/sources/web.ts';
import { virtualClock } from '../fakes/virtual-clock.ts';

const WAN: AskedWan = { network: 'wan', device: 'eth1', local: '192.0.2.2', gateway: '192.0.2.1' };
const PUBLIC = '198.51.100.9';

function httpOf(answer: (request: HttpRequest) => Partial<HttpReply>) {
  const requests: HttpRequest[] = [];
  const http = {
    async request(request: HttpRequest) {
      requests.push(request);
      const reply = { status: 200, headers: {}, body: '', truncated: false, ...answer(request) };
      return { kind: 'reply' as const, reply };
    },
    idle() {},
  };
  return { http, requests };
}

describe('web', () => {
  test('each known service is asked over TLS, in its family, through the WAN', async () => {
    const { http, requests } = httpOf(() => ({ body: PUBLIC }));
    const operators = webOperators(ECHOES, { http, userAgent: () => 'Holdfast/1' });
    for (const operator of operators) {
      await operator.ask(WAN, 'ipv4');
    }

    expect(requests).toHaveLength(ECHOES.length);
    for (const request of requests) {
      expect(request).toMatchObject({
        method: 'GET',
        family: 'ipv4',
        via: { device: 'eth1', ipv4: '192.0.2.2' },
        redirects: 'refuse',
        headers: { 'user-agent': 'Holdfast/1' },
      });
      expect(request.url).toMatch(/^https:/);
      expect(request.authorization).toBeUndefined();
    }
  });

  test.each<[string, Partial<HttpReply>, unknown]>([
    ['the address', { body: `${PUBLIC}\n` }, { address: PUBLIC }],
    ['a redirect', { status: 302, body: PUBLIC }, { fault: 'status 302' }],
    ['an error that looks like success', { status: 500, body: PUBLIC }, { fault: 'status 500' }],
    ['other success', { status: 203, body: PUBLIC }, { fault: 'status 203' }],
    ['too many requests', { status: 429 }, { fault: 'status 429', restMs: 3_600_000 }],
    ['a captive portal', { body: '<html>Welcome 198.51.100.9</html>' }, { fault: 'not one address' }],
    ['a body without end', { body: PUBLIC, truncated: true }, { fault: 'not one address' }],
    ['nothing', {}, { fault: 'not one address' }],
  ])('%s', async (_, reply, expected) => {
    const { http } = httpOf(() => reply);
    const [ipify] = webOperators(
      ECHOES.filter(({ operator }) => operator === 'ipify'),
      { http, userAgent: () => '' },
    );

    expect(await ipify?.ask(WAN, 'ipv4')).toEqual(expected);
  });

  test('a fault of the connection is a short word', async () => {
    const failure = { kind: 'unreachable', scope: 'attempt', code: 'http/DNS', sentence: 'x' } as const;
    const http = { request: async () => ({ kind: 'failed' as const, failure }), idle() {} };
    const [own] = webOperators(ownEchoes(['https://echo.example/']), { http, userAgent: () => '' });

    expect(await own?.ask(WAN, 'ipv6')).toEqual({ fault: 'http/DNS' });
  });
});

describe('dns', () => {
  function ask(operator: string, family: Family, reply: Partial<DnsReply>) {
    const asked: [DnsServer, DnsQuestion, string | undefined][] = [];
    const dns = {
      async ask(server: DnsServer, question: DnsQuestion, local?: string) {
        asked.push([server, question, local]);
        const empty = { answers: [], authorities: [], additionals: [] };
        const whole = {
          rcode: 'NOERROR',
          authoritative: false,
          transport: 'udp' as const,
          ...empty,
          ...reply,
        };
        return { kind: 'reply' as const, reply: whole };
      },
    };
    const one = dnsOperators({ dns }).find(({ name }) => name === operator);
    return { vote: one?.ask(WAN, family), asked };
  }

  function record(name: string, type: string, value: string): DnsRecord {
    return { name, type, value, ttlSec: 0 };
  }

  const CLOUDFLARE = record('whoami.cloudflare', 'TXT', PUBLIC);
  const OPENDNS = record('myip.opendns.com', 'A', PUBLIC);
  const GOOGLE = record('o-o.myaddr.l.google.com', 'TXT', PUBLIC);

  test.each<[string, string, Family, Partial<DnsReply>, unknown]>([
    ['Cloudflare', 'Cloudflare', 'ipv4', { answers: [CLOUDFLARE] }, { address: PUBLIC }],
    ['OpenDNS', 'OpenDNS', 'ipv4', { answers: [OPENDNS] }, { address: PUBLIC }],
    ['Google', 'Google', 'ipv4', { answers: [GOOGLE], authoritative: true }, { address: PUBLIC }],
    [
      'a resolver in place of Google',
      'Google',
      'ipv4',
      { answers: [GOOGLE] },
      { fault: 'answered by a resolver' },
    ],
    [
      'a resolver that tells our subnet',
      'Google',
      'ipv4',
      {
        answers: [GOOGLE, record('o-o.myaddr.l.google.com', 'TXT', 'edns0-client-subnet 198.51.100.0/24')],
        authoritative: true,
      },
      { fault: 'not one record' },
    ],
    ['two addresses', 'OpenDNS', 'ipv4', { answers: [OPENDNS, OPENDNS] }, { fault: 'not one record' }],
    ['another name', 'OpenDNS', 'ipv4', { answers: [GOOGLE] }, { fault: 'not one record' }],
    ['another type', 'OpenDNS', 'ipv6', { answers: [OPENDNS] }, { fault: 'not one record' }],
    ['interception', 'Cloudflare', 'ipv4', { rcode: 'NXDOMAIN' }, { fault: 'NXDOMAIN' }],
    ['refusal', 'Cloudflare', 'ipv4', { rcode: 'REFUSED', answers: [CLOUDFLARE] }, { fault: 'REFUSED' }],
    ['nothing', 'Cloudflare', 'ipv4', {}, { fault: 'not one record' }],
  ])('%s', async (_, operator, family, reply, expected) => {
    expect(await ask(operator, family, reply).vote).toEqual(expected);
  });

  test.each<[string, Family, string, DnsQuestion]>([
    [
      'Cloudflare',
      'ipv4',
      '1.1.1.1',
      { name: 'whoami.cloudflare', type: 'TXT', class: 'CH', recursionDesired: true },
    ],
    [
      'Cloudflare',
      'ipv6',
      '2606:4700:4700::1111',
      { name: 'whoami.cloudflare', type: 'TXT', class: 'CH', recursionDesired: true },
    ],
    ['OpenDNS', 'ipv4', '208.67.222.222', { name: 'myip.opendns.com', type: 'A', recursionDesired: true }],
    [
      'OpenDNS',
      'ipv6',
      '2620:119:35::35',
      { name: 'myip.opendns.com', type: 'AAAA', recursionDesired: true },
    ],
    [
      'Google',
      'ipv4',
      '216.239.32.10',
      { name: 'o-o.myaddr.l.google.com', type: 'TXT', recursionDesired: false },
    ],
    [
      'Google',
      'ipv6',
      '2001:4860:4802:32::a',
      { name: 'o-o.myaddr.l.google.com', type: 'TXT', recursionDesired: false },
    ],
  ])('%s over %s', async (operator, family, address, question) => {
    const { vote, asked } = ask(operator, family, {});
    await vote;

    expect(asked).toEqual([[{ address, port: 53 }, question, '192.0.2.2']]);
  });
});

/** Datagrams that get these octets as the reply, or a fault. */
function datagramsOf(answer: (exchange: DatagramExchange<unknown>) => Uint8Array | 'timeout') {
  const exchanges: DatagramExchange<unknown>[] = [];
  const datagrams = {
    async exchange<T>(exchange: DatagramExchange<T>): Promise<DatagramResult<T>> {
      exchanges.push(exchange);
      const reply = answer(exchange);
      const value = reply === 'timeout' ? undefined : exchange.accept(reply);
      return value === undefined ? { ok: false, fault: 'timeout' } : { ok: true, value };
    },
    randomOctets: (count: number) => Uint8Array.from({ length: count }, (_, index) => index),
  };
  return { datagrams, exchanges };
}

function octets(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex'));
}

describe('stun', () => {
  test('one datagram to the server, sent three times if need be, from the WAN', async () => {
    const { datagrams, exchanges } = datagramsOf(() =>
      octets('0101000c 2112a442 00010203 04050607 08090a0b 00200008 0001a147 e721c04b'),
    );
    const [google] = stunOperators(STUN_SERVERS, datagrams);

    expect(await google?.ask(WAN, 'ipv4')).toEqual({ address: PUBLIC });
    expect(exchanges).toMatchObject([
      {
        to: [{ host: 'stun.l.google.com', port: 19302 }],
        family: 'ipv4',
        from: '192.0.2.2',
        message: octets('00010000 2112a442 00010203 04050607 08090a0b'),
        sendAtMs: [0, 500, 1500],
      },
    ]);
  });

  test.each<[string, Uint8Array | 'timeout', string]>([
    ['silence', 'timeout', 'timeout'],
    ['a refusal', octets('01110008 2112a442 00010203 04050607 08090a0b 00090004 00000300'), 'error 300'],
  ])('%s', async (_, reply, fault) => {
    const [first] = stunOperators(STUN_SERVERS, datagramsOf(() => reply).datagrams);

    expect(await first?.ask(WAN, 'ipv4')).toEqual({ fault });
  });

  test('own servers', () => {
    expect(
      ownStunServers(['stun.example', 'Stun.example:3479', '192.0.2.7:5000', '[2001:db8::7]:5000']),
    ).toEqual([
      { operator: 'stun.example', host: 'stun.example', port: 3478 },
      { operator: '192.0.2.7', host: '192.0.2.7', port: 5000 },
      { operator: '2001:db8::7', host: '2001:db8::7', port: 5000 },
    ]);
  });
});

describe('router', () => {
  const NAT_PMP = octets('00800000 00000102 c6336409');
  const PCP = octets(
    '02810000 00000078 00000002 000000000000000000000000 000102030405060708090a0b 11000000 00090009 00000000000000000000ffffc6336409',
  );
  const FOUND = Buffer.from('HTTP/1.1 200 OK\r\nLOCATION: http://192.0.2.1:5000/d.xml\r\n\r\n');
  const DESCRIPTION =
    '<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>/c</controlURL></service>';

  /** Which of the three the gateway knows. */
  function gateway(
    knows: { natPmp?: Uint8Array; pcp?: Uint8Array; upnp?: boolean },
    soap = `<NewExternalIPAddress>${PUBLIC}</NewExternalIPAddress>`,
  ) {
    const { datagrams, exchanges } = datagramsOf(({ to, message }) => {
      if (to[0]?.port === 1900) {
        return knows.upnp ? FOUND : 'timeout';
      }
      return (message.length === 2 ? knows.natPmp : knows.pcp) ?? 'timeout';
    });
    const { http, requests } = httpOf(({ method }) => ({ body: method === 'GET' ? DESCRIPTION : soap }));
    return { ask: routerAsk({ datagrams, http }), exchanges, requests };
  }

  test.each<[string, Parameters<typeof gateway>[0], number]>([
    ['by NAT-PMP', { natPmp: NAT_PMP, pcp: PCP, upnp: true }, 1],
    ['by PCP, whose mapping is deleted again', { pcp: PCP, upnp: true }, 3],
    ['by UPnP', { upnp: true }, 3],
    [
      'by UPnP where NAT-PMP has no connection',
      { natPmp: octets('00800000 00000102 00000000'), upnp: true },
      3,
    ],
    [
      'by UPnP where the others refuse',
      { natPmp: octets('00800002'), pcp: octets('00800001'), upnp: true },
      3,
    ],
  ])('%s', async (_, knows, exchanges) => {
    const it = gateway(knows);

    expect(await it.ask(WAN, 'ipv4')).toEqual({ addresses: [PUBLIC] });
    expect(it.exchanges).toHaveLength(exchanges);
    expect(it.exchanges.every(({ from, family }) => from === '192.0.2.2' && family === 'ipv4')).toBe(true);
  });

  test('what worked goes first the next time', async () => {
    const it = gateway({ upnp: true });
    await it.ask(WAN, 'ipv4');
    it.exchanges.length = 0;
    await it.ask(WAN, 'ipv4');

    expect(it.exchanges.map(({ to }) => to[0])).toEqual([{ host: '192.0.2.1', port: 1900 }]);
  });

  test('the PCP mapping asked for is short, and the same one is deleted', async () => {
    const it = gateway({ pcp: PCP });
    await it.ask(WAN, 'ipv4');
    const [map, deleted] = it.exchanges.slice(1).map(({ message }) => Buffer.from(message));

    expect(map?.readUInt32BE(4)).toBe(120);
    expect(deleted?.readUInt32BE(4)).toBe(0);
    expect(deleted?.subarray(8)).toEqual(map?.subarray(8));
  });

  test('SOAP goes to the gateway alone, without redirects', async () => {
    const it = gateway({ upnp: true });
    await it.ask(WAN, 'ipv4');

    expect(it.requests).toMatchObject([
      { method: 'GET', url: 'http://192.0.2.1:5000/d.xml', redirects: 'refuse', via: { ipv4: '192.0.2.2' } },
      {
        method: 'POST',
        url: 'http://192.0.2.1:5000/c',
        redirects: 'refuse',
        headers: { soapaction: '"urn:schemas-upnp-org:service:WANIPConnection:1#GetExternalIPAddress"' },
      },
    ]);
  });

  test.each<[string, ReturnType<typeof gateway>, AskedWan, string]>([
    ['silence', gateway({}), WAN, 'router/NO_ANSWER'],
    [
      'a gateway without a connection',
      gateway({ upnp: true }, '<NewExternalIPAddress>0.0.0.0</NewExternalIPAddress>'),
      WAN,
      'router/NOT_PUBLIC',
    ],
    [
      'a gateway that keeps its address to itself',
      gateway({ natPmp: octets('00800003'), upnp: true }, '<NewExternalIPAddress></NewExternalIPAddress>'),
      WAN,
      'router/NOT_PUBLIC',
    ],
    [
      'an error of the gateway',
      gateway({ upnp: true }, '<errorCode>501</errorCode>'),
      WAN,
      'router/NO_ANSWER',
    ],
    [
      'no gateway',
      gateway({ natPmp: NAT_PMP }),
      { network: 'wan', device: 'ppp0', local: '192.0.2.2' },
      'router/NO_GATEWAY',
    ],
  ])('%s is unknown', async (_, it, wan, code) => {
    expect(await it.ask(wan, 'ipv4')).toMatchObject({ unknown: { code } });
  });

  test('IPv6 passes the router in front as it is', async () => {
    const it = gateway({});

    expect(await it.ask({ ...WAN, local: '2001:db8::2' }, 'ipv6')).toEqual({ addresses: ['2001:db8::2'] });
    expect(it.exchanges).toEqual([]);
  });
});

describe('script', () => {
  function run(result: Partial<RunResult>, argv = ['/etc/holdfast/address']) {
    const runs: (readonly string[])[] = [];
    const processes = {
      async run(words: readonly string[]) {
        runs.push(words);
        return { status: 0, stdout: '', stderr: '', ...result };
      },
      lines: () => () => {},
    };
    return { ask: scriptAsk(argv, processes), runs };
  }

  test.each<[string, Partial<RunResult>, Family, unknown]>([
    ['one line', { stdout: `${PUBLIC}\n` }, 'ipv4', { addresses: [PUBLIC] }],
    ['both families', { stdout: `2001:DB8::1\n\n ${PUBLIC} \n` }, 'ipv6', { addresses: ['2001:db8::1'] }],
    [
      'several of a family',
      { stdout: `${PUBLIC}\n198.51.100.8` },
      'ipv4',
      { addresses: [PUBLIC, '198.51.100.8'] },
    ],
    ['none of the family', { stdout: PUBLIC }, 'ipv6', { unknown: { code: 'source/SCRIPT_NO_ADDRESS' } }],
    ['nothing', {}, 'ipv4', { unknown: { code: 'source/SCRIPT_NO_ADDRESS' } }],
    ['a word beside it', { stdout: `IP: ${PUBLIC}` }, 'ipv4', { unknown: { code: 'source/SCRIPT_OUTPUT' } }],
    ['a line beside it', { stdout: `ok\n${PUBLIC}` }, 'ipv4', { unknown: { code: 'source/SCRIPT_OUTPUT' } }],
    [
      'a failure with an address',
      { status: 1, stdout: PUBLIC },
      'ipv4',
      { unknown: { code: 'source/SCRIPT_FAILED' } },
    ],
    ['no end', { status: -1, stdout: PUBLIC }, 'ipv4', { unknown: { code: 'source/SCRIPT_FAILED' } }],
  ])('%s', async (_, result, family, expected) => {
    expect(await run(result).ask(WAN, family)).toMatchObject(expected as object);
  });

  test('both families of an interface share one run; arguments are never put together', async () => {
    const it = run({ stdout: PUBLIC }, ['/bin/x', '{device}', '$(reboot) {network}', '{network}']);
    await Promise.all([it.ask(WAN, 'ipv4'), it.ask(WAN, 'ipv6')]);
    expect(it.runs).toEqual([['/bin/x', 'eth1', '$(reboot) {network}', 'wan']]);

    await it.ask(WAN, 'ipv4');
    expect(it.runs).toHaveLength(2);
  });
});

describe('the key of a source', () => {
  function sources() {
    const clock = virtualClock();
    const lines: string[] = [];
    const { http } = httpOf(() => ({ body: PUBLIC }));
    const host = {
      ...clock,
      http,
      dns: { ask: () => Promise.reject(new Error('no DNS here')) },
      datagrams: datagramsOf(() => 'timeout').datagrams,
      run: async () => ({ status: 0, stdout: `${PUBLIC}\n`, stderr: '' }),
      lines: () => () => {},
      random: () => 0,
      limits: [],
    };
    const read = async () => ({
      known: true as const,
      snapshot: {
        wan: {
          name: 'wan',
          up: true,
          device: 'eth1',
          addresses: [{ address: '10.0.0.2', prefixLength: 24 }],
          prefixes: [],
          defaultRoute: [],
        },
      },
    });
    const network = { read, watch: () => () => {} };
    const source = createSources({
      host,
      log: (_, line) => lines.push(line),
      network,
      userAgent: () => '',
    });
    return { clock, source };
  }

  const SETTINGS: OutsideSettings = {
    kind: 'script',
    base: 'network',
    networks: ['wan'],
    families: ['ipv4'],
    argv: ['/bin/x'],
  };

  test('makes one source, until its watch ends', () => {
    const { source } = sources();
    const key = outsideKey(SETTINGS);
    const first = source(key);
    expect(source(outsideKey({ ...SETTINGS }))).toBe(first);
    expect(source(outsideKey({ ...SETTINGS, argv: ['/bin/y'] }))).not.toBe(first);

    first.watch(() => {})();

    expect(source(key)).not.toBe(first);
  });

  test.each<[string, OutsideSettings]>([
    ['a script', SETTINGS],
    ['web services', { ...SETTINGS, kind: 'web' }],
    [
      'own web services',
      { ...SETTINGS, kind: 'web', echoUrls: ['https://a.example/', 'https://b.example/'] },
    ],
  ])('leads to %s', async (_, settings) => {
    const { clock, source } = sources();
    const reading = source(outsideKey(settings)).read();
    await clock.advance(100);
    const observation = await reading;

    // The trace of Cloudflare is no bare address; the others are enough.
    expect(observation).toMatchObject({
      snapshot: { wan: { addresses: [{ address: PUBLIC }], local: [{ address: '10.0.0.2' }] } },
    });
  });

  test.each<[string, OutsideSettings, string]>([
    ['STUN', { ...SETTINGS, kind: 'stun' }, 'source/NO_ANSWER'],
    ['the router', { ...SETTINGS, kind: 'router' }, 'router/NO_GATEWAY'],
  ])('leads to %s', async (_, settings, code) => {
    const { clock, source } = sources();
    const reading = source(outsideKey(settings)).read();
    await clock.advance(100);

    expect(await reading).toMatchObject({ snapshot: { wan: { unknown: { ipv4: { code } } } } });
  });
});
