/** Carries out what a step asks for. Whatever happens, each command ends in one event. */
import type { AliasFound } from '../core/alias.ts';
import type { Command } from '../core/draft.ts';
import { defect, type Failure } from '../core/failure.ts';
import type { Judgement } from '../core/health.ts';
import type { Outcomes } from '../core/outcomes.ts';
import type { SourceKey } from '../core/source-key.ts';
import type { AgentState } from '../core/state.ts';
import type { AgentEvent } from '../core/step.ts';
import type { AddressSource } from '../ports.ts';

/** Everything but a report, which is only shown. */
export type Action = Exclude<Command, { type: 'report' }>;
export type ActionOf<T extends Action['type']> = Extract<Action, { type: T }>;

export interface CommandParts {
  /** The same source for the same key, as long as it is watched. */
  source(key: SourceKey): AddressSource;
  update(command: ActionOf<'update'>, state: AgentState): Promise<Outcomes>;
  verify(command: ActionOf<'verify'>): Promise<Judgement>;
  /** Tells people; what kept it from being delivered, if anything. */
  notify(command: ActionOf<'notify'>): Promise<Failure | undefined>;
  /** Reads, sets or checks the CNAME of an alias; only an agent with aliases needs it. */
  alias?(command: ActionOf<'alias'>): Promise<AliasFound>;
  /** Something threw that must not: for the log, with its stack. */
  onDefect(cause: unknown): void;
}

/** Never rejects: a defect becomes the event of a failure. */
export async function carryOut(parts: CommandParts, command: Action, state: AgentState): Promise<AgentEvent> {
  try {
    return await endOf(parts, command, state);
  } catch (cause) {
    parts.onDefect(cause);
    return endInDefect(command, cause);
  }
}

async function endOf(parts: CommandParts, command: Action, state: AgentState): Promise<AgentEvent> {
  switch (command.type) {
    case 'observe': {
      const { source } = command;
      return { type: 'observed', source, observation: await parts.source(source).read(), answer: true };
    }
    case 'update': {
      const { lane, attempt } = command;
      return { type: 'updated', lane, attempt, outcomes: await parts.update(command, state) };
    }
    case 'verify': {
      const { host, attempt } = command;
      return { type: 'verified', host, attempt, found: await parts.verify(command) };
    }
    case 'notify':
      return notifiedOf(command, await parts.notify(command));
    case 'alias': {
      const found = await parts.alias?.(command);
      if (!found) {
        throw new Error('nobody sees to aliases');
      }
      return { type: 'aliased', alias: command.alias, attempt: command.attempt, found };
    }
  }
}

function endInDefect(command: Action, cause: unknown): AgentEvent {
  switch (command.type) {
    case 'observe': {
      const { code, sentence } = defect('source/DEFECT', cause);
      const observation = { known: false, code, sentence } as const;
      return { type: 'observed', source: command.source, observation, answer: true };
    }
    case 'update': {
      const { lane, attempt, items } = command;
      const outcome = { confirmed: [], failure: defect('update/DEFECT', cause) };
      const outcomes = Object.fromEntries(items.map((item) => [item.host, outcome]));
      return { type: 'updated', lane, attempt, outcomes };
    }
    case 'verify': {
      const { code, sentence } = defect('verify/DEFECT', cause);
      const axis = { verdict: 'unknown' as const, code, sentence, evidence: [], mustAct: false };
      const axes = { delegation: axis, authority: axis, publicView: axis };
      return { type: 'verified', host: command.host, attempt: command.attempt, found: { axes } };
    }
    case 'notify':
      return notifiedOf(command, defect('notify/DEFECT', cause));
    case 'alias': {
      const { alias, attempt } = command;
      return { type: 'aliased', alias, attempt, found: { failure: defect('alias/DEFECT', cause) } };
    }
  }
}

function notifiedOf({ channel, message }: ActionOf<'notify'>, failure: Failure | undefined): AgentEvent {
  return { type: 'notified', channel, message: message.id, ...(failure && { failure }) };
}
