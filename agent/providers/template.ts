/** URLs from RFC 6570 templates, and the origin an account may set itself. */
import { parseTemplate } from 'url-template';

export type TemplateValues = Record<string, string | string[]>;

/**
 * Expands a catalogue template; a list without a modifier is joined by commas, and an empty one counts as not
 * there (RFC 6570 section 3.2.1): an empty address would delete a record at some providers.
 */
export function expand(template: string, values: TemplateValues): string {
  const present = Object.entries(values).filter(([, value]) => typeof value === 'string' || value.length > 0);
  return parseTemplate(template).expand(Object.fromEntries(present));
}

/** The same URL at another server: `origin` is `https://HOST[:PORT]`, a path after it is dropped. */
export function atOrigin(url: string, origin: string): string {
  const host = /^https?:\/\/[^/?#]+/;
  const replacement = host.exec(origin)?.[0];
  return replacement === undefined ? url : url.replace(host, replacement);
}
