/** The ways to ask somebody outside; a file of its own in the package, loaded on demand. */
import type { OutsideSettings } from '../core/source-key.ts';
import type { AddressSource } from '../ports.ts';
import { dnsOperators } from './dns.ts';
import { ECHOES, ownEchoes } from './echoes.ts';
import { type Ask, outsideSource } from './outside.ts';
import { type Operator, panel } from './panel.ts';
import type { SourceParts } from './parts.ts';
import { routerAsk } from './router.ts';
import { scriptAsk } from './script.ts';
import { ownStunServers, STUN_SERVERS, stunOperators } from './stun.ts';
import { webOperators } from './web.ts';

/** Kinds that ask by UDP, which not every runtime can send. */
const BY_DATAGRAM: readonly OutsideSettings['kind'][] = ['stun', 'router'];

export function askingSource(
  settings: OutsideSettings,
  base: AddressSource,
  parts: SourceParts,
): AddressSource {
  const clock = parts.host;
  const ask = askOf(settings, parts);
  return outsideSource({ ...settings, base, ask, clock, random: () => clock.random() });
}

function askOf(settings: OutsideSettings, { host, userAgent }: SourceParts): Ask {
  const limit = host.limits.find(({ code }) => code === 'runtime/NO_DATAGRAMS');
  if (limit && BY_DATAGRAM.includes(settings.kind)) {
    return async () => ({ unknown: limit });
  }
  const vote = (operators: Operator[]) => panel({ operators, clock: host, random: () => host.random() });
  switch (settings.kind) {
    case 'web': {
      const echoes = settings.echoUrls ? ownEchoes(settings.echoUrls) : ECHOES;
      return vote(webOperators(echoes, { http: host.http, userAgent }));
    }
    case 'dns':
      return vote(dnsOperators({ dns: host.dns }));
    case 'stun': {
      const servers = settings.stunServers ? ownStunServers(settings.stunServers) : STUN_SERVERS;
      return vote(stunOperators(servers, host.datagrams));
    }
    case 'router':
      return routerAsk(host);
    case 'script':
      return scriptAsk(settings.argv ?? [], host);
  }
}
