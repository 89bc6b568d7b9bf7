import { writeFileSync } from 'node:fs';
import * as https from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { get, listen, verdict } from '../net/loopback.ts';
import { type CertificateKind, type Certificates, makeCertificates } from '../service/certificates.ts';
import { ownFolder } from './programs.ts';
import { buildHostProgram, removeHostProgram, startRemoteHost } from './remote-host.ts';

let program: string;
let certificates: Certificates;
beforeAll(async () => {
  [program, certificates] = await Promise.all([buildHostProgram(), makeCertificates(['127.0.0.1'])]);
});
afterAll(() => removeHostProgram(program));

test.each<[CertificateKind, 'ours' | 'system', string]>([
  ['good', 'ours', 'status 200'],
  ['good', 'system', 'unreachable http/TLS_UNKNOWN_CA'],
  ['expired', 'ours', 'unreachable http/TLS_EXPIRED'],
  ['not-yet-valid', 'ours', 'unreachable http/TLS_NOT_YET_VALID'],
  ['wrong-host', 'ours', 'unreachable http/TLS_WRONG_HOST'],
  ['unknown-ca', 'ours', 'unreachable http/TLS_UNKNOWN_CA'],
])('a certificate that is %s, with trust anchors of %s: %s', async (kind, anchors, expected) => {
  const caFile = join(ownFolder(), 'ca "of" ours.pem');
  writeFileSync(caFile, certificates.caPem);
  let requests = 0;
  const port = await listen(
    https.createServer(certificates.leaves[kind], (_request, response) => {
      requests += 1;
      response.end('good');
    }),
  );
  const remote = await startRemoteHost(program);

  const result = await remote.http(
    get(`https://127.0.0.1:${port}/`, { phaseTimeoutMs: 20_000, ...(anchors === 'ours' && { caFile }) }),
  );

  expect(verdict(result)).toBe(expected);
  expect(requests).toBe(expected === 'status 200' ? 1 : 0);
});
