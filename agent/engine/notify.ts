/**
 * Delivers one message to one channel: a JSON document by HTTP, a program, or an event on ubus. A file of its own
 * in the package, loaded when there is something to tell. `schemas/notification.schema.json` is the document.
 */
import type { Failure, FailureKind } from '../core/failure.ts';
import type { Message } from '../core/message.ts';
import type { Authorization, Http, HttpReply, Processes } from '../ports.ts';
import type { ActionOf } from './commands.ts';
import { timeText } from './status.ts';

/** Where and how, with its secrets. */
export type NotifyChannel = { id: string; title: string } & (
  | { type: 'web'; address: WebAddress }
  | { type: 'script'; path: string }
  | { type: 'ubus' }
);

export interface WebAddress {
  style: 'webhook' | 'ntfy' | 'gotify';
  url: string;
  login?: Extract<Authorization, { scheme: 'basic' }>;
  /** Host and port, for people. */
  server: string;
}

export interface NotifyParts {
  http: Http;
  processes: Processes;
  channels(): readonly NotifyChannel[];
  /** Of the agent. */
  version: string;
  /** The router's own name, where it has one. */
  routerName(): Promise<string | undefined>;
  /** Removes every secret from text that came from outside. */
  redact(foreignText: string): string;
}

export interface Notification {
  version: 1;
  kind: Message['kind'] | 'test';
  /** The same in both messages of an incident; with `kind` it tells a repetition. Not `id`: Gotify takes that for a number. */
  incident: string;
  code: string;
  subject: string;
  hostnames: string[];
  sentence: string;
  evidence: string[];
  mustAct: boolean;
  openedAt: string;
  closedAt?: string;
  unresolved?: true;
  opening?: string;
  router?: string;
  agentVersion: string;
  title: string;
  message: string;
  /** 0 to 10, as Gotify has it. */
  priority: number;
}

export const UBUS_EVENT = 'holdfast.incident';

const PHASE_TIMEOUT_MS = 10_000;
const SCRIPT_TIMEOUT_MS = 60_000;
const UBUS_TIMEOUT_MS = 5_000;
/** No answer is read, only its status; some send a page. */
const MAX_REPLY_BYTES = 1024;
/** ntfy makes an attachment of a text over 4,096 octets (docs.ntfy.sh, limitations), and a character has at most 3. */
const MAX_TEXT_CHARS = 1300;
const LONGEST_DEMANDED_WAIT_SEC = 24 * 3600;

/** Undefined when it was delivered. */
export async function deliver(
  parts: NotifyParts,
  { channel: id, message }: Pick<ActionOf<'notify'>, 'channel' | 'message'>,
): Promise<Failure | undefined> {
  const channel = parts.channels().find((one) => one.id === id);
  // Taken out of the configuration a moment ago: nobody waits for it any more.
  const failure = channel && (await deliverTo(parts, channel, await notificationOf(parts, message)));
  // Without ubus nobody can listen.
  return failure?.code === 'notify/NO_UBUS' ? undefined : failure;
}

/** The document of a message. */
export async function notificationOf(
  parts: Pick<NotifyParts, 'version' | 'routerName'>,
  {
    kind,
    incident,
    hostnames,
    opening,
  }: Omit<Message, 'kind' | 'id' | 'queuedMs' | 'waiting'> & Pick<Notification, 'kind'>,
): Promise<Notification> {
  const { id, code, subject, sentence, evidence, mustAct, openedWallMs, closedWallMs, unresolved } = incident;
  const router = (await parts.routerName().catch(() => undefined))?.trim();
  const others = hostnames.filter((name) => name !== subject);
  const lines = [
    sentence,
    ...(opening === undefined ? [] : [`What had happened: ${opening}`]),
    ...(others.length === 0 ? [] : [`Hostnames: ${others.join(', ')}.`]),
  ];
  return {
    ...{ version: 1, kind, incident: id, code, subject, hostnames, sentence, evidence, mustAct },
    openedAt: timeText(openedWallMs),
    ...(closedWallMs !== undefined && { closedAt: timeText(closedWallMs) }),
    ...(unresolved && { unresolved }),
    ...(opening !== undefined && { opening }),
    ...(router && { router }),
    agentVersion: parts.version,
    title: `${headOf(kind, mustAct, unresolved)}: ${incident.title ?? subject}`,
    message: shortened(lines.join('\n')),
    priority: kind === 'opened' ? (mustAct ? 8 : 5) : 4,
  };
}

function headOf(kind: Notification['kind'], mustAct: boolean, unresolved?: true): string {
  if (kind === 'opened') {
    return mustAct ? 'Please act' : 'Trouble';
  }
  return kind === 'test' ? 'Test' : unresolved ? 'No longer followed' : 'All clear';
}

export function deliverTo(
  parts: Pick<NotifyParts, 'http' | 'processes' | 'redact'>,
  channel: NotifyChannel,
  notification: Notification,
): Promise<Failure | undefined> {
  switch (channel.type) {
    case 'web':
      return post(parts.http, channel.address, notification);
    case 'script':
      return runScript(parts, channel.path, notification);
    case 'ubus':
      return sendEvent(parts.processes, notification);
  }
}

async function post(
  http: Http,
  address: WebAddress,
  notification: Notification,
): Promise<Failure | undefined> {
  const { server, login } = address;
  const { url, body, authorization = login } = requestOf(address, notification);
  const result = await http.request({
    method: 'POST',
    url,
    headers: {
      'content-type': 'application/json',
      'user-agent': `Holdfast/${notification.agentVersion}`,
    },
    body: JSON.stringify(body),
    ...(authorization && { authorization }),
    redirects: 'refuse',
    phaseTimeoutMs: PHASE_TIMEOUT_MS,
    maxBodyBytes: MAX_REPLY_BYTES,
  });
  http.idle();
  return result.kind === 'reply' ? refusalOf(server, result.reply) : worded(server, result.failure);
}

interface Posting {
  url: string;
  body: object;
  authorization?: Authorization;
}

/** What each of them wants. */
function requestOf({ style, url }: WebAddress, notification: Notification): Posting {
  const { title, message, priority, kind, mustAct, unresolved } = notification;
  switch (style) {
    case 'webhook':
      return { url, body: notification };
    case 'ntfy': {
      // JSON goes to the root and names the topic (docs.ntfy.sh/publish, "Publish as JSON"): headers are not UTF-8.
      const [, root = url, topic = ''] = /^(.*\/)([^/]+)\/?$/.exec(url) ?? [];
      const closed = unresolved ? 'grey_question' : 'white_check_mark';
      const tags = [{ opened: 'warning', closed, test: 'loudspeaker' }[kind]];
      const urgency = kind === 'opened' && mustAct ? 4 : 3;
      return { url: root, body: { topic, title, message, priority: urgency, tags } };
    }
    case 'gotify': {
      // POST /message with the application's token (gotify.net/api-docs), which need not stand in a URL.
      const [path = '', query = ''] = url.split('?');
      const token = /(?:^|&)token=([^&]*)/.exec(query)?.[1];
      return {
        url: `${path.replace(/(?:\/message)?\/?$/, '/message')}`,
        body: { title, message, priority },
        ...(token !== undefined && {
          authorization: { scheme: 'header', name: 'X-Gotify-Key', value: token },
        }),
      };
    }
  }
}

/** What a status means; the text of a stranger is not repeated. Undefined: taken. */
function refusalOf(server: string, { status, headers }: HttpReply): Failure | undefined {
  const say = (kind: FailureKind, code: string, what: string, todo: string): Failure => ({
    ...{ kind, scope: 'attempt', code: `notify/${code}` },
    sentence: `${server} ${what} (HTTP status ${status}). ${todo}`,
  });
  const retryAfterSec = Number(/^\d{1,7}$/.exec(headers['retry-after'] ?? '')?.[0] ?? 0);
  const later = retryAfterSec > 0 && {
    retryAfterMs: Math.min(retryAfterSec, LONGEST_DEMANDED_WAIT_SEC) * 1000,
  };
  if (status >= 200 && status < 300) {
    return undefined;
  }
  if (status >= 300 && status < 400) {
    return say(
      'refused',
      'MOVED',
      'wants the message somewhere else',
      'Correct the address in option notify.',
    );
  }
  if (status === 401 || status === 403) {
    const what = 'did not accept the user name, password or token';
    return say('credential', 'DENIED', what, 'Correct them in option notify.');
  }
  if (status === 429) {
    return {
      ...say('throttled', 'THROTTLED', 'takes no more messages now', 'Holdfast tries again.'),
      ...later,
    };
  }
  return status >= 500
    ? { ...say('busy', 'BUSY', 'has a fault of its own', 'Holdfast tries again.'), ...later }
    : say('refused', 'REFUSED', 'refused the message', 'Check the address in option notify.');
}

/** Faults of HTTP speak of updates and accounts; here it is about a message. */
function worded(server: string, failure: Failure): Failure {
  if (failure.kind === 'unconfirmed') {
    const sentence = `${server} did not answer properly, so the message may or may not have arrived.`;
    return { ...failure, sentence };
  }
  return failure.code === 'http/BAD_REQUEST'
    ? { ...failure, sentence: `The address of ${server} in option notify is not valid; correct it.` }
    : failure;
}

async function runScript(
  { processes, redact }: Pick<NotifyParts, 'processes' | 'redact'>,
  path: string,
  notification: Notification,
): Promise<Failure | undefined> {
  const { kind, code, subject, sentence } = notification;
  const { status, stderr } = await processes.run([path, kind, code, subject, sentence], SCRIPT_TIMEOUT_MS, {
    HOLDFAST_EVENT: JSON.stringify(notification),
  });
  if (status === 0) {
    return undefined;
  }
  const said = redact(stderr.trim().split('\n', 1)[0] ?? '').slice(0, 200);
  const how =
    status === -1 ? 'could not be run, or did not end within a minute' : `ended with status ${status}`;
  return {
    ...{ kind: 'busy', scope: 'attempt', code: 'notify/SCRIPT' },
    sentence: `The program ${path} ${how}${said === '' ? '' : ` (${said})`}. Run it by hand to see why.`,
  };
}

async function sendEvent(processes: Processes, notification: Notification): Promise<Failure | undefined> {
  const argv = ['ubus', 'send', UBUS_EVENT, JSON.stringify(notification)];
  const { status, stderr } = await processes.run(argv, UBUS_TIMEOUT_MS);
  if (status === 0) {
    return undefined;
  }
  if (status === 127 || (status === -1 && /ENOENT|no such file/i.test(stderr))) {
    const sentence = 'There is no ubus on this system, so there is nobody to send the event to.';
    return { kind: 'refused', scope: 'attempt', code: 'notify/NO_UBUS', sentence };
  }
  const denied = /permission denied/i.test(stderr);
  return {
    ...{ kind: 'unreachable', scope: 'attempt', code: 'notify/UBUS' },
    sentence: denied
      ? 'ubus does not let Holdfast send events. Check that /usr/share/acl.d/holdfast.json is there and owned by root.'
      : 'The event could not be sent on ubus. procd starts ubusd again within seconds; if this stays, look at `logread`.',
  };
}

function shortened(text: string): string {
  const chars = [...text];
  return chars.length <= MAX_TEXT_CHARS ? text : `${chars.slice(0, MAX_TEXT_CHARS - 1).join('')}…`;
}
