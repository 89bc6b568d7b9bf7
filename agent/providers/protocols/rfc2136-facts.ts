/** A DNS server that takes updates itself (RFC 2136), signed with a shared key (RFC 8945). */
export interface Rfc2136Facts {
  /** TTL of the records, where the account sets none. */
  ttlSec: number;
}
