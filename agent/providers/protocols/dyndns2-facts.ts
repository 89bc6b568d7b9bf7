/** How a provider's dyndns2 differs from Dyn's own; without any of it, it does not. */
import type { FailureFacts, Templates } from '../facts.ts';

export interface Dyndns2Facts {
  /**
   * RFC 6570 URI template of the update call, always HTTPS. Variables: `hostname` (list), `myip` (list of
   * addresses), `ipv4`, `ipv6`, `username`, and the account's options. Absent where the account must name its
   * own `server`.
   */
  endpoint?: Templates;
  /** What is sent as the user name: the option `username` (usual), the hostname, or the password again. */
  login?: 'hostname' | 'password';
  /** The words for success, in place of `good` and `nochg`. */
  successes?: string[];
  /** Further words of failure, or another meaning of a known one, in lower case. */
  words?: Record<string, FailureFacts>;
  /** Meaning of an HTTP status whose body holds no word. */
  statuses?: Record<string, FailureFacts>;
  /** HTTP statuses that are a success without any body, such as 204. */
  silentSuccess?: number[];
}
