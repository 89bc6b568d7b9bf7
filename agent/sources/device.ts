/**
 * The addresses as the kernel knows them (`option source 'device'`), for any Linux: read with `ip`,
 * watched with `ip monitor`. Networks are device names here, e.g. `eth1` or `ppp0`.
 */
import { parseAddress } from '../core/address.ts';
import { keepRunning } from '../core/keep-running.ts';
import { sameMeaning } from '../core/same-meaning.ts';
import type { Observation, WanInterface, WanSnapshot } from '../core/wan.ts';
import type { AddressSource, Clock, DeviceAddress, Log, Processes, RunResult, Stop } from '../ports.ts';
import { parseAddresses, parseDefaultRoutes, parseGateways, toSnapshot } from './ip-output.ts';

const READ_TIMEOUT_MS = 5000;
/** One change is several lines within a millisecond or two; whatever came since the last read waits so long. */
const COALESCE_MS = 20;
/** Where the wait ends that doubles while lines never cease, e.g. on a router that learns routes. */
const MAX_COALESCE_MS = 1000;
/** `ip monitor` does not say when it listens; what came before is caught by a second reading. */
const SECOND_READ_MS = 1000;

export interface DeviceDeps {
  processes: Processes;
  clock: Clock;
  log: Log;
  /** For systems without `ip`, where the runtime itself can tell. */
  interfaces: (() => DeviceAddress[]) | undefined;
}

/**
 * `read` asks the kernel for everything; without a usable `ip`, the runtime (no flags, no lifetimes, no
 * routes). `watch` hints with the whole observation, only when something that matters has changed.
 */
export function deviceSource({ processes, clock, log, interfaces }: DeviceDeps): AddressSource {
  /** The last observation that the caller got. */
  let delivered: Observation | undefined;
  let toldWithoutIp = false;

  async function observe(): Promise<Observation> {
    for (const form of ['json', 'text'] as const) {
      const option = form === 'json' ? ['-json'] : [];
      const [addresses, ipv4, ipv6] = await Promise.all([
        run(['ip', ...option, 'address', 'show']),
        run(['ip', ...option, 'route', 'show', 'default']),
        run(['ip', ...option, '-6', 'route', 'show', 'default']),
      ]);
      if (isMissing(addresses)) {
        break;
      }
      if (addresses.status === -1) {
        return {
          known: false,
          code: 'device/TIMEOUT',
          sentence: '`ip address show` did not end in time. If this repeats, the router is short of memory.',
        };
      }
      const devices = addresses.status === 0 ? parseAddresses(addresses.stdout, form) : undefined;
      if (devices) {
        const routes = {
          ipv4: parseDefaultRoutes(ipv4.stdout, form),
          ipv6: parseDefaultRoutes(ipv6.stdout, form),
        };
        return { known: true, snapshot: toSnapshot(devices, routes, parseGateways(ipv4.stdout, form)) };
      }
    }
    if (!interfaces) {
      return {
        known: false,
        code: 'device/NO_IP',
        sentence: 'There is no usable `ip` command, which this runtime needs. Install ip-tiny or ip-full.',
      };
    }
    if (!toldWithoutIp) {
      toldWithoutIp = true;
      log(
        'warning',
        'There is no usable `ip` command: temporary addresses cannot be told apart. Install ip-full.',
      );
    }
    return { known: true, snapshot: fromRuntime(interfaces()) };
  }

  function run(argv: string[]): Promise<RunResult> {
    return processes.run(argv, READ_TIMEOUT_MS);
  }

  async function read(): Promise<Observation> {
    const observation = await observe();
    delivered = observation;
    return observation;
  }

  function watch(onHint: (observation?: Observation) => void): Stop {
    let stopped = false;
    let reading = false;
    let changedMeanwhile = false;
    let waitMs = COALESCE_MS;
    let endWait: Stop | undefined;
    let endSecondRead: Stop = () => {};

    /** Any line is a hint: the first is followed at once, the others by one more reading after the wait. */
    function changed(): void {
      if (reading || endWait) {
        changedMeanwhile = true;
      } else {
        void readNow();
      }
    }

    async function readNow(): Promise<void> {
      reading = true;
      const observation = await observe();
      reading = false;
      if (stopped) {
        return;
      }
      if (!sameMeaning(delivered, observation)) {
        delivered = observation;
        onHint(observation);
      }
      endWait = clock.after(waitMs, () => {
        endWait = undefined;
        waitMs = changedMeanwhile ? Math.min(MAX_COALESCE_MS, waitMs * 2) : COALESCE_MS;
        if (changedMeanwhile) {
          changedMeanwhile = false;
          void readNow();
        }
      });
    }

    const monitor = keepRunning<RunResult>({
      spawn: (onLine, onEnd) => processes.lines(['ip', 'monitor', 'address', 'route', 'link'], onLine, onEnd),
      monotonicMs: () => clock.monotonicMs(),
      after: (delayMs, later) => clock.after(delayMs, later),
      onStart() {
        endSecondRead();
        endSecondRead = clock.after(SECOND_READ_MS, changed);
        changed();
      },
      onLine: changed,
      onOutage(result) {
        log('warning', '`ip monitor` has ended: until it runs again, a new address may be noticed late.');
        // BusyBox has no monitor and never will.
        return isMissing(result) || result.stderr.includes('BusyBox') ? 'never' : 'again';
      },
    });
    return () => {
      stopped = true;
      monitor.stop();
      endWait?.();
      endSecondRead();
    };
  }

  return { read, watch };
}

function isMissing({ status, stderr }: RunResult): boolean {
  return status === 127 || (status === -1 && /ENOENT|no such file/i.test(stderr));
}

function fromRuntime(addresses: DeviceAddress[]): WanSnapshot {
  const devices = new Map<string, WanInterface>();
  for (const { name, address, prefixLength } of addresses) {
    const known = devices.get(name) ?? {
      name,
      up: true,
      device: name,
      addresses: [],
      prefixes: [],
      defaultRoute: [],
    };
    const parsed = parseAddress(address);
    if (parsed) {
      known.addresses.push({ address: parsed.canonical, prefixLength });
    }
    devices.set(name, known);
  }
  return Object.fromEntries(devices);
}
