/** HTTP for the QuickJS host: each request is a run of curl, told everything on its standard input. */
import * as os from 'quickjs:os';
import { FAMILIES, type Family, parseAddress } from '../core/address.ts';
import type { FaultCode } from '../net/http-failure.ts';
import type { Http, HttpReply, HttpRequest, HttpResult } from '../ports.ts';
import { startChild } from './quickjs-child.ts';
import {
  CONNECT_PHASES,
  curlConfig,
  hasSent,
  REPLY_PHASES,
  readHead,
  replyOf,
  type Way,
} from './quickjs-curl.ts';
import { readTextNow } from './quickjs-files.ts';
import { cappedOctets, octetsOf, octetText } from './quickjs-octets.ts';
import { type AsciiName, onSameOrigin, parseTarget, type Target } from './quickjs-url.ts';

const SIGKILL = 9;
/** As on Node: some providers need two hops on their own server. */
const MAX_REDIRECTS = 2;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const MAX_HEAD_OCTETS = 65_536;
const MAX_TRACE_OCTETS = 65_536;
/** What curl needs beyond its own limits to start and to end, on the slowest router. */
const CURL_GRACE_MS = 5000;
/** `option not known`, `not built in`: an older or smaller curl than any that OpenWrt ships. */
const UNFIT: readonly number[] = [2, 4, 26, 48];

type Exchange = { ok: true; reply: HttpReply } | { ok: false; code: FaultCode | 'http/NO_CURL' };

export function quickjsHttp(): Http {
  return { request, idle() {} };
}

async function request(wanted: HttpRequest): Promise<HttpResult> {
  const target = parseTarget(wanted.url, await asciiNameFor(wanted.url));
  const server = target === undefined ? 'the server' : `${target.hostname}:${target.port}`;
  const exchange = target === undefined ? fault('http/BAD_REQUEST') : await follow(wanted, target);
  return exchange.ok
    ? { kind: 'reply', reply: exchange.reply }
    : { kind: 'failed', failure: (await trouble()).failureOf(exchange.code, server) };
}

function trouble() {
  return import('./quickjs-trouble.ts');
}

/** Names of other scripts are rare, and what they need is large. */
async function asciiNameFor(url: string): Promise<AsciiName | undefined> {
  return /[^ -~]/.test(url) ? (await trouble()).asciiName : undefined;
}

function fault(code: FaultCode | 'http/NO_CURL'): Exchange {
  return { ok: false, code };
}

/** Credentials go nowhere but to the origin that the account names (RFC 9110 section 15.4). */
async function follow(wanted: HttpRequest, first: Target): Promise<Exchange> {
  let target = first;
  for (let hops = 0; ; hops++) {
    const exchange = await send(wanted, target);
    if (!exchange.ok || wanted.method !== 'GET' || wanted.redirects === 'refuse' || hops === MAX_REDIRECTS) {
      return exchange;
    }
    const { status, headers } = exchange.reply;
    const next =
      REDIRECTS.includes(status) && headers.location !== undefined
        ? onSameOrigin(headers.location, target, await asciiNameFor(headers.location))
        : undefined;
    if (next === undefined) {
      return exchange;
    }
    target = next;
  }
}

async function send(wanted: HttpRequest, target: Target): Promise<Exchange> {
  if (wanted.caFile !== undefined && !isCaFile(wanted.caFile)) {
    return fault('http/CA_FILE');
  }
  let exchange = fault('http/NO_PATH');
  for (const way of waysTo(target, wanted)) {
    const next = await transmit(wanted, target, way);
    // A family without a route is normal; the fault of the other family tells the owner more.
    if (exchange.ok || exchange.code === 'http/NO_PATH' || exchange.code === 'http/NO_ROUTE' || next.ok) {
      exchange = next;
    }
    if (next.ok || next.code === 'http/NO_CURL' || !(await trouble()).mayTryElsewhere(next.code)) {
      return next;
    }
  }
  return exchange;
}

function isCaFile(path: string): boolean {
  try {
    return readTextNow(path)?.includes('-----BEGIN ') === true;
  } catch {
    return false;
  }
}

/** Bound to an uplink, each family has a local address of its own; IPv6 first, as getaddrinfo has it. */
function waysTo({ hostname }: Target, { family, via }: HttpRequest): Way[] {
  const literal = parseAddress(hostname.replace(/^\[|\]$/g, ''))?.family;
  const usable = (one: Family) =>
    (family === undefined || family === one) && (literal === undefined || literal === one);
  if (via !== undefined) {
    return [...FAMILIES].reverse().flatMap((one) => {
      const localAddress = via[one];
      return usable(one) && localAddress !== undefined ? [{ family: one, localAddress }] : [];
    });
  }
  if (family === undefined) {
    return [{}];
  }
  return usable(family) ? [{ family }] : [];
}

/** One run of curl. The limits here are the ones that curl has no option for. */
function transmit(wanted: HttpRequest, target: Target, way: Way): Promise<Exchange> {
  const config = curlConfig(wanted, target, way);
  if (config === undefined) {
    return Promise.resolve(fault('http/BAD_REQUEST'));
  }
  return new Promise((resolve, reject) => {
    const { phaseTimeoutMs, maxBodyBytes } = wanted;
    const output = cappedOctets(MAX_HEAD_OCTETS + maxBodyBytes + 1);
    let trace = '';
    let sent = false;
    let done = false;
    let phase: 'connect' | 'reply' | 'head' | 'body' = 'connect';
    /** Where the body must end, counted from the begin of the output. */
    let bodyEnd = 0;
    let timer: unknown;
    arm(phaseTimeoutMs * (CONNECT_PHASES + REPLY_PHASES + 1) + CURL_GRACE_MS);

    function arm(delayMs: number): void {
      os.clearTimeout(timer);
      timer = os.setTimeout(() => {
        const late = phase === 'body' ? 'http/BODY_TIMEOUT' : sent ? 'http/NO_REPLY' : 'http/CONNECT_TIMEOUT';
        finish(fault(late));
      }, delayMs);
    }

    function finish(exchange: Exchange): void {
      if (!done) {
        done = true;
        os.clearTimeout(timer);
        child.kill(SIGKILL);
        child.abandon();
        resolve(exchange);
      }
    }

    function reply(truncated: boolean): Exchange | undefined {
      const octets = output.octets();
      const head = readHead(octets);
      if (head === undefined) {
        return undefined;
      }
      const body = octets.subarray(head.length, head.length + maxBodyBytes);
      const read = head.status === 0 ? undefined : replyOf(head, body, truncated, wanted.octets === true);
      return read === undefined
        ? fault(head.status === 0 ? 'http/BAD_REPLY' : 'http/PACKED')
        : { ok: true, reply: read };
    }

    function onOutput(octets: Uint8Array): void {
      output.add(octets);
      if (phase === 'connect' || phase === 'reply') {
        phase = 'head';
        sent = true;
        arm(phaseTimeoutMs * REPLY_PHASES);
      }
      if (phase === 'head') {
        const head = readHead(output.octets());
        if (head === undefined) {
          if (output.octets().length > MAX_HEAD_OCTETS) {
            finish(fault('http/BAD_REPLY'));
          }
          return;
        }
        phase = 'body';
        bodyEnd = head.length + maxBodyBytes;
        arm(phaseTimeoutMs);
      }
      if (output.size() > bodyEnd) {
        finish(reply(true) ?? fault('http/BAD_REPLY'));
      }
    }
    function onError(octets: Uint8Array): void {
      trace += octetText(octets.subarray(0, MAX_TRACE_OCTETS - trace.length));
      if (!sent && hasSent(trace)) {
        sent = true;
        if (phase === 'connect') {
          phase = 'reply';
          arm(phaseTimeoutMs);
        }
      }
    }

    function onEnd(status: number, startFault: string): void {
      if (startFault !== '' || status === 127 || UNFIT.includes(status)) {
        finish(fault('http/NO_CURL'));
      } else if (status === 0) {
        finish(reply(false) ?? fault('http/BAD_REPLY'));
      } else {
        trouble()
          .then(({ faultOf, readTrace }) =>
            finish(fault(faultOf(status, target, wanted.caFile, readTrace(trace)))),
          )
          .catch(reject);
      }
    }

    const child = startChild(['curl', '-q', '-K', '-'], {
      held: true,
      input: octetsOf(config),
      onOutput,
      onError,
      onEnd,
    });
  });
}
