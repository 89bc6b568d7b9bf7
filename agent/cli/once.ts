/** `holdfast once`: do what is due, wait at most a minute for the next try, then end. */
import { type CommandContext, EXIT } from './command.ts';
import { readConfiguration } from './configuration.ts';
import { lastStatus } from './running.ts';
import { statusText } from './status.ts';

export async function once({ host, startAgent, configFile, json }: CommandContext): Promise<number> {
  const configuration = await readConfiguration(host, configFile);
  if (!configuration.ok) {
    host.writeErr(`holdfast: ${configuration.sentence}\n`);
    return EXIT.usage;
  }
  if ((await lastStatus(host, configuration.config.agent.stateDir))?.alive) {
    host.writeErr('holdfast: The agent is running and does this by itself. Use holdfast update to ask it.\n');
    return EXIT.failed;
  }
  const agent = await startAgent(host, { configFile }, configuration);
  await agent.settled();
  const status = agent.status();
  await agent.stop();
  host.writeOut(json ? `${JSON.stringify(status)}\n` : statusText(host, status));
  return status.hostnames.every((one) => one.axes.update.verdict === 'ok') ? EXIT.ok : EXIT.failed;
}
