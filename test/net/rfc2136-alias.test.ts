/** Aliases by DNS update against BIND and Knot as Debian ships them: set, moved, and refused where they must be. */
import { describe, expect, onTestFinished } from 'vitest';
import { nodeCrypto } from '../../agent/hosts/node-crypto.ts';
import { dnsClient } from '../../agent/net/dns-client.ts';
import { nodeExchange } from '../../agent/net/dns-exchange.ts';
import type { Dns } from '../../agent/ports.ts';
import type { AliasCall, ProtocolPorts } from '../../agent/providers/protocol.ts';
import { rfc2136 } from '../../agent/providers/protocols/rfc2136.ts';
import { alias } from '../../agent/providers/protocols/rfc2136-alias.ts';
import { CATALOGUE } from '../fakes/catalogue.ts';
import { protocolPorts } from '../fakes/protocol-ports.ts';
import { CLOSED_ZONE, KEYS, liveServer, type ServerKind, tcpOnly, ZONE } from './name-server.ts';

const SERVERS: ServerKind[] = ['bind', 'knot'];
const HOME = 'home.example.com';
const DUCK = 'home.example.info';

describe.each(SERVERS)('%s', (kind) => {
  const { live, server } = liveServer(kind);

  const exchangeDns = nodeExchange();
  const dns = dnsClient({ exchange: exchangeDns, random: Math.random });
  const ports: ProtocolPorts = protocolPorts({
    clock: { nowMs: () => Date.now() },
    crypto: nodeCrypto,
    dns,
    exchangeDns,
  });

  function settings() {
    const provider = CATALOGUE.get('bind-nsupdate');
    if (provider === undefined || 'dead' in provider) {
      throw new Error('bind-nsupdate is not in the catalogue');
    }
    return {
      provider,
      credential: { username: 'hmac-sha256.example', password: KEYS['hmac-sha256'] },
      options: {},
      server: `${server().address}:${server().port}`,
      userAgent: 'test',
    };
  }

  /** `ok NAME`, `ok none`, or the code and kind of the failure. */
  async function aliased(change: Partial<AliasCall> & Pick<AliasCall, 'hostname'>, more = ports) {
    const { outcome } = await alias({ ...settings(), ttlSec: 60, ...change }, more);
    return outcome.ok
      ? `ok ${outcome.value ?? 'none'}`
      : `${outcome.failure.code} ${outcome.failure.kind} ${outcome.failure.scope}`;
  }

  live('sets an alias where there is nothing, moves it and reads it', async () => {
    const hostname = `www.${ZONE}`;

    expect(await aliased({ hostname })).toBe('ok none');
    expect(await aliased({ hostname, target: HOME })).toBe(`ok ${HOME}`);
    expect(await server().ask.resolveCname(hostname)).toEqual([HOME]);
    expect(await aliased({ hostname, target: DUCK, ttlSec: 30 })).toBe(`ok ${DUCK}`);
    expect(await server().ask.resolveCname(hostname)).toEqual([DUCK]);
    expect(await aliased({ hostname })).toBe(`ok ${DUCK}`);
    expect(await aliased({ hostname, target: DUCK })).toBe(`ok ${DUCK}`);
  });

  live('has the TTL that was asked for', async () => {
    const hostname = `ttl.${ZONE}`;
    await aliased({ hostname, target: HOME, ttlSec: 30 });

    const result = await dns.ask(server(), { name: hostname, type: 'CNAME', recursionDesired: false });

    expect(result).toMatchObject({ reply: { answers: [{ type: 'CNAME', ttlSec: 30, value: HOME }] } });
  });

  live('refuses a name that has other data, and leaves it as it was', async () => {
    const hostname = `old.${ZONE}`;

    expect(await aliased({ hostname, target: HOME })).toBe('rfc2136/NAME_TAKEN refused hostname');
    expect(await server().ask.resolve4(hostname)).toEqual(['192.0.2.1']);
    expect(await server().ask.resolve6(hostname)).toEqual(['2001:db8::1']);
    expect(await server().ask.resolveTxt(hostname)).toEqual([['stays']]);
  });

  live('refuses the zone itself', async () => {
    expect(await aliased({ hostname: ZONE, target: HOME })).toBe('rfc2136/ALIAS_AT_APEX refused hostname');
  });

  live('refuses a name outside of the zone that is named', async () => {
    const hostname = 'www.example.com';

    expect(await aliased({ hostname, target: HOME, options: { zone: ZONE } })).toBe(
      'rfc2136/NOTZONE refused hostname',
    );
  });

  live('says so when the key may not change the name', async () => {
    const hostname = `www.${CLOSED_ZONE}`;

    expect(await aliased({ hostname, target: HOME })).toMatch(
      kind === 'bind' ? /^rfc2136\/REFUSED refused/ : /^rfc2136\/BADKEY unintelligible/,
    );
    await expect(server().ask.resolveCname(hostname)).rejects.toThrow('ENOTFOUND');
  });

  live('writes nothing over what somebody else has set in the same moment', async () => {
    const hostname = `race.${ZONE}`;
    await aliased({ hostname, target: HOME });
    /** Answers the first question from memory: since then somebody has moved the alias. */
    function outdated(answer: string | undefined): Dns {
      let asked = 0;
      return {
        async ask(where, question, localAddress) {
          const result = await dns.ask(where, question, localAddress);
          asked += question.type === 'CNAME' ? 1 : 0;
          if (result.kind === 'failed' || question.type !== 'CNAME' || asked > 1) {
            return result;
          }
          const record = { name: question.name, type: 'CNAME', ttlSec: 60, value: answer ?? '' };
          return {
            ...result,
            reply: { ...result.reply, rcode: 'NOERROR', answers: answer === undefined ? [] : [record] },
          };
        },
      };
    }

    expect(await aliased({ hostname, target: DUCK }, { ...ports, dns: outdated('other.example.com') })).toBe(
      'rfc2136/CHANGED_MEANWHILE unconfirmed hostname',
    );
    expect(await aliased({ hostname, target: DUCK }, { ...ports, dns: outdated(undefined) })).toBe(
      'rfc2136/CHANGED_MEANWHILE unconfirmed hostname',
    );
    expect(await server().ask.resolveCname(hostname)).toEqual([HOME]);
    // Unless it is what we want.
    expect(await aliased({ hostname, target: HOME }, { ...ports, dns: outdated('other.example.com') })).toBe(
      `ok ${HOME}`,
    );
  });

  live('leaves the addresses of other names alone, and takes none over an alias', async () => {
    const hostname = `taken.${ZONE}`;
    await aliased({ hostname, target: HOME });

    const { outcomes } = await rfc2136.update(
      { ...settings(), hostnames: [hostname], ipv4: '192.0.2.80' },
      ports,
      (text) => text,
    );

    expect(outcomes).toMatchObject([{ ok: false, failure: { code: 'rfc2136/CNAME_THERE' } }]);
    expect(await server().ask.resolveCname(hostname)).toEqual([HOME]);
    expect(await server().ask.resolve4(`old.${ZONE}`)).toEqual(['192.0.2.1']);
  });

  live('is told over TCP where UDP is swallowed', async () => {
    const front = await tcpOnly(server(), 'silent');
    onTestFinished(() => front.close());
    const hostname = `tcp.${ZONE}`;

    expect(
      await aliased({
        hostname,
        target: HOME,
        server: `127.0.0.1:${front.port}`,
        options: { zone: ZONE },
      }),
    ).toBe(`ok ${HOME}`);
    expect(await server().ask.resolveCname(hostname)).toEqual([HOME]);
  });
});
