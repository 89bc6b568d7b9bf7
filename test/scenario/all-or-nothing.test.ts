/** A provider that refuses a whole call for one wrong name, in the words it has for a wrong token (Duck DNS). */
import { beforeAll, expect, test } from 'vitest';
import { type SentRequest, says, scenario } from './agent.ts';

const NAMES = ['one', 'two', 'three', 'four', 'five'];

const CONFIG = `
config agent
	option verify '0'

config account 'duck'
	option provider 'duckdns.org'
	option password 'its-token'
${NAMES.map(
  (name) => `
config hostname '${name}'
	option hostname '${name}.duckdns.org'
	option account 'duck'
	option allow_private '1'
`,
).join('')}`;

// The loop of the scenario does not wait for a file to be read.
beforeAll(() => import('../../agent/providers/protocols/get.ts'));

function namesOf({ url }: SentRequest): string[] {
  return (/domains=([^&]*)/.exec(url)?.[1] ?? '').split(/,|%2C/).map((name) => name.replace(/\..*/, ''));
}

async function begin(isTaken: (name: string) => boolean) {
  const calls: string[][] = [];
  const agent = await scenario({
    config: CONFIG,
    replies(request) {
      const names = namesOf(request);
      calls.push(names);
      return says(names.every(isTaken) ? 'OK\n192.0.2.1\n\nUPDATED' : 'KO');
    },
  });
  await agent.advance(60_000);
  const { hosts, accounts } = agent.state();
  return {
    agent,
    calls,
    confirmed: NAMES.filter((name) => hosts[name]?.confirmed.ipv4),
    blocked: NAMES.filter((name) => hosts[name]?.block),
    isAccountBlocked: accounts.duck?.block !== undefined,
  };
}

test('all right: one call for all', async () => {
  const { calls, confirmed } = await begin(() => true);

  expect(calls).toEqual([NAMES]);
  expect(confirmed).toEqual(NAMES);
});

test.each([
  { wrong: ['two'] },
  { wrong: ['one', 'two'] },
  { wrong: ['five'] },
  { wrong: ['three', 'four', 'five'] },
])('wrong names $wrong: each is tried alone, and only they are blocked', async ({ wrong }) => {
  const { agent, calls, confirmed, blocked, isAccountBlocked } = await begin((name) => !wrong.includes(name));
  const soFar = calls.length;

  expect(calls).toEqual([NAMES, ...NAMES.map((name) => [name])]);
  expect(confirmed).toEqual(NAMES.filter((name) => !wrong.includes(name)));
  expect(blocked).toEqual(wrong);
  expect(isAccountBlocked).toBe(false);

  // Nobody asks again for what is blocked.
  await agent.advance(24 * 3_600_000);
  expect(calls).toHaveLength(soFar);
});

test('a wrong token: after three names it is the account, and no more is sent', async () => {
  const { agent, calls, confirmed, isAccountBlocked } = await begin(() => false);
  await agent.advance(24 * 3_600_000);

  expect(calls).toEqual([NAMES, ['one'], ['two'], ['three']]);
  expect(confirmed).toEqual([]);
  expect(isAccountBlocked).toBe(true);
});
