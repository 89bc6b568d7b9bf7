/** A provider whose update is one request with a reply that a few matchers can judge. */
import type { FailureFacts, Templates } from '../facts.ts';
import type { Matcher } from '../match.ts';

export interface GetFacts {
  /** Usually GET. */
  method?: 'POST' | 'PUT';
  /**
   * RFC 6570 URI template, always HTTPS. Variables: `hostname` (list), `myip` (list of addresses), `ipv4`,
   * `ipv6`, `zone` (option), `name` (the hostname without its zone, `@` for the zone itself), `subname` (the
   * same, but absent for the zone itself), `username`, `password` and the account's further options. Absent
   * where the account must give its own `url`, which also knows the names `ip` and `ip6`.
   */
  url?: Templates;
  /** Body of a POST as a form: names and templates of the values, which see the same variables. */
  form?: Record<string, string>;
  /** Where the credential goes; without it, it stands in the URL or in the form. */
  authentication?: 'basic' | 'bearer' | { header: string };
  /** What is sent as the user name of `basic`, where that is not the option `username`. */
  login?: 'hostname';
  /** The reply is HTML or has tags in it; `word`, `line` and `phrase` look at the text between them. */
  markup?: true;
  /** One of them must match, and the status be 2xx. Absent where the account has its own words of `success`. */
  successes?: Matcher[];
  /** The first that matches says what went wrong; they are asked before the successes. */
  failures: (FailureFacts & { when: Matcher })[];
}
