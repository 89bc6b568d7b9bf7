/** An agent that tells its incidents, driven by hand: what it sends, to whom, and what becomes of it. */
import { type Command, openDraft, type Report } from '../../agent/core/draft.ts';
import type { Failure } from '../../agent/core/failure.ts';
import type { Incident } from '../../agent/core/incident.ts';
import type { Message } from '../../agent/core/message.ts';
import {
  applyNotified,
  decideNotices,
  forgiveChannels,
  replanOutbox,
  tell,
} from '../../agent/core/outbox.ts';
import type { ChannelPlan } from '../../agent/core/plan.ts';
import {
  type AgentState,
  initialState,
  rebase,
  type SavedState,
  savedState,
} from '../../agent/core/state.ts';
import { agentState } from './agent-state.ts';

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
const START_MS = 1_000_000;
const START_WALL_MS = Date.UTC(2026, 0, 1);

export const HOOK: ChannelPlan = { id: 'web 1a2b', title: 'hooks.example.org' };
export const SCRIPT: ChannelPlan = { id: 'script 3c4d', title: '/etc/tell' };

export function channelFailure(changes: Partial<Failure> = {}): Failure {
  return {
    kind: 'unreachable',
    scope: 'attempt',
    code: 'http/REFUSED',
    sentence: 'hooks.example.org:443 refused the connection.',
    ...changes,
  };
}

export function incident(id: string, changes: Partial<Incident> = {}): Incident {
  return {
    id,
    code: 'delegation/CHANGED',
    subject: 'example.org',
    hosts: ['home'],
    sentence: `${id} began.`,
    evidence: ['ns1.example.net (192.0.2.1): A 198.51.100.7'],
    mustAct: false,
    openedWallMs: START_WALL_MS,
    ...changes,
  };
}

export interface Sent {
  atMs: number;
  channel: string;
  message: Message;
}

export interface Teller {
  /** Since the start. */
  nowMs(): number;
  state(): AgentState;
  /** All that was sent so far, delivered or not. */
  readonly sent: Sent[];
  readonly reports: Report[];
  /** When it wants to be woken, since the start. */
  wakeMs(): number | undefined;
  wait(durationMs: number): void;
  tell(kind: Message['kind'], about: Incident): void;
  /** The end of what is on its way there; false when nothing is. */
  end(channel: ChannelPlan, failure?: Failure): boolean;
  lineUp(): void;
  plan(channels: ChannelPlan[]): void;
  restart(): void;
  /** The router is off for so long. */
  reboot(offMs: number): void;
}

export function teller(channels: ChannelPlan[] = [HOOK], random = 0.5): Teller {
  const sent: Sent[] = [];
  const reports: Report[] = [];
  let nowMs = START_MS;
  let wakeMs: number | undefined;
  const { plan, hosts } = agentState();
  let state: AgentState = { ...agentState(), plan: { ...plan, channels: [] } };

  function act(change: (draft: ReturnType<typeof openDraft>) => void): void {
    const now = { ms: nowMs, wallMs: START_WALL_MS + nowMs - START_MS, random };
    const draft = openDraft(state, now);
    change(draft);
    decideNotices(draft);
    state = draft.state;
    wakeMs = draft.wakeMs;
    draft.commands.forEach(note);
  }

  function note(command: Command): void {
    if (command.type === 'notify') {
      const { channel, message } = command;
      sent.push({ atMs: nowMs - START_MS, channel, message });
    } else if (command.type === 'report') {
      reports.push(command.report);
    }
  }

  function configure(wanted: ChannelPlan[]): void {
    act((draft) => {
      draft.state.plan = { ...plan, channels: wanted };
      replanOutbox(draft);
    });
  }

  /** What is saved goes through a file, and the configuration is read again. */
  function begin(saved: SavedState): void {
    const wanted = state.plan.channels ?? [];
    state = initialState(JSON.parse(JSON.stringify(saved)), nowMs);
    configure(wanted);
  }

  configure(channels);
  state = { ...state, hosts };
  return {
    nowMs: () => nowMs - START_MS,
    state: () => state,
    sent,
    reports,
    wakeMs: () => (wakeMs === undefined ? undefined : wakeMs - START_MS),
    wait(durationMs) {
      const untilMs = nowMs + durationMs;
      while (wakeMs !== undefined && wakeMs <= untilMs) {
        nowMs = Math.max(nowMs, wakeMs);
        act(() => {});
      }
      nowMs = untilMs;
    },
    tell: (kind, about) => act((draft) => tell(draft, kind, about)),
    end(channel, failure) {
      const sending = state.outbox.channels[channel.id]?.sending;
      if (sending === undefined) {
        return false;
      }
      act((draft) => applyNotified(draft, channel.id, sending, failure));
      return true;
    },
    lineUp: () => act(forgiveChannels),
    plan: configure,
    restart: () => begin(savedState(state)),
    reboot(offMs) {
      const savedMs = nowMs;
      nowMs = START_MS + (nowMs - START_MS + offMs);
      begin(rebase(savedState(state), savedMs, nowMs));
    },
  };
}

/** `MESSAGE KIND` of each message sent to a channel, in order. */
export function storyOf({ sent }: Teller, channel: ChannelPlan = HOOK): string[] {
  return sent
    .filter((one) => one.channel === channel.id)
    .map(({ message }) => `${message.incident.id} ${message.kind}`);
}
