/**
 * Telling people: one message when an incident opens and one all-clear, to every channel, in order, kept until
 * it is delivered. What nobody has heard of when it is over becomes one message.
 */
import { NO_RETRY, retryNotice } from './backoff.ts';
import { type Draft, report, wakeAt } from './draft.ts';
import type { Failure } from './failure.ts';
import type { Incident } from './incident.ts';
import type { ChannelState, Message, Outbox } from './message.ts';

/** A router has little memory, and nobody reads more than this after a week away. */
const MAX_MESSAGES = 20;
const MAX_EVIDENCE = 20;
const GIVE_UP_AFTER_MS = 3 * 24 * 3_600_000;

export function tell(draft: Draft, kind: Message['kind'], incident: Incident): void {
  const { state, now } = draft;
  const { outbox, plan, hosts } = state;
  const waiting = channelsOf(draft).map(({ id }) => id);
  if (waiting.length === 0) {
    return;
  }
  const opening =
    kind === 'closed' && outbox.messages.find((one) => one.incident.id === incident.id)?.incident.sentence;
  const message: Message = {
    id: outbox.lastId + 1,
    kind,
    incident: { ...incident, evidence: incident.evidence.slice(0, MAX_EVIDENCE) },
    hostnames: incident.hosts.map((id) => (hosts[id] ?? plan.hosts[id])?.hostname ?? id),
    ...(opening && { opening }),
    queuedMs: now.ms,
    waiting,
  };
  state.outbox = {
    ...outbox,
    lastId: message.id,
    messages: merged([...outbox.messages, message], outbox.channels),
  };
  makeRoom(draft, message);
}

/** A new configuration: what waits for a channel that is gone goes to those that came in its place. */
export function replanOutbox(draft: Draft): void {
  const { channels, messages, ...rest } = draft.state.outbox;
  const ids = channelsOf(draft).map(({ id }) => id);
  const added = ids.filter((id) => !channels[id]);
  draft.state.outbox = {
    ...rest,
    messages: messages
      .map((message) => {
        const kept = message.waiting.filter((id) => ids.includes(id));
        return { ...message, waiting: kept.length < message.waiting.length ? [...kept, ...added] : kept };
      })
      .filter(isWaiting),
    channels: Object.fromEntries(ids.map((id) => [id, channels[id] ?? { retry: NO_RETRY }])),
  };
}

/** Each channel gets its oldest message, one at a time. */
export function decideNotices(draft: Draft): void {
  for (const { id: channel, title } of channelsOf(draft)) {
    for (;;) {
      const { messages, channels } = draft.state.outbox;
      const { retry = NO_RETRY, sending } = channels[channel] ?? {};
      const message = messages.find(({ waiting }) => waiting.includes(channel));
      if (!message || sending !== undefined) {
        break;
      }
      if (retry.notBeforeMs > draft.now.ms) {
        wakeAt(draft, retry.notBeforeMs);
        break;
      }
      if (draft.now.ms - message.queuedMs <= GIVE_UP_AFTER_MS) {
        setChannel(draft, channel, { retry, sending: message.id });
        draft.commands.push({ type: 'notify', channel, message });
        break;
      }
      settle(draft, channel, message.id);
      reportFailed(
        draft,
        message,
        `${title} could not be reached for three days. ${sentenceOf(retry.failure)}`,
      );
    }
  }
}

export function applyNotified(
  draft: Draft,
  channel: string,
  message: number,
  failure: Failure | undefined,
): void {
  const { now, state } = draft;
  const { retry, sending } = state.outbox.channels[channel] ?? {};
  if (!retry || sending !== message) {
    return;
  }
  if (!failure) {
    setChannel(draft, channel, { retry: NO_RETRY });
    settle(draft, channel, message);
    return;
  }
  if (retry.failures === 0) {
    const title = channelsOf(draft).find(({ id }) => id === channel)?.title ?? channel;
    const sentence = `A message could not be delivered to ${title}; Holdfast tries again. ${failure.sentence}`;
    report(draft, { level: 'warning', code: 'notify/DELAYED', sentence });
  }
  setChannel(draft, channel, { retry: retryNotice(retry, failure, now.ms, now.random) });
  state.outbox = { ...state.outbox, messages: merged(state.outbox.messages, state.outbox.channels) };
}

/** A line came up, or the clock was set: no reason to wait any longer, unless the other side demands it. */
export function forgiveChannels(draft: Draft): void {
  for (const [id, { retry, sending }] of Object.entries(draft.state.outbox.channels)) {
    if (retry.failures > 0 && sending === undefined && retry.failure?.retryAfterMs === undefined) {
      setChannel(draft, id, { retry: { ...retry, failures: 1, notBeforeMs: 0 } });
    }
  }
}

/** The opening of an incident that is over goes where it is on its way, and nowhere else any more. */
function merged(messages: readonly Message[], channels: Outbox['channels']): Message[] {
  const over = messages.filter(({ kind }) => kind === 'closed').map(({ incident }) => incident.id);
  return messages
    .map((message) =>
      message.kind === 'opened' && over.includes(message.incident.id)
        ? { ...message, waiting: message.waiting.filter((id) => channels[id]?.sending === message.id) }
        : message,
    )
    .filter(isWaiting);
}

/** What is over goes first, the newest never. */
function makeRoom(draft: Draft, newest: Message): void {
  const { outbox } = draft.state;
  const older = outbox.messages.filter(({ id }) => id !== newest.id);
  const victim = older.find(({ kind }) => kind === 'closed') ?? older[0];
  if (outbox.messages.length > MAX_MESSAGES && victim) {
    const { id } = victim.incident;
    const messages = outbox.messages.filter((one) => one === newest || one.incident.id !== id);
    draft.state.outbox = { ...outbox, messages };
    reportFailed(draft, victim, `More than ${MAX_MESSAGES} messages wait.`);
  }
}

function settle({ state }: Draft, channel: string, message: number): void {
  const messages = state.outbox.messages.map((one) =>
    one.id === message ? { ...one, waiting: one.waiting.filter((id) => id !== channel) } : one,
  );
  state.outbox = { ...state.outbox, messages: messages.filter(isWaiting) };
}

function reportFailed(draft: Draft, { incident }: Message, why: string): void {
  const sentence = `The message about ${incident.subject} was given up. ${why}`.trim();
  report(draft, { level: 'error', code: 'notify/FAILED', sentence });
}

function setChannel({ state }: Draft, id: string, channel: ChannelState): void {
  state.outbox = { ...state.outbox, channels: { ...state.outbox.channels, [id]: channel } };
}

function channelsOf({ state }: Draft) {
  return state.plan.channels ?? [];
}

function isWaiting({ waiting }: Message): boolean {
  return waiting.length > 0;
}

function sentenceOf(failure: Failure | undefined): string {
  return failure?.sentence ?? '';
}
