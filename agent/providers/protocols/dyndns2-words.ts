/** The words of dyndns2 (Dyn's return codes; No-IP: noip.com/integrate/response). */
import type { FailureFacts } from '../facts.ts';
import type { Dyndns2Facts } from './dyndns2-facts.ts';

/** What kind of failure, how far it reaches, and what the operator is to do. */
type Meaning = readonly [FailureFacts['kind'], FailureFacts['scope'], string];

export const SUCCESSES = ['good', 'nochg'];

/** Every word that is no success: what it means, how far it reaches, what the operator is to do. */
export const WORDS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  [
    'badauth',
    ['credential', 'account', 'Username or password is wrong. Correct it; nothing is sent until then.'],
  ],
  [
    '!donator',
    ['refused', 'account', 'An option was used that only paying accounts have. Check the account.'],
  ],
  ['notfqdn', ['refused', 'hostname', 'This is no complete hostname. Correct it, e.g. home.example.org.']],
  [
    'nohost',
    ['refused', 'hostname', 'The hostname is not in this account, or has expired. Check it at the provider.'],
  ],
  [
    '!yours',
    ['refused', 'hostname', 'The hostname belongs to another account. Check the login and the name.'],
  ],
  ['!active', ['refused', 'hostname', 'The domain is not activated. Activate it at the provider.']],
  [
    'numhost',
    ['refused', 'hostname', 'Too many hostnames, or a round robin name. Check it at the provider.'],
  ],
  ['abuse', ['refused', 'account', 'The provider has blocked this for abuse. Unblock it on its web site.']],
  [
    'badagent',
    ['refused', 'account', 'The provider refuses this program. Set option contact, or update Holdfast.'],
  ],
  [
    'badsys',
    ['refused', 'account', 'The provider does not know this kind of update. Check the choice of provider.'],
  ],
  [
    'badip',
    ['refused', 'hostname', 'The provider does not take this address. Check where the address comes from.'],
  ],
  [
    'badrequest',
    ['refused', 'account', 'The provider does not understand the request. Check the choice of provider.'],
  ],
  [
    'dnserr',
    ['busy', 'account', 'The DNS of the provider has a fault. Nothing to do; Holdfast tries again later.'],
  ],
  [
    '911',
    ['busy', 'provider', 'The provider has a fault or maintenance. Nothing to do; Holdfast waits as asked.'],
  ],
]);

/** The meaning of a word, the provider's own before the usual one; undefined for what is no word of failure. */
export function meaningOf(facts: Dyndns2Facts, word: string): FailureFacts | undefined {
  if (facts.words && Object.hasOwn(facts.words, word)) {
    return facts.words[word];
  }
  const [kind, scope, sentence] = WORDS.get(word) ?? [];
  return kind && scope && sentence !== undefined
    ? { kind, scope, code: word.replace('!', '').toUpperCase(), sentence }
    : undefined;
}
