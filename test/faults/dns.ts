/** Faults of the DNS, at each place where one can be: parent, servers in charge, this line, resolvers. */
import { lookUp } from '../service/client.ts';
import type { FilterMode } from '../service/filter.ts';
import type { Levers } from '../service/levers.ts';
import { type SeizeMode, type ServerFault, sinkhole } from '../service/world.ts';
import { type AxisName, type Expected, type Fault, HOME } from './fault.ts';
import { FIRST_ADDRESS } from './lab.ts';

const ZONE = 'ddns.example';
const SERVERS = ['ns1.provider.example', 'ns2.provider.example'] as const;
const PARENTS = ['a.nic.example', 'b.nic.example'] as const;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const OTHER_ADDRESS = '203.0.113.99';

interface Row {
  axis?: AxisName;
  verdict?: Expected['verdict'];
  code: string;
  requests?: number;
  incident?: string;
  end?: Expected['end'];
}

function expected({
  axis = 'authority',
  verdict = 'failed',
  requests = 0,
  end = 'itself',
  ...row
}: Row): Expected {
  return { axis, verdict, requests, end, ...row };
}

/** Nothing changes but what the lever does; two checks at least fall into the time. */
function lever(
  fault: string,
  made: string,
  pull: (levers: Levers) => void,
  row: Row,
  more: Partial<Fault> = {},
): Fault {
  return {
    fault,
    made,
    begin: ({ service }) => pull(service.levers),
    move: false,
    lastsMs: 2 * HOUR_MS,
    healsMs: 3 * HOUR_MS,
    expected: expected(row),
    ...more,
  };
}

function one(kind: ServerFault, fault: string, row: Row, more: Partial<Fault> = {}): Fault {
  return lever(fault, `${kind} at one server`, (levers) => levers.serverFault(0, kind), row, more);
}

function all(kind: ServerFault, fault: string, row: Row, more: Partial<Fault> = {}): Fault {
  const pull = (levers: Levers) => {
    for (const server of SERVERS) levers.serverFault(server, kind);
  };
  return lever(fault, `${kind} at all servers`, pull, row, more);
}

function seize(mode: SeizeMode, fault: string, more: Partial<Fault> = {}): Fault {
  const row = { axis: 'delegation', code: 'delegation/CHANGED', incident: 'delegation/CHANGED' } as const;
  return lever(fault, `seize: ${mode}`, (levers) => levers.seize(ZONE, mode), row, more);
}

function filter(mode: FilterMode, fault: string, row: Row): Fault {
  return lever(fault, `localFilter: ${mode}`, (levers) => levers.localFilter(ZONE, mode), {
    axis: 'publicView',
    ...row,
  });
}

const FINE = { verdict: 'ok', code: 'authority/OK', end: 'unharmed' } as const;
const SOME_DOWN = { verdict: 'warning', code: 'authority/SOME_DOWN' } as const;
const PARTIAL = { verdict: 'warning', code: 'authority/PARTIAL', incident: 'authority/PARTIAL' } as const;
const ZONE_FAULT = { code: 'authority/ZONE_FAULT', incident: 'authority/ZONE_FAULT' } as const;
const INTERCEPTED = { verdict: 'unknown', code: 'authority/INTERCEPTED' } as const;
const LOCAL_FILTER = { verdict: 'warning', code: 'public/LOCAL_FILTER' } as const;

export const DNS: Fault[] = [
  one('dead', 'one server in charge is silent', SOME_DOWN),
  one('servfail', 'one server in charge has a fault', SOME_DOWN),
  one('lame', 'one server in charge does not know the zone', SOME_DOWN),
  one('referral', 'one server in charge refers upward', SOME_DOWN),
  one('garbage', 'one server in charge sends what is no DNS', SOME_DOWN),
  one('nxdomain', 'one server in charge does not know the name', PARTIAL),
  one('nodata', 'one server in charge knows the name but no address', PARTIAL),
  one('stale', 'one server in charge still has the old address', { ...PARTIAL, requests: 1 }, { move: true }),
  one('no-authority', 'one server in charge answers without authority', SOME_DOWN),
  // The resolvers of the world read the same forgeries.
  one('forged-udp', 'somebody forges the answers of one server over UDP', {
    ...{ ...INTERCEPTED, incident: 'public/WRONG' },
  }),
  one('truncate', 'one server in charge answers over TCP alone, and says so', FINE),
  one('udp-dead', 'one server in charge answers over TCP alone, and is silent over UDP', FINE),
  one('tcp-dead', 'one server in charge is silent over TCP', FINE),
  one('no-edns', 'one server in charge refuses EDNS', FINE),

  all('dead', 'all servers in charge are silent', ZONE_FAULT),
  all('servfail', 'all servers in charge have a fault', ZONE_FAULT),
  all('lame', 'no server in charge knows the zone', ZONE_FAULT),
  all('referral', 'all servers in charge refer upward', ZONE_FAULT),
  all('garbage', 'all servers in charge send what is no DNS', ZONE_FAULT),
  all('nxdomain', 'the provider has accepted the name but does not serve it', {
    ...{ code: 'authority/GONE', incident: 'authority/GONE', requests: 1 },
  }),
  all('nodata', 'the name is served without an address', {
    code: 'authority/STALE',
    incident: 'authority/STALE',
  }),
  all(
    'stale',
    'the provider accepts a new address and goes on serving the old one',
    {
      ...{ code: 'authority/STALE', incident: 'authority/STALE', requests: 1 },
    },
    { move: true },
  ),
  all('no-authority', 'all servers in charge answer without authority', ZONE_FAULT),
  all('udp-dead', 'UDP to the servers in charge is lost, TCP works', FINE),
  all('truncate', 'every answer is too large for UDP', FINE),
  all('no-edns', 'no server in charge knows EDNS', FINE),

  lever('a user deletes the hostname at the provider', 'deleteHost', (levers) => levers.deleteHost(HOME), {
    ...{
      axis: 'update',
      code: 'dyndns2/NOHOST',
      requests: 1,
      incident: 'authority/GONE',
      end: 'asked',
    },
  }),
  lever(
    'the hostname expires after 30 days without confirmation',
    'expireHost',
    (levers) => levers.expireHost(HOME),
    {
      ...{ code: 'authority/GONE', requests: 1, incident: 'authority/GONE', end: 'asked' },
    },
  ),
  lever(
    'another device publishes another address',
    'setRecord',
    (levers) => levers.setRecord(HOME, 'A', OTHER_ADDRESS),
    {
      ...{ code: 'authority/STALE', incident: 'authority/STALE' },
    },
  ),
  lever(
    'the name has a second address that is not ours',
    'setRecord',
    (levers) => levers.setRecord(HOME, 'A', [FIRST_ADDRESS, OTHER_ADDRESS]),
    { code: 'authority/STALE', incident: 'authority/STALE' },
  ),
  lever(
    'the new address needs two minutes to all servers',
    'propagationDelay: 2 min',
    (levers) => levers.propagationDelay(2 * MINUTE_MS),
    { verdict: 'pending', code: 'authority/SPREADING', requests: 1 },
    { move: true, lastsMs: MINUTE_MS },
  ),
  lever(
    'the new address needs an hour to all servers',
    'propagationDelay: 1 h',
    (levers) => levers.propagationDelay(HOUR_MS),
    { code: 'authority/STALE', incident: 'authority/STALE', requests: 1 },
    { move: true, lastsMs: 20 * MINUTE_MS },
  ),
  lever(
    'the zone gives our address to every name',
    'wildcard: our address',
    (levers) => levers.wildcard(ZONE, FIRST_ADDRESS),
    { verdict: 'warning', code: 'authority/WILDCARD' },
  ),
  lever(
    'a parking page stands in place of every name',
    'wildcard, setRecord',
    (levers) => {
      levers.wildcard(ZONE, sinkhole.ipv4);
      levers.setRecord(HOME, 'A', undefined);
    },
    { code: 'authority/SINKHOLED', incident: 'authority/SINKHOLED' },
  ),

  seize('copy', 'the zone is taken away, and the takers serve a copy'),
  seize('drop', 'the zone is taken away, and the takers drown: 95 % silence, the rest refers upward'),
  seize('partial', 'the zone is taken away, and the takers forward half of the questions'),
  seize('stale', 'the zone is taken away, and the takers serve the address of before', {
    move: true,
    expected: expected({
      ...{ axis: 'delegation', code: 'delegation/CHANGED', incident: 'delegation/CHANGED', requests: 1 },
    }),
  }),
  seize('sinkhole', 'the zone is taken away, and every name leads to a sinkhole'),
  lever(
    'the zone is taken away, and this name is among the bad ones',
    'seize: copy, badNames',
    (levers) => levers.seize(ZONE, 'copy', { badNames: [HOME] }),
    { code: 'authority/STALE', incident: 'delegation/CHANGED' },
  ),
  lever(
    'the zone gets name servers of another operator besides',
    'delegate',
    (levers) => levers.delegate(ZONE, [...SERVERS, 'ns1.standby.example']),
    { axis: 'delegation', verdict: 'warning', code: 'delegation/EXTENDED' },
  ),
  lever(
    'the provider takes one of its name servers out of service',
    'delegate',
    (levers) => levers.delegate(ZONE, [SERVERS[0]]),
    { ...FINE, axis: 'delegation', code: 'delegation/OK' },
  ),
  lever(
    'the zone is taken out of the zone above',
    'delegate: nobody',
    (levers) => levers.delegate(ZONE, []),
    {
      ...{ axis: 'delegation', code: 'delegation/REMOVED', incident: 'delegation/REMOVED' },
    },
  ),
  lever(
    'the servers of the zone above are silent',
    'dead at all parents',
    (levers) => {
      for (const server of PARENTS) levers.deadServer(server);
    },
    { axis: 'delegation', verdict: 'unknown', code: 'delegation/CANNOT_CHECK' },
  ),
  lever(
    'one server of the zone above is silent',
    'dead at one parent',
    (levers) => levers.deadServer(PARENTS[0]),
    {
      ...{ ...FINE, axis: 'delegation', code: 'delegation/OK' },
    },
  ),

  lever(
    'port 53 is intercepted on this line',
    'interceptPort53',
    (levers) => levers.interceptPort53(),
    INTERCEPTED,
  ),
  lever(
    'port 53 is intercepted on this line, and the public view comes over HTTPS',
    'interceptPort53',
    (levers) => levers.interceptPort53(),
    { axis: 'publicView', verdict: 'ok', code: 'public/OK' },
  ),
  lever(
    'port 53 is intercepted, and DNS over HTTPS does not answer',
    'interceptPort53, drownDoh',
    (levers) => {
      levers.interceptPort53();
      levers.drownDoh();
    },
    { axis: 'publicView', verdict: 'unknown', code: 'public/CANNOT_CHECK' },
  ),
  lever('port 53 is blocked on this line', 'blockPort53', (levers) => levers.blockPort53(), {
    ...{ verdict: 'unknown', code: 'authority/CANNOT_CHECK' },
  }),
  lever(
    'all servers in charge are silent, and so is everybody else',
    'dead at all servers, rootUnreachable',
    (levers) => {
      for (const server of SERVERS) levers.deadServer(server);
      levers.rootUnreachable();
    },
    { verdict: 'unknown', code: 'authority/CANNOT_CHECK', incident: 'public/FAULT' },
  ),

  filter('zero', 'the filter at home gives 0.0.0.0', LOCAL_FILTER),
  filter('nxdomain', 'the filter at home says that the name does not exist', LOCAL_FILTER),
  filter('refused', 'the filter at home refuses', LOCAL_FILTER),
  filter('servfail', 'the resolver at home has a fault', { ...FINE, code: 'public/OK' }),
  filter('silent', 'the resolver at home is silent', { ...FINE, code: 'public/OK' }),
  lever(
    'public resolvers still have the old address in their caches',
    'the address changes',
    () => {},
    { axis: 'publicView', verdict: 'pending', code: 'public/CACHED', requests: 1 },
    {
      move: true,
      lastsMs: 20_000,
      async begin({ service }) {
        for (const resolver of service.dns.resolvers) await lookUp(service, resolver, HOME, 'A');
      },
    },
  ),

  lever('the web site of the provider drowns', 'drownWeb', (levers) => levers.drownWeb(), FINE),
  {
    fault: 'the web site and the update API of the provider drown, DNS works',
    made: 'drownWeb, drownApi',
    begin({ service }) {
      service.levers.drownWeb();
      service.levers.drownApi();
    },
    move: true,
    lastsMs: 2 * HOUR_MS,
    expected: {
      ...expected({ axis: 'update', code: 'http/TLS_TIMEOUT', incident: 'http/TLS_TIMEOUT' }),
      event: 'provider/WEB_DOWN',
    },
  },
  {
    fault: 'the zone is taken away, and the web site of the provider drowns',
    made: 'seize: drop, drownWeb',
    begin({ service }) {
      service.levers.seize(ZONE, 'drop');
      service.levers.drownWeb();
    },
    lastsMs: 2 * HOUR_MS,
    healsMs: 3 * HOUR_MS,
    expected: {
      ...expected({ axis: 'delegation', code: 'delegation/CHANGED', incident: 'delegation/CHANGED' }),
      event: 'provider/WEB_DOWN',
    },
  },
];
