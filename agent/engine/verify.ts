/** The check of what the DNS serves, loaded when the first name is to be checked. */
import type { Verifier, VerifyParts } from './checks/parts.ts';
import { verifyElsewhere } from './verify-elsewhere.ts';

export function createVerifier(parts: VerifyParts): Verifier {
  let loaded: Promise<Verifier> | undefined;
  const here: Verifier = async (command) => {
    loaded ??= import('./checks/verifier.ts').then(({ verifierOf }) => verifierOf(parts));
    return (await loaded)(command);
  };
  return parts.checker ? verifyElsewhere(parts, parts.checker, here) : here;
}
