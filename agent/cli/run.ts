/** `holdfast run`: the resident agent. HUP reads the configuration again, TERM ends it. */
import type { Agent } from './agent.ts';
import { type CommandContext, EXIT } from './command.ts';
import { readForAgent } from './reading.ts';
import { lastStatus } from './running.ts';
import { obeySignals } from './signals.ts';

export async function run({ host, startAgent, configFile, syslog }: CommandContext): Promise<number> {
  let agent: Agent | undefined;
  const ended = obeySignals(host, () => agent);
  const configuration = await readForAgent(host, configFile);
  if (!configuration.ok) {
    host.writeErr(`holdfast: ${configuration.sentence}\n`);
    return EXIT.usage;
  }
  const other = await lastStatus(host, configuration.config.agent.stateDir);
  if (other?.alive) {
    host.writeErr(`holdfast: Another agent runs already (process ${other.pid}). Stop it first.\n`);
    return EXIT.failed;
  }
  agent = await startAgent(host, { configFile, syslog }, configuration);
  if (other) {
    // Needed for a moment: a part of its own.
    await (await import('./orphans.ts')).endOrphans(host);
  }
  // Where nothing is configured nothing is awaited either, and a runtime without work would end by itself.
  const stay = host.after(Number.MAX_SAFE_INTEGER, () => {});
  await ended;
  stay();
  await agent.stop();
  return EXIT.ok;
}
