/**
 * AWS Signature Version 4 and its daughter at Volcengine: the canonical request is hashed, and signed with a key
 * that is derived for the day, the region and the service
 * (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html,
 * www.volcengine.com/docs/6369/67269).
 */
import { ok } from '../../core/failure.ts';
import { hex } from '../../core/octets.ts';
import type { HttpRequest } from '../../ports.ts';
import {
  basicTime,
  escaped,
  headerLines,
  headerOf,
  hmacSha256,
  type Signer,
  type SigningContext,
  sha256Hex,
  sortedQuery,
  urlParts,
} from './signer.ts';

interface Dialect {
  algorithm: string;
  /** Stands before the secret key. */
  prefix: string;
  /** Last part of the scope. */
  terminator: string;
  dateHeader: string;
  /** The digest of the body is sent and signed as well. */
  digestHeader?: string;
}

/** Parameters: `region` and `service`. */
export const awsSigv4: Signer = (request, context) =>
  sign(request, context, {
    algorithm: 'AWS4-HMAC-SHA256',
    prefix: 'AWS4',
    terminator: 'aws4_request',
    dateHeader: 'x-amz-date',
  });

/** Parameters: `region` and `service`. */
export const volcengine: Signer = (request, context) =>
  sign(request, context, {
    algorithm: 'HMAC-SHA256',
    prefix: '',
    terminator: 'request',
    dateHeader: 'x-date',
    digestHeader: 'x-content-sha256',
  });

function sign(request: HttpRequest, context: SigningContext, dialect: Dialect) {
  const { credential, parameters, nowMs } = context;
  const { region = '', service = '' } = parameters;
  const { host, path, query } = urlParts(request.url);
  const time = basicTime(nowMs);
  const digest = sha256Hex(request.body ?? '');
  const contentType = headerOf(request, 'content-type');
  const own = {
    [dialect.dateHeader]: time,
    ...(dialect.digestHeader !== undefined && { [dialect.digestHeader]: digest }),
  };
  const { lines, names } = headerLines({
    host,
    ...own,
    ...(contentType !== undefined && { 'content-type': contentType }),
  });
  // Each part of the path is escaped once more than on the wire.
  const canonicalPath = path.split('/').map(escaped).join('/');
  const canonical = [request.method, canonicalPath, sortedQuery(query), lines, names, digest].join('\n');
  const day = time.slice(0, 8);
  const scope = [day, region, service, dialect.terminator].join('/');
  const dayKey = hmacSha256(`${dialect.prefix}${credential.password}`, day);
  const key = hmacSha256(hmacSha256(hmacSha256(dayKey, region), service), dialect.terminator);
  const signature = hex(hmacSha256(key, [dialect.algorithm, time, scope, sha256Hex(canonical)].join('\n')));
  const value = `${dialect.algorithm} Credential=${credential.username}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return ok<HttpRequest>({
    ...request,
    headers: { ...request.headers, ...own },
    authorization: { scheme: 'header', name: 'authorization', value },
  });
}
