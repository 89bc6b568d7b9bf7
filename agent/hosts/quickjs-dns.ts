/** DNS messages of the QuickJS host: TCP through `nc`, for QuickJS has no sockets. */
import { parseAddress } from '../core/address.ts';
import { dnsClient } from '../net/dns-client.ts';
import { dnsOverHttps } from '../net/doh.ts';
import type {
  Clock,
  Dns,
  DnsExchange,
  DnsOverHttps,
  DnsServer,
  Exchanged,
  ExchangeFault,
  Http,
  Processes,
} from '../ports.ts';
import type { startChild } from './quickjs-child.ts';
import { cappedOctets, octetText } from './quickjs-octets.ts';

const SIGKILL = 9;
/** A check of many hostnames must not start a hundred programs at once on a router. */
const MOST_AT_ONCE = 6;
const MAX_ERROR_OCTETS = 1024;
/** A few messages of the largest size. */
const MAX_REPLY_OCTETS = 262_144;
const ROUTE_TIMEOUT_MS = 2000;

export interface ExchangeParts extends Pick<Processes, 'run'>, Pick<Clock, 'after'> {
  start: typeof startChild;
}

/** `random`: an unpredictable fraction in [0, 1), for message ids. */
export function quickjsDns(parts: ExchangeParts, random: () => number): Dns {
  return dnsClient({ exchange: quickjsExchange(parts), random });
}

export function quickjsDnsOverHttps(http: Http): DnsOverHttps {
  return dnsOverHttps(http);
}

/**
 * UDP is silence: those who ask go on to TCP then. BusyBox's nc cannot bind, so from a local address nothing
 * is sent unless the kernel would choose that very address.
 */
export function quickjsExchange({ run, start, after }: ExchangeParts): DnsExchange {
  const waiting: (() => void)[] = [];
  let underWay = 0;

  async function exchange<T>(
    transport: 'udp' | 'tcp',
    server: DnsServer,
    message: Uint8Array,
    timeoutMs: number,
    accept: (message: Uint8Array) => T | undefined,
    localAddress?: string,
  ): Promise<Exchanged<T>> {
    if (transport === 'udp') {
      return { ok: false, fault: 'timeout' };
    }
    if (parseAddress(server.address.replace(/%[\w.-]+$/, '')) === undefined) {
      return { ok: false, fault: 'no-route' };
    }
    if (underWay >= MOST_AT_ONCE) {
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    underWay += 1;
    try {
      if (localAddress !== undefined && (await sourceFor(server.address)) !== localAddress) {
        return { ok: false, fault: 'unavailable' };
      }
      return await converse({ start, after }, server, message, timeoutMs, accept);
    } finally {
      underWay -= 1;
      waiting.shift()?.();
    }
  }

  /** The local address that the kernel chooses for a destination. */
  async function sourceFor(address: string): Promise<string | undefined> {
    const { stdout } = await run(['ip', 'route', 'get', address], ROUTE_TIMEOUT_MS);
    return parseAddress(/\bsrc (\S+)/.exec(stdout)?.[1] ?? '')?.canonical;
  }

  return exchange;
}

function converse<T>(
  { start, after }: Pick<ExchangeParts, 'start' | 'after'>,
  { address, port }: DnsServer,
  message: Uint8Array,
  timeoutMs: number,
  accept: (message: Uint8Array) => T | undefined,
): Promise<Exchanged<T>> {
  return new Promise((resolve) => {
    const errors = cappedOctets(MAX_ERROR_OCTETS);
    let received = new Uint8Array(0);
    let done = false;
    const disarm = after(timeoutMs, () => finish({ ok: false, fault: 'timeout' }));

    function finish(result: Exchanged<T>): void {
      if (!done) {
        done = true;
        disarm();
        child.kill(SIGKILL);
        child.abandon();
        resolve(result);
      }
    }

    function onOutput(octets: Uint8Array): void {
      const whole = new Uint8Array(received.length + octets.length);
      whole.set(received);
      whole.set(octets, received.length);
      received = whole;
      for (let size = sizeOf(received); received.length >= 2 + size; size = sizeOf(received)) {
        const value = accept(received.subarray(2, 2 + size));
        received = received.slice(2 + size);
        if (value !== undefined) {
          finish({ ok: true, value });
          return;
        }
      }
      if (received.length > MAX_REPLY_OCTETS) {
        finish({ ok: false, fault: 'broken' });
      }
    }

    // Length and message in one piece (RFC 7766 section 8). Held open: some servers hang up at its end.
    const input = new Uint8Array(2 + message.length);
    input.set([message.length >> 8, message.length & 0xff]);
    input.set(message, 2);
    const child = start(['nc', address, String(port)], {
      input,
      hold: true,
      alone: true,
      held: true,
      onOutput,
      onError: errors.add,
      onEnd: (status, startFault) =>
        finish({
          ok: false,
          fault: startFault !== '' || status === 127 ? 'unavailable' : faultOf(octetText(errors.octets())),
        }),
    });
  });
}

/** The length in front of a message; more than is there when even the length is not complete. */
function sizeOf(received: Uint8Array): number {
  return received.length < 2 ? Number.POSITIVE_INFINITY : ((received[0] ?? 0) << 8) | (received[1] ?? 0);
}

/** In the words of BusyBox, with the C library's for the error. */
function faultOf(words: string): ExchangeFault {
  if (/refused/i.test(words)) {
    return 'refused';
  }
  if (/timed out/i.test(words)) {
    return 'timeout';
  }
  if (/applet not found/i.test(words)) {
    return 'unavailable';
  }
  return /unreachable|no route|not permitted|denied|assign/i.test(words) ? 'no-route' : 'broken';
}
