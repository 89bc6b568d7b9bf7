/** What name servers say of an alias, in one view; and the provider that is asked by its protocol. */
import { describe, expect, test } from 'vitest';
import { type AliasParts, runAlias } from '../../agent/engine/alias.ts';
import type { ActionOf } from '../../agent/engine/commands.ts';
import type { DnsQuestion, DnsReply, DnsResult, DnsServer } from '../../agent/ports.ts';
import type { ProviderDefinition } from '../../agent/providers/definition.ts';
import type { AliasCall, Protocol } from '../../agent/providers/protocol.ts';
import { PROTOCOLS } from '../../agent/providers/registry.ts';
import { PROVIDERS } from '../fakes/catalogue.ts';
import { protocolPorts } from '../fakes/protocol-ports.ts';

const ALIAS = 'www.example.org';
const HOME = 'home.example.net';
const RESOLVER: DnsServer = { address: '192.0.2.1', port: 53 };
/** By address: what a name server answers, `silent`, or the name in its CNAME. */
type Answers = Record<string, string | Partial<DnsReply> | undefined>;

function reply(more: Partial<DnsReply>): DnsResult {
  const nothing = { answers: [], authorities: [], additionals: [] };
  return {
    kind: 'reply',
    reply: { rcode: 'NOERROR', authoritative: true, transport: 'udp', ...nothing, ...more },
  };
}

function silence(): DnsResult {
  const sentence = 'It did not answer. Look again later.';
  return {
    kind: 'failed',
    failure: { kind: 'unreachable', scope: 'attempt', code: 'dns/TIMEOUT', sentence },
  };
}

function record(name: string, type: string, value: string) {
  return { name, type, ttlSec: 60, value };
}

/** A zone with the name servers that the test names, found through a resolver. */
function dnsOf(answers: Answers): AliasParts['dns'] {
  const names = Object.keys(answers).map((_, index) => `ns${index + 1}.example.com`);
  function resolved({ name, type }: DnsQuestion): DnsResult {
    const at = names.indexOf(name);
    if (type === 'SOA') {
      const soa = record('example.org', 'SOA', 'ns1.example.com admin 1 2 3 4 5');
      return reply({ authorities: name.endsWith('example.org') ? [soa] : [] });
    }
    if (type === 'NS') {
      return reply({ answers: names.map((one) => record(name, 'NS', one)) });
    }
    return reply({
      answers: type === 'A' && at >= 0 ? [record(name, 'A', Object.keys(answers)[at] ?? '')] : [],
    });
  }
  return {
    async ask(server, question) {
      if (server.address === RESOLVER.address) {
        return resolved(question);
      }
      expect(question).toEqual({ name: ALIAS, type: 'CNAME', recursionDesired: false });
      expect(server.port).toBe(5353);
      const said = answers[server.address];
      return said === undefined
        ? silence()
        : reply(typeof said === 'string' ? { answers: [record(ALIAS, 'CNAME', said)] } : said);
    },
  };
}

const COMMAND: ActionOf<'alias'> = {
  type: 'alias',
  alias: 'www',
  attempt: 1,
  task: 'check',
  account: 'dns',
  hostname: ALIAS,
  target: HOME,
  ttlSec: 60,
  spreading: false,
};

function partsWith(more: Partial<AliasParts>): AliasParts {
  return {
    ...protocolPorts({ resolvers: async () => [RESOLVER] }),
    protocols: PROTOCOLS,
    account: () => undefined,
    userAgent: () => 'Holdfast',
    redact: (text) => text,
    onExchange() {},
    authorityPort: () => 5353,
    ...more,
  };
}

describe('what the name servers show', () => {
  const check = (answers: Answers, spreading = false) =>
    runAlias(partsWith({ dns: dnsOf(answers) }), { ...COMMAND, spreading });

  test.each([
    { name: 'all the target', answers: { '192.0.2.2': HOME, '192.0.2.3': HOME }, code: 'OK', verdict: 'ok' },
    {
      name: 'one of two is silent',
      answers: { '192.0.2.2': HOME, '192.0.2.3': undefined },
      code: 'OK',
      verdict: 'ok',
    },
    {
      name: 'nobody answers',
      answers: { '192.0.2.2': undefined, '192.0.2.3': { rcode: 'SERVFAIL' } },
      code: 'UNCHECKED',
      verdict: 'unknown',
    },
    {
      name: 'somebody answers in its place',
      answers: { '192.0.2.2': { authoritative: false, answers: [record(ALIAS, 'CNAME', HOME)] } },
      code: 'UNCHECKED',
      verdict: 'unknown',
    },
    { name: 'there is no zone', answers: {}, code: 'UNCHECKED', verdict: 'unknown' },
  ])('$name', async ({ answers, code, verdict }) => {
    expect(await check(answers)).toMatchObject({ seen: { code: `alias/${code}`, verdict } });
  });

  test('has one line of evidence for each server', async () => {
    const found = await check({
      '192.0.2.2': HOME,
      '192.0.2.3': { rcode: 'NXDOMAIN' },
      '192.0.2.4': { rcode: 'REFUSED' },
    });

    expect('seen' in found && found.seen.evidence).toEqual([
      `192.0.2.2: CNAME ${HOME}`,
      '192.0.2.3: no CNAME',
      '192.0.2.4: no useful answer',
    ]);
  });

  test.each([
    {
      name: 'another name',
      answers: { '192.0.2.2': 'x.example.com', '192.0.2.3': 'x.example.com' },
      points: 'x.example.com',
    },
    { name: 'no name', answers: { '192.0.2.2': {}, '192.0.2.3': { rcode: 'NXDOMAIN' } }, points: '' },
    {
      name: 'two different ones',
      answers: { '192.0.2.2': HOME, '192.0.2.3': 'x.example.com' },
      points: undefined,
    },
  ])('$name is different, or spreads yet', async ({ answers, points }) => {
    const different = await check(answers);
    const spreading = await check(answers, true);

    expect(different).toMatchObject({ seen: { code: 'alias/DIFFERENT', verdict: 'warning' } });
    expect('points' in different ? different.points : undefined).toBe(points);
    expect(spreading).toMatchObject({ seen: { code: 'alias/SPREADING', verdict: 'pending' } });
    expect(spreading).not.toHaveProperty('points');
  });
});

describe('the provider', () => {
  /** A protocol that notes what it is asked and answers with this outcome. */
  function asked(outcome: Awaited<ReturnType<NonNullable<Protocol['alias']>>>['outcome']) {
    const calls: AliasCall[] = [];
    const protocol: Protocol = {
      update: () => Promise.reject(new Error('no update was asked for')),
      async alias(call) {
        calls.push(call);
        return { outcome, exchange: { request: 'request', reply: 'reply' } };
      },
    };
    return { calls, protocol };
  }

  function withAccount(id: string, protocols: Partial<Record<keyof typeof PROTOCOLS, Protocol>>) {
    const provider = PROVIDERS.get(id);
    const exchanges: string[] = [];
    const parts = partsWith({
      protocols: { ...PROTOCOLS, ...protocols },
      account: (account) =>
        provider && account === 'dns'
          ? { provider, credential: { username: 'u', password: 'p' }, options: { zone: 'example.org' } }
          : undefined,
      onExchange: (account, { request, reply: answer }) => exchanges.push(`${account} ${request} ${answer}`),
    });
    return { parts, exchanges };
  }

  test('is told the target by its protocol, and what it says comes back', async () => {
    const { calls, protocol } = asked({ ok: true, value: HOME });
    const { parts, exchanges } = withAccount('bind-nsupdate', { rfc2136: protocol });

    const found = await runAlias(parts, { ...COMMAND, task: 'write' });

    expect(found).toEqual({ points: HOME });
    expect(calls).toMatchObject([
      { hostname: ALIAS, target: HOME, ttlSec: 60, options: { zone: 'example.org' } },
    ]);
    expect(exchanges).toEqual(['dns request reply']);
  });

  test('is only asked where no target is named', async () => {
    const { calls, protocol } = asked({ ok: true, value: undefined });
    const { parts } = withAccount('bind-nsupdate', { rfc2136: protocol });
    const { target: _, ...read } = COMMAND;

    expect(await runAlias(parts, { ...read, task: 'read' })).toEqual({});
    expect(calls[0]).not.toHaveProperty('target');
  });

  test('of a protocol without aliases has calls of its own for them', async () => {
    const { calls, protocol } = asked({ ok: true, value: HOME });
    const { parts } = withAccount('desec.io', { rest: protocol });

    await runAlias(parts, { ...COMMAND, task: 'write' });

    expect(calls.map(({ provider }: { provider: ProviderDefinition }) => provider.id)).toEqual(['desec.io']);
  });

  test('that fails gives its failure', async () => {
    const failure = { kind: 'busy', scope: 'account', code: 'rest/TEST', sentence: 'Later.' } as const;
    const { protocol } = asked({ ok: false, failure });
    const { parts } = withAccount('bind-nsupdate', { rfc2136: protocol });

    expect(await runAlias(parts, { ...COMMAND, task: 'write' })).toEqual({ failure });
  });

  test('that is gone from the configuration is a defect', async () => {
    const { parts } = withAccount('bind-nsupdate', {});

    await expect(runAlias(parts, { ...COMMAND, task: 'write', account: 'other' })).rejects.toThrow('other');
  });
});
