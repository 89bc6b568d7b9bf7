/** `holdfast update [HOST]`: asks the agent, starts it where events do, and shows what becomes of it. */
import type { StatusHost } from '../engine/status.ts';
import { type CommandContext, EXIT } from './command.ts';
import { leaveRequest, sendRequest } from './request.ts';
import { lastStatus } from './running.ts';

const POLL_MS = 100;
const PATIENCE_MS = 60_000;
const START_SERVICE = ['/etc/init.d/holdfast', 'start'];
const START_TIMEOUT_MS = 20_000;

export async function update({ host, json, words, readConfiguration }: CommandContext): Promise<number> {
  const configuration = await readConfiguration();
  if (!configuration.ok) {
    host.writeErr(`holdfast: ${configuration.sentence}\n`);
    return EXIT.usage;
  }
  const { agent: settings, hostnames: configured } = configuration.config;
  const { stateDir } = settings;
  const before = await lastStatus(host, stateDir);
  const startsByEvents = settings.mode === 'event';
  if (!before?.alive && !startsByEvents) {
    host.writeErr('holdfast: The agent is not running. Start it, or use holdfast once.\n');
    return EXIT.notRunning;
  }
  const [wanted] = words;
  const known = before?.alive ? before.status.hostnames : configured.filter((one) => one.enabled);
  const hosts = known.filter((one) => wanted === undefined || [one.id, one.hostname].includes(wanted));
  if (hosts.length === 0) {
    const names = known.map((one) => one.id).join(', ') || 'none';
    host.writeErr(
      `holdfast: ${wanted === undefined ? 'No hostname is enabled.' : `There is no hostname '${wanted}'. Known are: ${names}.`}\n`,
    );
    return EXIT.usage;
  }
  const ids = hosts.map((one) => one.id);
  if (!(await ask(ids))) {
    host.writeErr('holdfast: The agent could not be asked. Run this as root.\n');
    return EXIT.failed;
  }
  const ended = await waitForEnd(ids);
  for (const one of ended) {
    const text = `${one.hostname}: ${one.axes.update.sentence}${one.next ? ` Next try: ${one.next.at}.` : ''}`;
    host.writeOut(`${json ? JSON.stringify({ id: one.id, ...one.axes.update }) : text}\n`);
  }
  return ended.length > 0 && ended.every((one) => one.axes.update.verdict === 'ok') ? EXIT.ok : EXIT.failed;

  async function ask(hostIds: string[]): Promise<boolean> {
    if (before?.alive) {
      return sendRequest(host, stateDir, before.pid, { hosts: hostIds });
    }
    try {
      await leaveRequest(host, stateDir, { hosts: hostIds });
    } catch {
      return false;
    }
    return (await host.run(START_SERVICE, START_TIMEOUT_MS)).status === 0;
  }

  /** Ends with the reply for each, a block, or a wait; else after a minute with whatever is known then. */
  async function waitForEnd(wantedIds: string[]): Promise<StatusHost[]> {
    const untilMs = host.monotonicMs() + PATIENCE_MS;
    const seen = before?.status.writtenAt ?? '';
    for (;;) {
      await new Promise<void>((resolve) => host.after(POLL_MS, resolve));
      const now = await lastStatus(host, stateDir);
      const mine = now?.status.hostnames.filter((one) => wantedIds.includes(one.id)) ?? [];
      const busy = mine.some((one) => one.axes.update.verdict === 'pending');
      const answered = now !== undefined && now.status.writtenAt > seen && !busy;
      if ((!now?.alive && !startsByEvents) || host.monotonicMs() > untilMs || answered) {
        return mine;
      }
    }
  }
}
