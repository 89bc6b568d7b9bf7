/**
 * The provider's side of the demo as a program of its own, so that it can live in another network namespace:
 * the test service, and a witness that asks its authoritative servers with real DNS packets.
 *
 * Argument: the options of `startService` as JSON. It writes JSON lines (see `IspMessage`) and reads
 * `IspOrder`s; the end of its input is its end.
 */
import { createInterface } from 'node:readline';
import { askDns } from '../service/dns-socket.ts';
import { type Service, type ServiceOptions, startService } from '../service/service.ts';

/** Look until every authoritative server of the provider gives this address and nothing else. */
export interface IspOrder {
  id: number;
  hostname: string;
  type: 'A' | 'AAAA';
  address: string;
  timeoutMs: number;
}

/** Times are milliseconds since 1970, by the one clock of this machine. */
export type IspMessage =
  | { kind: 'ready'; service: Pick<Service, 'api' | 'dns' | 'caFile' | 'accounts'> }
  | { kind: 'failed'; reason: string }
  | { kind: 'request'; atMs: number; path: string; query: Record<string, string>; reply: string }
  | { kind: 'answered'; id: number; atMs: number; servers: string[] };

const LOOK_EVERY_MS = 15;
const ANSWER_LIMIT_MS = 1000;

function say(message: IspMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function witness(service: Service, order: IspOrder): Promise<void> {
  const { id, hostname, type, address, timeoutMs } = order;
  const servers = service.dns.servers.filter((server) => server.role === 'provider');
  const untilMs = Date.now() + timeoutMs;
  while (Date.now() < untilMs) {
    const answers = await Promise.all(
      servers.map((server) => answerOf({ ...server, port: service.dns.port }, hostname, type)),
    );
    if (answers.every((answer) => answer === address)) {
      say({ kind: 'answered', id, atMs: Date.now(), servers: servers.map((server) => server.name) });
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** The addresses of an answer that came with authority. */
async function answerOf(
  server: { address: string; port: number },
  name: string,
  type: IspOrder['type'],
): Promise<string | undefined> {
  const answered = await askDns(server, { name, type }, { timeoutMs: ANSWER_LIMIT_MS });
  const records = answered?.packet.flag_aa ? (answered.packet.answers ?? []) : [];
  return records.flatMap((record) => (record.type === type ? String(record.data) : [])).join(' ');
}

const options: ServiceOptions = JSON.parse(process.argv[2] ?? '{}');
try {
  const service = await startService(options);
  const { api, dns, caFile, accounts } = service;
  service.onRequest(({ atMs, path, query, replyBody }) =>
    say({ kind: 'request', atMs, path, query, reply: replyBody.trim() }),
  );
  say({ kind: 'ready', service: { api, dns, caFile, accounts } });
  const input = createInterface({ input: process.stdin });
  input.on('line', (line) => void witness(service, JSON.parse(line)));
  const end = () => void service.close().finally(() => process.exit(0));
  input.on('close', end);
  process.on('SIGTERM', end);
  // The demo has gone: nobody reads any more.
  process.stdout.on('error', end);
} catch (error) {
  say({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}
