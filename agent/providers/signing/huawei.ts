/** Huawei Cloud's SDK-HMAC-SHA256 (support.huaweicloud.com/devg-apisign/api-sign-algorithm.html). */
import { ok } from '../../core/failure.ts';
import { hex } from '../../core/octets.ts';
import {
  basicTime,
  headerLines,
  headerOf,
  hmacSha256,
  type Signer,
  sha256Hex,
  sortedQuery,
  urlParts,
} from './signer.ts';

const ALGORITHM = 'SDK-HMAC-SHA256';

export const huawei: Signer = (request, { credential, nowMs }) => {
  const { host, path, query } = urlParts(request.url);
  const time = basicTime(nowMs);
  const contentType = headerOf(request, 'content-type');
  const { lines, names } = headerLines({
    host,
    'x-sdk-date': time,
    ...(contentType !== undefined && { 'content-type': contentType }),
  });
  // The path is signed with a slash at its end, whether it is sent with one or not.
  const canonicalPath = path.endsWith('/') ? path : `${path}/`;
  const digest = sha256Hex(request.body ?? '');
  const canonical = [request.method, canonicalPath, sortedQuery(query), lines, names, digest].join('\n');
  const signature = hex(hmacSha256(credential.password, [ALGORITHM, time, sha256Hex(canonical)].join('\n')));
  const value = `${ALGORITHM} Access=${credential.username}, SignedHeaders=${names}, Signature=${signature}`;
  return ok({
    ...request,
    headers: { ...request.headers, 'x-sdk-date': time },
    authorization: { scheme: 'header', name: 'authorization', value },
  });
};
