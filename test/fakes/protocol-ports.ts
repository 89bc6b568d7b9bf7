/** The outside world for protocols under test: what a test does not give fails as soon as it is used. */
import type { ProtocolPorts } from '../../agent/providers/protocol.ts';
import { noProcesses } from './no-processes.ts';

/** A Friday, after every router's clock is set. */
export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

export function protocolPorts(given: Partial<ProtocolPorts>): ProtocolPorts {
  return {
    http: { request: () => unexpected('HTTP request'), idle() {} },
    processes: noProcesses,
    clock: { nowMs: () => NOW_MS },
    crypto: {
      randomOctets: (count) => Uint8Array.from({ length: count }, (_, index) => index + 1),
      signRsa: () => unexpected('RSA signature'),
    },
    dns: { ask: () => unexpected('DNS question') },
    exchangeDns: () => unexpected('DNS message'),
    resolvers: async () => [],
    ...given,
  };
}

async function unexpected(what: string): Promise<never> {
  throw new Error(`unexpected ${what}`);
}
