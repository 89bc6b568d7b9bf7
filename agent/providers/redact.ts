/** Takes secrets out of text that came from outside, before it can reach a log, the status or a message. */
import type { Credential } from './protocol.ts';

/** Shorter ones would tear up ordinary words and protect nothing. */
const SHORTEST = 3;

/**
 * `forms` gives the ways a credential may be written (plain, percent-encoded, in base64); the accounts are
 * asked each time, for a reload may change them.
 */
export function createRedactor(
  credentials: () => Iterable<Partial<Credential>>,
  forms: (username: string, password: string) => string[],
): (foreignText: string) => string {
  return (foreignText) => {
    const secrets = [...credentials()].flatMap(({ username, password }) =>
      password === undefined ? [] : forms(username ?? '', password),
    );
    const longestFirst = secrets.filter((one) => one.length >= SHORTEST).sort((a, b) => b.length - a.length);
    return longestFirst.reduce((text, secret) => text.replaceAll(secret, '***'), foreignText);
  };
}
