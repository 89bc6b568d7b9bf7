/**
 * `holdfast once`: do what is due, wait at most a minute for the next try, then end. What is due later keeps
 * its time for the next start. The event-started service is this command, too.
 */
import type { Agent } from './agent.ts';
import { type CommandContext, EXIT } from './command.ts';
import { takeRequest } from './request.ts';
import { lastStatus } from './running.ts';
import { obeySignals } from './signals.ts';
import { statusText } from './status.ts';

export async function once({
  host,
  startAgent,
  readConfiguration,
  configFile,
  json,
  syslog,
}: CommandContext): Promise<number> {
  let agent: Agent | undefined;
  let again = true;
  let stopped = false;
  const ended = obeySignals(
    host,
    () => agent,
    () => {
      again = true;
    },
  ).then(() => {
    stopped = true;
  });
  const configuration = await readConfiguration();
  if (!configuration.ok) {
    host.writeErr(`holdfast: ${configuration.sentence}\n`);
    return EXIT.usage;
  }
  const { stateDir } = configuration.config.agent;
  const before = await lastStatus(host, stateDir);
  if (before?.alive) {
    host.writeErr('holdfast: The agent is running and does this by itself. Use holdfast update to ask it.\n');
    return EXIT.failed;
  }
  agent = await startAgent(host, { configFile, syslog }, configuration);
  if (before) {
    await (await import('./orphans.ts')).endOrphans(host);
  }
  // Left there while nothing was running.
  const request = await takeRequest(host, stateDir);
  if (request) {
    agent.loop.dispatch({ type: 'requested', ...request });
  }
  while (again && !stopped) {
    again = false;
    await Promise.race([agent.settled(), ended]);
  }
  const status = agent.status();
  await agent.stop();
  host.writeOut(json ? `${JSON.stringify(status)}\n` : statusText(host, status));
  return status.hostnames.every((one) => one.axes.update.verdict === 'ok') ? EXIT.ok : EXIT.failed;
}
