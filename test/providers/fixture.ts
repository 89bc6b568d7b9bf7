/** The recorded requests and replies of a provider that makes its update in one exchange. */
import { existsSync, readFileSync } from 'node:fs';
import type { Outcome } from '../../agent/core/failure.ts';
import type { HttpReply, HttpRequest } from '../../agent/ports.ts';
import type { ProviderDefinition } from '../../agent/providers/definition.ts';
import type { UpdateCall } from '../../agent/providers/protocol.ts';

export interface ReplyFixture {
  /** What the settings of the account are; a test needs nothing else to make the calls. */
  account: { username?: string; password?: string; server?: string; options?: Record<string, string> };
  requests: {
    hostnames: string[];
    ipv4?: string;
    ipv6?: string;
    method: string;
    url: string;
    /** All headers but the User-Agent, as they stand on the wire. */
    headers: Record<string, string>;
    body?: string;
  }[];
  replies: {
    status: number;
    headers?: Record<string, string>;
    body: string;
    /** `ok`, or `CODE kind scope`. */
    expect: string;
    retryAfterMs?: number;
  }[];
}

export const USER_AGENT = 'Holdfast/0 (test)';

export function fixtureOf(id: string): ReplyFixture | undefined {
  const file = new URL(`../fixtures/providers/${id}.json`, import.meta.url);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

export function callOf(
  provider: ProviderDefinition,
  { account }: Pick<ReplyFixture, 'account'>,
  { hostnames, ipv4, ipv6 }: Pick<ReplyFixture['requests'][number], 'hostnames' | 'ipv4' | 'ipv6'>,
): UpdateCall {
  const { username = '', password = '', server, options = {} } = account;
  return {
    provider,
    credential: { username, password },
    options,
    hostnames,
    userAgent: USER_AGENT,
    ...(server !== undefined && { server }),
    ...(ipv4 !== undefined && { ipv4 }),
    ...(ipv6 !== undefined && { ipv6 }),
  };
}

/** The headers as `net/http.ts` writes them. */
export function headersOnWire({ headers, authorization }: HttpRequest): Record<string, string> {
  switch (authorization?.scheme) {
    case undefined:
      return headers;
    case 'basic': {
      const token = Buffer.from(`${authorization.username}:${authorization.password}`).toString('base64');
      return { ...headers, authorization: `Basic ${token}` };
    }
    case 'bearer':
      return { ...headers, authorization: `Bearer ${authorization.token}` };
    case 'header':
      return { ...headers, [authorization.name.toLowerCase()]: authorization.value };
  }
}

export function httpReply(status: number, body: string, headers: Record<string, string> = {}): HttpReply {
  return { status, headers, body, truncated: false };
}

export function brief(outcome: Outcome<string | undefined> | undefined): string {
  if (outcome === undefined) {
    return 'nothing';
  }
  return outcome.ok ? 'ok' : `${outcome.failure.code} ${outcome.failure.kind} ${outcome.failure.scope}`;
}
