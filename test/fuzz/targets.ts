/**
 * Everything that reads foreign octets. A target feeds an input to one decoder and throws when the decoder breaks
 * its promise: it returns a value or a Failure, whatever it is given.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { providersOf } from '../../agent/cli/import-ddns.ts';
import { loadConfig } from '../../agent/config/load.ts';
import { decodeReply, encodeQuery } from '../../agent/net/dns-wire.ts';
import { resolversOf } from '../../agent/net/resolv-conf.ts';
import { importDdns } from '../../agent/openwrt/import-ddns.ts';
import { parseAddedObject, parseDump, parseNotification } from '../../agent/openwrt/netifd-status.ts';
import { parseUci, writeUci } from '../../agent/openwrt/uci.ts';
import type { HttpReply } from '../../agent/ports.ts';
import { checkProviderFile } from '../../agent/providers/catalogue.ts';
import type { ProviderDefinition } from '../../agent/providers/definition.ts';
import { ON_DEMAND } from '../../agent/providers/on-demand.ts';
import { get } from '../../agent/providers/protocols/get.ts';
import { readUpdateReply } from '../../agent/providers/protocols/rfc2136-message.ts';
import { judgeSignature } from '../../agent/providers/protocols/tsig.ts';
import { PROTOCOLS } from '../../agent/providers/registry.ts';
import { readEcho } from '../../agent/sources/echoes.ts';
import { connectionService, externalAddress, locationOf } from '../../agent/sources/igd.ts';
import { parseAddresses, parseDefaultRoutes, parseGateways } from '../../agent/sources/ip-output.ts';
import { decodeNatPmpReply, decodePcpReply } from '../../agent/sources/pcp-wire.ts';
import { decodeBindingReply } from '../../agent/sources/stun-wire.ts';
import { createStore } from '../../agent/store/state.ts';
import { CATALOGUE, CATALOGUE_FOLDER, PROVIDERS } from '../fakes/catalogue.ts';
import { protocolPorts } from '../fakes/protocol-ports.ts';
import { callOf, fixtureOf } from '../providers/fixture.ts';

export interface Target {
  name: string;
  /** Valid inputs to begin with. */
  seeds: readonly Uint8Array[];
  /** Throws or rejects when a promise is broken. */
  run(input: Uint8Array): void | Promise<void>;
}

const NONCE = Uint8Array.from({ length: 12 }, (_, index) => index);

export function targets(): Target[] {
  return [
    {
      name: 'uci',
      seeds: texts(CONFIG, ...fixtures('uci')),
      run(input) {
        const file = parseUci(textOf(input), 'holdfast');
        mustBeJson(file);
      },
    },
    {
      name: 'uci-roundtrip',
      seeds: texts('home', "it's", 'two\nlines', '\\"', 'a  b', '\t'),
      run(input) {
        const value = textOf(input).replaceAll('\0', '');
        const options = [{ name: 'hostname', value }];
        const { sections } = parseUci(writeUci([{ type: 'hostname', name: 'home', options }]), 'holdfast');
        const read = sections[0]?.options[0]?.value ?? '';
        must(read === value, `what was written is read again: ${JSON.stringify(read)}`);
      },
    },
    {
      name: 'config',
      seeds: texts(CONFIG, ...fixtures('config')),
      run(input) {
        const { config, problems } = loadConfig(textOf(input), 'holdfast', CATALOGUE, () => undefined);
        for (const { sentence, code } of problems) {
          must(sentence !== '' && /^[a-z]+\/[A-Z_0-9]+$/.test(code), 'a problem has a code and a sentence');
        }
        must(Array.isArray(config.hostnames), 'there is a configuration');
      },
    },
    {
      name: 'import-ddns',
      seeds: texts(DDNS_SCRIPTS, ...fixtures('uci')),
      run(input) {
        const result = importDdns({
          theirs: textOf(input),
          ours: '',
          providers: IMPORTED,
          sources: IMPORT_SOURCES,
        });
        const loaded = loadConfig(result.ours, 'holdfast', CATALOGUE, () => undefined);
        must(
          loaded.problems.every(({ code }) => code !== 'config/SYNTAX'),
          'what is imported can be read',
        );
      },
    },
    {
      name: 'resolv-conf',
      seeds: texts('nameserver 192.0.2.53\noptions ndots:1\n'),
      run: (input) => mustBeJson(resolversOf(textOf(input))),
    },
    {
      name: 'netifd-dump',
      seeds: fixtures('netifd').map(octetsOf),
      run(input) {
        const text = textOf(input);
        parseNotification(text);
        parseAddedObject(text);
        parseDump(jsonOf(text));
      },
    },
    {
      name: 'ip-output',
      seeds: fixtures('ip').map(octetsOf),
      run(input) {
        const text = textOf(input);
        for (const form of ['json', 'text'] as const) {
          mustBeJson([parseAddresses(text, form), parseDefaultRoutes(text, form)]);
          parseGateways(text, form);
        }
      },
    },
    {
      name: 'dns-reply',
      seeds: dnsReplies(),
      run(input) {
        const decoded = decodeReply(input, DNS_QUERY);
        mustBeJson(decoded);
      },
    },
    {
      name: 'rfc2136-reply',
      seeds: [hex(UPDATE_REPLY)],
      run(input) {
        const reply = readUpdateReply(input, 0x1234);
        judgeSignature(input, reply?.tsig, TSIG_KEY, REQUEST_MAC, 1_700_000_000);
      },
    },
    {
      name: 'nat-pmp',
      seeds: [hex('008000000000000ac0000201')],
      run: (input) => void decodeNatPmpReply(input),
    },
    { name: 'pcp', seeds: [pcpReply()], run: (input) => void decodePcpReply(input, NONCE) },
    {
      name: 'stun',
      seeds: [hex(`0101000c2112a442${hexOf(NONCE)}002000080001a147e112a643`)],
      run: (input) => void decodeBindingReply(input, NONCE),
    },
    {
      name: 'igd',
      seeds: texts(SSDP, IGD_DESCRIPTION, IGD_REPLY),
      run(input) {
        const text = textOf(input);
        locationOf(text, '192.0.2.1');
        connectionService(text, 'http://192.0.2.1:5000/root.xml', '192.0.2.1');
        externalAddress(text);
      },
    },
    {
      name: 'echo',
      seeds: texts(
        '192.0.2.1\n',
        '{"ip":"192.0.2.1"}',
        '<html>Current IP Address: 192.0.2.1</html>',
        'ip=2001:db8::1\n',
      ),
      run(input) {
        for (const form of ['plain', 'trace', 'text'] as const) {
          for (const family of ['ipv4', 'ipv6'] as const) {
            const address = readEcho(textOf(input), form, family);
            must(address === undefined || address.length < 50, 'an echo is an address');
          }
        }
      },
    },
    { name: 'state-file', seeds: texts(STATE), run: (input) => loadsState(textOf(input)) },
    {
      name: 'provider-file',
      seeds: ['no-ip.com.json', 'cloudflare.com-v4.json', 'dynu.com.json'].flatMap((name) =>
        catalogueFile(name),
      ),
      async run(input) {
        const files = {
          readText: async (path: string) => (path.endsWith('catalogue.json') ? PACKED : textOf(input)),
          listFolder: async () => [],
        };
        const mistakes = await checkProviderFile(files, '/lib', '/etc/holdfast/providers/mine.json');
        must(
          mistakes.every((sentence) => sentence.endsWith('.')),
          'a mistake is a sentence',
        );
      },
    },
    ...protocolTargets(),
  ];
}

/** One target for each protocol over HTTP; the first octet chooses among the providers that speak it. */
function protocolTargets(): Target[] {
  return (['dyndns2', 'get', 'rest'] as const).map((protocol) => {
    const providers = [...PROVIDERS.values()].filter((one) => one.protocol === protocol);
    return {
      name: `reply-${protocol}`,
      seeds: providers.flatMap((provider, index) =>
        repliesOf(provider).map(({ status, body }) =>
          Uint8Array.from([index, status % 256, ...octetsOf(body)]),
        ),
      ),
      async run(input) {
        const provider = providers[(input[0] ?? 0) % providers.length];
        if (provider) {
          const status = [200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 429, 500, 503][
            (input[1] ?? 0) % 13
          ];
          await readsReply(provider, status ?? 200, textOf(input.subarray(2)));
        }
      },
    };
  });
}

function repliesOf(provider: ProviderDefinition): { status: number; body: string }[] {
  const replies: unknown = fixtureOf(provider.id)?.replies;
  return Array.isArray(replies) ? replies : [{ status: 200, body: '{"success":true,"result":[{"id":"1"}]}' }];
}

async function readsReply(provider: ProviderDefinition, status: number, body: string): Promise<void> {
  const reply: HttpReply = { status, headers: { 'retry-after': body.slice(0, 9) }, body, truncated: false };
  const http = { request: async () => ({ kind: 'reply' as const, reply }), idle() {} };
  const account = {
    ...{ username: 'user', password: 'password', server: 'https://ddns.example.org' },
    options: { zone: 'example.org', url: 'https://ddns.example.org/{?ip}', success: 'good', record_id: '7' },
  };
  const call = callOf(provider, { account }, { hostnames: ['home.example.org'], ipv4: '192.0.2.1' });
  // The account of a cloud needs a real key to sign with: its replies are read all the same.
  const crypto = { ...protocolPorts({}).crypto, signRsa: async () => new Uint8Array(256) };
  const protocol = protocolOf(provider);
  const { outcomes } = await protocol.update(call, protocolPorts({ http, crypto }), (text) => text);
  must(outcomes.length === 1, 'one outcome for one hostname');
  for (const outcome of outcomes) {
    if (!outcome.ok) {
      const { code, sentence, kind } = outcome.failure;
      must(code.includes('/') && sentence !== '' && kind.length > 0, 'a failure has a code and a sentence');
      must(sentence.length < 2_000, 'a sentence is not the whole reply');
    }
  }
}

function protocolOf({ protocol }: ProviderDefinition) {
  return { ...ON_DEMAND, dyndns2: PROTOCOLS.dyndns2, get }[protocol];
}

async function loadsState(text: string): Promise<void> {
  const store = createStore({
    files: {
      readText: async () => text,
      ...{ writeAtomic: nothing, rename: nothing, remove: nothing, makeFolder: nothing },
      listFolder: async () => [],
    },
    clock: { nowMs: () => 0, monotonicMs: () => 1_000, after: () => () => {} },
    ...{
      log() {},
      random: () => 0.5,
      stateDir: '/var/run/holdfast',
      publishedFile: '/etc/holdfast/published.json',
    },
  });
  const loaded = await store.load();
  mustBeJson(loaded);
}

async function nothing(): Promise<void> {}

export class BrokenPromise extends Error {}

function must(holds: boolean, what: string): void {
  if (!holds) {
    throw new BrokenPromise(`not so: ${what}`);
  }
}

/** Cyclic or otherwise unsound values do not survive this. */
function mustBeJson(value: unknown): void {
  JSON.stringify(value);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function octetsOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function textOf(octets: Uint8Array): string {
  return new TextDecoder().decode(octets);
}

function texts(...all: readonly string[]): Uint8Array[] {
  return all.map(octetsOf);
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

function hexOf(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}

function fixtures(folder: string): string[] {
  const url = new URL(`../fixtures/${folder}/`, import.meta.url);
  return readdirSync(url).map((name) => readFileSync(new URL(name, url), 'utf8').slice(0, 20_000));
}

function catalogueFile(name: string): Uint8Array[] {
  const url = new URL(name, CATALOGUE_FOLDER);
  return [Uint8Array.from(readFileSync(url))];
}

const IMPORTED = providersOf(CATALOGUE.values());
const IMPORT_SOURCES = ['network', 'device', 'web'];

const PACKED = JSON.stringify({
  schema: JSON.parse(readFileSync(new URL('../../schemas/provider.schema.json', import.meta.url), 'utf8')),
  providers: [],
});

const CONFIG = `config agent 'agent'
	option enabled '1'
	list notify 'https://hooks.example.org/x'

config account 'noip'
	option provider 'no-ip.com'
	option username 'user'
	option password "it's secret"

config hostname 'home'
	option hostname 'home.example.org'
	option account 'noip'
	list network 'wan'
	option family 'dual'
	option ipv6_suffix '::abcd'
`;

const DDNS_SCRIPTS = `config ddns 'global'
	option use_curl '1'

config service 'myddns'
	option enabled '1'
	option service_name 'no-ip.com'
	option lookup_host 'home.example.org'
	option username 'user'
	option password 'secret'
	option ip_source 'network'
	option interface 'wan'
	option update_url 'http://[USERNAME]:[PASSWORD]@members.example.org/nic/update?hostname=[DOMAIN]&myip=[IP]'
`;

const STATE = JSON.stringify({
  ...{ version: 1, bootId: 'b', savedMs: 10, salt: 's', events: [] },
  state: { accounts: {}, lanes: {}, hosts: {}, baselines: {} },
});

const SSDP =
  'HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\nLOCATION: http://192.0.2.1:5000/root.xml\r\n\r\n';
const IGD_DESCRIPTION =
  '<?xml version="1.0"?><root><device><serviceList><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>/ctl/IPConn</controlURL></service></serviceList></device></root>';
const IGD_REPLY =
  '<s:Envelope><s:Body><u:GetExternalIPAddressResponse><NewExternalIPAddress>192.0.2.7</NewExternalIPAddress></u:GetExternalIPAddressResponse></s:Body></s:Envelope>';

const DNS_QUERY = {
  id: 0x1234,
  question: { name: 'home.example.org', type: 'A' as const, recursionDesired: true },
  edns: true,
};

/** Header, the question again, and records behind it. */
function dnsReplies(): Uint8Array[] {
  const query = encodeQuery(DNS_QUERY);
  if (!query) {
    throw new Error('the question cannot be encoded');
  }
  const question = hexOf(query.subarray(12, 12 + 'home.example.org'.length + 2 + 4));
  const header = (flags: string, counts: string) => `1234${flags}${counts}`;
  const soa = 'c0110006000100000e10001e016ec011016dc0110000000100000e100000025800093a8000000e10';
  return [
    hex(`${header('8580', '0001000100000000')}${question}c00c000100010000003c0004c0000201`),
    hex(`${header('8583', '0001000000010000')}${question}${soa}`),
    hex(
      `${header('8180', '0001000200000000')}${question}c00c000500010000003c0004016cc011c02e000100010000003c0004c0000201`,
    ),
  ];
}

const UPDATE_REPLY =
  '1234a8000001000000000001076578616d706c65036f726700000600010864646e732d6b6579076578616d706c650000fa00ff00000000003d0b686d61632d7368613235360000006553f100012c0020bf4e0ce5640d85dd7165ba1aca9c9f6194297471735ac328203b36bd6c5b6362123400000000';
const TSIG_KEY = {
  ...{ name: 'ddns-key.example', algorithm: 'hmac-sha256' as const },
  secret: Uint8Array.from({ length: 32 }, (_, index) => index),
};
const REQUEST_MAC = hex('2face2587ce6b98a6c64014b8725f39285399fc85ae959f317f7c2cf4bd61219');

/** A MAP reply with a mapped address (RFC 6887 section 11.1). */
function pcpReply(): Uint8Array {
  const header = `0281000000000e10${'00000064'}${'00'.repeat(12)}`;
  return hex(`${header}${hexOf(NONCE)}11000000${'00090009'}${'00'.repeat(10)}ffffc0000201`);
}
