/** What each fault of an HTTP request means, and what the owner of the router can do about it. */
import type { Failure, FailureKind } from '../core/failure.ts';

interface Fault {
  kind: FailureKind;
  /** `server` is host and port: never more of the URL, which may carry what the owner wants kept private. */
  sentence: (server: string) => string;
}

const RETRY = 'Holdfast tries again by itself';

/**
 * `unreachable` only where no octet of the request can have left; everything later is `unconfirmed`. `offline` where
 * not even a connection was begun, so that trying again soon burdens no provider.
 */
const FAULTS = {
  'http/BAD_REQUEST': {
    kind: 'refused',
    sentence: (server) =>
      `The address or a header of the request to ${server} is not valid; correct the account.`,
  },
  'http/CA_FILE': {
    kind: 'unreachable',
    sentence: (server) =>
      `The file of trusted certificates for ${server} cannot be used; check that ca_file names a readable PEM file.`,
  },
  'http/DNS': {
    kind: 'offline',
    sentence: (server) =>
      `The address of ${server} could not be looked up; ${RETRY}, and if this lasts check the WAN, the router's DNS servers and the server's name.`,
  },
  'http/NO_NAME': {
    kind: 'unreachable',
    sentence: (server) =>
      `By the DNS there is no address for ${server}; check the server's name, and whether the router's DNS servers filter it.`,
  },
  'http/NO_PATH': {
    kind: 'unreachable',
    sentence: (server) =>
      `This WAN has no address of a family that ${server} can be reached with; let the hostname use another network or family.`,
  },
  'http/NO_ROUTE': {
    kind: 'offline',
    sentence: (server) => `There is no route to ${server}; check that the WAN is connected.`,
  },
  'http/HOST_UNREACHABLE': {
    kind: 'unreachable',
    sentence: (server) =>
      `A router on the way says that ${server} cannot be reached; ${RETRY}, and if this lasts check the WAN.`,
  },
  'http/REFUSED': {
    kind: 'unreachable',
    sentence: (server) =>
      `${server} refused the connection; if this lasts, check the server's address and port and the firewall.`,
  },
  'http/CONNECT_TIMEOUT': {
    kind: 'unreachable',
    sentence: (server) =>
      `${server} did not accept a connection in time; ${RETRY}, and if this lasts check the firewall.`,
  },
  'http/CONNECT_FAILED': {
    kind: 'unreachable',
    sentence: (server) => `The connection to ${server} failed; ${RETRY}, and if this lasts check the WAN.`,
  },
  'http/TLS_TIMEOUT': {
    kind: 'unreachable',
    sentence: (server) =>
      `${server} did not finish the TLS handshake in time; ${RETRY}, and if this lasts check the MTU of the WAN.`,
  },
  'http/TLS_HANDSHAKE': {
    kind: 'unreachable',
    sentence: (server) =>
      `No TLS session with ${server} (1.2 or newer) came about; check that the port speaks HTTPS.`,
  },
  'http/TLS_EXPIRED': {
    kind: 'unreachable',
    sentence: (server) =>
      `The certificate of ${server} has expired; check the router's clock, or wait for the provider to renew it.`,
  },
  'http/TLS_NOT_YET_VALID': {
    kind: 'unreachable',
    sentence: (server) =>
      `The certificate of ${server} is not valid yet by the router's clock; check the date and the NTP servers.`,
  },
  'http/TLS_WRONG_HOST': {
    kind: 'unreachable',
    sentence: (server) =>
      `The certificate of ${server} belongs to another name; check the server's name, and whether something intercepts the connection.`,
  },
  'http/TLS_UNKNOWN_CA': {
    kind: 'unreachable',
    sentence: (server) =>
      `The certificate of ${server} is not signed by a trusted authority; install ca-bundle, or set ca_file for a server of your own.`,
  },
  'http/RESET': {
    kind: 'unconfirmed',
    sentence: (server) =>
      `${server} closed the connection before it answered, so the update may or may not have been made; ${RETRY}.`,
  },
  'http/NO_REPLY': {
    kind: 'unconfirmed',
    sentence: (server) =>
      `${server} did not answer in time, so the update may or may not have been made; ${RETRY}.`,
  },
  'http/BODY_TIMEOUT': {
    kind: 'unconfirmed',
    sentence: (server) =>
      `${server} did not finish its answer in time, so the update may or may not have been made; ${RETRY}.`,
  },
  'http/PACKED': {
    kind: 'unconfirmed',
    sentence: (server) =>
      `${server} sent a compressed answer although plain text was asked for, so the update may or may not have been made; ${RETRY}, but whoever runs the server must switch the compression off.`,
  },
  'http/BAD_REPLY': {
    kind: 'unconfirmed',
    sentence: (server) =>
      `${server} sent an answer that is not proper HTTP, so the update may or may not have been made; check the server's address and port.`,
  },
} satisfies Record<string, Fault>;

export type FaultCode = keyof typeof FAULTS;

/** A clock before this moment was never set: routers without a battery boot in 1970 or at their build date. */
const CLOCK_IS_SET_FROM_MS = Date.UTC(2025, 0, 1);

/** The Failure for one fault. `server` is `host:port`; `nowMs` is the wall clock, which certificate dates need. */
export function httpFailure(code: FaultCode, server: string, nowMs: number): Failure {
  const clockUnset =
    nowMs < CLOCK_IS_SET_FROM_MS && (code === 'http/TLS_NOT_YET_VALID' || code === 'http/TLS_EXPIRED');
  const sentence = clockUnset
    ? `The router's clock is not set yet, so the certificate of ${server} cannot be checked; wait for NTP, or check the NTP servers.`
    : FAULTS[code].sentence(server);
  return { kind: FAULTS[code].kind, scope: 'attempt', code, sentence };
}

export function isFaultCode(text: string): text is FaultCode {
  return Object.hasOwn(FAULTS, text);
}

const SYSTEM_FAULTS: Record<string, FaultCode> = {
  ECONNREFUSED: 'http/REFUSED',
  EHOSTUNREACH: 'http/HOST_UNREACHABLE',
  ENETUNREACH: 'http/HOST_UNREACHABLE',
  ENETDOWN: 'http/NO_ROUTE',
  EADDRNOTAVAIL: 'http/NO_ROUTE',
  EPERM: 'http/NO_ROUTE',
  EACCES: 'http/NO_ROUTE',
};

/**
 * The fault behind a Node error code while connecting. A local firewall shows as EPERM or EACCES. `isOwnWord`: the
 * kernel of this router said so at once, without asking anybody.
 */
export function connectFault(errorCode: string, isOwnWord: boolean): FaultCode {
  const code = SYSTEM_FAULTS[errorCode] ?? 'http/CONNECT_FAILED';
  return code === 'http/HOST_UNREACHABLE' && isOwnWord ? 'http/NO_ROUTE' : code;
}

const TLS_FAULTS: Record<string, FaultCode> = {
  CERT_HAS_EXPIRED: 'http/TLS_EXPIRED',
  CERT_NOT_YET_VALID: 'http/TLS_NOT_YET_VALID',
  ERR_TLS_CERT_ALTNAME_INVALID: 'http/TLS_WRONG_HOST',
  HOSTNAME_MISMATCH: 'http/TLS_WRONG_HOST',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'http/TLS_UNKNOWN_CA',
  SELF_SIGNED_CERT_IN_CHAIN: 'http/TLS_UNKNOWN_CA',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'http/TLS_UNKNOWN_CA',
  UNABLE_TO_GET_ISSUER_CERT: 'http/TLS_UNKNOWN_CA',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'http/TLS_UNKNOWN_CA',
  CERT_SIGNATURE_FAILURE: 'http/TLS_UNKNOWN_CA',
  CERT_CHAIN_TOO_LONG: 'http/TLS_UNKNOWN_CA',
  CERT_REVOKED: 'http/TLS_UNKNOWN_CA',
  CERT_UNTRUSTED: 'http/TLS_UNKNOWN_CA',
  CERT_REJECTED: 'http/TLS_UNKNOWN_CA',
  INVALID_CA: 'http/TLS_UNKNOWN_CA',
  INVALID_PURPOSE: 'http/TLS_UNKNOWN_CA',
};

/** The fault behind a Node or OpenSSL error code during the TLS handshake. */
export function tlsFault(errorCode: string): FaultCode {
  return TLS_FAULTS[errorCode] ?? 'http/TLS_HANDSHAKE';
}

/** The fault behind an error after the request was handed to a connected socket. */
export function exchangeFault(errorCode: string): FaultCode {
  if (isFaultCode(errorCode)) {
    return errorCode;
  }
  return errorCode.startsWith('HPE_') ? 'http/BAD_REPLY' : 'http/RESET';
}

/** The `code` of a Node error, or an empty text. */
export function errorCode(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}
