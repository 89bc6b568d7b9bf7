/** Faults on the way to the update API: HTTP, the connection in each of its phases, and certificates. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CertificateKind } from '../service/certificates.ts';
import type { CutOffMode } from '../service/front.ts';
import type { GarbleMode } from '../service/garble.ts';
import { type Expected, type Fault, WRONG } from './fault.ts';
import { LAB_BEGINS_MS } from './lab.ts';

type Row = Omit<Expected, 'axis' | 'verdict' | 'end'>;

function expected(row: Row): Expected {
  return { axis: 'update', verdict: 'failed', end: 'itself', ...row };
}

function status(code: number, fault: string, row: Row, headers: Record<string, string> = {}): Fault {
  const reply = { status: code, body: 'Trouble\r\n', headers };
  return {
    fault: `HTTP ${code}: ${fault}`,
    made: `replyAlways: ${[code, ...Object.entries(headers).map((field) => field.join(': '))].join(', ')}`,
    begin: ({ service }) => service.levers.replyAlways(reply),
    healsMs: 5 * 3_600_000,
    expected: expected(row),
  };
}

function cutOff(mode: CutOffMode, fault: string, row: Row): Fault {
  return {
    fault,
    made: `cutOff: ${mode}`,
    begin: ({ service }) => service.levers.cutOff(mode),
    expected: expected(row),
  };
}

function garble(mode: GarbleMode, fault: string, row: Row): Fault {
  return {
    fault,
    made: `garble: ${mode}`,
    begin: ({ service }) => service.levers.garble(mode),
    healsMs: 5 * 3_600_000,
    expected: expected(row),
  };
}

function certificate(kind: CertificateKind, fault: string, code: string): Fault {
  return {
    fault,
    made: `certificate: ${kind}`,
    begin: ({ service }) => service.levers.certificate(kind),
    expected: expected({ code, requests: 0 }),
  };
}

export const TRANSPORT: Fault[] = [
  status(400, 'the provider calls the request bad', { code: 'dyndns2/UNINTELLIGIBLE', requests: 5 }),
  status(403, 'a firewall in front of the provider refuses', { code: 'dyndns2/UNINTELLIGIBLE', requests: 5 }),
  status(404, 'nothing is at this address', { code: 'dyndns2/UNINTELLIGIBLE', requests: 5 }),
  status(429, 'too many requests', { code: 'reply/HTTP_429', requests: 1 }, { 'Retry-After': '3600' }),
  status(500, 'the provider has a fault', { code: 'reply/HTTP_5XX', requests: 2 }),
  status(502, 'the server behind the proxy is gone', { code: 'reply/HTTP_5XX', requests: 2 }),
  status(503, 'down for an hour', { code: 'reply/HTTP_5XX', requests: 1 }, { 'Retry-After': '3600' }),
  status(
    302,
    'a redirect to another server',
    { code: 'reply/REDIRECTED', requests: 5 },
    {
      Location: 'https://www.example.com/',
    },
  ),
  status(
    307,
    'a redirect to itself',
    { code: 'reply/REDIRECTED', requests: 15 },
    { Location: '/nic/update' },
  ),
  {
    fault: 'a captive portal answers in the place of the provider',
    made: 'captivePortal',
    begin: ({ service }) => service.levers.captivePortal(),
    expected: expected({ code: 'reply/HTML', requests: 5 }),
  },
  {
    fault: 'the provider is overloaded',
    made: 'overload: 911 with HTTP 500',
    begin: ({ service }) => service.levers.overload(),
    expected: expected({ code: 'dyndns2/911', requests: 1 }),
  },
  {
    fault: 'every reply takes a while',
    made: 'slow: 150 ms',
    begin: ({ service }) => service.levers.slow(150),
    expected: { axis: 'update', verdict: 'ok', code: 'update/OK', requests: 1, end: 'itself' },
  },
  cutOff('refuse', 'nobody listens at the provider', { code: 'http/REFUSED', requests: 0 }),
  cutOff('hang', 'the update API drowns: connections without an answer', {
    code: 'http/TLS_TIMEOUT',
    requests: 0,
  }),
  cutOff('no-tls', 'plain text where TLS should be', { code: 'http/TLS_HANDSHAKE', requests: 0 }),
  cutOff('reset-in-handshake', 'reset within the TLS handshake', { code: 'http/TLS_HANDSHAKE', requests: 0 }),
  cutOff('reset-after-request', 'carried out, then reset before the reply', {
    code: 'http/RESET',
    requests: 3,
  }),
  cutOff('hang-after-request', 'carried out, but no reply', { code: 'http/NO_REPLY', requests: 3 }),
  garble('empty', 'the connection ends without a reply', { code: 'http/RESET', requests: 3 }),
  garble('no-http', 'the reply is no HTTP', { code: 'http/BAD_REPLY', requests: 3 }),
  garble('long-headers', 'header fields of 100 KB', { code: 'http/BAD_REPLY', requests: 3 }),
  garble('cut', 'the reply is shorter than announced', { code: 'http/RESET', requests: 3 }),
  garble('reset-in-body', 'reset within the reply', { code: 'http/RESET', requests: 3 }),
  garble('dripping', 'the reply comes octet by octet and never ends', {
    code: 'http/BODY_TIMEOUT',
    requests: 3,
  }),
  garble('endless', 'a reply of ten megabytes', { code: 'reply/NO_ANSWER', requests: 5 }),
  garble('packed', 'a compressed reply that nobody asked for', { code: 'http/PACKED', requests: 3 }),
  certificate('expired', 'the certificate has expired', 'http/TLS_EXPIRED'),
  certificate('not-yet-valid', 'the certificate is not valid yet', 'http/TLS_NOT_YET_VALID'),
  certificate('wrong-host', 'the certificate is of another server', 'http/TLS_WRONG_HOST'),
  certificate('unknown-ca', 'the certificate is signed by nobody known', 'http/TLS_UNKNOWN_CA'),
  {
    fault: 'the router boots in 1970, so no certificate seems valid; later NTP sets the clock',
    made: 'clock at 1970-01-01, certificate: not-yet-valid',
    bootWallMs: 60_000,
    before: ({ service }) => service.levers.certificate('not-yet-valid'),
    lift: async ({ service, router, time }) => {
      await service.levers.reset();
      router.setClock(time.nowMs());
      router.signal('SIGUSR2');
    },
    healsMs: 10_000,
    expected: expected({ code: 'http/TLS_NOT_YET_VALID', requests: 0 }),
  },
  {
    fault: 'the clock jumps ten years ahead',
    made: 'clock',
    begin: ({ router }) => router.setClock(LAB_BEGINS_MS + 3650 * 86_400_000),
    lift: ({ router, time }) => router.setClock(time.nowMs()),
    expected: { axis: 'update', verdict: 'ok', code: 'update/OK', requests: 1, end: 'itself' },
  },
  {
    fault: 'the clock jumps back to 1970',
    made: 'clock',
    begin: ({ router }) => router.setClock(0),
    lift: ({ router, time }) => router.setClock(time.nowMs()),
    expected: { axis: 'update', verdict: 'ok', code: 'update/OK', requests: 1, end: 'itself' },
  },
  {
    fault: 'the file of trusted certificates is gone',
    made: 'ca_file removed',
    options: { account: { ca_file: '{DIR}/ca.pem' } },
    before: ({ router, service }) => {
      writeFileSync(join(router.folder, 'ca.pem'), service.caPem);
    },
    begin: ({ router }) => rmSync(join(router.folder, 'ca.pem')),
    lift: ({ router, service }) => {
      writeFileSync(join(router.folder, 'ca.pem'), service.caPem);
    },
    expected: expected({ code: 'http/CA_FILE', requests: 0 }),
  },
  {
    fault: 'the password is wrong',
    made: 'configuration, and the account of the provider',
    options: { account: { password: `${WRONG}demo-password` } },
    lift: () => {},
    expected: {
      ...expected({ code: 'dyndns2/BADAUTH', requests: 1, incident: 'dyndns2/BADAUTH' }),
      end: 'corrected',
    },
  },
  {
    fault: 'the provider wants to know whom to write to, and nobody is named',
    made: 'requireContact, configuration without a contact',
    options: { agent: { contact: '' } },
    before: ({ service }) => service.levers.requireContact(),
    expected: {
      ...expected({ code: 'dyndns2/BADAGENT', requests: 1, incident: 'dyndns2/BADAGENT' }),
      end: 'asked',
    },
  },
];
