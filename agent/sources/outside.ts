/**
 * Sources that ask somebody else which address an interface has. The interfaces themselves, their state and
 * the hints that they have changed come from the base source (netifd or the kernel).
 */
import type { Family } from '../core/address.ts';
import { localAddress } from '../core/via.ts';
import {
  ASKING,
  type InterfaceAddress,
  type Observation,
  type Unknown,
  type WanInterface,
} from '../core/wan.ts';
import type { AddressSource, Clock, Stop } from '../ports.ts';

/** An interface to ask for. */
export interface AskedWan {
  network: string;
  device: string;
  /** Local address of the family in question: what is sent must leave from here. */
  local: string;
  /** The router that the IPv4 default route leads to. */
  gateway?: string;
}

/** Unknown is not empty: who could not find out does not say "none". */
export type Answer = { addresses: string[] } | { unknown: Unknown };

export type Ask = (wan: AskedWan, family: Family) => Promise<Answer>;

export interface OutsideParts {
  base: AddressSource;
  networks: readonly string[];
  families: readonly Family[];
  ask: Ask;
  clock: Clock;
  /** In [0, 1). */
  random(): number;
}

/** An answer counts for so long, give or take a tenth: the distance that most echo services ask for. */
const FRESH_MS = 300_000;
const JITTER = 0.1;
/** Distance between two answers for one interface, however often it changes. */
const MIN_DISTANCE_MS = 10_000;

interface Memory {
  /** What the answer depends on. */
  basis: string;
  atMs: number;
  freshUntilMs: number;
  answer: Answer;
}

export function outsideSource(parts: OutsideParts): AddressSource {
  const { base, clock } = parts;
  const memories = new Map<string, Memory>();
  /** What was last seen of the interfaces in question. */
  let seen: string | undefined;
  let baseReads = 0;
  /** What the base hinted while it was read; mostly the very thing that was read. */
  let deferred: Observation | undefined;
  let tell: ((observation?: Observation) => void) | undefined;

  async function read(): Promise<Observation> {
    baseReads += 1;
    const observation = await base.read();
    baseReads -= 1;
    seen = observation.known ? meaningOf(observation.snapshot) : undefined;
    const meanwhile = deferred;
    deferred = undefined;
    if (meanwhile) {
      void onBaseHint(meanwhile);
    }
    if (!observation.known) {
      return observation;
    }
    return asSeen(observation.snapshot, (wan, family) => recall(wan, family) ?? askNow(wan, family));
  }

  /** What is still valid, or the reason not to ask yet. */
  function recall(wan: AskedWan, family: Family): Answer | undefined {
    const memory = memories.get(`${wan.network} ${family}`);
    if (!memory || 'unknown' in memory.answer) {
      return undefined;
    }
    const nowMs = clock.monotonicMs();
    if (memory.basis === basisOf(wan)) {
      return nowMs < memory.freshUntilMs ? memory.answer : undefined;
    }
    return nowMs < memory.atMs + MIN_DISTANCE_MS ? asking(wan) : undefined;
  }

  async function askNow(wan: AskedWan, family: Family): Promise<Answer> {
    const answer = await parts.ask(wan, family);
    const atMs = clock.monotonicMs();
    const freshUntilMs = atMs + FRESH_MS * (1 - JITTER + 2 * JITTER * parts.random());
    memories.set(`${wan.network} ${family}`, { basis: basisOf(wan), atMs, freshUntilMs, answer });
    return answer;
  }

  async function asSeen(
    snapshot: Record<string, WanInterface>,
    answerOf: (wan: AskedWan, family: Family) => Answer | Promise<Answer>,
  ): Promise<Observation> {
    const all = Object.values(snapshot);
    const seenByOthers = await Promise.all(
      all.map(async (wan) => {
        const { addresses: local, ...rest } = wan;
        const answers = await Promise.all(
          askedFor(wan, all).map(async ([family, asked]) => ({ family, ...(await answerOf(asked, family)) })),
        );
        return { ...rest, local, ...resultOf(answers) };
      }),
    );
    return { known: true, snapshot: Object.fromEntries(seenByOthers.map((wan) => [wan.name, wan])) };
  }

  /** A family without a local address is not asked for: there is no way out for it, and so no address. */
  function askedFor(wan: WanInterface, all: readonly WanInterface[]): [Family, AskedWan][] {
    const { name: network, device, gateway } = wan;
    if (!parts.networks.includes(network) || !wan.up || device === undefined) {
      return [];
    }
    const companions = all.filter((other) => other !== wan && other.up && other.device === device);
    return parts.families.flatMap((family): [Family, AskedWan][] => {
      const local = localAddress([wan, ...companions], family);
      return local === undefined
        ? []
        : [[family, { network, device, local, ...(gateway !== undefined && { gateway }) }]];
    });
  }

  /** Everything about the interfaces in question that can change the answer. */
  function meaningOf(snapshot: Record<string, WanInterface>): string {
    const all = Object.values(snapshot);
    return JSON.stringify(
      all
        .filter((wan) => parts.networks.includes(wan.name))
        .map((wan) => [wan.name, wan.up, wan.defaultRoute, askedFor(wan, all)]),
    );
  }

  async function onBaseHint(observation?: Observation): Promise<void> {
    if (!observation?.known) {
      tell?.(observation);
      return;
    }
    if (baseReads > 0) {
      deferred = observation;
      return;
    }
    const meaning = meaningOf(observation.snapshot);
    if (meaning === seen) {
      return;
    }
    seen = meaning;
    let incomplete = false;
    // What is left of the old answers holds at once, above all that an interface is down.
    const interim = await asSeen(observation.snapshot, (wan, family) => {
      const answer = recall(wan, family) ?? asking(wan);
      incomplete ||= 'unknown' in answer;
      return answer;
    });
    tell?.(interim);
    if (incomplete) {
      tell?.();
    }
  }

  function watch(onHint: (observation?: Observation) => void): Stop {
    tell = onHint;
    const end = base.watch((observation) => void onBaseHint(observation));
    return () => {
      tell = undefined;
      end();
    };
  }

  return { read, watch };
}

function basisOf({ device, local, gateway }: AskedWan): string {
  return JSON.stringify([device, local, gateway]);
}

function asking({ network }: AskedWan): Answer {
  return {
    unknown: {
      code: ASKING,
      sentence: `The public address of '${network}' is being asked for; wait a moment.`,
    },
  };
}

function resultOf(answers: ({ family: Family } & Answer)[]): Pick<WanInterface, 'addresses' | 'unknown'> {
  const addresses = answers.flatMap((answer): InterfaceAddress[] =>
    'addresses' in answer
      ? answer.addresses.map((address) => ({ address, prefixLength: answer.family === 'ipv4' ? 32 : 128 }))
      : [],
  );
  const unknown = answers.flatMap((answer) => ('unknown' in answer ? [[answer.family, answer.unknown]] : []));
  return { addresses, ...(unknown.length > 0 && { unknown: Object.fromEntries(unknown) }) };
}
