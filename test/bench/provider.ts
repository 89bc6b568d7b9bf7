/** The provider as the benchmark sees it: a child process that tells of each request and of the answer in DNS. */
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Made } from '../demo/cleanup.ts';
import type { ServiceOptions } from '../service/service.ts';
import { toolEnv } from './bundle.ts';
import type { ProviderMessage } from './provider-process.ts';

export interface ProviderService {
  /** Of its web servers, in the DNS of the test world. */
  name: string;
  /** PEM: who has signed their certificate. */
  caFile: string;
  dns: Extract<ProviderMessage, { kind: 'ready' }>['dns'];
}
export type SeenRequest = Omit<Extract<ProviderMessage, { kind: 'request' }>, 'kind'>;

export interface Provider {
  service: ProviderService;
  /** The first request for this name at or after a moment, with this address if one is given. */
  requestSince(hostname: string, sinceMs: number, address?: string): SeenRequest | undefined;
  /** When every authoritative server gave this address, after that moment. */
  answeredSince(hostname: string, sinceMs: number, address: string): number | undefined;
}

export async function startProvider(
  made: Made,
  runIn: readonly string[],
  options: ServiceOptions,
  { name, caFile }: Pick<ProviderService, 'name' | 'caFile'>,
): Promise<Provider> {
  const program = fileURLToPath(new URL('provider-process.ts', import.meta.url));
  const argv = [...runIn, process.execPath, '--import', import.meta.resolve('tsx'), program];
  const child = made.child([...argv, JSON.stringify(options), name, caFile], {
    env: toolEnv(),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const requests: SeenRequest[] = [];
  const answers: { atMs: number; hostname: string; address: string }[] = [];
  const { stdout, stderr } = child;
  if (!stdout || !stderr) {
    throw new Error('The test service could not be started');
  }
  let complaint = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  const service = await new Promise<ProviderService>((resolve, reject) => {
    child.on('exit', () => reject(new Error(`The test service ended early. ${complaint.trim()}`)));
    createInterface({ input: stdout }).on('line', (line) => {
      const message: ProviderMessage = JSON.parse(line);
      switch (message.kind) {
        case 'ready':
          resolve({ name, caFile, dns: message.dns });
          break;
        case 'failed':
          reject(new Error(`The test service could not start: ${message.reason}`));
          break;
        case 'request':
          requests.push(message);
          break;
        case 'answered':
          answers.push(message);
          break;
      }
    });
  });
  return {
    service,
    requestSince: (hostname, sinceMs, address) =>
      requests.find(
        (one) =>
          one.hostname === hostname &&
          one.atMs >= sinceMs &&
          (address === undefined || one.address === address),
      ),
    answeredSince: (hostname, sinceMs, address) =>
      answers.find((one) => one.hostname === hostname && one.address === address && one.atMs >= sinceMs)
        ?.atMs,
  };
}
