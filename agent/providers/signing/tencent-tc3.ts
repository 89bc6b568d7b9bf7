/** Tencent Cloud's TC3-HMAC-SHA256 (cloud.tencent.com/document/api/213/30654). */
import { ok } from '../../core/failure.ts';
import { hex } from '../../core/octets.ts';
import {
  headerLines,
  headerOf,
  hmacSha256,
  isoTime,
  type Signer,
  sha256Hex,
  sortedQuery,
  urlParts,
} from './signer.ts';

const ALGORITHM = 'TC3-HMAC-SHA256';

/** Parameters: `service`. The request has its headers `x-tc-action` and `x-tc-version` already. */
export const tencentTc3: Signer = (request, { credential, parameters, nowMs }) => {
  const { service = '' } = parameters;
  const { host, path, query } = urlParts(request.url);
  const timestamp = String(Math.floor(nowMs / 1000));
  const day = isoTime(nowMs).slice(0, 10);
  const action = headerOf(request, 'x-tc-action') ?? '';
  const { lines, names } = headerLines({
    'content-type': headerOf(request, 'content-type') ?? '',
    host,
    // The header is sent as it is written and signed in lower case.
    'x-tc-action': action.toLowerCase(),
  });
  const canonical = [request.method, path, sortedQuery(query), lines, names, sha256Hex(request.body ?? '')];
  const scope = `${day}/${service}/tc3_request`;
  const key = hmacSha256(hmacSha256(hmacSha256(`TC3${credential.password}`, day), service), 'tc3_request');
  const signature = hex(
    hmacSha256(key, [ALGORITHM, timestamp, scope, sha256Hex(canonical.join('\n'))].join('\n')),
  );
  const value = `${ALGORITHM} Credential=${credential.username}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return ok({
    ...request,
    headers: { ...request.headers, 'x-tc-timestamp': timestamp },
    authorization: { scheme: 'header', name: 'authorization', value },
  });
};
