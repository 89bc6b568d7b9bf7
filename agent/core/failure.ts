/**
 * How things go wrong. Failures are values: protocols and adapters classify, only `backoff.ts` decides
 * when to try again. A thrown exception is a defect of ours.
 */

/** What a failure means for the next attempt; the policy for each kind stands in `backoff.ts`. */
export type FailureKind =
  /** the request surely did not leave: no route, no name, no connection, no TLS session */
  | 'unreachable'
  /** the same, and nothing has gone to the provider at all: no name server answers, there is no route */
  | 'offline'
  /** the request may have been applied: no reply, or the connection broke after it was sent */
  | 'unconfirmed'
  /** the provider told us to wait */
  | 'throttled'
  /** a fault or maintenance at the provider (911, 5xx) */
  | 'busy'
  /** the credential is refused */
  | 'credential'
  /** the hostname or the request is refused for good */
  | 'refused'
  /** a reply that nobody defined: HTML of a captive portal, an empty body, a word we do not know */
  | 'unintelligible'
  /** our own bug */
  | 'defect';

/** How far a failure reaches: this attempt alone, the hostname, the account, or the whole provider. */
export type FailureScope = 'attempt' | 'hostname' | 'account' | 'provider';

export interface Failure {
  kind: FailureKind;
  scope: FailureScope;
  /** Stable `subsystem/CODE`, e.g. `dyndns2/NOHOST`. Tests, LuCI and monitoring depend on it. */
  code: string;
  /** One sentence for the operator that ends with what to do next. Never a secret. */
  sentence: string;
  /** First line of the reply that caused it, secrets removed, at most 200 characters. */
  reply?: string;
  /** A wait that the provider asked for, in milliseconds from now. */
  retryAfterMs?: number;
}

export type Outcome<T> = { ok: true; value: T } | { ok: false; failure: Failure };

/** Surely not sent, so that a new path deserves a new try, and nothing is said of the provider. */
export function hasNotLeft({ kind }: Failure): boolean {
  return kind === 'unreachable' || kind === 'offline';
}

export function ok<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

export function failed(failure: Failure): { ok: false; failure: Failure } {
  return { ok: false, failure };
}

/** A Failure for an exception that nobody expected. Only the message travels on, not the stack. */
export function defect(code: string, cause: unknown): Failure {
  const message = cause instanceof Error ? cause.message : String(cause);
  return {
    kind: 'defect',
    scope: 'attempt',
    code,
    sentence: `Holdfast made an error of its own (${message}). Please report it with the log around this line.`,
  };
}
