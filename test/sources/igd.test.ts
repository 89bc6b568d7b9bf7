import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { connectionService, externalAddress, locationOf } from '../../agent/sources/igd.ts';

const GATEWAY = '192.0.2.1';
const LOCATION = 'http://192.0.2.1:5000/rootDesc.xml';

function found(location: string, status = 'HTTP/1.1 200 OK'): string {
  return `${status}\r\nCACHE-CONTROL: max-age=120\r\nST: urn:x\r\nLOCATION: ${location}\r\nEXT:\r\n\r\n`;
}

describe('where the description is', () => {
  test.each<[string, string, string | undefined]>([
    ['at the gateway', found(LOCATION), LOCATION],
    ['without a port', found('http://192.0.2.1/d.xml'), 'http://192.0.2.1/d.xml'],
    ['in small letters', found(LOCATION).replace('LOCATION', 'location'), LOCATION],
    ['at somebody else', found('http://192.0.2.7:5000/rootDesc.xml'), undefined],
    ['at a name', found('http://router.example/rootDesc.xml'), undefined],
    ['behind a user name', found('http://192.0.2.1@203.0.113.1/'), undefined],
    ['over another protocol', found('ftp://192.0.2.1/rootDesc.xml'), undefined],
    ['at a port that is none', found('http://192.0.2.1:99999/'), undefined],
    ['in a refusal', found(LOCATION, 'HTTP/1.1 412 Precondition Failed'), undefined],
    ['in an announcement', found(LOCATION, 'NOTIFY * HTTP/1.1'), undefined],
    ['nowhere', 'HTTP/1.1 200 OK\r\n\r\n', undefined],
  ])('%s', (_, reply, expected) => {
    expect(locationOf(reply, GATEWAY)).toBe(expected);
  });
});

function description(service: string, rest = ''): string {
  return `<?xml version="1.0"?><root>${rest}<device><serviceList><service><serviceType>urn:schemas-upnp-org:service:Layer3Forwarding:1</serviceType><controlURL>/ctl/L3F</controlURL></service></serviceList><deviceList><device><serviceList><service>${service}</service></serviceList></device></deviceList></device></root>`;
}

const WAN_IP = '<serviceType>urn:schemas-upnp-org:service:WANIPConnection:2</serviceType>';
const WAN_PPP = '<serviceType>urn:schemas-upnp-org:service:WANPPPConnection:1</serviceType>';

describe('the control URL', () => {
  test.each<[string, string, string | undefined]>([
    [
      'a path',
      description(`${WAN_IP}<controlURL>/ctl/IPConn</controlURL>`),
      'http://192.0.2.1:5000/ctl/IPConn',
    ],
    ['of PPP', description(`${WAN_PPP}<controlURL>/ctl/PPP</controlURL>`), 'http://192.0.2.1:5000/ctl/PPP'],
    [
      'relative',
      description(`${WAN_IP}<controlURL>IPConn?a=1&amp;b=2</controlURL>`),
      'http://192.0.2.1:5000/IPConn?a=1&b=2',
    ],
    [
      'whole',
      description(`${WAN_IP}<controlURL>http://192.0.2.1:80/c</controlURL>`),
      'http://192.0.2.1:80/c',
    ],
    [
      'under URLBase',
      description(`${WAN_IP}<controlURL>/c</controlURL>`, '<URLBase>http://192.0.2.1:49152/igd/</URLBase>'),
      'http://192.0.2.1:49152/c',
    ],
    [
      'relative to URLBase',
      description(`${WAN_IP}<controlURL>c</controlURL>`, '<URLBase>http://192.0.2.1:49152/igd/</URLBase>'),
      'http://192.0.2.1:49152/igd/c',
    ],
    ['at somebody else', description(`${WAN_IP}<controlURL>http://203.0.113.1/c</controlURL>`), undefined],
    [
      'under a base elsewhere',
      description(`${WAN_IP}<controlURL>/c</controlURL>`, '<URLBase>http://203.0.113.1/</URLBase>'),
      undefined,
    ],
    ['of another protocol', description(`${WAN_IP}<controlURL>javascript:x</controlURL>`), undefined],
    ['missing', description(WAN_IP), undefined],
    [
      'of no connection',
      description('<serviceType>urn:x</serviceType><controlURL>/c</controlURL>'),
      undefined,
    ],
    ['of no description', '<html>Login</html>', undefined],
  ])('%s', (_, xml, expected) => {
    expect(connectionService(xml, LOCATION, GATEWAY)?.controlUrl).toBe(expected);
  });
});

describe('the address', () => {
  test.each<[string, string, string | undefined]>([
    ['there', '<u:R><NewExternalIPAddress>198.51.100.9</NewExternalIPAddress></u:R>', '198.51.100.9'],
    ['with spaces', '<NewExternalIPAddress> 198.51.100.9\n</NewExternalIPAddress>', '198.51.100.9'],
    ['empty', '<NewExternalIPAddress></NewExternalIPAddress>', undefined],
    ['not whole', '<NewExternalIPAddress>198.51.100</NewExternalIPAddress>', undefined],
    ['with leading zeros', '<NewExternalIPAddress>198.051.100.009</NewExternalIPAddress>', undefined],
    ['never closed', '<NewExternalIPAddress>198.51.100.9', undefined],
    ['a fault', '<s:Fault><errorCode>501</errorCode></s:Fault>', undefined],
  ])('%s', (_, xml, expected) => {
    expect(externalAddress(xml)).toBe(expected);
  });
});

test('no text throws, and none leads away from the gateway', () => {
  const piece = fc.constantFrom(
    '<service>',
    WAN_IP,
    '<controlURL>',
    '</controlURL>',
    'http://203.0.113.1/',
    '/c',
    '//x',
    '<URLBase>',
    '</URLBase>',
    'http://192.0.2.1',
    '@',
    ':1',
    '#',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 20 }), (pieces) => {
      const text = pieces.join('');
      locationOf(text, GATEWAY);
      externalAddress(text);
      const url = connectionService(text, LOCATION, GATEWAY)?.controlUrl;
      expect(url === undefined || new URL(url).hostname === GATEWAY).toBe(true);
    }),
  );
});
