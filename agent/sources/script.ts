/** Source `script`: a program of the owner's prints the addresses, one on each line. No shell is involved. */
import { type Family, parseAddress } from '../core/address.ts';
import type { Processes, RunResult } from '../ports.ts';
import type { Answer, Ask, AskedWan } from './outside.ts';

const TIMEOUT_MS = 30_000;
const MAX_LINES = 64;

/** An argument that is exactly `{network}` or `{device}` is replaced; both families share one run. */
export function scriptAsk(argv: readonly string[], processes: Processes): Ask {
  const running = new Map<string, Promise<RunResult>>();

  function run(wan: AskedWan): Promise<RunResult> {
    const begun = running.get(wan.network);
    if (begun) {
      return begun;
    }
    const words: Record<string, string> = { '{network}': wan.network, '{device}': wan.device };
    const [program = '', ...args] = argv;
    const result = processes.run([program, ...args.map((word) => words[word] ?? word)], TIMEOUT_MS);
    running.set(wan.network, result);
    return result.finally(() => running.delete(wan.network));
  }

  return async (wan, family) => answerOf(await run(wan), argv[0] ?? '', family);
}

/** Whatever else is printed makes the whole output void: half-understood output is no address. */
function answerOf({ status, stdout }: RunResult, program: string, family: Family): Answer {
  if (status !== 0) {
    const how = status === -1 ? 'did not start or did not end in time' : `ended with status ${status}`;
    return unknown('source/SCRIPT_FAILED', `${program} ${how}; run it by hand and see.`);
  }
  const lines = stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const addresses = lines.flatMap((line) => parseAddress(line) ?? []);
  if (addresses.length < lines.length || lines.length > MAX_LINES) {
    return unknown(
      'source/SCRIPT_OUTPUT',
      `${program} printed something else than addresses; each line must be one address and nothing more.`,
    );
  }
  const wanted = addresses.filter((one) => one.family === family).map((one) => one.canonical);
  return wanted.length > 0
    ? { addresses: wanted }
    : unknown(
        'source/SCRIPT_NO_ADDRESS',
        `${program} printed no ${family === 'ipv4' ? 'IPv4' : 'IPv6'} address; let it print one, or set option family.`,
      );
}

function unknown(code: string, sentence: string): Answer {
  return { unknown: { code, sentence } };
}
