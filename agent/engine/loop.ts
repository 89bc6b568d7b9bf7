/**
 * The one loop: events go into a queue, `step` decides, commands run, one timer waits for the next moment.
 * Idle means asleep: without an event nothing wakes before the resync.
 */
import type { Command, Report } from '../core/draft.ts';
import type { SourceKey } from '../core/source-key.ts';
import type { AgentState, Now, SavedState } from '../core/state.ts';
import { initialState } from '../core/state.ts';
import { type AgentEvent, step } from '../core/step.ts';
import type { Clock, Stop } from '../ports.ts';
import { type CommandParts, carryOut } from './commands.ts';

export interface LoopParts extends CommandParts {
  clock: Clock;
  random(): number;
  /** Called after each step: log, save, show. */
  onStep(state: AgentState, reports: Report[]): void;
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
        if (command.type !== 'report') {
          void carryOut(parts, command, state).then(dispatch);
        }
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
