/** Every secret of the configuration, so that none of them can show up in foreign text. */
import type { Credential } from '../providers/protocol.ts';
import type { AccountConfig } from './config.ts';
import { secretOfAccount } from './validate.generated.js';

/** All ways in which an account may send its secrets. */
export function secretsOf({ username = '', password, options }: AccountConfig): Partial<Credential>[] {
  const further = Object.entries(options).flatMap(([name, value]) =>
    secretOfAccount.includes(name) ? value.split('\n') : [],
  );
  // Some providers get the name decoded, and so another token (see `decodeUsername`).
  const names = [...new Set([username, username.replace(/%3a/gi, ':')])];
  return [
    ...names.map((name) => ({ username: name, ...(password !== undefined && { password }) })),
    ...further.map((secret) => ({ username: '', password: secret })),
  ];
}
