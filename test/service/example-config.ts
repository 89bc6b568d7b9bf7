/** The `/etc/config/holdfast` that goes with a running test service. */
import type { Service } from './service.ts';

/** UCI text that points an agent at this service and at nothing else. */
export function exampleConfig({
  api,
  dns,
  caFile,
  accounts,
}: Pick<Service, 'api' | 'dns' | 'caFile' | 'accounts'>): string {
  const [account] = accounts;
  const servers = {
    resolver: [dns.localResolver],
    public_resolver: dns.resolvers,
    control_server: dns.control,
  };
  const resolvers = Object.entries(servers).flatMap(([option, addresses]) =>
    addresses.map((address) => `\tlist ${option} '${address}#${dns.port}'`),
  );
  const hosts = (account?.hosts ?? []).flatMap((host) => [
    '',
    `config hostname '${host.replace(/[^a-z0-9]/g, '_')}'`,
    `\toption hostname '${host}'`,
    "\toption account 'demo'",
    "\tlist network 'wan'",
    "\toption allow_private '1'",
  ]);
  return [
    "config agent 'agent'",
    "\toption enabled '1'",
    "\toption contact 'admin@example.org'",
    `\toption dns_port '${dns.port}'`,
    ...resolvers,
    ...dns.dohUrls.map((url) => `\tlist doh_url '${url}'`),
    '',
    "config account 'demo'",
    "\toption provider 'no-ip.com'",
    `\toption server '${new URL(api.url).origin}'`,
    `\toption ca_file '${caFile}'`,
    `\toption username '${account?.username ?? ''}'`,
    `\toption password '${account?.password ?? ''}'`,
    ...hosts,
    '',
  ].join('\n');
}
