/** A REST provider over real TLS: DigitalOcean's entry against a service with its shape and a memory. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { nodeHttp } from '../../agent/net/http.ts';
import type { Http } from '../../agent/ports.ts';
import { rest } from '../../agent/providers/protocols/rest.ts';
import { PROVIDERS } from '../fakes/catalogue.ts';
import { protocolPorts } from '../fakes/protocol-ports.ts';
import { type CertificateKind, type Certificates, makeCertificates } from '../service/certificates.ts';
import { listen } from './loopback.ts';

const TOKEN = 'dop_v1_0123456789';

interface StoredRecord {
  id: number;
  type: string;
  name: string;
  data: string;
  ttl: number;
}

let folder: string;
let caFile: string;
let certificates: Certificates;
let http: Http;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-rest-'));
  caFile = join(folder, 'ca.pem');
  certificates = await makeCertificates(['127.0.0.1', 'localhost']);
  await writeFile(caFile, certificates.caPem);
});

afterAll(() => rm(folder, { recursive: true }));

afterEach(() => http.idle());

/** Zone example.org; what it was asked is kept in `seen`. */
async function service(records: StoredRecord[], kind: CertificateKind = 'good') {
  const seen: string[] = [];
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString('utf8');
    seen.push([request.method, request.url, text].filter(Boolean).join(' '));
    const [status, body] = replyTo(request, text === '' ? {} : JSON.parse(text));
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body, null, 2));
  }
  function replyTo({ method, url = '', headers }: IncomingMessage, sent: Partial<StoredRecord>) {
    if (headers.authorization !== `Bearer ${TOKEN}`) {
      return [
        401,
        { id: 'unauthorized', message: `Unable to authenticate you with ${headers.authorization}.` },
      ] as const;
    }
    const { pathname, searchParams } = new URL(url, 'https://localhost');
    const [, zone, id] = /^\/v2\/domains\/([^/]+)(?:\/records(?:\/(\d+))?)?$/.exec(pathname) ?? [];
    if (zone !== 'example.org') {
      return [404, { id: 'not_found', message: 'The resource you requested could not be found.' }] as const;
    }
    if (method === 'PATCH') {
      const record = records.find((one) => one.id === Number(id));
      return [200, { domain_record: record && Object.assign(record, sent) }] as const;
    }
    if (method === 'POST') {
      const record = { id: records.length + 1, type: '', name: '', data: '', ttl: 0, ...sent };
      records.push(record);
      return [201, { domain_record: record }] as const;
    }
    const found = records.filter(
      ({ type, name }) =>
        type === searchParams.get('type') && `${name}.example.org` === searchParams.get('name'),
    );
    return pathname.endsWith('/records')
      ? ([200, { domain_records: found, links: {}, meta: { total: found.length } }] as const)
      : ([200, { domain: { name: zone, ttl: 1800, zone_file: '' } }] as const);
  }
  const server = https.createServer(certificates.leaves[kind], answer);
  return { port: await listen(server), seen };
}

async function update(port: number, addresses: { ipv4?: string; ipv6?: string }, password = TOKEN) {
  const provider = PROVIDERS.get('digitalocean.com-v2');
  if (!provider) {
    throw new Error('DigitalOcean is not in the catalogue');
  }
  http = nodeHttp(() => {});
  const result = await rest.update(
    {
      provider,
      credential: { username: '', password },
      options: {},
      hostnames: ['home.example.org'],
      server: `https://127.0.0.1:${port}`,
      caFile,
      userAgent: 'Holdfast',
      ...addresses,
    },
    protocolPorts({ http }),
    (text) => text.replaceAll(password, '***'),
  );
  const [outcome] = result.outcomes;
  return { ...result, verdict: outcome?.ok ? 'ok' : `${outcome?.failure.kind} ${outcome?.failure.code}` };
}

test('creates both families, changes one, and writes nothing when nothing differs', async () => {
  const records: StoredRecord[] = [{ id: 1, type: 'TXT', name: 'home', data: 'kept', ttl: 1800 }];
  const { port, seen } = await service(records);

  const first = await update(port, { ipv4: '192.0.2.1', ipv6: '2001:db8::1' });
  const second = await update(port, { ipv4: '192.0.2.2', ipv6: '2001:db8::1' });
  const third = await update(port, { ipv4: '192.0.2.2', ipv6: '2001:db8::1' });

  expect([first.verdict, second.verdict, third.verdict]).toEqual(['ok', 'ok', 'ok']);
  expect(records).toEqual([
    { id: 1, type: 'TXT', name: 'home', data: 'kept', ttl: 1800 },
    { id: 2, type: 'A', name: 'home', data: '192.0.2.2', ttl: 300 },
    { id: 3, type: 'AAAA', name: 'home', data: '2001:db8::1', ttl: 300 },
  ]);
  expect(seen.filter((line) => !line.startsWith('GET'))).toEqual([
    'POST /v2/domains/example.org/records {"type":"A","name":"home","data":"192.0.2.1","ttl":300}',
    'POST /v2/domains/example.org/records {"type":"AAAA","name":"home","data":"2001:db8::1","ttl":300}',
    'PATCH /v2/domains/example.org/records/2 {"type":"A","data":"192.0.2.2"}',
  ]);
});

test('a wrong token blocks, writes nothing, and is shown nowhere', async () => {
  const { port, seen } = await service([]);

  const { verdict, exchange, outcomes } = await update(port, { ipv4: '192.0.2.1' }, 'wrong-token-1');

  expect(verdict).toBe('credential rest/BAD_TOKEN');
  expect(seen).toEqual(['GET /v2/domains/home.example.org']);
  expect(JSON.stringify([exchange, outcomes])).not.toContain('wrong-token-1');
});

test.each<CertificateKind>(['expired', 'wrong-host', 'unknown-ca'])(
  'a server with a certificate that is %s gets nothing',
  async (kind) => {
    const { port, seen } = await service([], kind);

    const { verdict } = await update(port, { ipv4: '192.0.2.1' });

    expect(verdict).toMatch(/^unreachable http\//);
    expect(seen).toEqual([]);
  },
);
