/** What the facts of several protocols have in common. */
import type { FailureKind, FailureScope } from '../core/failure.ts';

/** What a reply means that is no success. */
export interface FailureFacts {
  kind: Exclude<FailureKind, 'defect' | 'unreachable' | 'offline'>;
  scope: FailureScope;
  /** Upper case; the protocol's name stands before it in the failure. */
  code: string;
  /** Ends with what the operator is to do. */
  sentence: string;
  /** A wait that the provider names in its documentation and not in the reply. */
  waitSec?: number;
}

/** One template for all calls, or one for each combination of families. */
export type Templates = string | { ipv4?: string; ipv6?: string; dual?: string };

/** A script of the user's own: the protocol knows no differences between providers. */
export type ScriptFacts = Record<string, never>;
