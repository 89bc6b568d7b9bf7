/** Where people are told of incidents: `list notify`, `notify_script`, and the event on ubus. */
import { parseAddress, scopeOf } from '../core/address.ts';
import type { ChannelPlan } from '../core/plan.ts';
import type { Credential } from '../providers/protocol.ts';
import type { AgentSettings, NotifyAddress } from './config.ts';
import { digest } from './plan.ts';

export type Channel = ChannelPlan &
  (
    | { type: 'web'; address: Omit<NotifyAddress, 'exposed'> }
    | { type: 'script'; path: string }
    | { type: 'ubus' }
  );

/** `[ntfy+|gotify+]http[s]://[USER[:PASSWORD]@]HOST[:PORT][/PATH][?QUERY]` */
const ADDRESS =
  /^(?:(ntfy|gotify)\+)?(https?):\/\/(?:([^/?#@]*)@)?([^/?#@:[\]]+|\[[\da-f:.]+\])(:\d{1,5})?([/?][^#]*)?$/i;
/** Names that only the house itself resolves (RFC 6762, RFC 8375, and what OpenWrt calls its LAN). */
const LOCAL_NAME = /^[^.]+$|\.(?:lan|local|home\.arpa|internal)$/i;

/** Undefined for what is no such address, or for an ntfy address without a topic. */
export function parseNotifyAddress(text: string): NotifyAddress | undefined {
  const [, prefix, scheme = '', userinfo, host = '', port = '', rest = '/'] = ADDRESS.exec(text) ?? [];
  const server = `${host}${port}`;
  // The one public server; what stands at an address of one's own, its owner says.
  const style = prefix?.toLowerCase() ?? (host.toLowerCase() === 'ntfy.sh' ? 'ntfy' : 'webhook');
  if (host === '' || (style === 'ntfy' && !/^\/(?:[^?]*\/)?[\w-]{1,64}\/?$/.test(rest))) {
    return undefined;
  }
  const colon = userinfo?.indexOf(':') ?? -1;
  return {
    style: style === 'ntfy' || style === 'gotify' ? style : 'webhook',
    url: `${scheme}://${server}${rest}`,
    ...(userinfo !== undefined && {
      login: {
        scheme: 'basic',
        username: decoded(colon < 0 ? userinfo : userinfo.slice(0, colon)),
        password: decoded(colon < 0 ? '' : userinfo.slice(colon + 1)),
      },
    }),
    server,
    exposed: scheme.toLowerCase() === 'http' && !isInHouse(host),
  };
}

function isInHouse(host: string): boolean {
  const parsed = parseAddress(host.replace(/^\[|\]$/g, ''));
  return parsed
    ? ['private', 'unique-local', 'link-local'].includes(scopeOf(parsed.canonical)) ||
        /^127\.|^::1$/.test(parsed.canonical)
    : LOCAL_NAME.test(host);
}

/** The ids change with what they stand for, tell nothing of it, and stay the same over restarts. */
export function channelsOf({ notify, notifyScript }: AgentSettings, salt: string): Channel[] {
  const web = notify.map((address): Channel => {
    const { style, server } = address;
    const title = style === 'webhook' ? server : `${style} at ${server}`;
    return { id: `web ${digest(salt, address)}`, title, type: 'web', address };
  });
  const script: Channel[] =
    notifyScript === ''
      ? []
      : [
          {
            id: `script ${digest(salt, { notifyScript })}`,
            title: notifyScript,
            type: 'script',
            path: notifyScript,
          },
        ];
  return [
    // Equal addresses are one channel.
    ...web.filter(({ id }, index) => web.findIndex((one) => one.id === id) === index),
    ...script,
    { id: 'ubus', title: 'ubus', type: 'ubus' },
  ];
}

/** What the core may know of them. */
export function channelPlansOf(channels: readonly Channel[]): ChannelPlan[] {
  return channels.map(({ id, title }) => ({ id, title }));
}

/** What must not show up in foreign text: the password, and whatever of the address may be a token. */
export function secretsOfNotify({ url, login, server }: NotifyAddress): Partial<Credential>[] {
  const rest = url.slice(url.indexOf(server) + server.length);
  const words = rest.split(/[/?&=]/).filter((word) => word.length >= SHORTEST_TOKEN);
  return [
    ...(login ? [{ username: login.username, password: login.password || login.username }] : []),
    ...[rest, ...words]
      .filter((text) => text.length >= SHORTEST_TOKEN)
      .map((password) => ({ username: '', password })),
  ];
}

/** Shorter parts of a path are ordinary words, such as `message`. */
const SHORTEST_TOKEN = 8;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
