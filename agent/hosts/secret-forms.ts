import { base64, utf8 } from '../core/octets.ts';

/**
 * Forms in which a password could show up in foreign text. Longest first, so that replacing one after another
 * leaves no rest. Empty without a password.
 */
export function secretForms(username: string, password: string): string[] {
  if (password === '') {
    return [];
  }
  const forms = [password, base64(utf8(password)), base64(utf8(`${username}:${password}`))];
  const encoded = encodeURIComponent(password.replace(/\p{Surrogate}/gu, '\ufffd'));
  for (const form of [encoded, formEncoded(encoded)]) {
    forms.push(
      form,
      form.replace(/%[0-9A-F]{2}/g, (octet) => octet.toLowerCase()),
    );
  }
  return [...new Set(forms)].sort((a, b) => b.length - a.length);
}

/** application/x-www-form-urlencoded (WHATWG URL section 5.2): a plus for a space, and five more as octets. */
function formEncoded(percentEncoded: string): string {
  return percentEncoded
    .replaceAll('%20', '+')
    .replace(/[!'()~]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}
