/** Texts that try to become more than text, and a status in which every word is one. */

const MARKER = 'holdfast-injected';

/** Whatever a page puts it into: it must arrive as these very characters, or without the invisible ones. */
export const POISON = `"'><${MARKER}>&lt;u&gt;</${MARKER}><img src=x onerror=__holdfast()><svg onload=__holdfast()></svg><script>__holdfast()</script>%s%d\${1}\u202egnp.exe\u202c`;
export const POISON_URL = 'javascript:__holdfast()//';
/** A part of the poison that can be looked for. */
export const SEEN_AS_TEXT = `<${MARKER}>`;

/** Goes into every page before its own scripts. */
export const TRAP = 'window.__holdfast = () => { window.__holdfastRan = (window.__holdfastRan || 0) + 1; };';

/** What a page has let through, in words. */
export const CAUGHT = `(() => {
  const found = [];
  if (window.__holdfastRan) found.push('a script ran');
  const injected = document.querySelectorAll('${MARKER}');
  for (const node of injected) found.push('injected below ' + (node.parentElement?.outerHTML || '').slice(0, 300));
  for (const node of document.querySelectorAll('[onerror], svg[onload], img[src="x"]')) found.push(node.outerHTML.slice(0, 200));
  for (const node of document.querySelectorAll('[href], [src], [action], [formaction]'))
    for (const name of ['href', 'src', 'action', 'formaction'])
      if (/^\\s*(javascript|data:text)/i.test(node.getAttribute(name) || '')) found.push(name + ' ' + node.getAttribute(name));
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    if (/[\\u202a-\\u202e\\u2066-\\u2069]/.test(node.data) && !node.parentElement.closest('bdi, script'))
      found.push('turns the writing direction: ' + node.data.slice(0, 80));
  return [...new Set(found)];
})()`;

/** Members whose values are words of a fixed list or moments. */
const FIXED = new Set([
  'verdict',
  'works',
  'level',
  'severity',
  'state',
  'at',
  'since',
  'checkedAt',
  'writtenAt',
  'startedAt',
  'openedAt',
  'closedAt',
  'waitUntil',
]);

/** Every string with poison behind it; `all`: those of fixed lists as well. */
export function poisoned(value: unknown, all: boolean, name = ''): unknown {
  if (typeof value === 'string') {
    return FIXED.has(name) && !all ? value : `${value}${POISON}`;
  }
  if (Array.isArray(value)) {
    return value.map((item) => poisoned(item, all, name));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, poisoned(item, all, key)]));
  }
  return value;
}

const AT = '2026-11-22T10:00:00Z';

function axis(verdict: string): Record<string, unknown> {
  const evidence = ['ns1.provider.example: A 203.0.113.1'];
  return { verdict, code: 'code', sentence: 'Sentence.', evidence, mustAct: true, since: AT, checkedAt: AT };
}

function host(id: string, verdict: string): Record<string, unknown> {
  return {
    ...{
      id,
      hostname: `${id}.example.org`,
      account: 'noip',
      provider: 'No-IP',
      verdict,
      sentence: 'Sentence.',
    },
    desired: {
      ipv4: { address: '203.0.113.2', network: 'wan', device: 'eth1' },
      ipv6: { code: 'source/NONE', sentence: 'None.' },
    },
    confirmed: { ipv4: { address: '203.0.113.1', since: AT } },
    axes: {
      update: axis(verdict),
      delegation: axis('failed'),
      authority: axis('warning'),
      publicView: axis('unknown'),
    },
    next: { at: AT, sentence: 'Later.' },
    block: { code: 'block', since: AT, sentence: 'Blocked.', howToLift: 'Change it.' },
    ...{ works: 'no', standby: ['office'] },
  };
}

/** A status with something in every place there is. */
export const FULL_STATUS = {
  version: 1,
  writtenAt: AT,
  agent: {
    ...{ version: '0.1.0', runtime: 'node', pid: 1, startedAt: AT, memoryKib: 50_000 },
    limits: [{ code: 'limit', sentence: 'Not here.' }],
  },
  problems: [
    {
      ...{
        severity: 'error',
        file: '/etc/config/holdfast',
        line: 3,
        code: 'config/VALUE',
        sentence: 'Wrong.',
      },
      ...{ section: 'home', option: 'family', value: 'ipv5' },
    },
  ],
  wans: [
    { name: 'wan', source: 'network', up: true, device: 'eth1', addresses: ['203.0.113.2'], prefixes: [] },
  ],
  accounts: [{ id: 'noip', provider: 'No-IP', state: 'blocked', waitUntil: AT }],
  hostnames: [host('home', 'failed'), host('office', 'warning')],
  incidents: [
    {
      ...{
        id: 'i1',
        code: 'delegation/CHANGED',
        subject: 'ddns.example',
        hosts: ['home'],
        sentence: 'Taken away.',
      },
      ...{ evidence: ['ns'], mustAct: false, openedAt: AT },
    },
    {
      ...{ id: 'i2', code: 'account/BLOCKED', subject: 'noip', hosts: ['home'], sentence: 'Was blocked.' },
      ...{ evidence: ['badauth'], mustAct: true, openedAt: AT, closedAt: AT },
    },
  ],
  aliases: [
    {
      ...{
        id: 'alias',
        hostname: 'www.example.org',
        account: 'noip',
        target: 'home',
        since: AT,
        verdict: 'ok',
      },
      ...{ code: 'alias/OK', sentence: 'Points.', next: { at: AT, sentence: 'Later.' } },
      targets: [{ id: 'home', hostname: 'home.example.org', works: 'yes' }],
    },
  ],
  notifications: { waiting: 1, lastProblem: 'Refused.' },
  events: [
    { at: AT, level: 'info', code: 'wan/CHANGED', sentence: 'Changed.', host: 'home' },
    { at: AT, level: 'warning', code: 'incident/OPENED', sentence: 'Opened.', host: 'home', incident: 'i1' },
    {
      at: AT,
      level: 'notice',
      code: 'incident/CLOSED',
      sentence: 'Closed.',
      account: 'noip',
      incident: 'i2',
    },
  ],
};
