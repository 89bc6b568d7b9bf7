/** `holdfast update [HOST]`: asks the running agent and shows what becomes of it. */
import type { StatusHost } from '../engine/status.ts';
import { type CommandContext, EXIT } from './command.ts';
import { readConfiguration } from './configuration.ts';
import { sendRequest } from './request.ts';
import { lastStatus } from './running.ts';

const POLL_MS = 100;
const PATIENCE_MS = 60_000;

export async function update({ host, configFile, json, words }: CommandContext): Promise<number> {
  const configuration = await readConfiguration(host, configFile);
  if (!configuration.ok) {
    host.writeErr(`holdfast: ${configuration.sentence}\n`);
    return EXIT.usage;
  }
  const { stateDir } = configuration.config.agent;
  const before = await lastStatus(host, stateDir);
  if (!before?.alive) {
    host.writeErr('holdfast: The agent is not running. Start it, or use holdfast once.\n');
    return EXIT.notRunning;
  }
  const [wanted] = words;
  const hosts = before.status.hostnames.filter(
    (one) => wanted === undefined || [one.id, one.hostname].includes(wanted),
  );
  if (hosts.length === 0) {
    const known = before.status.hostnames.map((one) => one.id).join(', ') || 'none';
    host.writeErr(
      `holdfast: ${wanted === undefined ? 'No hostname is enabled.' : `There is no hostname '${wanted}'. Known are: ${known}.`}\n`,
    );
    return EXIT.usage;
  }
  const ids = hosts.map((one) => one.id);
  if (!(await sendRequest(host, stateDir, before.status.agent.pid, { hosts: ids }))) {
    host.writeErr('holdfast: The agent could not be asked. Run this as root.\n');
    return EXIT.failed;
  }
  const ended = await waitForEnd(ids);
  for (const one of ended) {
    const text = `${one.hostname}: ${one.axes.update.sentence}${one.next ? ` Next try: ${one.next.at}.` : ''}`;
    host.writeOut(`${json ? JSON.stringify({ id: one.id, ...one.axes.update }) : text}\n`);
  }
  return ended.length > 0 && ended.every((one) => one.axes.update.verdict === 'ok') ? EXIT.ok : EXIT.failed;

  /** Ends with the reply for each, a block, or a wait; else after a minute with whatever is known then. */
  async function waitForEnd(wantedIds: string[]): Promise<StatusHost[]> {
    const untilMs = host.monotonicMs() + PATIENCE_MS;
    const seen = before?.status.writtenAt ?? '';
    for (;;) {
      await new Promise<void>((resolve) => host.after(POLL_MS, resolve));
      const now = await lastStatus(host, stateDir);
      const mine = now?.status.hostnames.filter((one) => wantedIds.includes(one.id)) ?? [];
      const busy = mine.some((one) => one.axes.update.verdict === 'pending');
      if (!now?.alive || host.monotonicMs() > untilMs || (now.status.writtenAt > seen && !busy)) {
        return mine;
      }
    }
  }
}
