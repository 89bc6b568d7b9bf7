/** `holdfast run`: the resident agent. HUP reads the configuration again, TERM ends it. */
import type { Host } from '../ports.ts';
import type { Agent } from './agent.ts';
import { type CommandContext, EXIT } from './command.ts';
import { readConfiguration } from './configuration.ts';
import { takeRequest } from './request.ts';
import { lastStatus } from './running.ts';

export async function run({ host, startAgent, configFile }: CommandContext): Promise<number> {
  let agent: Agent | undefined;
  // Before anything else: the default of these signals is death.
  host.onSignal('HUP', () => void agent?.reload());
  host.onSignal('USR1', () => agent && void obeyRequest(host, agent));
  host.onSignal('USR2', () => agent && lookAgain(agent));
  const ended = new Promise<void>((resolve) => {
    host.onSignal('TERM', resolve);
    host.onSignal('INT', resolve);
  });
  const configuration = await readConfiguration(host, configFile);
  if (!configuration.ok) {
    host.writeErr(`holdfast: ${configuration.sentence}\n`);
    return EXIT.usage;
  }
  const other = await lastStatus(host, configuration.config.agent.stateDir);
  if (other?.alive) {
    host.writeErr(
      `holdfast: Another agent runs already (process ${other.status.agent.pid}). Stop it first.\n`,
    );
    return EXIT.failed;
  }
  agent = await startAgent(host, { configFile }, configuration);
  // Where nothing is configured nothing is awaited either, and a runtime without work would end by itself.
  const stay = host.after(Number.MAX_SAFE_INTEGER, () => {});
  await ended;
  stay();
  await agent.stop();
  return EXIT.ok;
}

/** USR1: what the request file asks for; without one, update everything now. */
async function obeyRequest(host: Host, { loop, config }: Agent): Promise<void> {
  const request = await takeRequest(host, config().agent.stateDir);
  loop.dispatch({ type: 'requested', ...request });
}

/** USR2: something around the agent has changed (hotplug: an interface, or NTP has set the clock). */
function lookAgain({ loop }: Agent): void {
  loop.dispatch({ type: 'hinted', source: 'network' });
  loop.dispatch({ type: 'hinted', source: 'device' });
  loop.dispatch({ type: 'clock-set' });
}
