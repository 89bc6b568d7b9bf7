/**
 * The names at which the zone of a host may begin, longest first: the name itself (without `*`), then its
 * parents down to the top-level domain. Expects the normal form.
 */
export function zoneCandidates(hostname: string): string[] {
  const labels = hostname.split('.').filter((label) => label !== '*');
  return labels.map((_, index) => labels.slice(index).join('.'));
}
