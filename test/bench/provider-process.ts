/**
 * The provider of the benchmark, a program of its own in the namespace of the ISP: the test service, the same
 * over plain HTTP, and a witness that asks its authoritative servers from the request on.
 *
 * Argument: the options of `startService` as JSON. It writes a `ProviderMessage` as JSON on each line; the end
 * of its input is its end.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request as requestOverTls } from 'node:https';
import { askDns } from '../service/dns-socket.ts';
import { type Service, type ServiceOptions, startService } from '../service/service.ts';

/** Times are milliseconds since 1970 with fractions, by the one clock of this machine. */
export type ProviderMessage =
  | { kind: 'ready'; service: Pick<Service, 'api' | 'dns' | 'caFile' | 'accounts'> }
  | { kind: 'failed'; reason: string }
  | { kind: 'request'; atMs: number; hostname: string; address: string; reply: string }
  /** Every authoritative server of the provider gives this address and nothing else. */
  | { kind: 'answered'; atMs: number; hostname: string; address: string };

const HTTP_PORT = 80;
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

/** Hands a request without TLS on to the service. When it came is noted before that. */
function servePlain(service: Service, arrivals: Map<string, number>, agent: Agent) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url ?? '/';
    arrivals.set(keyOf(path), nowMs());
    const onward = requestOverTls(
      {
        ...{ host: service.api.address, port: service.api.port, ca: service.caPem, agent },
        ...{ path, method: request.method, headers: { ...request.headers, connection: 'keep-alive' } },
      },
      (reply) => {
        response.writeHead(reply.statusCode ?? 502, { 'Content-Type': 'text/plain', Connection: 'close' });
        reply.pipe(response);
      },
    );
    onward.on('error', () => response.writeHead(502).end());
    onward.end();
  };
}

function keyOf(path: string): string {
  const query = new URLSearchParams(path.split('?', 2)[1] ?? '');
  return `${query.get('hostname')} ${query.get('myip')}`;
}

const options: ServiceOptions = JSON.parse(process.argv[2] ?? '{}');
try {
  const service = await startService(options);
  const { api, dns, caFile, accounts } = service;
  const arrivals = new Map<string, number>();
  service.onRequest(({ query: { hostname = '', myip: address = '' }, replyBody }) => {
    const key = `${hostname} ${address}`;
    const atMs = arrivals.get(key) ?? nowMs();
    arrivals.delete(key);
    say({ kind: 'request', atMs, hostname, address, reply: replyBody.trim() });
    void witness(service, hostname, address);
  });
  const plain = createServer(servePlain(service, arrivals, new Agent({ keepAlive: true })));
  await new Promise<void>((resolve, reject) =>
    plain.once('error', reject).listen(HTTP_PORT, api.address, resolve),
  );
  say({ kind: 'ready', service: { api, dns, caFile, accounts } });
  const end = () => process.exit(0);
  process.stdin.on('close', end).resume();
  process.on('SIGTERM', end);
  // The benchmark has gone: nobody reads any more.
  process.stdout.on('error', end);
} catch (error) {
  say({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}
