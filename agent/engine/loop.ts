/**
 * The one loop: events go into a queue, `step` decides, commands run, one timer waits for the next moment.
 * Idle means asleep: without an event nothing wakes before the resync.
 */
import type { Command, Report } from '../core/draft.ts';
import { defect } from '../core/failure.ts';
import type { Verification } from '../core/health.ts';
import type { Outcomes } from '../core/outcomes.ts';
import type { SourceKey } from '../core/source-key.ts';
import type { AgentState, Now, SavedState } from '../core/state.ts';
import { initialState } from '../core/state.ts';
import { type AgentEvent, step } from '../core/step.ts';
import type { AddressSource, Clock, Stop } from '../ports.ts';

export type UpdateCommand = Extract<Command, { type: 'update' }>;
export type VerifyCommand = Extract<Command, { type: 'verify' }>;

export interface LoopParts {
  clock: Clock;
  random(): number;
  /** The same source for the same key, as long as it is watched. */
  source(key: SourceKey): AddressSource;
  update(command: UpdateCommand, state: AgentState): Promise<Outcomes>;
  verify(command: VerifyCommand): Promise<Verification>;
  /** Called after each step: log, save, show. */
  onStep(state: AgentState, reports: Report[]): void;
  /** Something threw that must not: for the log, with its stack. */
  onDefect(cause: unknown): void;
}

const DEFECT_PAUSE_MS = 60_000;

export interface Loop {
  /** Queues an event; it is treated before this returns unless a step is running. */
  dispatch(event: AgentEvent): void;
  state(): AgentState;
  now(): Now;
  /** No event is treated any more, no timer and no watch remains. */
  stop(): void;
}

export function startLoop(parts: LoopParts, saved: SavedState | undefined): Loop {
  const { clock } = parts;
  const queue: AgentEvent[] = [];
  const watches = new Map<SourceKey, Stop>();
  let state = initialState(saved, clock.monotonicMs());
  let running = false;
  let stopped = false;
  let disarm: Stop = () => {};

  function now(): Now {
    return { ms: clock.monotonicMs(), wallMs: clock.nowMs(), random: parts.random() };
  }

  function dispatch(event: AgentEvent): void {
    queue.push(event);
    if (running) {
      return;
    }
    running = true;
    for (let next = queue.shift(); next && !stopped; next = queue.shift()) {
      const { commands, wakeMs } = advance(next);
      watchSources();
      // The request first: saving and showing can wait a millisecond.
      for (const command of commands) {
        execute(command);
      }
      parts.onStep(
        state,
        commands.flatMap((command) => (command.type === 'report' ? command.report : [])),
      );
      disarm();
      disarm = wakeMs === undefined ? () => {} : arm(wakeMs);
    }
    running = false;
  }

  /** A defect in a decision costs this event and a minute, never the agent. */
  function advance(event: AgentEvent): { commands: Command[]; wakeMs?: number } {
    try {
      const { state: after, ...todo } = step(state, event, now());
      state = after;
      return todo;
    } catch (cause) {
      parts.onDefect(cause);
      return { commands: [], wakeMs: clock.monotonicMs() + DEFECT_PAUSE_MS };
    }
  }

  function arm(wakeMs: number): Stop {
    return clock.after(Math.max(1, Math.ceil(wakeMs - clock.monotonicMs())), () =>
      dispatch({ type: 'woken' }),
    );
  }

  /** Starts what a command asks for; its end comes back as an event. A defect becomes a Failure here. */
  function execute(command: Command): void {
    switch (command.type) {
      case 'observe': {
        const { source } = command;
        const reading = parts.source(source).read();
        reading.then(
          (observation) => dispatch({ type: 'observed', source, observation, answer: true }),
          (cause: unknown) => {
            parts.onDefect(cause);
            const { code, sentence } = defect('source/DEFECT', cause);
            const observation = { known: false, code, sentence } as const;
            dispatch({ type: 'observed', source, observation, answer: true });
          },
        );
        break;
      }
      case 'update': {
        const { lane, attempt, items } = command;
        parts.update(command, state).then(
          (outcomes) => dispatch({ type: 'updated', lane, attempt, outcomes }),
          (cause: unknown) => {
            parts.onDefect(cause);
            const outcome = { confirmed: [], failure: defect('update/DEFECT', cause) };
            const outcomes = Object.fromEntries(items.map((item) => [item.host, outcome]));
            dispatch({ type: 'updated', lane, attempt, outcomes });
          },
        );
        break;
      }
      case 'verify': {
        const { host } = command;
        parts.verify(command).then(
          (found) => dispatch({ type: 'verified', host, found }),
          (cause: unknown) => {
            parts.onDefect(cause);
            const { code, sentence } = defect('verify/DEFECT', cause);
            const found = { problem: { code, sentence }, authority: [], publicView: [], delegation: [] };
            dispatch({ type: 'verified', host, found });
          },
        );
        break;
      }
      case 'report':
        break;
    }
  }

  /** Every source in use is watched, no other. */
  function watchSources(): void {
    for (const source of new Set([...Object.keys(state.reads), ...watches.keys()])) {
      const used = state.reads[source] !== undefined;
      if (used && !watches.has(source)) {
        const stop = parts
          .source(source)
          .watch((observation) =>
            dispatch(observation ? { type: 'observed', source, observation } : { type: 'hinted', source }),
          );
        watches.set(source, stop);
      } else if (!used) {
        watches.get(source)?.();
        watches.delete(source);
      }
    }
  }

  function stop(): void {
    stopped = true;
    disarm();
    for (const end of watches.values()) {
      end();
    }
    watches.clear();
  }

  return { dispatch, state: () => state, now, stop };
}
