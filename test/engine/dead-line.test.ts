/** A check on a line where nobody answers: whoever tests a setting waits for it, and rpcd only for 30 s. */
import { expect, test } from 'vitest';
import { verifierOf } from '../../agent/engine/checks/verifier.ts';
import type { ActionOf } from '../../agent/engine/commands.ts';
import type { DnsServer } from '../../agent/ports.ts';
import { virtualClock } from '../fakes/virtual-clock.ts';

/** What net/dns-client.ts and net/doh.ts take for a server that is silent. */
const DNS_MS = 7500;
const HTTPS_MS = 5000;
const MOST_MS = 16_000;

const COMMAND: ActionOf<'verify'> = {
  ...{
    type: 'verify',
    host: 'home',
    attempt: 1,
    hostname: 'home.example.org',
    account: 'a',
    provider: 'Example DNS',
  },
  ...{ ageMs: 3_600_000, ipv4: '203.0.113.1' },
};

function servers(...addresses: string[]): DnsServer[] {
  return addresses.map((address) => ({ address, port: 53 }));
}

test.each([
  ['no resolver of its own', []],
  ['one', servers('192.0.2.53')],
  ['two', servers('192.0.2.53', '192.0.2.54')],
])('with %s is over in time, and everybody was asked', async (_name, resolvers) => {
  const clock = virtualClock();
  const asked = new Set<string>();
  const later = <T>(afterMs: number, value: T) =>
    new Promise<T>((resolve) => void clock.after(afterMs, () => resolve(value)));
  const failure = { kind: 'unreachable', scope: 'attempt', code: 'dns/TIMEOUT', sentence: '' } as const;
  const check = verifierOf({
    clock,
    random: () => 0.5,
    dns: {
      ask({ address }) {
        asked.add(address);
        return later(DNS_MS, { kind: 'failed', failure } as const);
      },
    },
    dnsOverHttps: {
      ask(url) {
        asked.add(url);
        return later(HTTPS_MS, { kind: 'failed', failure } as const);
      },
    },
    http: { request: () => Promise.reject(new Error('nobody asked for a web site')), idle() {} },
    userAgent: () => 'Holdfast/test',
    resolvers: async () => resolvers,
    settings: () => ({
      publicResolvers: servers('198.51.100.1', '198.51.100.2', '198.51.100.3'),
      dohUrls: ['https://192.0.2.1/dns-query'],
      controlServers: servers('192.0.2.101', '192.0.2.102'),
      dnsPort: 53,
    }),
  });
  let tookMs = Number.POSITIVE_INFINITY;

  const found = check(COMMAND).then((judgement) => {
    tookMs = clock.monotonicMs();
    return judgement;
  });
  await clock.advance(60_000);

  expect(tookMs).toBeLessThanOrEqual(MOST_MS);
  expect([...asked].sort()).toEqual(
    [
      ...resolvers.map(({ address }) => address),
      ...['192.0.2.101', '192.0.2.102', '198.51.100.1', '198.51.100.2', '198.51.100.3'],
      'https://192.0.2.1/dns-query',
    ].sort(),
  );
  expect((await found).axes).toMatchObject({
    authority: { verdict: 'unknown' },
    publicView: { verdict: 'unknown' },
  });
});
