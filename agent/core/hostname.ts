/** Hostnames as text: one normal form. */
import punycode from 'punycode/punycode.js';

/** `sentence` completes "The name ..." and tells what to change. */
export type HostnameResult = { ok: true; hostname: string } | { ok: false; sentence: string };

/** RFC 1035 section 2.3.4 allows 255 octets on the wire, which are 253 characters of text. */
const MAX_NAME_CHARS = 253;
const MAX_LABEL_CHARS = 63;
const MIN_LABELS = 2;

/** Letters, digits and hyphens, none at either end (RFC 1123 section 2.1, RFC 5890 section 2.3.1). */
const ASCII_LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
/** The letters, marks and digits of any script: close to what RFC 5892 allows, free of symbols. */
const UNICODE_LABEL = /^[\p{L}\p{M}\p{N}-]+$/u;
/** RFC 3490 section 3.1: these count as dots in a name that somebody typed. */
const OTHER_DOTS = /[\u3002\uff0e\uff61]/g;

/**
 * The normal form of a full name: lower case, A-labels (RFC 5891), no final dot. The first label may be `*`
 * (RFC 4592). A name of one label and the text of an address are refused.
 */
export function normaliseHostname(text: string): HostnameResult {
  if (text.length > 2 * MAX_NAME_CHARS) {
    return refused(`is longer than ${MAX_NAME_CHARS} characters.`);
  }
  const lower = text.normalize('NFC').toLowerCase().replace(OTHER_DOTS, '.');
  const labels = (lower.endsWith('.') ? lower.slice(0, -1) : lower).split('.');
  const plain = labels[0] === '*' ? labels.slice(1) : labels;
  if (plain.length < MIN_LABELS) {
    return refused('is not complete: write the full name, for example home.example.org.');
  }
  const ascii: string[] = [];
  for (const label of plain) {
    const converted = toAsciiLabel(label);
    if (!converted.ok) {
      return converted;
    }
    ascii.push(converted.hostname);
  }
  if (/^[0-9]+$/.test(ascii.at(-1) ?? '')) {
    return refused('ends in a number like an address: write a name, for example home.example.org.');
  }
  const hostname = (labels[0] === '*' ? ['*', ...ascii] : ascii).join('.');
  return hostname.length > MAX_NAME_CHARS
    ? refused(`is longer than ${MAX_NAME_CHARS} characters.`)
    : { ok: true, hostname };
}

function toAsciiLabel(label: string): HostnameResult {
  if (label === '') {
    return refused('has two dots in a row or begins with a dot.');
  }
  if (!UNICODE_LABEL.test(label)) {
    return refused('may only have letters, digits, hyphens and dots.');
  }
  // RFC 5891 section 4.2.3.1: nobody else may look like an A-label.
  if (!/^[a-z0-9-]*$/.test(label) && label.startsWith('--', 2)) {
    return refused(
      'has a part with two hyphens in third and fourth place, beside letters that are not a to z.',
    );
  }
  let ascii: string;
  try {
    ascii = punycode.toASCII(label);
    if (ascii.startsWith('xn--')) {
      punycode.decode(ascii.slice(4));
    }
  } catch {
    return refused('has a part that begins with "xn--" but is not a valid international name.');
  }
  if (ascii.length > MAX_LABEL_CHARS) {
    return refused(`has a part of more than ${MAX_LABEL_CHARS} characters between two dots.`);
  }
  return ASCII_LABEL.test(ascii)
    ? { ok: true, hostname: ascii }
    : refused('has a hyphen at the beginning or the end of a part.');
}

function refused(sentence: string): HostnameResult {
  return { ok: false, sentence };
}
