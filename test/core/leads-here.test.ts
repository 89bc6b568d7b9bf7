import { expect, test } from 'vitest';
import type { Axis } from '../../agent/core/health.ts';
import { cutOffBy, leadsHere } from '../../agent/core/leads-here.ts';
import type { HostState } from '../../agent/core/state.ts';
import type { Works } from '../../agent/core/works.ts';
import { agentState, confirmation, IPV4, IPV6 } from './agent-state.ts';

const RIGHT: Axis = {
  ...{ verdict: 'ok', code: 'authority/OK', sentence: '', evidence: [], mustAct: false },
  ...{ sinceWallMs: 0, checkedWallMs: 0 },
};
const DOWN = { code: 'wan/DOWN', sentence: 'The line is down.' };
const UNKNOWN = { code: 'web/SILENT', sentence: 'Nobody says.', unknown: true } as const;
const HERE = { network: 'wan', device: 'eth1' };

test.each<{ name: string; choices: HostState['choices']; works: Works; cutOff?: true }>([
  { name: 'all is well', choices: { ipv4: { address: IPV4, ...HERE } }, works: 'yes' },
  { name: 'nothing is known yet', choices: {}, works: 'yes' },
  { name: 'nobody could find out', choices: { ipv4: UNKNOWN, ipv6: UNKNOWN }, works: 'yes' },
  { name: 'of one family nobody could find out', choices: { ipv4: DOWN, ipv6: UNKNOWN }, works: 'yes' },
  { name: 'one family is there', choices: { ipv4: DOWN, ipv6: { address: IPV6, ...HERE } }, works: 'yes' },
  { name: 'its line is down', choices: { ipv4: DOWN, ipv6: DOWN }, works: 'no', cutOff: true },
  { name: 'its only family is not there', choices: { ipv4: DOWN }, works: 'no', cutOff: true },
])('a name that the DNS has, where $name: $works', ({ choices, works, cutOff }) => {
  const confirmed = { ipv4: confirmation(IPV4), ipv6: confirmation(IPV6) };
  const state = agentState({ host: { choices, confirmed, axes: { authority: RIGHT } } });

  const found = leadsHere(state, 'home');

  expect(found).toBe(works);
  expect(cutOffBy({ ...state.hosts.home, choices } as HostState)).toEqual(cutOff && DOWN);
});
