/** Randomness and RSA of Node. */
import { createPrivateKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { Crypto, RsaHash } from '../ports.ts';

export const nodeCrypto: Crypto = {
  randomOctets: (count) => new Uint8Array(randomBytes(count)),
  async signRsa(hash: RsaHash, privateKeyPem: string, message: Uint8Array) {
    const key = readKey(privateKeyPem);
    return key?.asymmetricKeyType === 'rsa' ? new Uint8Array(sign(hash, message, key)) : undefined;
  },
};

/** OpenSSL says nothing about a broken key that would help its owner, so its words are dropped. */
function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
