/**
 * Time, a provider of limited capacity, and who asked it when. Nothing here waits: the clock jumps from one
 * event to the next.
 */

/** What a client hears of one request. `refused`: nothing listens. `timeout`: no connection within 10 s. */
export type Reply = 'good' | 'unavailable' | 'refused' | 'timeout';

/** A million clients of one kind, told of what happens to each. */
export interface Clients {
  readonly name: string;
  /** The address of this client has changed. */
  changed(client: number, nowMs: number): void;
  /** The moment it asked for has come. */
  woken(client: number, nowMs: number): void;
  replied(client: number, nowMs: number, reply: Reply): void;
}

/** What clients can do. */
export interface World {
  /** Replaces what the client asked for before; `Infinity` for never. */
  wakeAt(client: number, atMs: number): void;
  /** Sends the client's present address to the provider. */
  send(client: number, nowMs: number): void;
  /** In [0, 1), the same in every run. */
  random(): number;
}

export interface Scenario {
  title: string;
  clients: number;
  endMs: number;
  /**
   * When the addresses change: one after the other, evenly over this span, as an access concentrator lets lines in
   * that works at its limit.
   */
  changes: { fromMs: number; toMs: number };
  /** The provider refuses every connection. */
  outage?: { fromMs: number; toMs: number };
  /** From when the time to confirmation counts. */
  countFromMs: number;
  /** Updates per second that the provider can carry out. */
  capacityPerSec: number;
  /** What an overloaded provider spends to turn somebody away, as a part of what an update costs it. */
  rejectionCost: number;
}

export interface Result {
  name: string;
  requests: number;
  rejected: number;
  /** The most requests in any one second. */
  peakPerSec: number;
  /** Seconds after `countFromMs` until so many percent were confirmed; undefined: not within the time. */
  confirmedSec: Record<50 | 99 | 100, number | undefined>;
  /** Requests in each 10 s. */
  load: number[];
}

const TICK_MS = 20;
/** Work that may wait in the provider's queue before it turns people away, and before it does not even do that. */
const QUEUE_MS = 1_000;
const BACKLOG_MS = 10_000;
const ROUND_TRIP_MS = 40;
const CONNECT_TIMEOUT_MS = 10_000;
const LOAD_BIN_MS = 10_000;

/** xorshift32: quick, and the same in every run. */
function seededRandom(seed: number): () => number {
  let x = seed | 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

/** Entries by tick; a slot is a client times three plus what happens to it. */
class Calendar {
  private readonly ticks: (number[] | undefined)[];

  constructor(endMs: number) {
    this.ticks = new Array(Math.ceil(endMs / TICK_MS) + 1);
  }

  put(atMs: number, slot: number): void {
    const tick = Math.ceil(atMs / TICK_MS);
    if (tick < this.ticks.length) {
      const slots = this.ticks[tick];
      if (slots) {
        slots.push(slot);
      } else {
        this.ticks[tick] = [slot];
      }
    }
  }

  /** In order of time; entries put in for the present moment are seen too. */
  run(visit: (slot: number, nowMs: number) => void, onTick: (nowMs: number) => void): void {
    for (let tick = 0; tick < this.ticks.length; tick++) {
      const slots = this.ticks[tick];
      for (let index = 0; slots && index < slots.length; index++) {
        visit(slots[index] ?? 0, tick * TICK_MS);
      }
      this.ticks[tick] = undefined;
      onTick(tick * TICK_MS);
    }
  }
}

const CHANGED = 0;
const WOKEN = 1;
const REPLIED = 2;
const REPLIES: readonly Reply[] = ['good', 'unavailable', 'refused', 'timeout'];

export function play(
  scenario: Scenario,
  clientsOf: (world: World) => Clients,
  onProgress: (part: number) => void,
): Result {
  const { clients: count, endMs, outage, changes } = scenario;
  const random = seededRandom(2014);
  const calendar = new Calendar(endMs);
  const wakeMs = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const replies = new Uint8Array(count);
  const isConfirmed = new Uint8Array(count);
  const perSec = new Uint32Array(Math.ceil(endMs / 1000) + 1);
  const updateMs = 1000 / scenario.capacityPerSec;
  let requests = 0;
  let rejected = 0;
  let confirmed = 0;
  let backlogMs = 0;
  let servedAtMs = 0;
  const confirmedSec: Result['confirmedSec'] = { 50: undefined, 99: undefined, 100: undefined };

  const world: World = {
    random,
    wakeAt(client, atMs) {
      if (wakeMs[client] !== atMs) {
        wakeMs[client] = atMs;
        calendar.put(atMs, client * 3 + WOKEN);
      }
    },
    send(client, nowMs) {
      requests += 1;
      perSec[Math.floor(nowMs / 1000)] = (perSec[Math.floor(nowMs / 1000)] ?? 0) + 1;
      const { reply, afterMs } = answer(nowMs);
      rejected += reply === 'good' ? 0 : 1;
      replies[client] = REPLIES.indexOf(reply);
      calendar.put(nowMs + afterMs, client * 3 + REPLIED);
    },
  };

  function answer(nowMs: number): { reply: Reply; afterMs: number } {
    if (outage && nowMs >= outage.fromMs && nowMs < outage.toMs) {
      return { reply: 'refused', afterMs: ROUND_TRIP_MS };
    }
    backlogMs = Math.max(0, backlogMs - (nowMs - servedAtMs));
    servedAtMs = nowMs;
    if (backlogMs > BACKLOG_MS) {
      return { reply: 'timeout', afterMs: CONNECT_TIMEOUT_MS };
    }
    const reply = backlogMs > QUEUE_MS ? 'unavailable' : 'good';
    backlogMs += reply === 'good' ? updateMs : updateMs * scenario.rejectionCost;
    // Longer than its own limit no client waits.
    return { reply, afterMs: Math.min(ROUND_TRIP_MS + backlogMs, CONNECT_TIMEOUT_MS) };
  }

  function noteConfirmed(client: number, nowMs: number): void {
    if (isConfirmed[client] === 1) {
      return;
    }
    isConfirmed[client] = 1;
    confirmed += 1;
    for (const percent of [50, 99, 100] as const) {
      if (confirmedSec[percent] === undefined && confirmed >= (count * percent) / 100) {
        confirmedSec[percent] = Math.max(0, nowMs - scenario.countFromMs) / 1000;
      }
    }
  }

  const clients = clientsOf(world);
  for (let client = 0; client < count; client++) {
    const atMs = changes.fromMs + ((client + random()) / count) * (changes.toMs - changes.fromMs);
    calendar.put(atMs, client * 3 + CHANGED);
  }
  calendar.run(
    (slot, nowMs) => {
      const client = Math.floor(slot / 3);
      if (slot % 3 === CHANGED) {
        clients.changed(client, nowMs);
      } else if (slot % 3 === REPLIED) {
        const reply = REPLIES[replies[client] ?? 0] ?? 'good';
        if (reply === 'good') {
          noteConfirmed(client, nowMs);
        }
        clients.replied(client, nowMs, reply);
      } else if ((wakeMs[client] ?? 0) <= nowMs) {
        // Anything else was put off since.
        wakeMs[client] = Number.POSITIVE_INFINITY;
        clients.woken(client, nowMs);
      }
    },
    (nowMs) => {
      if (nowMs % 60_000 === 0) {
        onProgress(nowMs / endMs);
      }
    },
  );

  const load: number[] = [];
  perSec.forEach((one, second) => {
    const bin = Math.floor((second * 1000) / LOAD_BIN_MS);
    load[bin] = (load[bin] ?? 0) + one;
  });
  return {
    name: clients.name,
    requests,
    rejected,
    peakPerSec: perSec.reduce((a, b) => Math.max(a, b), 0),
    confirmedSec,
    load,
  };
}
