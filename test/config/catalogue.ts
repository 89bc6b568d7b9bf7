/** Four invented providers that between them have every trait the loader looks at. */
import type { ProviderDefinition } from '../../agent/providers/definition.ts';

const plain: ProviderDefinition = {
  id: 'plain.example',
  title: 'Plain DNS',
  homepage: 'https://plain.example',
  protocol: 'dyndns2',
  sources: [],
  fields: {
    username: { title: 'Login', help: '', required: true },
    password: { title: 'Update key', help: '', required: true },
  },
  dyndns2: { endpoint: 'https://update.plain.example/nic/update{?hostname,myip}' },
  families: { single: ['ipv4'], dual: false },
  partial: 'keeps',
  hostsPerCall: 1,
  minIntervalSec: 60,
  busyWaitSec: 1800,
  zones: ['plain.example'],
  notes: [],
};

const grouped: ProviderDefinition = {
  ...plain,
  id: 'grouped.example',
  title: 'Grouped DNS',
  families: { single: ['ipv4', 'ipv6'], dual: true },
  partial: 'erases',
  pseudoHosts: ['all.grouped.example'],
  groups: true,
  decodeUsername: true,
  wantsContact: true,
  refreshDays: 25,
};

const generic: ProviderDefinition = {
  ...plain,
  id: 'generic',
  title: 'Any service',
  dyndns2: {},
  families: { single: ['ipv4', 'ipv6'], dual: false },
  fields: {
    password: { title: 'Token', help: '', required: true },
    server: { title: 'Server', help: '', required: true },
  },
};

const { dyndns2: _, ...withoutFacts } = plain;
const overDns: ProviderDefinition = {
  ...withoutFacts,
  id: 'over-dns',
  title: 'DNS update',
  protocol: 'rfc2136',
  rfc2136: { ttlSec: 60 },
  cname: { minTtlSec: 30 },
};

export const catalogue: ReadonlyMap<string, ProviderDefinition> = new Map(
  [plain, grouped, generic, overDns].map((provider) => [provider.id, provider]),
);
