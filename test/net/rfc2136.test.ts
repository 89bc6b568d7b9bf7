/** DNS updates against BIND and Knot as Debian ships them: what they accept, refuse and sign. */
import { describe, expect, onTestFinished } from 'vitest';
import { nodeCrypto } from '../../agent/hosts/node-crypto.ts';
import { dnsClient } from '../../agent/net/dns-client.ts';
import { nodeExchange } from '../../agent/net/dns-exchange.ts';
import type { ProviderDefinition } from '../../agent/providers/definition.ts';
import type { ProtocolPorts, UpdateCall, Verdict } from '../../agent/providers/protocol.ts';
import { rfc2136 } from '../../agent/providers/protocols/rfc2136.ts';
import { TSIG_ALGORITHMS } from '../../agent/providers/protocols/tsig.ts';
import { CATALOGUE } from '../fakes/catalogue.ts';
import { protocolPorts } from '../fakes/protocol-ports.ts';
import { CLOSED_ZONE, KEYS, liveServer, type ServerKind, tcpOnly, ZONE } from './name-server.ts';

const SERVERS: ServerKind[] = ['bind', 'knot'];
/** Knot says of a change that its rules forbid that the key is bad, and signs nothing of it. */
const REFUSAL: Record<ServerKind, { change: string; zone: string }> = {
  bind: { change: 'rfc2136/REFUSED refused', zone: 'rfc2136/NOTAUTH refused' },
  knot: { change: 'rfc2136/BADKEY unintelligible', zone: 'rfc2136/NOTAUTH unintelligible' },
};
const HOUR_MS = 3_600_000;
const PROVIDER = providerOf('bind-nsupdate');

function providerOf(id: string): ProviderDefinition {
  const entry = CATALOGUE.get(id);
  if (entry === undefined || 'dead' in entry) {
    throw new Error(`${id} is not in the catalogue`);
  }
  return entry;
}

function brief(verdict: Verdict | undefined): string {
  if (verdict?.ok === true) {
    return verdict.value === undefined ? 'ok' : `ok: ${verdict.value}`;
  }
  return verdict === undefined ? 'none' : `${verdict.failure.code} ${verdict.failure.kind}`;
}

describe.each(SERVERS)('%s', (kind) => {
  const { live, server } = liveServer(kind);

  async function updated(change: Partial<UpdateCall> = {}, ports: Partial<ProtocolPorts> = {}) {
    const exchangeDns = nodeExchange();
    const call: UpdateCall = {
      provider: PROVIDER,
      credential: { username: 'hmac-sha256.example', password: KEYS['hmac-sha256'] },
      options: {},
      server: `${server().address}:${server().port}`,
      hostnames: [`home.${ZONE}`],
      userAgent: 'test',
      ...change,
    };
    const { outcomes } = await rfc2136.update(
      call,
      protocolPorts({
        clock: { nowMs: () => Date.now() },
        crypto: nodeCrypto,
        dns: dnsClient({ exchange: exchangeDns, random: Math.random }),
        exchangeDns,
        ...ports,
      }),
      (text) => text,
    );
    return outcomes.map(brief);
  }

  const ipv4Of = (name: string) => server().ask.resolve4(name, { ttl: true });
  const ipv6Of = (name: string) => server().ask.resolve6(name, { ttl: true });

  live('adds, changes, and leaves the other family and types alone', async () => {
    expect(await updated({ ipv4: '192.0.2.10' })).toEqual(['ok']);
    expect(await ipv4Of(`home.${ZONE}`)).toEqual([{ address: '192.0.2.10', ttl: 60 }]);

    expect(await updated({ ipv4: '192.0.2.11', options: { ttl: '120' } })).toEqual(['ok']);
    expect(await ipv4Of(`home.${ZONE}`)).toEqual([{ address: '192.0.2.11', ttl: 120 }]);

    expect(await updated({ hostnames: [`old.${ZONE}`], ipv4: '192.0.2.12' })).toEqual(['ok']);
    expect(await ipv4Of(`old.${ZONE}`)).toEqual([{ address: '192.0.2.12', ttl: 60 }]);
    expect(await server().ask.resolve6(`old.${ZONE}`)).toEqual(['2001:db8::1']);
    expect(await server().ask.resolveTxt(`old.${ZONE}`)).toEqual([['stays']]);
  });

  live('takes both families and several names in one message', async () => {
    const hostnames = [`one.${ZONE}`, `deep.two.${ZONE}`, ZONE];

    const outcomes = await updated({ hostnames, ipv4: '192.0.2.20', ipv6: '2001:db8::20' });

    expect(outcomes).toEqual(['ok', 'ok', 'ok']);
    for (const name of hostnames) {
      expect(await ipv4Of(name)).toEqual([{ address: '192.0.2.20', ttl: 60 }]);
      expect(await ipv6Of(name)).toEqual([{ address: '2001:db8::20', ttl: 60 }]);
    }
  });

  live('is not believed about an address beside a CNAME, and the other names get theirs', async () => {
    // RFC 2136 section 3.4.2.2: without the condition the server ignores the address and answers NOERROR.
    const hostnames = [`pointing.${ZONE}`, `beside.${ZONE}`];

    const outcomes = await updated({ hostnames, ipv4: '192.0.2.22' });

    expect(outcomes).toEqual(['rfc2136/CNAME_THERE refused', 'ok']);
    expect(await ipv4Of(`beside.${ZONE}`)).toEqual([{ address: '192.0.2.22', ttl: 60 }]);
    expect(await server().ask.resolveCname(`pointing.${ZONE}`)).toEqual([`old.${ZONE}`]);
  });

  live('takes a message that is too long for UDP', async () => {
    const hostnames = Array.from({ length: 20 }, (_, index) => `host-number-${index}.many.${ZONE}`);

    const outcomes = await updated({ hostnames, ipv4: '192.0.2.21', ipv6: '2001:db8::21' });

    expect(outcomes).toEqual(hostnames.map(() => 'ok'));
    expect(await server().ask.resolve4(hostnames.at(-1) ?? '')).toEqual(['192.0.2.21']);
  });

  live('takes the same update again', async () => {
    expect(await updated({ ipv4: '192.0.2.30' })).toEqual(['ok']);
    expect(await updated({ ipv4: '192.0.2.30' })).toEqual(['ok']);
    expect(await ipv4Of(`home.${ZONE}`)).toEqual([{ address: '192.0.2.30', ttl: 60 }]);
  });

  for (const [index, algorithm] of TSIG_ALGORITHMS.entries()) {
    live(`agrees on ${algorithm}`, async () => {
      const credential = { username: `${algorithm}.example`, password: KEYS[algorithm] };
      const ipv4 = `192.0.2.${40 + index}`;

      expect(await updated({ credential, options: { key_algorithm: algorithm }, ipv4 })).toEqual(['ok']);
      expect(
        await updated({ credential: { ...credential, username: `${algorithm}:${algorithm}.EXAMPLE` }, ipv4 }),
      ).toEqual(['ok']);
      expect(await server().ask.resolve4(`home.${ZONE}`)).toEqual([ipv4]);
    });
  }

  live('refuses a wrong key, and that does not block for good', async () => {
    const before = await ipv4Of(`old.${ZONE}`);
    const given = { hostnames: [`old.${ZONE}`], ipv4: '192.0.2.99' };
    const username = 'hmac-sha256.example';

    expect(await updated({ ...given, credential: { username, password: KEYS['hmac-sha224'] } })).toEqual([
      'rfc2136/BADSIG unintelligible',
    ]);
    expect(
      await updated({ ...given, credential: { username: 'nobody.example', password: KEYS['hmac-sha256'] } }),
    ).toEqual(['rfc2136/BADKEY unintelligible']);
    expect(await ipv4Of(`old.${ZONE}`)).toEqual(before);
  });

  live('goes by the time of the server when the clock is off by an hour', async () => {
    const late = { clock: { nowMs: () => Date.now() - HOUR_MS } };
    const early = { clock: { nowMs: () => Date.now() + HOUR_MS } };

    expect(await updated({ ipv4: '192.0.2.50' }, late)).toEqual([
      expect.stringMatching(/^ok: .*\b60 minutes/),
    ]);
    expect(await updated({ ipv4: '192.0.2.51' }, early)).toEqual([
      expect.stringMatching(/^ok: .*\b60 minutes/),
    ]);
    expect(await server().ask.resolve4(`home.${ZONE}`)).toEqual(['192.0.2.51']);
  });

  live('refuses a zone that the key may not change', async () => {
    const hostname = `old.${CLOSED_ZONE}`;

    expect(await updated({ hostnames: [hostname], ipv4: '192.0.2.99' })).toEqual([REFUSAL[kind].change]);
    expect(await server().ask.resolve4(hostname)).toEqual(['192.0.2.1']);
  });

  live('says that it has no such zone', async () => {
    const hostnames = ['home.example.com'];

    expect(await updated({ hostnames, options: { zone: 'example.com' }, ipv4: '192.0.2.99' })).toEqual([
      REFUSAL[kind].zone,
    ]);
  });

  live('is asked over TCP where UDP is closed', async () => {
    const front = await tcpOnly(server(), 'closed');
    onTestFinished(() => front.close());

    const outcomes = await updated({
      server: `127.0.0.1:${front.port}`,
      options: { zone: ZONE },
      ipv4: '192.0.2.60',
    });

    expect(outcomes).toEqual(['ok']);
    expect(await server().ask.resolve4(`home.${ZONE}`)).toEqual(['192.0.2.60']);
  });

  live('is asked over TCP where UDP is swallowed', async () => {
    const front = await tcpOnly(server(), 'silent');
    onTestFinished(() => front.close());

    const outcomes = await updated({
      server: `127.0.0.1:${front.port}`,
      options: { zone: ZONE },
      ipv4: '192.0.2.61',
    });

    expect(outcomes).toEqual(['ok']);
    expect(await server().ask.resolve4(`home.${ZONE}`)).toEqual(['192.0.2.61']);
  });

  live('applies both families or none, and a refused name spoils no other', async () => {
    const hostnames = [`a-only.${CLOSED_ZONE}`];

    expect(await updated({ hostnames, ipv4: '192.0.2.70', ipv6: '2001:db8::70' })).toEqual([
      REFUSAL[kind].change,
    ]);
    expect(await server().ask.resolve4(hostnames[0] ?? '')).toEqual(['192.0.2.1']);
    expect(
      await updated({
        hostnames: [...hostnames, `old.${CLOSED_ZONE}`, `home.${ZONE}`],
        ipv4: '192.0.2.71',
      }),
    ).toEqual(['ok', REFUSAL[kind].change, 'ok']);
    expect(await server().ask.resolve4(hostnames[0] ?? '')).toEqual(['192.0.2.71']);
  });
});
