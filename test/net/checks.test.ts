/** The checks over real sockets against the test service, with each of its bad days that DNS can have. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Failure } from '../../agent/core/failure.ts';
import type { Judgement, NameServer } from '../../agent/core/health.ts';
import type { ActionOf } from '../../agent/engine/commands.ts';
import { createVerifier } from '../../agent/engine/verify.ts';
import { dnsClient } from '../../agent/net/dns-client.ts';
import { nodeExchange } from '../../agent/net/dns-exchange.ts';
import { dnsOverHttps } from '../../agent/net/doh.ts';
import { nodeHttp } from '../../agent/net/http.ts';
import type { Dns, DnsServer, Http } from '../../agent/ports.ts';
import { type Service, startService } from '../service/service.ts';

const HOST = 'home.ddns.example';
const ZONE = 'ddns.example';
const WAN = '192.0.2.1';
const OLD_MS = 600_000;
/** A dead server costs its time-outs, and a busy machine more. */
const SLOW_MS = 60_000;

let service: Service;
let before: NameServer[];

beforeAll(async () => {
  service = await startService({ resolverTimeoutMs: 150 });
  before = service.dns.servers
    .filter(({ role }) => role === 'provider')
    .map(({ name, address }) => ({ name, addresses: [address] }));
});
beforeEach(async () => {
  await service.levers.reset();
  service.levers.setRecord(HOST, 'A', WAN);
});
afterAll(() => service.close());

const NO_ROUTE: Failure = {
  ...{ kind: 'unreachable', scope: 'attempt', code: 'dns/NO_ROUTE', sentence: 'There is no way there.' },
};

interface Look {
  /** What was asked, as `server type name transport`. */
  asked: string[];
  found: Judgement;
}

/** One check by a fresh verifier, so that nothing is remembered but what the command says. */
async function look(
  more: Partial<ActionOf<'verify'>> = {},
  isKnown = true,
  unreachable: readonly string[] = [],
): Promise<Look> {
  const asked: string[] = [];
  const client = dnsClient({ exchange: impatient(), random: Math.random });
  const dns: Dns = {
    ask(server, question, localAddress, only) {
      asked.push(`${server.address} ${question.type} ${question.name}${only ? ` ${only}` : ''}`);
      if (unreachable.includes(server.address)) {
        return Promise.resolve({ kind: 'failed', failure: NO_ROUTE });
      }
      return client.ask(server, question, localAddress, only);
    },
  };
  const plain = nodeHttp(() => {});
  const http: Http = {
    request: (request) => plain.request({ ...request, caFile: service.caFile, phaseTimeoutMs: 2000 }),
    idle: () => plain.idle(),
  };
  const verify = createVerifier({
    clock: { nowMs: Date.now, monotonicMs: () => performance.now(), after: () => () => {} },
    ...{ random: Math.random, dns, dnsOverHttps: dnsOverHttps(http), http },
    userAgent: () => 'Holdfast',
    resolvers: async () => [at(service.dns.localResolver)],
    settings: () => ({
      publicResolvers: service.dns.resolvers.map(at),
      controlServers: service.dns.control.map(at),
      dohUrls: service.dns.dohUrls,
      dnsPort: service.dns.port,
    }),
  });
  const found = await verify({
    ...{
      type: 'verify',
      host: 'home',
      attempt: 1,
      account: 'demo',
      hostname: HOST,
      ipv4: WAN,
      ageMs: OLD_MS,
    },
    provider: 'Example DNS',
    ...(isKnown && { before: { zone: ZONE, nameServers: before } }),
    ...more,
  });
  plain.idle();
  return { asked, found };
}

/** Loopback answers within milliseconds; what has not answered by then never will. */
function impatient(): ReturnType<typeof nodeExchange> {
  const exchange = nodeExchange();
  return (transport, server, message, timeoutMs, accept, localAddress) =>
    exchange(transport, server, message, Math.min(timeoutMs, 500), accept, localAddress);
}

function at(address: string): DnsServer {
  return { address, port: service.dns.port };
}

function codes({ axes }: Judgement): string {
  return [axes.delegation, axes.authority, axes.publicView].map(({ code }) => code).join(' ');
}

const [FIRST, SECOND] = ['ns1.provider.example', 'ns2.provider.example'];

test('all is well: each server says so, over both transports at the first look', async () => {
  const { found, asked } = await look();

  expect(codes(found)).toBe('delegation/OK authority/OK public/OK');
  expect(found.zone).toBe(ZONE);
  expect(found.ttlSec).toBe(60);
  expect(found.view?.nameServers).toEqual(before);
  for (const { addresses } of before) {
    expect(asked).toContain(`${addresses[0]} A ${HOST}`);
    expect(asked).toContain(`${addresses[0]} A ${HOST} tcp`);
  }
  expect(found.axes.authority.evidence[0]).toMatch(
    /^ns1\.provider\.example \(127\.0\.53\.11\): A 192\.0\.2\.1 \(NOERROR, AA, udp, \d+ ms\)$/,
  );
  // Nobody else is bothered while all is well.
  expect(asked.filter((one) => one.includes(' SOA .'))).toEqual([]);
});

test('a zone seen for the first time: its servers with their addresses, and its owner', async () => {
  const { found } = await look({}, false);

  expect(codes(found)).toBe('delegation/OK authority/OK public/OK');
  expect(found.view).toEqual({ nameServers: before, owner: `${FIRST} hostmaster.${ZONE}` });
});

/** The name leads to one of the standby provider. */
function alias(levers: Service['levers'], address: string | undefined): void {
  levers.setRecord('home.standby.example', 'A', address);
  levers.setRecord(HOST, 'A', undefined);
  levers.setRecord(HOST, 'CNAME', 'home.standby.example');
}

describe('one bad day', () => {
  type Case = [name: string, pull: (levers: Service['levers']) => unknown, expected: string];
  const cases: Case[] = [
    ['a server that lags behind', (l) => l.stale(SECOND), 'delegation/OK authority/OK public/OK'],
    ['a lame server', (l) => l.lame(SECOND), 'delegation/OK authority/SOME_DOWN public/OK'],
    ['a server with a fault', (l) => l.servfail(SECOND), 'delegation/OK authority/SOME_DOWN public/OK'],
    ['a dead server', (l) => l.deadServer(SECOND), 'delegation/OK authority/SOME_DOWN public/OK'],
    ['every answer cut over UDP', (l) => l.truncate(FIRST), 'delegation/OK authority/OK public/OK'],
    ['UDP that is lost', (l) => l.serverFault(FIRST, 'udp-dead'), 'delegation/OK authority/OK public/OK'],
    ['TCP that is lost', (l) => l.serverFault(FIRST, 'tcp-dead'), 'delegation/OK authority/OK public/OK'],
    [
      'answers over UDP that somebody forges',
      (l) => [l.serverFault(FIRST, 'forged-udp'), l.serverFault(SECOND, 'forged-udp')],
      // The resolvers of the world read the same forgeries.
      'delegation/OK authority/INTERCEPTED public/CACHED',
    ],
    [
      'a server that has lost its authority',
      (l) => l.serverFault(FIRST, 'no-authority'),
      'delegation/OK authority/SOME_DOWN public/OK',
    ],
    [
      'all servers lame',
      (l) => [l.lame(FIRST), l.lame(SECOND, true, 'referral')],
      'delegation/OK authority/ZONE_FAULT public/FAULT',
    ],
    [
      'all servers dead',
      (l) => [l.deadServer(FIRST), l.deadServer(SECOND)],
      'delegation/OK authority/ZONE_FAULT public/FAULT',
    ],
    [
      'all servers dead, and nobody else answers either',
      (l) => [l.deadServer(FIRST), l.deadServer(SECOND), l.rootUnreachable()],
      'delegation/OK authority/CANNOT_CHECK public/FAULT',
    ],
    ['a deleted name', (l) => l.deleteHost(HOST), 'delegation/OK authority/GONE public/WRONG'],
    [
      'another address',
      (l) => l.setRecord(HOST, 'A', '192.0.2.99'),
      'delegation/OK authority/STALE public/WRONG',
    ],
    [
      'another address at one server',
      (l) => [l.stale(SECOND), l.setRecord(HOST, 'A', '192.0.2.99'), l.stale(FIRST)],
      'delegation/OK authority/PARTIAL public/CACHED',
    ],
    [
      'a CNAME into a zone of others that leads here',
      (l) => alias(l, WAN),
      'delegation/OK authority/OK public/OK',
    ],
    [
      'a CNAME into a zone of others that leads elsewhere',
      (l) => alias(l, '192.0.2.99'),
      'delegation/OK authority/STALE public/WRONG',
    ],
    ['a CNAME to nothing', (l) => alias(l, undefined), 'delegation/OK authority/STALE public/WRONG'],
    ['a wildcard of ours', (l) => l.wildcard(ZONE, WAN), 'delegation/OK authority/WILDCARD public/OK'],
    ['a wildcard of others', (l) => l.wildcard(ZONE, '192.0.2.77'), 'delegation/OK authority/OK public/OK'],
    [
      'plain DNS intercepted',
      (l) => l.interceptPort53(),
      'delegation/INTERCEPTED authority/INTERCEPTED public/OK',
    ],
    [
      'plain DNS intercepted, and no HTTPS either',
      (l) => [l.interceptPort53(), l.drownDoh()],
      'delegation/INTERCEPTED authority/INTERCEPTED public/CANNOT_CHECK',
    ],
    [
      'a wall before port 53',
      (l) => l.blockPort53(),
      'delegation/CANNOT_CHECK authority/CANNOT_CHECK public/OK',
    ],
    [
      'a filter at home: 0.0.0.0',
      (l) => l.localFilter(ZONE, 'zero'),
      'delegation/OK authority/OK public/LOCAL_FILTER',
    ],
    [
      'a filter at home: NXDOMAIN',
      (l) => l.localFilter(ZONE, 'nxdomain'),
      'delegation/OK authority/OK public/LOCAL_FILTER',
    ],
    [
      'a filter at home: REFUSED, of everything',
      (l) => l.localFilter('example', 'refused'),
      'delegation/OK authority/OK public/LOCAL_FILTER',
    ],
    [
      'a resolver at home that is dead',
      (l) => l.localFilter('example', 'silent'),
      'delegation/OK authority/OK public/OK',
    ],
    [
      'taken away, and served from a copy',
      (l) => l.seize(ZONE, 'copy'),
      'delegation/CHANGED authority/OK public/OK',
    ],
    [
      'taken away to a sinkhole',
      (l) => l.seize(ZONE, 'sinkhole'),
      'delegation/CHANGED authority/SINKHOLED public/WRONG',
    ],
    [
      'taken away, and handed back',
      (l) => [l.seize(ZONE, 'sinkhole'), l.handBack(ZONE)],
      'delegation/OK authority/OK public/OK',
    ],
  ];

  test.each(cases)(
    '%s',
    async (_name, pull, expected) => {
      pull(service.levers);

      const { found } = await look();

      expect(codes(found)).toBe(expected);
    },
    SLOW_MS,
  );
});

test(
  'taken away to servers that drop nearly all: the old ones, asked directly, are still right',
  async () => {
    service.levers.seize(ZONE, 'drop');

    const { found, asked } = await look();

    expect(found.axes.delegation).toMatchObject({ code: 'delegation/CHANGED', mustAct: false });
    expect(found.axes.delegation.sentence).toMatch(/seizure\.example in place of provider\.example/);
    expect(found.axes.delegation.sentence).toMatch(/itself still has your right address/);
    expect(found.axes.authority.verdict).toBe('failed');
    expect(found.axes.authority.evidence).toContainEqual(
      expect.stringMatching(
        /^before: ns1\.provider\.example \(127\.0\.53\.11\): A 192\.0\.2\.1 \(NOERROR, AA/,
      ),
    );
    expect(asked).toContain('127.0.53.41 SOA .');
  },
  SLOW_MS,
);

test(
  'a zone that nobody can resolve is checked all the same, at the servers of before',
  async () => {
    service.levers.deadServer(FIRST);
    service.levers.deadServer(SECOND);

    const { found } = await look();

    expect(found.zone).toBe(ZONE);
    expect(found.axes.authority.code).toBe('authority/ZONE_FAULT');
  },
  SLOW_MS,
);

test.each([
  { lever: false, up: true, detail: /status 200/ },
  { lever: true, up: false, detail: /http\// },
])('the web site of the provider, drowned: $lever', async ({ lever, up, detail }) => {
  service.levers.drownWeb(lever);

  const { found } = await look({ homepage: service.web.url });

  expect(found.web?.up).toBe(up);
  expect(found.web?.detail).toMatch(detail);
  expect(found.axes.authority.code).toBe('authority/OK');
});

test('servers to which this line has no way at all say nothing of the zone', async () => {
  const addresses = before.flatMap((one) => one.addresses);

  const all = await look({}, true, addresses);
  const one = await look({}, true, addresses.slice(1));

  expect(codes(all.found)).toBe('delegation/OK authority/CANNOT_CHECK public/OK');
  expect(codes(one.found)).toBe('delegation/OK authority/OK public/OK');
});

test('nobody looks at a web site unasked', async () => {
  const { found } = await look();

  expect(found).not.toHaveProperty('web');
});
