/** UPnP IGD: the texts of SSDP, of the device description and of SOAP, as far as one question needs them. */
import { parseAddress } from '../core/address.ts';

export const SSDP_PORT = 1900;
export const SSDP_GROUP = '239.255.255.250';

/** Version 2 devices answer a search for version 1 (UPnP Device Architecture 1.1, section 1.3.2). */
export function searchText(): string {
  return [
    'M-SEARCH * HTTP/1.1',
    `HOST: ${SSDP_GROUP}:${SSDP_PORT}`,
    'MAN: "ssdp:discover"',
    'MX: 1',
    'ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1',
    '',
    '',
  ].join('\r\n');
}

/** Where a search reply says that the description is; only at the gateway itself. */
export function locationOf(reply: string, gateway: string): string | undefined {
  const [status = '', ...lines] = reply.split(/\r?\n/);
  if (!/^HTTP\/1\.[01] 200\b/.test(status)) {
    return undefined;
  }
  const location = lines.flatMap((line) => /^location:\s*(\S+)\s*$/i.exec(line)?.[1] ?? [])[0];
  return location !== undefined && isAt(location, gateway) ? location : undefined;
}

export interface ConnectionService {
  /** E.g. `urn:schemas-upnp-org:service:WANIPConnection:1`. */
  type: string;
  controlUrl: string;
}

/** The first service of a description that knows the external address. */
export function connectionService(
  description: string,
  location: string,
  gateway: string,
): ConnectionService | undefined {
  const base = elementOf(description, 'URLBase') ?? location;
  for (const service of description.split(/<service>/i).slice(1)) {
    const type = elementOf(service, 'serviceType');
    const path = elementOf(service, 'controlURL');
    const controlUrl = path === undefined ? undefined : resolved(path, base);
    if (
      type !== undefined &&
      /^urn:schemas-upnp-org:service:WAN(?:IP|PPP)Connection:[1-9]$/.test(type) &&
      controlUrl !== undefined &&
      isAt(controlUrl, gateway)
    ) {
      return { type, controlUrl };
    }
  }
  return undefined;
}

export function addressRequest(type: string): { headers: Record<string, string>; body: string } {
  return {
    headers: {
      'content-type': 'text/xml; charset="utf-8"',
      soapaction: `"${type}#GetExternalIPAddress"`,
    },
    body: [
      '<?xml version="1.0"?>',
      '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"',
      ' s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">',
      `<s:Body><u:GetExternalIPAddress xmlns:u="${type}"/></s:Body></s:Envelope>`,
    ].join(''),
  };
}

/** The address of a reply; undefined when it names none (a gateway without a connection leaves it empty). */
export function externalAddress(reply: string): string | undefined {
  const text = elementOf(reply, 'NewExternalIPAddress');
  return text === undefined ? undefined : parseAddress(text)?.canonical;
}

/** The text of the first element of this name. */
function elementOf(xml: string, name: string): string | undefined {
  const opening = `<${name}>`;
  const start = xml.indexOf(opening);
  const end = start < 0 ? -1 : xml.indexOf(`</${name}>`, start);
  const text = end < 0 ? '' : xml.slice(start + opening.length, end).trim();
  return text === '' || /[<\s]/.test(text) ? undefined : text.replaceAll('&amp;', '&');
}

/** Only a plain URL of the gateway: a description must not send us anywhere else. */
function isAt(url: string, gateway: string): boolean {
  const [, host, port] = /^http:\/\/([0-9.]+)(?::([0-9]{1,5}))?(?:\/[!-~]*)?$/.exec(url) ?? [];
  return host === gateway && (port === undefined || Number(port) <= 65_535);
}

function resolved(reference: string, base: string): string | undefined {
  if (/^http:\/\//i.test(reference)) {
    return reference;
  }
  const [origin] = /^http:\/\/[^/?#]+/i.exec(base) ?? [];
  if (origin === undefined || /^[a-z][a-z0-9+.-]*:/i.test(reference)) {
    return undefined;
  }
  const folder =
    base
      .slice(origin.length)
      .replace(/[?#].*$/, '')
      .replace(/[^/]*$/, '') || '/';
  return reference.startsWith('/') ? `${origin}${reference}` : `${origin}${folder}${reference}`;
}
