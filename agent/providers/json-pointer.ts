/** JSON Pointer (RFC 6901). */

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** The value at the place, or undefined where there is none. The empty pointer is the whole document. */
export function pointed(document: Json | undefined, pointer: string): Json | undefined {
  if (pointer === '') {
    return document;
  }
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<Json | undefined>(stepInto, document);
}

function stepInto(value: Json | undefined, token: string): Json | undefined {
  if (typeof value !== 'object' || value === null) {
    return undefined;
  }
  if (Array.isArray(value)) {
    return /^(0|[1-9]\d*)$/.test(token) ? value[Number(token)] : undefined;
  }
  return Object.hasOwn(value, token) ? value[token] : undefined;
}
