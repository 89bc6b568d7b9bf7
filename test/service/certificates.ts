/** A certificate authority of its own and leaf certificates, good and with one fault each. */
import { isIP } from 'node:net';
import { generate } from 'selfsigned';

export const certificateKinds = ['good', 'expired', 'not-yet-valid', 'wrong-host', 'unknown-ca'] as const;
export type CertificateKind = (typeof certificateKinds)[number];

export interface KeyPair {
  key: string;
  cert: string;
}

export interface Certificates {
  /** The trust anchor that clients need (PEM). */
  caPem: string;
  leaves: Record<CertificateKind, KeyPair>;
}

const dayMs = 86_400_000;

/** By the names in them: a process that starts many services has them made once. */
const made = new Map<string, Promise<Certificates>>();

/** All certificates. `names` are host names and addresses of the good leaf. Validity is in real time. */
export function makeCertificates(names: readonly string[]): Promise<Certificates> {
  const key = names.join();
  const certificates = made.get(key) ?? makeAll(names);
  made.set(key, certificates);
  return certificates;
}

async function makeAll(names: readonly string[]): Promise<Certificates> {
  const nowMs = Date.now();
  const [authority, stranger] = await Promise.all([
    makeAuthority('Holdfast test CA'),
    makeAuthority('Another CA'),
  ]);
  const valid = { from: nowMs - dayMs, to: nowMs + 3650 * dayMs };
  const past = { from: nowMs - 90 * dayMs, to: nowMs - dayMs };
  const future = { from: nowMs + 30 * dayMs, to: nowMs + 90 * dayMs };
  const [good, expired, notYetValid, wrongHost, unknownCa] = await Promise.all([
    makeLeaf(authority, names, valid),
    makeLeaf(authority, names, past),
    makeLeaf(authority, names, future),
    makeLeaf(authority, ['elsewhere.example'], valid),
    makeLeaf(stranger, names, valid),
  ]);
  return {
    caPem: authority.cert,
    leaves: { good, expired, 'not-yet-valid': notYetValid, 'wrong-host': wrongHost, 'unknown-ca': unknownCa },
  };
}

async function makeAuthority(commonName: string): Promise<KeyPair> {
  const pair = await generate([{ name: 'commonName', value: commonName }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - 365 * dayMs),
    notAfterDate: new Date(Date.now() + 3650 * dayMs),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { key: pair.private, cert: pair.cert };
}

async function makeLeaf(
  ca: KeyPair,
  names: readonly string[],
  validMs: { from: number; to: number },
): Promise<KeyPair> {
  const pair = await generate([{ name: 'commonName', value: names[0] ?? 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca,
    notBeforeDate: new Date(validMs.from),
    notAfterDate: new Date(validMs.to),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: names.map((name) => (isIP(name) ? { type: 7, ip: name } : { type: 2, value: name })),
      },
    ],
  });
  return { key: pair.private, cert: pair.cert };
}
