/**
 * A program of the user's own makes the update: run with its arguments as they stand, never by a shell, with
 * the names and addresses in its environment. Its exit status decides; of its output one line is kept.
 */
import { type Failure, failed, ok } from '../../core/failure.ts';
import type { RunResult } from '../../ports.ts';
import type { CallResult, Protocol, ProtocolPorts, UpdateCall } from '../protocol.ts';

export const script: Protocol = { update };

const TIMEOUT_MS = 60_000;
/** sysexits(3): the service is down for now; the operator has to correct something. */
const EX_TEMPFAIL = 75;
const EX_CONFIG = 78;
const EX_NOPERM = 77;

async function update(
  call: UpdateCall,
  { processes }: ProtocolPorts,
  redact: (text: string) => string,
): Promise<CallResult> {
  const argv = [call.options.script ?? '', ...argumentsOf(call.options.script_arg)];
  const result = await processes.run(argv, TIMEOUT_MS, environmentOf(call));
  const line = redact(firstLine(result.stdout) || firstLine(result.stderr)).slice(0, 200);
  const failure = failureOf(result.status, line);
  const outcome = failure ? failed(failure) : ok(line === '' ? undefined : `The script said: ${line}`);
  return {
    outcomes: call.hostnames.map(() => outcome),
    exchange: { request: redact(argv.join(' ')), reply: `exit status ${result.status} ${line}`.trim() },
  };
}

/** A list of UCI, one argument in each line. */
function argumentsOf(list: string | undefined): string[] {
  return list === undefined || list === '' ? [] : list.split('\n');
}

function environmentOf({ hostnames, ipv4, ipv6, via }: UpdateCall): Record<string, string> {
  return {
    HOLDFAST_HOSTNAME: hostnames.join(' '),
    ...(ipv4 !== undefined && { HOLDFAST_IPV4: ipv4 }),
    ...(ipv6 !== undefined && { HOLDFAST_IPV6: ipv6 }),
    ...(via && { HOLDFAST_DEVICE: via.device }),
  };
}

function firstLine(text: string): string {
  return text.trimStart().split('\n', 1)[0]?.trim() ?? '';
}

function failureOf(status: RunResult['status'], line: string): Failure | undefined {
  const said = line === '' ? {} : { reply: line };
  switch (status) {
    case 0:
      return undefined;
    case -1: {
      const sentence =
        'The script could not be started, or took longer than a minute. Check its path, its mode and what it waits for.';
      return { kind: 'unconfirmed', scope: 'attempt', code: 'script/NOT_RUN', sentence, ...said };
    }
    case EX_NOPERM:
    case EX_CONFIG: {
      const sentence = `The script says that its settings are wrong (exit status ${status}). Correct them; it is not run again until then.`;
      return { kind: 'refused', scope: 'account', code: 'script/REFUSED', sentence, ...said };
    }
    case EX_TEMPFAIL: {
      const sentence = 'The script says that the service is out of order. Holdfast tries again later.';
      return { kind: 'busy', scope: 'account', code: 'script/BUSY', sentence, ...said };
    }
    default: {
      const sentence = `The script failed (exit status ${status}). Run it by hand to see why; Holdfast tries again later.`;
      return { kind: 'unconfirmed', scope: 'attempt', code: 'script/FAILED', sentence, ...said };
    }
  }
}
