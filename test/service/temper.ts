/** What a provider does not put up with: nameless programs, haste, and the same address again and again. */
import type { WorldClock } from './clock.ts';

export interface TemperOptions {
  /** Look at the User-Agent at all (default true). */
  checkUserAgent?: boolean;
  /** `nochg` answers that one host may get within the window before its client is blocked (default 3). */
  maxUnchanged?: number;
  /** Default 10 minutes. */
  unchangedWindowMs?: number;
  /** Update calls of one login in a minute; more get 911 (default 60). */
  maxRequestsPerMinute?: number;
}

export interface Temper {
  /** Also ask for an e-mail address in the User-Agent. */
  requireContact: boolean;
  refusesAgent(userAgent: string): boolean;
  /** Counts one request of this client; true when it is one too many. */
  tooFast(client: string): boolean;
  isBlocked(client: string): boolean;
  blocked(): string[];
  noteChange(client: string, host: string): void;
  /** Counts a `nochg`; the client is blocked when the host had too many. */
  noteNoChange(client: string, host: string): void;
  /** Lifts the block of one client, or of all. */
  unblock(client?: string): void;
}

const minuteMs = 60_000;
/** Names of libraries and tools that say nothing about the program. */
const genericNames = [
  ...['curl', 'wget', 'node', 'node-fetch', 'undici', 'axios', 'mozilla', 'python', 'python-requests'],
  ...['python-urllib', 'go-http-client', 'java', 'okhttp', 'libwww-perl', 'uclient-fetch', 'busybox'],
];

export function createTemper(options: TemperOptions, clock: WorldClock): Temper {
  const maxUnchanged = options.maxUnchanged ?? 3;
  const windowMs = options.unchangedWindowMs ?? 10 * minuteMs;
  const maxRequests = options.maxRequestsPerMinute ?? 60;
  const unchangedMs = new Map<string, number[]>();
  const requestsMs = new Map<string, number[]>();
  const blocked = new Set<string>();

  const temper: Temper = {
    requireContact: false,
    refusesAgent(userAgent) {
      if (options.checkUserAgent === false) return false;
      const words = userAgent.split(' ');
      // "Company Name/Version ...": a product with a version, and somebody's name before it.
      const product = words.findIndex((word) => /^[^/]+\/[^/]*\d/.test(word));
      const generic = words.some((word) => genericNames.includes(word.split('/', 1)[0]?.toLowerCase() ?? ''));
      const contact = words.some((word) => /^\W?[^@\s]+@[^@\s]+\.[^@\s]+$/.test(word));
      return product < 1 || generic || (temper.requireContact && !contact);
    },
    tooFast: (client) => count(requestsMs, client, minuteMs) > maxRequests,
    isBlocked: (client) => blocked.has(client),
    blocked: () => [...blocked],
    noteChange: (client, host) => void unchangedMs.delete(`${client} ${host}`),
    noteNoChange(client, host) {
      if (count(unchangedMs, `${client} ${host}`, windowMs) > maxUnchanged) blocked.add(client);
    },
    unblock(client) {
      if (client === undefined) blocked.clear();
      else blocked.delete(client);
      unchangedMs.clear();
      requestsMs.clear();
    },
  };

  /** Adds this moment and tells how many fell into the window that ends now. */
  function count(moments: Map<string, number[]>, key: string, spanMs: number): number {
    const nowMs = clock.nowMs();
    const recent = (moments.get(key) ?? []).filter((atMs) => atMs > nowMs - spanMs);
    recent.push(nowMs);
    moments.set(key, recent);
    return recent.length;
  }

  return temper;
}
