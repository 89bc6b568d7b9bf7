/** One family comes and goes, at a provider that erases what a call does not name and at one that keeps it. */
import { expect, test } from 'vitest';
import { says, scenario, wanAt } from './agent.ts';

const MINUTE_MS = 60_000;
const IPV4 = ['198.51.100.10', '198.51.100.11'] as const;
const IPV6 = ['2001:db8::10', '2001:db8::11'] as const;
const PAIR = [IPV4[0], IPV6[0]] as const;

function config(provider: string): string {
  return `
config agent
	option verify '0'
	option contact 'admin@example.org'

config account 'ddns'
	option provider '${provider}'
	option username 'user'
	option password 'secret'

config hostname 'home'
	option hostname 'home.example.org'
	option account 'ddns'
	option family 'dual'
	option allow_private '1'
`;
}

function line(ipv4: string, ipv6?: string) {
  const addresses = ipv6 === undefined ? [] : [{ address: ipv6, mask: 64, preferred: 3600, valid: 7200 }];
  return { ...wanAt(ipv4), 'ipv6-address': addresses };
}

/** What a URL names, whatever the parameters are called. */
function namedIn(url: string): string {
  return [...IPV4, ...IPV6].filter((address) => decodeURIComponent(url).includes(address)).join(' ');
}

test.each([
  { name: 'erases, the same address', provider: 'inwx.de', back: IPV6[0], last: `${IPV4[1]} ${IPV6[0]}` },
  { name: 'erases, another address', provider: 'inwx.de', back: IPV6[1], last: `${IPV4[1]} ${IPV6[1]}` },
  { name: 'keeps, the same address', provider: 'no-ip.com', back: IPV6[0], last: undefined },
  {
    name: 'keeps, another address',
    provider: 'no-ip.com',
    back: IPV6[1],
    last: `${IPV4[1]} ${IPV6[1]}`,
  },
])('IPv4 changes while IPv6 is away, and comes back: $name', async ({ provider, back, last }) => {
  const agent = await scenario({
    config: config(provider),
    fixture: { name: 'made', description: '', dumpBefore: { interface: [line(...PAIR)] }, steps: [] },
    replies: () => says('good'),
  });
  await agent.advance(MINUTE_MS);
  const sent = () => agent.requests.map(({ url }) => namedIn(url));

  agent.feed.notify(line(IPV4[1]));
  await agent.advance(30 * MINUTE_MS);
  await agent.restart();
  agent.feed.notify(line(IPV4[1], back));
  await agent.advance(30 * MINUTE_MS);
  await agent.restart();
  await agent.advance(30 * MINUTE_MS);

  expect(sent()).toEqual([PAIR.join(' '), IPV4[1], ...(last === undefined ? [] : [last])]);
  expect(agent.state().hosts.home?.confirmed).toMatchObject({
    ipv4: { address: IPV4[1] },
    ipv6: { address: back },
  });
});
