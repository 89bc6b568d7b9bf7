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
