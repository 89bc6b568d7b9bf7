/** The operator asks for a look at the DNS: it comes at once, and the provider hears nothing of it. */
import { expect, test } from 'vitest';
import { lineAt, says, scenario } from './agent.ts';

const CONFIG = `
config agent
	option contact 'admin@example.org'

config account 'noip'
	option provider 'no-ip.com'
	option username 'user'
	option password 'secret'

config hostname 'home'
	option hostname 'home.example.org'
	option account 'noip'
	option allow_private '1'

config hostname 'other'
	option hostname 'other.example.org'
	option account 'noip'
	option allow_private '1'
`;

async function begin() {
  const checked: string[] = [];
  const agent = await scenario({
    config: CONFIG,
    fixture: lineAt('198.51.100.10'),
    replies: () => says('good 198.51.100.10\ngood 198.51.100.10'),
    verify({ host }) {
      checked.push(host);
      return { zone: 'example.org', authority: [], publicView: [], delegation: [] };
    },
  });
  await agent.advance(600_000);
  checked.length = 0;
  return { agent, checked };
}

test.each([
  ['one hostname', ['home'], ['home']],
  ['all of them', undefined, ['home', 'other']],
  ['none that is known', ['nobody'], []],
])('of %s', async (_, hosts, expected) => {
  const { agent, checked } = await begin();
  const sentBefore = agent.requests.length;

  await agent.request(hosts, true);

  expect(checked).toEqual(expected);
  expect(agent.requests).toHaveLength(sentBefore);
});

test('an update is another matter', async () => {
  const { agent } = await begin();
  const sentBefore = agent.requests.length;

  await agent.request(['home']);

  expect(agent.requests).toHaveLength(sentBefore + 1);
});
