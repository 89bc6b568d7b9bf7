/** The `ubus` command: calls with their answers, and what its exit statuses mean. */
import { type Failure, type FailureKind, failed, type Outcome, ok } from '../core/failure.ts';
import type { Processes, RunResult } from '../ports.ts';

/** A healthy system answers within milliseconds; netifd blocks for seconds only while it reloads. */
const CALL_TIMEOUT_MS = 5000;

interface Meaning {
  /** Status of libubus; the command exits with it or with 256 minus it. */
  status?: number;
  /** What the command prints at the end of its complaint; the only hint where it exits with 255. */
  text?: string;
  code: string;
  kind: FailureKind;
  sentence: string;
}

const STOPPED: Meaning = {
  code: 'ubus/STOPPED',
  kind: 'unreachable',
  sentence:
    'ended unexpectedly, most likely because ubusd was restarted. If this repeats, look at `logread`.',
};
const TIMEOUT: Meaning = {
  status: 7,
  text: 'Request timed out',
  code: 'ubus/TIMEOUT',
  kind: 'unreachable',
  sentence: 'got no answer in time. If this repeats, look at `logread` for the service behind it.',
};
const MISSING: Meaning = {
  code: 'ubus/MISSING',
  kind: 'refused',
  sentence:
    "cannot run: there is no ubus command, so this is not OpenWrt. Set option source 'device' for each hostname.",
};
const UNINTELLIGIBLE: Meaning = {
  code: 'ubus/UNINTELLIGIBLE',
  kind: 'unintelligible',
  sentence:
    'answered with something that is not what netifd says. Please report it with the output of the call.',
};
const FAILED: Meaning = {
  code: 'ubus/FAILED',
  kind: 'unreachable',
  sentence: 'failed. Run it by hand to see the reason.',
};

const MEANINGS: readonly Meaning[] = [
  {
    status: 4,
    text: 'Not found',
    code: 'ubus/NOT_FOUND',
    kind: 'unreachable',
    // Without an ACL ubusd hides the object, so the two causes cannot be told apart.
    sentence:
      'found no such object: netifd is not running, or the ACL in /usr/share/acl.d does not let this user see ' +
      'it. Restart network, or reinstall holdfast.',
  },
  {
    status: 6,
    text: 'Permission denied',
    code: 'ubus/PERMISSION',
    kind: 'refused',
    sentence:
      'is not allowed for this user. Check that /usr/share/acl.d/holdfast.json is there and owned by root.',
  },
  TIMEOUT,
  {
    status: 10,
    text: 'Failed to connect to ubus',
    code: 'ubus/UNAVAILABLE',
    kind: 'unreachable',
    sentence: 'cannot reach ubusd. procd starts it again within seconds; if this stays, look at `logread`.',
  },
  {
    status: 2,
    text: 'Invalid argument',
    code: 'ubus/INVALID_ARGUMENT',
    kind: 'refused',
    sentence: FAILED.sentence,
  },
  {
    status: 3,
    text: 'Method not found',
    code: 'ubus/METHOD_NOT_FOUND',
    kind: 'refused',
    sentence: FAILED.sentence,
  },
];

/** What the end of a held `ubus` child means; `command` is shown to the operator. */
export function ubusEnd(command: string, result: RunResult): Failure {
  return toFailure(command, meaningOf(result));
}

/** The failure for an answer that is JSON but not of the expected form. */
export function ubusUnintelligible(command: string): Failure {
  return toFailure(command, UNINTELLIGIBLE);
}

/**
 * Calls a method of a ubus object and returns its answer as JSON (undefined when it has none). Fails
 * with `ubus/NOT_FOUND`, `PERMISSION`, `TIMEOUT`, `UNAVAILABLE`, `MISSING`, `UNINTELLIGIBLE`, ...
 */
export async function ubusCall(
  processes: Processes,
  object: string,
  method: string,
  message?: Record<string, unknown>,
): Promise<Outcome<unknown>> {
  const command = `ubus call ${object} ${method}`;
  const words = message === undefined ? [] : [JSON.stringify(message)];
  const result = await processes.run(['ubus', 'call', object, method, ...words], CALL_TIMEOUT_MS);
  if (result.status !== 0) {
    const meaning = meaningOf(result);
    return failed(toFailure(command, meaning === STOPPED ? TIMEOUT : meaning));
  }
  if (result.stdout.trim() === '') {
    return ok(undefined);
  }
  try {
    return ok(JSON.parse(result.stdout));
  } catch {
    return failed(ubusUnintelligible(command));
  }
}

function meaningOf({ status, stderr }: RunResult): Meaning {
  if (status === 127 || (status === -1 && /ENOENT|no such file/i.test(stderr))) {
    return MISSING;
  }
  if (status === -1 || status === 0) {
    return STOPPED;
  }
  const complaint = stderr.trimEnd().replace(/\)$/, '');
  const libubusStatus = status > 128 ? 256 - status : status;
  return (
    MEANINGS.find((one) => one.status === libubusStatus) ??
    MEANINGS.find((one) => one.text !== undefined && complaint.endsWith(one.text)) ??
    FAILED
  );
}

/** The command's own words stay out: they repeat the message of the call, which is not ours to print. */
function toFailure(command: string, { kind, code, sentence }: Meaning): Failure {
  return { kind, scope: 'attempt', code, sentence: `\`${command}\` ${sentence}` };
}
