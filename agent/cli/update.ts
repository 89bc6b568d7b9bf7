/**
 * `holdfast update [HOST]` and `holdfast check [HOST]`: ask the agent, start it where events do, and show what
 * becomes of it.
 */
import type { StatusHost } from '../engine/status.ts';
import { type CommandContext, EXIT } from './command.ts';
import { type AgentRequest, leaveRequest, sendRequest } from './request.ts';
import { lastStatus } from './running.ts';

const POLL_MS = 100;
const PATIENCE_MS = 60_000;
/** A server that does not answer costs some seconds; a page waits for this. */
const CHECK_PATIENCE_MS = 15_000;
const START_SERVICE = ['/etc/init.d/holdfast', 'start'];
const START_TIMEOUT_MS = 20_000;

/** What was confirmed so lately is not sent again for the asking: providers take repetitions for abuse. */
const FRESH_MS = 60_000;

const DNS_AXES = ['delegation', 'authority', 'publicView'] as const;

export function update(context: CommandContext): Promise<number> {
  return ask(context, false);
}

/** Sends nothing to a provider. */
export function check(context: CommandContext): Promise<number> {
  return ask(context, true);
}

async function ask(
  { host, json, words, readConfiguration }: CommandContext,
  onlyCheck: boolean,
): Promise<number> {
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
  const fresh = onlyCheck
    ? []
    : (before?.status.hostnames.filter(({ id }) => hosts.some((one) => one.id === id)) ?? []).filter(isFresh);
  for (const { id, hostname, axes } of fresh) {
    const sentence =
      'This address was confirmed less than a minute ago and is not sent again so soon: providers block whoever repeats it.';
    const line = JSON.stringify({ id, ...axes.update, code: 'update/FRESH', sentence });
    host.writeOut(`${json ? line : `${hostname}: ${sentence}`}\n`);
  }
  const ids = hosts.flatMap(({ id }) => (fresh.some((one) => one.id === id) ? [] : id));
  if (ids.length === 0) {
    return EXIT.ok;
  }
  const request: AgentRequest = { hosts: ids, ...(onlyCheck && { check: true }) };
  if (!(await deliver(request))) {
    host.writeErr('holdfast: The agent could not be asked. Run this as root.\n');
    return EXIT.failed;
  }
  const ended = await waitForEnd(ids);
  if (onlyCheck) {
    ended.forEach(showChecked);
    return ended.length > 0 ? EXIT.ok : EXIT.failed;
  }
  for (const one of ended) {
    const text = `${one.hostname}: ${one.axes.update.sentence}${one.next ? ` Next try: ${one.next.at}. ${one.next.sentence}` : ''}`;
    host.writeOut(`${json ? JSON.stringify({ id: one.id, ...one.axes.update }) : text}\n`);
  }
  return ended.length > 0 && ended.every((one) => one.axes.update.verdict === 'ok') ? EXIT.ok : EXIT.failed;

  function isFresh({ axes, desired, confirmed }: StatusHost): boolean {
    const families = ['ipv4', 'ipv6'] as const;
    const ages = Object.values(confirmed).map(({ since }) => host.nowMs() - Date.parse(since));
    return (
      axes.update.verdict === 'ok' &&
      families.every(
        (family) =>
          desired[family]?.address === undefined || desired[family].address === confirmed[family]?.address,
      ) &&
      ages.some((ageMs) => ageMs >= 0 && ageMs < FRESH_MS)
    );
  }

  async function deliver(wish: AgentRequest): Promise<boolean> {
    if (before?.alive) {
      return sendRequest(host, stateDir, before.pid, wish);
    }
    try {
      await leaveRequest(host, stateDir, wish);
    } catch {
      return false;
    }
    return (await host.run(START_SERVICE, START_TIMEOUT_MS)).status === 0;
  }

  /** Ends with the reply for each, a block, or a wait; else after a minute with whatever is known then. */
  async function waitForEnd(wantedIds: string[]): Promise<StatusHost[]> {
    const untilMs = host.monotonicMs() + (onlyCheck ? CHECK_PATIENCE_MS : PATIENCE_MS);
    const seen = before?.status.writtenAt ?? '';
    for (;;) {
      await new Promise<void>((resolve) => host.after(POLL_MS, resolve));
      const now = await lastStatus(host, stateDir);
      const mine = now?.status.hostnames.filter((one) => wantedIds.includes(one.id)) ?? [];
      const busy = mine.some((one) =>
        onlyCheck ? !isCheckedSince(one) : one.axes.update.verdict === 'pending',
      );
      const answered = now !== undefined && now.status.writtenAt > seen && !busy;
      if ((!now?.alive && !startsByEvents) || host.monotonicMs() > untilMs || answered) {
        return mine;
      }
    }
  }

  /** Asked after the request came, or never asked. */
  function isCheckedSince({ id, axes }: StatusHost): boolean {
    const old = before?.status.hostnames.find((one) => one.id === id)?.axes.authority.checkedAt ?? '';
    return axes.authority.verdict === 'off' || (axes.authority.checkedAt ?? '') > old;
  }

  function showChecked({ id, hostname, axes }: StatusHost): void {
    const { update: _, ...asked } = axes;
    const lines = DNS_AXES.map((axis) => `${hostname}: ${axes[axis].sentence}\n`);
    host.writeOut(json ? `${JSON.stringify({ id, axes: asked })}\n` : lines.join(''));
  }
}
