/** The provider's side as the demo sees it: a child process that tells of each request and looks into the DNS. */
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ServiceOptions } from '../service/service.ts';
import type { Made } from './cleanup.ts';
import type { IspMessage, IspOrder } from './isp.ts';

export type IspService = Extract<IspMessage, { kind: 'ready' }>['service'];
export type SeenRequest = Omit<Extract<IspMessage, { kind: 'request' }>, 'kind'>;

export interface Isp {
  service: IspService;
  requests(): readonly SeenRequest[];
  onRequest(run: (request: SeenRequest) => void): void;
  /** When, and from which servers, the answer was right; never ends when it does not become right. */
  witness(order: Omit<IspOrder, 'id'>): Promise<{ atMs: number; servers: string[] }>;
}

/** `runIn` goes before the command, e.g. `ip netns exec NAME`. */
export async function startIsp(made: Made, runIn: readonly string[], options: ServiceOptions): Promise<Isp> {
  const program = fileURLToPath(new URL('isp.ts', import.meta.url));
  const argv = [
    ...runIn,
    process.execPath,
    '--import',
    import.meta.resolve('tsx'),
    program,
    JSON.stringify(options),
  ];
  const child = made.child(argv, { stdio: ['pipe', 'pipe', 'pipe'] });
  const requests: SeenRequest[] = [];
  const listeners: ((request: SeenRequest) => void)[] = [];
  const waiting = new Map<number, (found: { atMs: number; servers: string[] }) => void>();
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) {
    throw new Error('The test service could not be started');
  }
  let complaint = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  // It may end before it has read everything.
  stdin.on('error', () => {});

  const service = await new Promise<IspService>((resolve, reject) => {
    child.on('exit', () => reject(new Error(`The test service ended early. ${complaint.trim()}`)));
    createInterface({ input: stdout }).on('line', (line) => {
      const message: IspMessage = JSON.parse(line);
      switch (message.kind) {
        case 'ready':
          resolve(message.service);
          break;
        case 'failed':
          reject(new Error(`The test service could not start: ${message.reason}`));
          break;
        case 'request':
          requests.push(message);
          for (const run of listeners) {
            run(message);
          }
          break;
        case 'answered':
          waiting.get(message.id)?.(message);
          waiting.delete(message.id);
          break;
      }
    });
  });

  let lastId = 0;
  return {
    service,
    requests: () => requests,
    onRequest: (run) => void listeners.push(run),
    witness(order) {
      lastId += 1;
      const id = lastId;
      stdin.write(`${JSON.stringify({ ...order, id })}\n`);
      return new Promise((resolve) => waiting.set(id, resolve));
    },
  };
}
