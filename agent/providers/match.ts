/** Does a reply say this? Whole words, lines, phrases, tags and JSON fields; never a part of a word. */
import type { HttpReply } from '../ports.ts';
import { type Json, pointed } from './json-pointer.ts';

/** All members that are given must hold; of a list, one. Text is compared without regard to case. */
export interface Matcher {
  /** HTTP status. */
  status?: number[];
  /** The first word of the first line. */
  word?: string[];
  /** Some line as a whole. */
  line?: string[];
  /**
   * The beginning of some line, up to the end of a word. `{hostname}`, `{ipv4}`, `{ipv6}` and `{myip}` stand
   * for what was sent.
   */
  phrase?: string[];
  /** The text of an element, or the value of an attribute of it. */
  tag?: { name: string; attribute?: string; in: string[] };
  /** The value at a place of a JSON document (RFC 6901). */
  json?: { at: string; in: (string | number | boolean | null)[] };
  /** The body is empty. */
  empty?: true;
}

/** A reply made ready for matchers. */
export interface ReadReply {
  status: number;
  body: string;
  lines: string[];
  /** Undefined where the body is no JSON. */
  json: Json | undefined;
}

export function readReply({ status, body }: HttpReply, markup = false): ReadReply {
  const text = markup ? withoutTags(body) : body;
  const lines = text.split('\n').flatMap((line) => line.trim() || []);
  return { status, body, lines, json: parsed(body) };
}

/** `sent` are the values for the placeholders of phrases. */
export function matches(matcher: Matcher, reply: ReadReply, sent: Record<string, string>): boolean {
  const { status, word, line, phrase, tag, json, empty } = matcher;
  const first = (reply.lines[0]?.split(/\s/, 1)[0] ?? '').toLowerCase();
  return (
    (!status || status.includes(reply.status)) &&
    (!word || includes(word, first)) &&
    (!line || reply.lines.some((one) => includes(line, one))) &&
    (!phrase || phrase.some((one) => reply.lines.some((text) => beginsWith(text, filledIn(one, sent))))) &&
    (!tag || tagValues(reply.body, tag.name, tag.attribute).some((value) => includes(tag.in, value))) &&
    (!json || json.in.some((value) => value === pointed(reply.json, json.at))) &&
    (!empty || reply.body.trim() === '')
  );
}

function includes(list: readonly string[], text: string): boolean {
  const lower = text.toLowerCase();
  return list.some((one) => one.toLowerCase() === lower);
}

/** `OK` begins "OK: done" and not "Okay"; a phrase that ends in a sign of its own needs no such border. */
function beginsWith(line: string, phrase: string): boolean {
  const isBegin = line.toLowerCase().startsWith(phrase.toLowerCase());
  return isBegin && !(/\w$/.test(phrase) && /^\w/.test(line.slice(phrase.length)));
}

/** Undefined values make a phrase that no reply begins with. */
function filledIn(phrase: string, sent: Record<string, string>): string {
  return phrase.replace(/\{(\w+)\}/g, (_, name: string) => sent[name] ?? '\u0000');
}

/** Not a parser of XML: some of these replies are none, with wrong declarations and several tags in a line. */
function tagValues(body: string, name: string, attribute?: string): string[] {
  const pattern =
    attribute === undefined
      ? new RegExp(`<${name}(?:\\s[^<>]*)?>([^<]*)</${name}\\s*>`, 'gi')
      : new RegExp(`<${name}\\s(?:[^<>]*\\s)?${attribute}\\s*=\\s*["']([^"'<>]*)["']`, 'gi');
  return [...body.matchAll(pattern)].map((match) => (match[1] ?? '').trim());
}

function withoutTags(body: string): string {
  return body
    .replace(/<(script|style)\b[\s\S]*?<\/\1\s*>/gi, '\n')
    .replace(/<\/?(?:b|i|em|strong|font|span|a)\b[^<>]*>/gi, '')
    .replace(/<[^<>]*>/g, '\n');
}

function parsed(body: string): Json | undefined {
  try {
    return JSON.parse(body) as Json;
  } catch {
    return undefined;
  }
}
