/**
 * Alibaba Cloud's RPC signature 1.0 in the query (www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism),
 * and how Todaynic (now.cn) and Eranet have taken it over.
 */
import { ok } from '../../core/failure.ts';
import type { HttpRequest } from '../../ports.ts';
import {
  escaped,
  hmacSha1Base64,
  isoTime,
  type Signer,
  type SigningContext,
  sortedQuery,
  urlParts,
} from './signer.ts';

export const alibabaRpc: Signer = (request, context) =>
  sign(request, context, { AccessKeyId: context.credential.username, SignatureVersion: '1.0' });

/** The path of the URL is not signed: it counts as `/`. */
export const todaynic: Signer = (request, context) =>
  sign(request, context, { AccessInstanceID: context.credential.username });

function sign(request: HttpRequest, context: SigningContext, own: Record<string, string>) {
  const { credential, nonce, nowMs } = context;
  const { host, path, query } = urlParts(request.url);
  const common = {
    ...own,
    SignatureMethod: 'HMAC-SHA1',
    SignatureNonce: nonce,
    Timestamp: isoTime(nowMs),
  };
  const signed = sortedQuery([...query, ...Object.entries(common)]);
  const text = [request.method, escaped('/'), escaped(signed)].join('&');
  const signature = hmacSha1Base64(`${credential.password}&`, text);
  return ok<HttpRequest>({
    ...request,
    url: `https://${host}${path}?${signed}&Signature=${escaped(signature)}`,
  });
}
