/** Logins that are signed with a private RSA key: TransIP, and the service accounts of Google. */
import { failed, type Outcome, ok } from '../../core/failure.ts';
import { base64, base64url, utf8 } from '../../core/octets.ts';
import type { HttpRequest, RsaHash } from '../../ports.ts';
import { replyFailure } from '../reply.ts';
import type { Signer, SigningContext } from './signer.ts';

const GOOGLE_TOKEN_SEC = 3600;

/**
 * A JSON Web Token as the assertion of a login (developers.google.com/identity/protocols/oauth2/service-account,
 * RFC 7523 section 2.1). Parameters: `scope` and `audience`.
 */
export const googleJwt: Signer = async (request, context) => {
  const { credential, parameters, nowMs } = context;
  const issuedSec = Math.floor(nowMs / 1000);
  const claims = {
    iss: keyFileOf(credential.password)?.client_email ?? credential.username,
    scope: parameters.scope ?? '',
    aud: parameters.audience ?? '',
    iat: issuedSec,
    exp: issuedSec + GOOGLE_TOKEN_SEC,
  };
  const text = [{ alg: 'RS256', typ: 'JWT' }, claims]
    .map((part) => base64url(utf8(JSON.stringify(part))))
    .join('.');
  const signature = await signatureOf(context, 'sha256', text);
  if (!signature.ok) {
    return signature;
  }
  const grant = encodeURIComponent('urn:ietf:params:oauth:grant-type:jwt-bearer');
  return ok<HttpRequest>({
    ...request,
    headers: { ...request.headers, 'content-type': 'application/x-www-form-urlencoded' },
    body: `grant_type=${grant}&assertion=${text}.${base64url(signature.value)}`,
  });
};

/** The body of the login, with a nonce of its own, is what is signed (api.transip.nl/rest/docs.html). */
export const transip: Signer = async (request, context) => {
  const { credential, nonce, nowMs } = context;
  const body = JSON.stringify({
    login: credential.username,
    nonce: nonce.slice(0, 32),
    read_only: false,
    expiration_time: '30 minutes',
    // Two tokens of one account cannot have the same label.
    label: `Holdfast ${nowMs}`,
    global_key: true,
  });
  const signature = await signatureOf(context, 'sha512', body);
  if (!signature.ok) {
    return signature;
  }
  return ok<HttpRequest>({
    ...request,
    headers: { ...request.headers, 'content-type': 'application/json' },
    body,
    authorization: { scheme: 'header', name: 'signature', value: base64(signature.value) },
  });
};

async function signatureOf(
  { credential, crypto }: SigningContext,
  hash: RsaHash,
  text: string,
): Promise<Outcome<Uint8Array>> {
  const signature = await crypto.signRsa(hash, pemOf(credential.password), utf8(text));
  if (signature === undefined) {
    const sentence =
      'The private key cannot be read: it must be an RSA key in PEM, from BEGIN to END. Enter it again.';
    return failed(replyFailure('signing/BAD_KEY', 'credential', 'account', sentence, ''));
  }
  return ok(signature);
}

/** The key as it was downloaded (a JSON file), as PEM, or as PEM with `\n` in place of the line ends. */
function pemOf(password: string): string {
  return (keyFileOf(password)?.private_key ?? password).replaceAll('\\n', '\n');
}

function keyFileOf(text: string): { private_key?: string; client_email?: string } | undefined {
  if (!text.trimStart().startsWith('{')) {
    return undefined;
  }
  try {
    const file: unknown = JSON.parse(text);
    return typeof file === 'object' && file !== null ? textMembers(file) : undefined;
  } catch {
    return undefined;
  }
}

function textMembers(file: object): Record<string, string> {
  return Object.fromEntries(Object.entries(file).filter(([, value]) => typeof value === 'string'));
}
