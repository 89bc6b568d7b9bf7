/** The process that makes checks for an agent, see verify-elsewhere.ts. */
import type { Host } from '../ports.ts';
import { memoryOf, memoryText } from './checks/memory.ts';
import type { CheckTask, CheckTold } from './verify-elsewhere.ts';

export async function answerChecks(
  host: Host,
  input: string,
  tell: (told: CheckTold) => void,
): Promise<void> {
  const task: CheckTask = JSON.parse(input);
  const memory = memoryOf(task.memory);
  const lagMs = task.nowMs - host.monotonicMs();
  const { verifierOf } = await import('./checks/verifier.ts');
  const verify = verifierOf(
    {
      clock: { ...host, monotonicMs: () => host.monotonicMs() + lagMs },
      ...{ random: host.random, dns: host.dns, dnsOverHttps: host.dnsOverHttps, http: host.http },
      userAgent: () => task.userAgent,
      resolvers: async () => task.resolvers,
      settings: () => task.settings,
    },
    memory,
  );
  await Promise.all(task.checks.map(async (command, at) => tell({ at, found: await verify(command) })));
  tell({ memory: memoryText(memory) });
}
