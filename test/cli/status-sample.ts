/** A status with something of everything, and with texts that break out of careless output. */
import type { StatusAxis, StatusDocument, StatusHost } from '../../agent/engine/status.ts';

const AT = '2026-01-02T03:04:05.678Z';
export const HOSTILE = 'a"b\\c\nd{e="f"} 1\n# EOF';

function axis(verdict: StatusAxis['verdict'], checkedAt?: string): StatusAxis {
  return {
    verdict,
    ...{ code: 'authority/OK', sentence: 'It is served.', mustAct: false, evidence: [] },
    ...(checkedAt !== undefined && { checkedAt }),
  };
}

function host(id: string, changes: Partial<StatusHost> = {}): StatusHost {
  return {
    id,
    hostname: `${id}.example.org`,
    account: 'noip',
    provider: 'Example DNS',
    standby: [],
    verdict: 'ok',
    sentence: 'All is well.',
    works: 'yes',
    desired: {},
    confirmed: { ipv4: { address: '192.0.2.1', since: '2025-12-31T23:59:59.000Z' } },
    axes: {
      update: axis('ok'),
      delegation: axis('warning', AT),
      authority: axis('failed', AT),
      publicView: axis('unknown', AT),
    },
    ...changes,
  };
}

export function statusSample(): StatusDocument {
  return {
    version: 1,
    writtenAt: '2026-02-28T23:59:59.999Z',
    agent: {
      ...{ version: '1.2.3', runtime: 'node 20.20.2', pid: 4242 },
      ...{ startedAt: '2024-02-29T12:00:00.000Z', memoryKib: 53_000, limits: [] },
    },
    problems: [{ severity: 'warning' }, { severity: 'error' }, { severity: 'warning' }],
    wans: [
      { name: 'wan', source: 'network', up: true, addresses: ['192.0.2.1'], prefixes: [] },
      { name: 'wanb', source: 'network', up: false, addresses: [], prefixes: [] },
      { name: 'wan', source: 'web', up: true, addresses: [], prefixes: [] },
    ],
    accounts: [
      { id: 'noip', provider: 'Example DNS', state: 'ok' },
      { id: 'other', provider: HOSTILE, state: 'blocked' },
    ],
    hostnames: [
      host('home'),
      host('lan', { works: 'no', verdict: 'failed', next: { at: '2026-03-01T00:00:00.000Z', sentence: '' } }),
      host('same', { hostname: 'home.example.org', works: 'unknown', confirmed: {} }),
      host('bad', {
        hostname: HOSTILE,
        block: { ...{ code: 'x/Y', sentence: '', since: AT, howToLift: '' } },
      }),
    ],
    aliases: [
      {
        ...{ id: 'www', hostname: 'www.example.org', account: 'noip', target: 'home', targets: [] },
        ...{ verdict: 'ok', code: 'alias/OK', sentence: 'It points at home.', evidence: [] },
      },
      {
        ...{ id: 'mail', hostname: 'mail.example.org', account: 'noip', targets: [] },
        ...{ verdict: 'pending', code: 'alias/WAITING', sentence: 'It points nowhere yet.', evidence: [] },
      },
    ],
    incidents: [
      incident('zone:example.org 1', { openedAt: AT }),
      // The same trouble twice would be the same sample twice.
      incident('zone:example.org 2', { openedAt: AT }),
      incident('host:lan 3', { subject: HOSTILE, mustAct: true }),
      incident('host:home 4', { subject: 'home.example.org', closedAt: AT }),
    ],
    notifications: { waiting: 2, lastProblem: 'hooks.example.org refused.' },
    events: [],
  };
}

function incident(id: string, changes: Partial<StatusDocument['incidents'][number]>) {
  return {
    ...{ id, code: 'delegation/CHANGED', subject: 'example.org', hosts: ['home'], sentence: 'Elsewhere.' },
    ...{ evidence: [], mustAct: false, openedAt: '2026-01-01T00:00:00.000Z' },
    ...changes,
  };
}
