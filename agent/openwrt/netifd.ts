/**
 * The addresses as netifd knows them (`option source 'network'`). Changes in place and changes of a
 * delegated prefix appear only as notifications of the ubus object `network.interface`, so a
 * subscription is held. It dies silently with netifd; `ubus.object.add` tells when to renew it.
 */

import { keepRunning } from '../core/keep-running.ts';
import { sameMeaning } from '../core/same-meaning.ts';
import type { Observation, WanInterface } from '../core/wan.ts';
import type { AddressSource, Clock, Log, Processes, RunResult, Stop } from '../ports.ts';
import { parseAddedObject, parseDump, parseNotification } from './netifd-status.ts';
import { ubusCall, ubusEnd, ubusUnintelligible } from './ubus.ts';

const OBJECT = 'network.interface';
/** After a change that brings addresses, further ones of the same interface wait so long; the last wins. */
const COALESCE_MS = 100;
/**
 * The subscription does not say when it stands, and a fresh netifd has no interfaces yet: what came
 * before is caught by a second reading.
 */
const SECOND_READ_MS = 1000;

export interface NetifdDeps {
  processes: Processes;
  clock: Clock;
  log: Log;
}

/**
 * `read` asks netifd for everything. `watch` hints with the whole observation, only when something that
 * matters has changed since the last observation handed out by either; unknown is hinted once.
 */
export function netifdSource({ processes, clock, log }: NetifdDeps): AddressSource {
  /** The latest state of each interface; undefined until a dump was read. */
  let interfaces: Map<string, WanInterface> | undefined;
  /** The last observation that the caller got. */
  let delivered: Observation | undefined;
  /** When netifd last notified; monotonic. */
  let heardMs = 0;
  /**
   * The `ubus` command does not end when ubusd dies: it waits on for ever and hears nothing. So what a
   * reading finds and nobody notified makes the watch start its children again.
   */
  let renew: Stop = () => {};
  /** What was notified while a dump was on its way: the dump may be older than that. */
  const notifiedMeanwhile = new Set<Map<string, WanInterface>>();

  async function dump(): Promise<Observation> {
    const newer = new Map<string, WanInterface>();
    notifiedMeanwhile.add(newer);
    const outcome = await ubusCall(processes, OBJECT, 'dump');
    notifiedMeanwhile.delete(newer);
    const parsed = outcome.ok ? parseDump(outcome.value) : undefined;
    if (!parsed) {
      interfaces = undefined;
      const failure = outcome.ok ? ubusUnintelligible(`ubus call ${OBJECT} dump`) : outcome.failure;
      return { known: false, code: failure.code, sentence: failure.sentence };
    }
    interfaces = new Map([...parsed, ...newer]);
    return observed(interfaces);
  }

  async function read(): Promise<Observation> {
    const before = delivered;
    const observation = await dump();
    const isUnheard = before && before === delivered && !sameMeaning(before, observation);
    delivered = observation;
    if (isUnheard && clock.monotonicMs() - heardMs > SECOND_READ_MS) {
      renew();
    }
    return observation;
  }

  function watch(onHint: (observation?: Observation) => void): Stop {
    let stopped = false;
    let reading = false;
    let readAgain = false;
    let outageCode: string | undefined;
    let endSecondRead: Stop | undefined;
    let listenedBefore = false;
    let endRenewal: Stop = () => {};
    /** Interfaces that wait, with the last notification that came meanwhile. */
    const waiting = new Map<string, { latest?: WanInterface; end: Stop }>();

    /** Hands out an observation, if it is news. */
    function offer(observation: Observation): boolean {
      const isNews = !stopped && !sameMeaning(delivered, observation);
      if (isNews) {
        if (observation.known && delivered?.known === false) {
          log('notice', 'netifd answers again.');
        }
        delivered = observation;
        onHint(observation);
      }
      return isNews;
    }

    async function readNow(): Promise<void> {
      if (reading) {
        readAgain = true;
        return;
      }
      reading = true;
      do {
        readAgain = false;
        offer(await dump());
      } while (readAgain && !stopped);
      reading = false;
      if (interfaces) {
        outageCode = undefined;
      }
    }

    function readTwice(): void {
      endSecondRead?.();
      endSecondRead = clock.after(SECOND_READ_MS, () => {
        endSecondRead = undefined;
        void readNow();
      });
      void readNow();
    }

    /** Limits dumps to two a second, whatever arrives. */
    function readUnlessDue(): void {
      if (!endSecondRead) {
        readTwice();
      }
    }

    function onNotification(line: string): void {
      heardMs = clock.monotonicMs();
      const wan = parseNotification(line);
      if (!wan) {
        readUnlessDue();
        return;
      }
      const wait = waiting.get(wan.name);
      if (wait) {
        wait.latest = wan;
      } else {
        apply(wan);
      }
    }

    function apply(wan: WanInterface): void {
      for (const newer of notifiedMeanwhile) {
        newer.set(wan.name, wan);
      }
      if (!interfaces) {
        readUnlessDue();
        return;
      }
      const before = interfaces.get(wan.name);
      interfaces.set(wan.name, wan);
      const isNews = offer(observed(interfaces));
      // netifd does not notify a LAN when the prefix behind its addresses changes.
      if (isNews && JSON.stringify(assignedOf(before)) !== JSON.stringify(assignedOf(wan))) {
        readUnlessDue();
      }
      // A reconnect is a down and, milliseconds later, an up: only the up makes later ones wait.
      if (isNews && wan.up) {
        const end = clock.after(COALESCE_MS, () => {
          const latest = waiting.get(wan.name)?.latest;
          waiting.delete(wan.name);
          if (latest) {
            apply(latest);
          }
        });
        waiting.set(wan.name, { end });
      }
    }

    /** Both children often end together, whatever the cause: one outage, one line in the log. */
    function onOutage(command: string, result: RunResult): 'again' | 'never' {
      const { code, sentence } = ubusEnd(command, result);
      if (code !== outageCode) {
        log('warning', `${sentence} Until it works, a new address may be noticed late.`);
      }
      outageCode = code;
      return code === 'ubus/MISSING' ? 'never' : 'again';
    }

    function hold(argv: string[], onLine: (line: string) => void, onStart: () => void, onEnd = () => {}) {
      return keepRunning<RunResult>({
        spawn: (line, end) =>
          processes.lines(argv, line, (result) => {
            onEnd();
            end(result);
          }),
        monotonicMs: () => clock.monotonicMs(),
        after: (delayMs, run) => clock.after(delayMs, run),
        onStart,
        onLine,
        onOutage: (result) => onOutage(argv.join(' '), result),
      });
    }

    function onObject(line: string): void {
      if (parseAddedObject(line) === OBJECT) {
        subscription.restart();
      }
    }

    /** While there was no listener netifd may have been restarted unheard, and the subscription be dead. */
    function onListener(): void {
      if (listenedBefore) {
        endRenewal = clock.after(SECOND_READ_MS, () => subscription.restart());
      }
      listenedBefore = true;
    }

    const subscription = hold(['ubus', 'subscribe', OBJECT], onNotification, readTwice);
    const listener = hold(['ubus', 'listen', 'ubus.object.add'], onObject, onListener, () => endRenewal());
    renew = () => {
      listener.restart();
      endRenewal();
      subscription.restart();
    };
    return () => {
      stopped = true;
      renew = () => {};
      endRenewal();
      listener.stop();
      subscription.stop();
      endSecondRead?.();
      for (const { end } of waiting.values()) {
        end();
      }
      waiting.clear();
    };
  }

  return { read, watch };
}

/** Every OpenWrt has at least `loopback`: none at all means that netifd has not read its configuration yet. */
function observed(interfaces: Map<string, WanInterface>): Observation {
  return interfaces.size > 0
    ? { known: true, snapshot: Object.fromEntries(interfaces) }
    : {
        known: false,
        code: 'netifd/STARTING',
        sentence: 'netifd is starting and knows no interface yet. If this stays, check /etc/config/network.',
      };
}

function assignedOf(wan: WanInterface | undefined): unknown {
  return (wan?.prefixes ?? []).flatMap((prefix) => prefix.assigned);
}
