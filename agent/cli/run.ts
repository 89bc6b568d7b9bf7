/** `holdfast run`: the resident agent. */
import type { Host } from '../ports.ts';
import type { Agent } from './agent.ts';
import { type CommandContext, EXIT } from './command.ts';
import { readConfiguration } from './configuration.ts';
import { takeRequest } from './request.ts';
import { lastStatus } from './running.ts';

export async function run({ host, startAgent, configFile }: CommandContext): Promise<number> {
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
  const agent = await startAgent(host, { configFile }, configuration);
  obeySignals(host, agent);
  await new Promise<void>((resolve) => {
    host.onSignal('TERM', resolve);
    host.onSignal('INT', resolve);
  });
  await agent.stop();
  return EXIT.ok;
}

/** HUP: read the configuration again. USR1: do what the request file asks, or update everything now. */
function obeySignals(host: Host, { loop, reload, config }: Agent): void {
  host.onSignal('HUP', () => void reload());
  host.onSignal('USR1', async () => {
    const { command, hosts } = await takeRequest(host, config().agent.stateDir);
    switch (command) {
      case 'update':
        loop.dispatch({ type: 'requested', ...(hosts && { hosts }) });
        break;
      case 'clock-set':
        loop.dispatch({ type: 'clock-set' });
        break;
      case 'hint':
        loop.dispatch({ type: 'hinted', source: 'network' });
        loop.dispatch({ type: 'hinted', source: 'device' });
        break;
    }
  });
}
