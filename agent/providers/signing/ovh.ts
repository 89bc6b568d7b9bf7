/** OVHcloud's signature `$1$` (help.ovhcloud.com: First steps with the OVHcloud APIs). */
import { sha1 } from '@noble/hashes/legacy.js';
import { ok } from '../../core/failure.ts';
import { hex, utf8 } from '../../core/octets.ts';
import type { Signer } from './signer.ts';

/** The application's key and secret are the credential; the option `consumer_key` is the right of the user. */
export const ovh: Signer = (request, { credential, options, nowMs }) => {
  const { consumer_key: consumerKey = '' } = options;
  const timestamp = String(Math.floor(nowMs / 1000));
  const text = [
    credential.password,
    consumerKey,
    request.method,
    request.url,
    request.body ?? '',
    timestamp,
  ].join('+');
  return ok({
    ...request,
    headers: {
      ...request.headers,
      'x-ovh-application': credential.username,
      'x-ovh-consumer': consumerKey,
      'x-ovh-timestamp': timestamp,
    },
    authorization: { scheme: 'header', name: 'x-ovh-signature', value: `$1$${hex(sha1(utf8(text)))}` },
  });
};
