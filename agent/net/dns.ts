/** DNS over Node's sockets; a file of its own in the package, loaded with the first question. */
import type { Dns, DnsExchange, DnsOverHttps, Http } from '../ports.ts';
import { dnsClient } from './dns-client.ts';
import { nodeExchange as exchange } from './dns-exchange.ts';
import { dnsOverHttps } from './doh.ts';

export function nodeDns(random: () => number): Dns {
  return dnsClient({ exchange: exchange(), random });
}

export function nodeDnsOverHttps(http: Http): DnsOverHttps {
  return dnsOverHttps(http);
}

export function nodeExchange(): DnsExchange {
  return exchange();
}
