/**
 * The provider of the benchmark, a program of its own in the namespace of the ISP: web servers for HTTP and HTTPS
 * before the test service, and a witness that asks its authoritative servers from the request on.
 *
 * Arguments: the options of `startService` as JSON, the name of the web servers, and where their CA is to be
 * written. It writes a `ProviderMessage` as JSON on each line; the end
 * of its input is its end.
 */
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Agent, createServer as createTlsServer, request as requestOverTls } from 'node:https';
import { makeCertificates } from '../service/certificates.ts';
import { askDns } from '../service/dns-socket.ts';
import { type Service, type ServiceOptions, startService } from '../service/service.ts';

/** Times are milliseconds since 1970 with fractions, by the one clock of this machine. */
export type ProviderMessage =
  | { kind: 'ready'; dns: Service['dns'] }
  | { kind: 'failed'; reason: string }
  | { kind: 'request'; atMs: number; hostname: string; address: string; reply: string }
  /** Every authoritative server of the provider gives this address and nothing else. */
  | { kind: 'answered'; atMs: number; hostname: string; address: string };

const PORTS = { http: 80, https: 443 };
const ANSWER_LIMIT_MS = 500;
/** So often a question is repeated: an answer that is not right by then is none. */
const MAX_QUESTIONS = 50;

function say(message: ProviderMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

async function witness(service: Service, hostname: string, address: string): Promise<void> {
  const servers = service.dns.servers.filter((server) => server.role === 'provider');
  for (let asked = 0; asked < MAX_QUESTIONS; asked++) {
    const answers = await Promise.all(
      servers.map((server) => answerOf({ ...server, port: service.dns.port }, hostname)),
    );
    if (answers.every((answer) => answer === address)) {
      say({ kind: 'answered', atMs: nowMs(), hostname, address });
      return;
    }
  }
}

/** The addresses of an answer that came with authority. */
async function answerOf(server: { address: string; port: number }, name: string): Promise<string> {
  const answered = await askDns(server, { name, type: 'A' }, { timeoutMs: ANSWER_LIMIT_MS });
  const records = answered?.packet.flag_aa ? (answered.packet.answers ?? []) : [];
  return records.flatMap((record) => (record.type === 'A' ? String(record.data) : [])).join(' ');
}

/**
 * Hands a request on to the service. When it came is noted before that; the reply has a length, as those of
 * providers have it, for not every client understands another form.
 */
function handOn(service: Service, arrivals: Map<string, number>, agent: Agent) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url ?? '/';
    arrivals.set(keyOf(path), nowMs());
    const onward = requestOverTls(
      {
        ...{ host: service.api.address, port: service.api.port, ca: service.caPem, agent },
        ...{ path, method: request.method, headers: { ...request.headers, connection: 'keep-alive' } },
      },
      (reply) => {
        let body = '';
        reply.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        reply.on('end', () => {
          const headers = {
            'Content-Type': 'text/plain',
            'Content-Length': body.length,
            Connection: 'close',
          };
          response.writeHead(reply.statusCode ?? 502, headers).end(body);
        });
      },
    );
    onward.on('error', () => response.writeHead(502).end());
    onward.end();
  };
}

function listen(server: Server, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => server.once('error', reject).listen(port, address, resolve));
}

function keyOf(path: string): string {
  const query = new URLSearchParams(path.split('?', 2)[1] ?? '');
  return `${query.get('hostname')} ${query.get('myip')}`;
}

const [optionsText = '{}', name = '', caFile = ''] = process.argv.slice(2);
const options: ServiceOptions = JSON.parse(optionsText);
try {
  const service = await startService(options);
  const arrivals = new Map<string, number>();
  service.onRequest(({ query: { hostname = '', myip: address = '' }, replyBody }) => {
    const key = `${hostname} ${address}`;
    const atMs = arrivals.get(key) ?? nowMs();
    arrivals.delete(key);
    say({ kind: 'request', atMs, hostname, address, reply: replyBody.trim() });
    void witness(service, hostname, address);
  });
  const { caPem, leaves } = await makeCertificates([name]);
  writeFileSync(caFile, caPem);
  const answer = handOn(service, arrivals, new Agent({ keepAlive: true }));
  await listen(createServer(answer), service.api.address, PORTS.http);
  await listen(createTlsServer(leaves.good, answer), service.api.address, PORTS.https);
  say({ kind: 'ready', dns: service.dns });
  const end = () => process.exit(0);
  process.stdin.on('close', end).resume();
  process.on('SIGTERM', end);
  // The benchmark has gone: nobody reads any more.
  process.stdout.on('error', end);
} catch (error) {
  say({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}
