/** The dyndns2 update call as No-IP and Dyn answer it: one request in, one reply out, no sockets. */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { type Accounts, everyHostOfKey, type Login } from './accounts.ts';
import type { Temper } from './temper.ts';
import type { World } from './world.ts';

export interface UpdateRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  userAgent: string;
  authorization: string | undefined;
  remoteAddress: string;
}

export interface UpdateReply {
  status: number;
  body: string;
  headers?: Record<string, string>;
  /** Names as they stood in the request, a group's name included. */
  hosts: string[];
  username?: string;
  /** Nobody should have asked this. */
  unexpected?: boolean;
}

export const updatePath = '/nic/update';
export const captivePage = '<html><body><h1>Welcome to the guest network</h1>Please log in.</body></html>\n';
/** Dyn's limit for one call. */
const maxHosts = 20;

interface Addresses {
  A?: string;
  AAAA?: string;
}

/** Decides and applies one call. Account-level errors stand alone; else one line for each name, in order. */
export function answerUpdate(
  request: UpdateRequest,
  { accounts, temper, world }: { accounts: Accounts; temper: Temper; world: World },
): UpdateReply {
  const { login, username } = accounts.identify(request.authorization);
  const hosts = namesIn(request.query);
  const about = { hosts, username };
  if (request.path !== updatePath) return { ...about, status: 404, body: 'not found\r\n', unexpected: true };
  if (request.method !== 'GET') return { ...about, status: 405, body: 'badagent\r\n', unexpected: true };
  if (temper.refusesAgent(request.userAgent)) return { ...about, status: 200, body: 'badagent\r\n' };
  if (temper.tooFast(username ?? request.remoteAddress)) return { ...about, status: 500, body: '911\r\n' };
  if (!login) {
    const headers = { 'WWW-Authenticate': 'Basic realm="dyndns2"' };
    return { ...about, status: 401, body: 'badauth\r\n', headers };
  }
  const lines = update(login, hosts, request);
  return { ...about, status: 200, body: lines.map((line) => `${line}\r\n`).join('') };

  function update(who: Login, names: readonly string[], { query, remoteAddress }: UpdateRequest): string[] {
    if (temper.isBlocked(who.name)) return ['abuse'];
    if (query.get('offline')?.toUpperCase() === 'YES') return ['!donator'];
    if (names.length > maxHosts) return ['numhost'];
    const addresses = requestedAddresses(query, remoteAddress);
    // Only a group's login says by itself which hosts are meant.
    const wanted = names.length === 0 && who.kind === 'group' ? [...who.groups.keys()] : names;
    if (wanted.length === 0) return ['notfqdn'];
    const answered = wanted.map((name) => updateName(who, name, addresses));
    return temper.isBlocked(who.name) ? ['abuse'] : answered;
  }

  function updateName(who: Login, name: string, addresses: Addresses): string {
    const key = name.toLowerCase();
    const members =
      who.groups.get(name) ?? (key === everyHostOfKey && who.kind === 'key' ? [...who.hosts] : undefined);
    if (!members && !isFullName(key)) return 'notfqdn';
    const present = (members ?? [key]).filter((host) => who.hosts.has(host) && !accounts.goneReason(host));
    if (present.length === 0) return 'nohost';
    const changed = present.filter((host) => publish(host, addresses));
    for (const host of changed) temper.noteChange(who.name, host);
    if (changed.length === 0) temper.noteNoChange(who.name, key);
    const shown = [addresses.A, addresses.AAAA].filter((address) => address !== undefined).join(',');
    return `${changed.length > 0 ? 'good' : 'nochg'} ${shown}`;
  }

  /** A family that is not given keeps its record. */
  function publish(host: string, addresses: Addresses): boolean {
    let changed = false;
    for (const kind of ['A', 'AAAA'] as const) {
      const address = addresses[kind];
      if (address === undefined || world.values(host, kind).join() === address) continue;
      world.setValues(host, kind, [address]);
      changed = true;
    }
    return changed;
  }
}

/** The names in `hostname=`, as they stand there. */
export function namesIn(query: URLSearchParams): string[] {
  return (query.get('hostname') ?? '').split(',').filter((name) => name !== '');
}

/** Missing, empty and unreadable addresses all mean the source address of the request. */
function requestedAddresses(query: URLSearchParams, remoteAddress: string): Addresses {
  const given = [query.get('myip'), query.get('myipv6')].flatMap((text) => (text ?? '').split(','));
  const addresses: Addresses = {};
  for (const text of given) {
    if (isIP(text) === 4) addresses.A ??= text;
    if (isIP(text) === 6) addresses.AAAA ??= ipaddr.parse(text).toString();
  }
  if (addresses.A !== undefined || addresses.AAAA !== undefined) return addresses;
  return isIP(remoteAddress) === 6 ? { AAAA: ipaddr.parse(remoteAddress).toString() } : { A: remoteAddress };
}

function isFullName(name: string): boolean {
  return (
    name.length < 254 &&
    name.includes('.') &&
    name.split('.').every((label) => /^[a-z0-9_-]{1,63}$/.test(label))
  );
}
