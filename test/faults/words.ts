/** Faults that the provider declares: every word of the dyndns2 protocol, and what is no word of it. */
import type { ScriptedReply } from '../service/recorder.ts';
import type { AxisName, End, Expected, Fault } from './fault.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The provider gives this reply to every request of the next hour. */
function always(
  fault: string,
  reply: ScriptedReply,
  expected: Omit<Expected, 'axis'>,
  more: Partial<Fault> = {},
  axis: AxisName = 'update',
): Fault {
  const shown = reply.body?.trim() || 'nothing';
  return {
    fault,
    made: `replyAlways: ${reply.status ?? 200}, ${shown.length > 40 ? `${shown.slice(0, 40)}...` : shown}`,
    begin: ({ service }) => service.levers.replyAlways(reply),
    lastsMs: HOUR_MS,
    healsMs: 4 * HOUR_MS,
    expected: { axis, ...expected },
    ...more,
  };
}

/** A stop: one request and no other, before and after the provider has changed its mind. */
function stop(code: string, end: End = 'asked'): Omit<Expected, 'axis'> {
  return { verdict: 'failed', code, requests: 1, end, incident: code };
}

function wait(code: string, requests: number): Omit<Expected, 'axis'> {
  return { verdict: 'failed', code, requests, end: 'itself', incident: code };
}

export const WORDS: Fault[] = [
  always(
    'badauth: the key is not valid any more',
    { body: 'badauth\r\n', status: 401 },
    stop('dyndns2/BADAUTH'),
  ),
  always('a login page with 401', { body: '<html>Log in</html>', status: 401 }, stop('reply/HTTP_401')),
  always('nohost: the hostname is not in the account', { body: 'nohost\r\n' }, stop('dyndns2/NOHOST')),
  always('notfqdn: the hostname is not complete', { body: 'notfqdn\r\n' }, stop('dyndns2/NOTFQDN')),
  always('numhost: too many hostnames in one call', { body: 'numhost\r\n' }, stop('dyndns2/NUMHOST')),
  always('abuse: the provider has blocked the hostname', { body: 'abuse\r\n' }, stop('dyndns2/ABUSE')),
  always(
    'badagent: the provider has blocked the program',
    { body: 'badagent\r\n' },
    stop('dyndns2/BADAGENT'),
  ),
  always('badsys: the provider does not know the system', { body: 'badsys\r\n' }, stop('dyndns2/BADSYS')),
  always('!donator: only for those who pay', { body: '!donator\r\n' }, stop('dyndns2/DONATOR')),
  always('!yours: the hostname is of another account', { body: '!yours\r\n' }, stop('dyndns2/YOURS')),
  always('!active: the account is not active', { body: '!active\r\n' }, stop('dyndns2/ACTIVE')),
  always(
    'good 127.0.0.1: the update was thrown away',
    { body: 'good 127.0.0.1\r\n' },
    stop('dyndns2/DISCARDED'),
  ),
  always('dnserr: the provider has a fault in its DNS', { body: 'dnserr\r\n' }, wait('dyndns2/DNSERR', 2)),
  always('911: the provider asks for rest', { body: '911\r\n' }, wait('dyndns2/911', 2)),
  always(
    '911 with a longer Retry-After',
    { body: '911\r\n', status: 503, headers: { 'Retry-After': '7200' } },
    wait('dyndns2/911', 1),
  ),
  always('w2h: wait two hours', { body: 'w2h\r\n' }, wait('dyndns2/WAIT', 1)),
  always('an unknown word', { body: 'maybe later\r\n' }, wait('dyndns2/UNINTELLIGIBLE', 6)),
  always('good within a sentence', { body: 'All is good here.\r\n' }, wait('dyndns2/UNINTELLIGIBLE', 6)),
  always('good and another word', { body: 'good morning\r\n' }, wait('dyndns2/UNINTELLIGIBLE', 6)),
  always('an empty reply', { body: '' }, wait('reply/NO_ANSWER', 6)),
  always('good with HTTP 500', { body: 'good\r\n', status: 500 }, wait('reply/HTTP_5XX', 3)),
  always(
    'good, but nothing was stored (one line for two hostnames)',
    { body: 'good 198.51.100.21\r\n' },
    {
      ...{ verdict: 'failed', code: 'authority/STALE', requests: 1, end: 'asked' },
      incident: 'authority/STALE and authority/STALE',
    },
    { options: { host2: true }, move: true },
    'authority',
  ),
];
