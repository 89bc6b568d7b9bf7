/** A plain client of the test service, for its own tests and for scenarios that need a second client. */
import { Agent, request as httpsRequest } from 'node:https';
import { answeredOf, askDns, type DnsAnswered, questionBytes, type Transport } from './dns-socket.ts';
import type { Service } from './service.ts';
import { rcodes } from './zone.ts';

export interface UpdateCall {
  hostname?: string;
  myip?: string;
  myipv6?: string;
  offline?: string;
  username?: string;
  /** Empty: no `Authorization` at all. */
  password?: string;
  userAgent?: string;
  path?: string;
  method?: string;
  timeoutMs?: number;
  /** Keeps its connections between calls. */
  agent?: Agent;
}

/** Calls the update API once. Rejects with the error of the connection, TLS included. */
export async function callUpdate(
  service: Pick<Service, 'api' | 'caPem'>,
  call: UpdateCall,
): Promise<{ status: number; body: string; headers: Record<string, unknown> }> {
  const { hostname, myip, myipv6, offline, username = 'demo', password = 'demo-password' } = call;
  const url = new URL(service.api.url);
  if (call.path !== undefined) url.pathname = call.path;
  for (const [key, value] of Object.entries({ hostname, myip, myipv6, offline })) {
    if (value !== undefined) url.searchParams.set(key, value);
  }
  const token = Buffer.from(`${username}:${password}`).toString('base64');
  const headers = {
    'User-Agent': call.userAgent ?? 'Example Tester/1.0 tester@example.org',
    ...(password === '' ? {} : { Authorization: `Basic ${token}` }),
  };
  return fetchPage(url, service.caPem, {
    headers,
    method: call.method,
    timeoutMs: call.timeoutMs,
    agent: call.agent,
  });
}

/** One HTTPS request with the service's CA as the only trust anchor. */
export function fetchPage(
  url: URL | string,
  ca: string,
  options: {
    headers?: Record<string, string>;
    method?: string;
    timeoutMs?: number;
    agent?: Agent;
    /** Of the body; `latin1` keeps every octet. */
    encoding?: 'utf8' | 'latin1';
  } = {},
): Promise<{ status: number; body: string; headers: Record<string, unknown> }> {
  const { headers = {}, method = 'GET', timeoutMs = 2000, agent = new Agent(), encoding = 'utf8' } = options;
  return new Promise((resolve, reject) => {
    const request = httpsRequest(url, { ca, headers, method, agent, timeout: timeoutMs }, (response) => {
      let body = '';
      response.setEncoding(encoding).on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body, headers: response.headers }),
      );
      response.on('error', reject);
    });
    request.on('timeout', () =>
      request.destroy(Object.assign(new Error('No reply in time'), { code: 'TIMEOUT' })),
    );
    request.on('error', reject).end();
  });
}

/** What a server of the world answers, as short text: rcode, flags, and the sections that tell something. */
export interface DnsSeen {
  rcode: string;
  aa: boolean;
  /** `type value` of each record; SOA as `SOA zone`. */
  answers: string[];
  authorities: string[];
  additionals: string[];
  ttls: number[];
  transport: Transport;
}

/** Asks a server (by name) or resolver (by address). Undefined: no answer within the timeout. */
export async function lookUp(
  service: Pick<Service, 'dns'>,
  server: string,
  name: string,
  type: string,
  options: { transport?: Transport | 'udp-only'; timeoutMs?: number; edns?: boolean } = {},
): Promise<DnsSeen | undefined> {
  const address = service.dns.servers.find((one) => one.name === server)?.address ?? server;
  const recursionDesired = [...service.dns.resolvers, service.dns.localResolver].includes(address);
  const timeoutMs = options.timeoutMs ?? 1000;
  const asked = { address, port: service.dns.port };
  const answered = await askDns(asked, { name, type }, { ...options, timeoutMs, recursionDesired });
  return answered && seen(answered);
}

/** Asks over HTTPS (RFC 8484, GET). Undefined: no DNS message came back. */
export async function lookUpDoh(
  service: Pick<Service, 'caPem'>,
  url: string,
  name: string,
  type: string,
): Promise<DnsSeen | undefined> {
  const message = questionBytes({ name, type }, { recursionDesired: true });
  const asked = `${url}?dns=${message.toString('base64url')}`;
  const { status, body } = await fetchPage(asked, service.caPem, { encoding: 'latin1' });
  const answered = status === 200 ? answeredOf(Buffer.from(body, 'latin1'), 'tcp') : undefined;
  return answered && seen(answered);
}

function seen({ rcode, packet, transport }: DnsAnswered): DnsSeen {
  const name = Object.entries(rcodes).find(([, code]) => code === rcode)?.[0] ?? String(rcode);
  const [answers, authorities, additionals] = [packet.answers, packet.authorities, packet.additionals].map(
    (section) => (section ?? []).filter((record) => record.type !== 'OPT'),
  );
  return {
    rcode: name,
    aa: packet.flag_aa,
    answers: (answers ?? []).map(short),
    authorities: (authorities ?? []).map(short),
    additionals: (additionals ?? []).map(short),
    ttls: (answers ?? []).map((record) => ('ttl' in record ? (record.ttl ?? 0) : 0)),
    transport,
  };
}

function short(record: { type: string; name: string; data?: unknown }): string {
  return `${record.type} ${typeof record.data === 'string' ? record.data : record.name}`;
}
