/** The WAN is up, but the modem behind it is not: nothing leaves the router for some minutes. */
import { expect, test } from 'vitest';
import { type FaultCode, httpFailure } from '../../agent/net/http-failure.ts';
import { good, lineAt, type Reply, scenario } from './agent.ts';

const MINUTE_MS = 60_000;
const CONFIG = `
config agent
	option verify '0'
	option resync '86400'
	option contact 'admin@example.org'

config account 'noip'
	option provider 'no-ip.com'
	option username 'user'
	option password 'secret'

config hostname 'home'
	option hostname 'home.example.org'
	option account 'noip'
	option allow_private '1'
`;

/** Every request fails so until the modem is ready; seconds of all attempts, and how it stands at the end. */
async function attemptsSec(code: FaultCode, readyMs: number, lastsMs: number) {
  const reply: Reply = (request) =>
    request.atMs < readyMs
      ? { kind: 'failed', failure: httpFailure(code, 'dynupdate.example:443', Date.UTC(2026, 0, 1)) }
      : good(request);
  const agent = await scenario({ config: CONFIG, fixture: lineAt('198.51.100.10'), replies: reply });
  await agent.advance(lastsMs);
  const { confirmed } = agent.state().hosts.home ?? {};
  return {
    sec: agent.requests.map(({ atMs }) => Math.round(atMs / 1000)),
    address: confirmed?.ipv4?.address,
    told: agent.codes().filter((one) => one === code).length,
  };
}

test.each<FaultCode>(['http/DNS', 'http/NO_ROUTE'])(
  '%s: at most a minute after the modem is ready',
  async (code) => {
    const { sec, address } = await attemptsSec(code, 3 * MINUTE_MS, 10 * MINUTE_MS);

    expect(sec).toEqual([0, 5, 15, 35, 75, 135, 195]);
    expect(address).toBe('198.51.100.10');
  },
);

test.each<FaultCode>(['http/REFUSED', 'http/CONNECT_TIMEOUT', 'http/HOST_UNREACHABLE', 'http/NO_NAME'])(
  '%s is the word of somebody else, who is not asked so often',
  async (code) => {
    const { sec } = await attemptsSec(code, 3 * MINUTE_MS, 30 * MINUTE_MS);

    expect(sec).toEqual([0, 5, 85, 1345]);
  },
);

test('a line that is down for a night is no storm, and costs the provider one request', async () => {
  const { sec, address, told } = await attemptsSec('http/DNS', 480 * MINUTE_MS, 482 * MINUTE_MS);

  expect(sec.length).toBeLessThanOrEqual(490);
  expect(told).toBe(1);
  expect(address).toBe('198.51.100.10');
});

const OTHERS = `
config account 'dynu'
	option provider 'dynu.com'
	option username 'user'
	option password 'secret'

config hostname 'other'
	option hostname 'home.dynu.net'
	option account 'dynu'
	option allow_private '1'
`;

/** The provider's update server cannot be looked up for three hours; seconds of the attempts. */
async function lookupsSec(isLineFine: boolean) {
  const agent = await scenario({
    config: CONFIG.replace("verify '0'", "verify '1'") + OTHERS,
    fixture: lineAt('198.51.100.10'),
    published: { home: { ipv4: '198.51.100.9' }, other: { ipv4: '198.51.100.9' } },
    replies: (request) =>
      isLineFine && request.hostnames.includes('home.dynu.net')
        ? good(request)
        : {
            kind: 'failed',
            failure: httpFailure('http/DNS', 'dynupdate.example:443', Date.UTC(2026, 0, 1)),
          },
    verify: ({ ipv4 = '' }) => ({
      zone: 'example.net',
      delegation: [],
      authority: [
        isLineFine
          ? { server: 'ns1.example.net', family: 'ipv4', kind: 'ok', detail: ipv4, addresses: [ipv4] }
          : { server: 'ns1.example.net', family: 'ipv4', kind: 'unreachable', detail: 'no answer' },
      ],
      publicView: [],
    }),
  });
  await agent.advance(180 * MINUTE_MS);
  return agent.requests
    .filter(({ hostnames }) => hostnames.includes('home.example.org'))
    .map(({ atMs }) => Math.round(atMs / 1000));
}

test('once a check has heard others it is the DNS of the provider, which is not looked up each minute', async () => {
  const sec = await lookupsSec(true);
  // Checks that find all well are hourly.
  const late = sec.filter((one) => one > 3700);

  expect(sec.slice(0, 6)).toEqual([0, 5, 15, 35, 75, 135]);
  expect(late.length).toBeGreaterThanOrEqual(4);
  expect(late.length).toBeLessThanOrEqual(7);
});

test('where nobody is heard it may be the line, which comes back at any minute', async () => {
  const sec = await lookupsSec(false);

  expect(sec.length).toBeGreaterThan(175);
});
