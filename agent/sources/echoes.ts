/** Web services that answer with the address they see, each run by somebody else. */
import { type Family, parseAddress } from '../core/address.ts';

/** `plain`: the body is the address. `trace`: lines `key=value`. `text`: one address somewhere in the text. */
export type EchoForm = 'plain' | 'trace' | 'text';

export interface Echo {
  operator: string;
  form: EchoForm;
  /** The connection is forced to the family as well: a name may serve both. */
  urls: Partial<Record<Family, string>>;
}

/**
 * HTTPS only. Sources: the services' own pages; the README of ddns-updater lists ident.me, nnev, wtfismyip and
 * seeip with these addresses, AWS documents checkip in its EC2 guide, Cloudflare the trace in its
 * troubleshooting guide.
 */
export const ECHOES: readonly Echo[] = [
  {
    operator: 'Cloudflare',
    form: 'trace',
    urls: {
      ipv4: 'https://api.cloudflare.com/cdn-cgi/trace',
      ipv6: 'https://api.cloudflare.com/cdn-cgi/trace',
    },
  },
  {
    operator: 'ipify',
    form: 'plain',
    urls: { ipv4: 'https://api.ipify.org/', ipv6: 'https://api6.ipify.org/' },
  },
  {
    operator: 'ident.me',
    form: 'plain',
    urls: { ipv4: 'https://v4.ident.me/', ipv6: 'https://v6.ident.me/' },
  },
  { operator: 'Amazon', form: 'plain', urls: { ipv4: 'https://checkip.amazonaws.com/' } },
  {
    operator: 'NNEV',
    form: 'plain',
    urls: { ipv4: 'https://ip4.nnev.de/', ipv6: 'https://ip6.nnev.de/' },
  },
  {
    operator: 'wtfismyip',
    form: 'plain',
    urls: { ipv4: 'https://ipv4.wtfismyip.com/text', ipv6: 'https://ipv6.wtfismyip.com/text' },
  },
  {
    operator: 'seeip',
    form: 'plain',
    urls: { ipv4: 'https://ipv4.seeip.org/', ipv6: 'https://ipv6.seeip.org/' },
  },
];

/** The services that the owner has named; each host counts as one operator. */
export function ownEchoes(urls: readonly string[]): Echo[] {
  const seen = new Set<string>();
  return urls.flatMap((url): Echo[] => {
    const operator = /^https?:\/\/([^/?#]+)/.exec(url)?.[1]?.toLowerCase();
    if (operator === undefined || seen.has(operator)) {
      return [];
    }
    seen.add(operator);
    return [{ operator, form: 'text', urls: { ipv4: url, ipv6: url } }];
  });
}

/** The largest body that a service of this form sends, in octets. */
export const MAX_ECHO_OCTETS: Record<EchoForm, number> = { plain: 64, trace: 4096, text: 65_536 };

/** The one address of the family that a body names in canonical text; undefined for anything else. */
export function readEcho(body: string, form: EchoForm, family: Family): string | undefined {
  const text = textOf(body, form);
  const parsed = text === undefined ? undefined : parseAddress(text);
  return parsed?.family === family ? parsed.canonical : undefined;

  function textOf(whole: string, as: EchoForm): string | undefined {
    switch (as) {
      case 'plain':
        return whole.trim();
      case 'trace':
        return traced(whole);
      case 'text':
        return onlyAddress(whole, family);
    }
  }
}

/** `ip=`, unless the request went through the operator's own VPN. */
function traced(body: string): string | undefined {
  const lines = body.split('\n').map((line) => line.trim());
  const linesOf = (key: string) => lines.filter((line) => line.startsWith(`${key}=`));
  const [address, ...more] = linesOf('ip');
  const isDirect = [...linesOf('warp'), ...linesOf('gateway')].every((line) => line.endsWith('=off'));
  return isDirect && more.length === 0 ? address?.slice('ip='.length) : undefined;
}

/** The only address of the family in a text with or without markup; undefined when there are several. */
function onlyAddress(body: string, family: Family): string | undefined {
  const found = new Set(
    body
      .split(/[^0-9A-Za-z:.%]+/)
      .map((word) => word.replace(/^[:.]+(?=\w)|\.+$/g, ''))
      .flatMap((word) => {
        const parsed = parseAddress(word);
        return parsed?.family === family ? [parsed.canonical] : [];
      }),
  );
  return found.size === 1 ? [...found][0] : undefined;
}
