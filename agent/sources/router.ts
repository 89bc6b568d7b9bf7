/**
 * Source `router`: the router in front of this one is asked for its external IPv4 address, by NAT-PMP, PCP or
 * UPnP IGD. It is the authority on its own address, so its word is enough. A private answer is one more NAT,
 * and is named as such where the address is chosen.
 */
import { type Family, parseAddress } from '../core/address.ts';
import type { Datagrams, Http } from '../ports.ts';
import {
  addressRequest,
  connectionService,
  externalAddress,
  locationOf,
  SSDP_GROUP,
  SSDP_PORT,
  searchText,
} from './igd.ts';
import type { Answer, Ask, AskedWan } from './outside.ts';
import {
  decodeNatPmpReply,
  decodePcpReply,
  encodeNatPmpRequest,
  encodePcpMap,
  NETWORK_FAILURE,
  NONCE_OCTETS,
  PORT_CONTROL_PORT,
  type PortControlReply,
} from './pcp-wire.ts';

/** RFC 6886 section 3.1: 250 ms, doubling. Its nine tries would take two minutes. */
const NAT_PMP_SEND_AT_MS = [0, 250, 750];
const NAT_PMP_TIMEOUT_MS = 1750;
/** RFC 6887 section 8.1.1 begins with 3 s, for servers at the ISP; a second try comes in between. */
const PCP_SEND_AT_MS = [0, 1000];
const PCP_TIMEOUT_MS = 3000;
/** The shortest that servers grant as it is; the mapping is deleted at once anyhow. */
const PCP_LIFETIME_SEC = 120;
const SSDP_SEND_AT_MS = [0, 500];
/** MX 1 and some time for the way. */
const SSDP_TIMEOUT_MS = 2500;
const HTTP_PHASE_TIMEOUT_MS = 3000;
const MAX_DESCRIPTION_OCTETS = 65_536;
const MAX_REPLY_OCTETS = 16_384;

/** What a gateway says, or a short word on why it says nothing. */
type Heard =
  | { address: string }
  | {
      fault: string;
      /** It understands and has no address to tell: offline, or behind a NAT itself. */
      without?: boolean;
    };
type Way = (wan: GatewayWan) => Promise<Heard>;
type GatewayWan = AskedWan & { gateway: string };

export interface RouterParts {
  datagrams: Datagrams;
  http: Http;
}

export function routerAsk({ datagrams, http }: RouterParts): Ask {
  const ways: Record<string, Way> = { 'NAT-PMP': natPmp, PCP: pcp, UPnP: upnp };
  /** The way that worked last, by gateway. */
  const worked = new Map<string, string>();

  return async (wan: AskedWan, family: Family): Promise<Answer> => {
    if (family === 'ipv6') {
      // A router in front passes IPv6 on as it is.
      return { addresses: [wan.local] };
    }
    const { gateway } = wan;
    if (gateway === undefined) {
      return unknown(
        'router/NO_GATEWAY',
        `'${wan.network}' leads to no router that could be asked; set option source 'network'.`,
      );
    }
    const last = worked.get(gateway);
    const names = Object.keys(ways);
    const faults: string[] = [];
    let without = false;
    for (const name of last === undefined ? names : [last, ...names.filter((one) => one !== last)]) {
      const heard = (await ways[name]?.({ ...wan, gateway })) ?? { fault: '' };
      const parsed = 'address' in heard ? parseAddress(heard.address) : undefined;
      // 0.0.0.0 is what a gateway says that has no connection itself.
      if (parsed?.family === 'ipv4' && parsed.canonical !== '0.0.0.0') {
        worked.set(gateway, name);
        return { addresses: [parsed.canonical] };
      }
      faults.push(`${name}: ${'fault' in heard ? heard.fault : 'no address'}`);
      without ||= 'address' in heard || heard.without === true;
    }
    if (without) {
      // Some, miniupnpd for one, keep an address to themselves that nobody outside could reach.
      return unknown(
        'router/NOT_PUBLIC',
        `The router ${gateway} in front of '${wan.network}' has no public address to tell (${faults.join('; ')}): it is offline, or behind another router or the NAT of its ISP (CGNAT); look at its own WAN page.`,
      );
    }
    return unknown(
      'router/NO_ANSWER',
      `The router ${gateway} in front of '${wan.network}' does not tell its address (${faults.join('; ')}); switch on UPnP or PCP there, or use source 'web'.`,
    );
  };

  async function natPmp(wan: GatewayWan): Promise<Heard> {
    const message = encodeNatPmpRequest();
    const times = { sendAtMs: NAT_PMP_SEND_AT_MS, timeoutMs: NAT_PMP_TIMEOUT_MS };
    return portControl(wan, message, times, decodeNatPmpReply);
  }

  async function pcp(wan: GatewayWan): Promise<Heard> {
    const map = { nonce: datagrams.randomOctets(NONCE_OCTETS), client: wan.local };
    const accept = (bytes: Uint8Array) => decodePcpReply(bytes, map.nonce);
    const times = { sendAtMs: PCP_SEND_AT_MS, timeoutMs: PCP_TIMEOUT_MS };
    const heard = await portControl(
      wan,
      encodePcpMap({ ...map, lifetimeSec: PCP_LIFETIME_SEC }),
      times,
      accept,
    );
    if ('address' in heard) {
      await portControl(wan, encodePcpMap({ ...map, lifetimeSec: 0 }), times, accept);
    }
    return heard;
  }

  async function portControl(
    { gateway, local }: GatewayWan,
    message: Uint8Array,
    times: { sendAtMs: readonly number[]; timeoutMs: number },
    accept: (bytes: Uint8Array) => PortControlReply | undefined,
  ): Promise<Heard> {
    const result = await datagrams.exchange({
      to: [{ host: gateway, port: PORT_CONTROL_PORT }],
      family: 'ipv4',
      from: local,
      message,
      ...times,
      accept,
    });
    if (!result.ok) {
      return { fault: result.fault };
    }
    const { value } = result;
    return value.kind === 'address'
      ? { address: value.address }
      : { fault: value.result, without: value.result === NETWORK_FAILURE };
  }

  async function upnp(wan: GatewayWan): Promise<Heard> {
    const found = await datagrams.exchange({
      // Straight to the gateway as well: a firewall lets only that answer in.
      to: [
        { host: wan.gateway, port: SSDP_PORT },
        { host: SSDP_GROUP, port: SSDP_PORT },
      ],
      family: 'ipv4',
      from: wan.local,
      message: octetsOf(searchText()),
      sendAtMs: SSDP_SEND_AT_MS,
      timeoutMs: SSDP_TIMEOUT_MS,
      anyPort: true,
      accept: (bytes) => locationOf(asciiOf(bytes), wan.gateway),
    });
    if (!found.ok) {
      return { fault: found.fault };
    }
    const description = await fetched(
      wan,
      { method: 'GET', url: found.value, headers: {} },
      MAX_DESCRIPTION_OCTETS,
    );
    const service =
      description === undefined ? undefined : connectionService(description, found.value, wan.gateway);
    if (service === undefined) {
      return { fault: 'no connection service' };
    }
    const { headers, body } = addressRequest(service.type);
    const reply = await fetched(
      wan,
      { method: 'POST', url: service.controlUrl, headers, body },
      MAX_REPLY_OCTETS,
    );
    http.idle();
    const address = reply === undefined ? undefined : externalAddress(reply);
    return address === undefined
      ? { fault: 'no address', without: reply?.includes('NewExternalIPAddress') === true }
      : { address };
  }

  /** The body of a whole reply with status 200. */
  async function fetched(
    wan: GatewayWan,
    request: { method: 'GET' | 'POST'; url: string; headers: Record<string, string>; body?: string },
    maxBodyBytes: number,
  ): Promise<string | undefined> {
    const result = await http.request({
      ...request,
      family: 'ipv4',
      via: { device: wan.device, ipv4: wan.local },
      redirects: 'refuse',
      phaseTimeoutMs: HTTP_PHASE_TIMEOUT_MS,
      maxBodyBytes,
    });
    return result.kind === 'reply' && result.reply.status === 200 && !result.reply.truncated
      ? result.reply.body
      : undefined;
  }
}

function unknown(code: string, sentence: string): Answer {
  return { unknown: { code, sentence } };
}

function octetsOf(ascii: string): Uint8Array {
  return Uint8Array.from(ascii, (character) => character.charCodeAt(0));
}

/** Line ends and printable ASCII; the rest becomes `?`. */
function asciiOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 4096)).replace(/[^\r\n\x20-\x7e]/g, '?');
}
