/** Baidu Cloud's bce-auth-v1 (cloud.baidu.com/doc/Reference/s/Njwvz1wot). */
import { ok } from '../../core/failure.ts';
import { hex } from '../../core/octets.ts';
import { escaped, hmacSha256, isoTime, type Signer, sortedQuery, urlParts } from './signer.ts';

const VALID_SEC = 1800;
/** Signed where they are there, beside `host` and everything that begins with `x-bce-`. */
const SIGNED = ['content-length', 'content-md5', 'content-type'];

export const baiduBce: Signer = (request, { credential, nowMs }) => {
  const { host, path, query } = urlParts(request.url);
  const headers = Object.entries({ ...request.headers, host })
    .map(([name, value]) => [name.toLowerCase(), value.trim()] as const)
    .filter(([name]) => name === 'host' || name.startsWith('x-bce-') || SIGNED.includes(name));
  const lines = headers.map(([name, value]) => `${name}:${escaped(value)}`).sort();
  const names = headers.map(([name]) => name).sort();
  const prefix = `bce-auth-v1/${credential.username}/${isoTime(nowMs)}/${VALID_SEC}`;
  // The derived key is used as its hexadecimal text.
  const key = hex(hmacSha256(credential.password, prefix));
  const canonical = [request.method, path, sortedQuery(query), lines.join('\n')].join('\n');
  const value = `${prefix}/${names.join(';')}/${hex(hmacSha256(key, canonical))}`;
  return ok({ ...request, authorization: { scheme: 'header', name: 'authorization', value } });
};
