/**
 * Independent operators are asked for an address, and believed when they agree. An address that is believed
 * already needs one of them to repeat it; another one needs two, or the same answer once more after a while
 * where only one of them answers.
 */
import { type Family, isWithin, parseAddress, scopeOf } from '../core/address.ts';
import { askInTurn } from '../core/in-turn.ts';
import type { Clock } from '../ports.ts';
import { FOREIGN_RANGES } from './foreign-ranges.ts';
import type { Answer, Ask, AskedWan } from './outside.ts';

/** An address, or a short word on why there is none and for how long it is better not to ask again. */
export type Vote = { address: string } | { fault: string; restMs?: number };

/** Somebody who tells under which address he sees us. */
export interface Operator {
  /** Who runs it: two services of one operator are no two witnesses. */
  name: string;
  families: readonly Family[];
  ask(wan: AskedWan, family: Family): Promise<Vote>;
}

export interface PanelParts {
  operators: readonly Operator[];
  clock: Clock;
  /** In [0, 1): where the rotation begins. */
  random(): number;
}

/** So many are asked at most for one answer. */
const MAX_ASKED = 4;
/** Whoever takes longer has not answered. */
const PATIENCE_MS = 10_000;
/** Longer than lookup, connection and TLS take on a line that works. */
const SILENCE_MS = 3000;
/** A single witness must say the same again after this time: by then a passing detour is over. */
const CONFIRM_AFTER_MS = 30_000;

interface Memory {
  believed?: string;
  /** An address that one operator alone has named, and when that began. */
  candidate?: { address: string; sinceMs: number };
}

interface Ballot {
  operator: string;
  vote: Vote;
}

export function panel({ operators, clock, random }: PanelParts): Ask {
  const memories = new Map<string, Memory>();
  /** Who wants to be left alone, and until when. */
  const rests = new Map<string, number>();
  let turn = Math.floor(random() * operators.length);

  return async (wan, family) => {
    const able = operators.filter(
      ({ name, families }) => families.includes(family) && (rests.get(name) ?? 0) <= clock.monotonicMs(),
    );
    const start = turn++ % Math.max(able.length, 1);
    const order = [...able.slice(start), ...able.slice(0, start)].slice(0, MAX_ASKED);
    const key = `${wan.network} ${family}`;
    const { believed, candidate } = memories.get(key) ?? {};
    const ballots: Ballot[] = [];
    let agreed = await askInTurn({
      all: inGroups(order, believed !== undefined),
      async ask(group) {
        await Promise.all(group.map(async (operator) => ballots.push(await ballotOf(operator, wan, family))));
        return agreedBy(ballots, believed);
      },
      silenceMs: SILENCE_MS,
      after: (delayMs, run) => clock.after(delayMs, run),
    });
    const named = new Set(ballots.flatMap(({ vote }) => ('address' in vote ? [vote.address] : [])));
    const [single] = named.size === 1 ? named : [];
    const sinceMs = candidate && candidate.address === single ? candidate.sinceMs : clock.monotonicMs();
    if (agreed === undefined && single !== undefined && clock.monotonicMs() - sinceMs >= CONFIRM_AFTER_MS) {
      agreed = single;
    }
    if (agreed !== undefined) {
      memories.set(key, { believed: agreed });
      return { addresses: [agreed] };
    }
    memories.set(key, {
      ...(believed !== undefined && { believed }),
      ...(single !== undefined && { candidate: { address: single, sinceMs } }),
    });
    return withoutAgreement(wan, family, ballots, named);
  };

  async function ballotOf(operator: Operator, wan: AskedWan, family: Family): Promise<Ballot> {
    let endPatience = () => {};
    const late = new Promise<Vote>((resolve) => {
      endPatience = clock.after(PATIENCE_MS, () => resolve({ fault: 'no answer in time' }));
    });
    const vote = await Promise.race([operator.ask(wan, family), late]);
    endPatience();
    if ('fault' in vote && vote.restMs !== undefined) {
      rests.set(operator.name, clock.monotonicMs() + vote.restMs);
    }
    return { operator: operator.name, vote: 'address' in vote ? credible(vote.address, family) : vote };
  }
}

/** Who is asked at the same time: two, but one is enough to hear that nothing has changed. */
function inGroups(order: readonly Operator[], isBelieved: boolean): Operator[][] {
  const first = isBelieved ? 1 : 2;
  return [order.slice(0, first), order.slice(first, first + 2), order.slice(first + 2)].filter(
    (group) => group.length > 0,
  );
}

/** What two have named; or what is believed, if nobody says otherwise. */
function agreedBy(ballots: readonly Ballot[], believed: string | undefined): string | undefined {
  const counts = new Map<string, number>();
  for (const { vote } of ballots) {
    if ('address' in vote) {
      counts.set(vote.address, (counts.get(vote.address) ?? 0) + 1);
    }
  }
  const [twice] = [...counts].find(([, count]) => count >= 2) ?? [];
  const undisputed = believed !== undefined && counts.size === 1 && counts.has(believed);
  return twice ?? (undisputed ? believed : undefined);
}

/** Private ranges pass: whoever chooses the address names them as what they are. */
function credible(text: string, family: Family): Vote {
  const parsed = parseAddress(text);
  if (parsed?.family !== family) {
    return { fault: 'no address of the right family' };
  }
  const scope = scopeOf(parsed.canonical);
  if (scope === 'never' || scope === 'link-local') {
    return { fault: 'an address that nobody can have' };
  }
  return isWithin(parsed.canonical, FOREIGN_RANGES)
    ? { fault: 'an address of a proxy or resolver' }
    : { address: parsed.canonical };
}

function withoutAgreement(
  { network }: AskedWan,
  family: Family,
  ballots: readonly Ballot[],
  named: ReadonlySet<string>,
): Answer {
  const label = family === 'ipv4' ? 'IPv4' : 'IPv6';
  const said = ballots
    .map(({ operator, vote }) => `${operator}: ${'address' in vote ? vote.address : vote.fault}`)
    .join('; ');
  const unknown = (code: string, sentence: string): Answer => ({ unknown: { code, sentence } });
  if (named.size > 1) {
    return unknown(
      'source/DISAGREE',
      `The services asked through '${network}' name different ${label} addresses (${said}); check for a VPN, a proxy or several uplinks.`,
    );
  }
  if (named.size === 1) {
    return unknown(
      'source/UNCONFIRMED',
      `Only one service named an ${label} address for '${network}' (${said}); it is believed when it says so again, or a second one agrees.`,
    );
  }
  return ballots.length === 0
    ? unknown(
        'source/NO_SERVICE',
        `No service is known that could be asked for an ${label} address; use another source.`,
      )
    : unknown(
        'source/NO_ANSWER',
        `No service told the ${label} address of '${network}' (${said}); check the connection, or use another source.`,
      );
}
