/**
 * Carries out what an alias needs; a file of its own in the package, loaded with the first alias. The provider is
 * asked and told by its protocol, the name servers of the zone by DNS.
 */
import type { AliasFound } from '../core/alias.ts';
import type { AliasView } from '../core/state.ts';
import type { DnsServer } from '../ports.ts';
import type { Exchange, Protocol, ProtocolPorts } from '../providers/protocol.ts';
import { apexOf, nameServersOf } from '../providers/protocols/rfc2136-server.ts';
import type { ActionOf } from './commands.ts';
import type { Account } from './update.ts';

export interface AliasParts extends ProtocolPorts {
  protocols: Record<Account['provider']['protocol'], Protocol>;
  account(id: string): Account | undefined;
  userAgent(): string;
  /** Removes every secret from text that came from outside. */
  redact(foreignText: string): string;
  /** Each exchange with the provider, for the debug log. */
  onExchange(account: string, exchange: Exchange): void;
  /** Port of authoritative servers: 53, but for laboratories. */
  authorityPort(): number;
}

/** What one name server says; `points` is absent where it did not answer, empty where it has no CNAME. */
interface Said {
  server: string;
  points?: string;
}

export async function runAlias(parts: AliasParts, command: ActionOf<'alias'>): Promise<AliasFound> {
  return command.task === 'check' ? checkAlias(parts, command) : askProvider(parts, command);
}

async function askProvider(
  parts: AliasParts,
  { account: id, hostname, target, ttlSec }: ActionOf<'alias'>,
): Promise<AliasFound> {
  const account = parts.account(id);
  const { provider } = account ?? {};
  // Where addresses go by a protocol that has no aliases, the entry has calls of its own for them.
  const protocol = provider && parts.protocols[provider.cname?.rest?.facts ? 'rest' : provider.protocol];
  if (!account || !protocol?.alias) {
    throw new Error(`account ${id} has no settings for an alias`);
  }
  const call = {
    ...account,
    hostname,
    ttlSec,
    userAgent: parts.userAgent(),
    ...(target !== undefined && { target }),
  };
  const { outcome, exchange } = await protocol.alias(call, parts, parts.redact);
  parts.http.idle();
  parts.onExchange(id, exchange);
  if (!outcome.ok) {
    return { failure: outcome.failure };
  }
  return outcome.value === undefined ? {} : { points: outcome.value };
}

async function checkAlias(
  parts: AliasParts,
  { hostname, target = '', spreading }: ActionOf<'alias'>,
): Promise<AliasFound> {
  const apex = await apexOf(hostname, [], parts, undefined);
  const servers = apex ? await nameServersOf(apex.zone, parts.authorityPort(), parts) : [];
  const said = await Promise.all(servers.map((server) => askServer(parts, server, hostname)));
  const evidence = said.map(({ server, points }) => `${server}: ${words(points)}`);
  const heard = said.flatMap(({ points }) => points ?? []);
  const say = (verdict: AliasView['verdict'], code: string, sentence: string): AliasFound => ({
    seen: { verdict, code: `alias/${code}`, sentence, evidence },
  });
  if (heard.length === 0) {
    return say(
      'unknown',
      'UNCHECKED',
      `No name server for ${hostname} answered, so nobody knows whether the alias can be seen. Holdfast asks again.`,
    );
  }
  if (heard.every((points) => points === target)) {
    return say('ok', 'OK', `Every name server that answered has ${hostname} pointing at ${target}.`);
  }
  if (spreading) {
    return say('pending', 'SPREADING', 'The change has not reached every name server yet.');
  }
  const [first] = heard;
  const agreed = heard.every((points) => points === first) ? { points: first } : {};
  const sentence = `Name servers show another alias than ${target} for ${hostname}. Holdfast looks at what the provider has; if that is right, tell the provider.`;
  return { ...say('warning', 'DIFFERENT', sentence), ...agreed };
}

async function askServer(parts: AliasParts, server: DnsServer, hostname: string): Promise<Said> {
  const question = { name: hostname, type: 'CNAME', recursionDesired: false } as const;
  const result = await parts.dns.ask(server, question);
  const { address } = server;
  if (result.kind === 'failed' || !result.reply.authoritative) {
    return { server: address };
  }
  const { rcode, answers } = result.reply;
  const found = answers.find((record) => record.type === 'CNAME' && record.name === hostname)?.value;
  return rcode === 'NOERROR' || rcode === 'NXDOMAIN'
    ? { server: address, points: found ?? '' }
    : { server: address };
}

function words(points: string | undefined): string {
  return points === undefined ? 'no useful answer' : points === '' ? 'no CNAME' : `CNAME ${points}`;
}
