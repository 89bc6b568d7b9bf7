/**
 * Asks the DNS what it serves: the servers of the zone above say who is in charge, each of those is asked
 * directly, and so are a few public resolvers. Where something is not as it should be, more is asked: the servers
 * of before, servers of other operators (is it this line?), DNS over HTTPS, the provider's web site.
 */
import { FAMILIES, type Family } from '../../core/address.ts';
import type { Asked, ControlAnswer, ServerAnswer, Verification } from '../../core/health.ts';
import { SPREADING_MS } from '../../core/picture.ts';
import { judge } from '../../core/verdicts.ts';
import type { DnsQuestion, DnsResult, DnsServer } from '../../ports.ts';
import type { ActionOf } from '../commands.ts';
import { type AnswerFrom, labelOf, type NamedServer, readAnswer, type Timed, TYPES } from './answers.ts';
import { type CheckMemory, newMemory } from './memory.ts';
import type { Verifier, VerifyParts, VerifySettings } from './parts.ts';
import { createZones, serversOf } from './zones.ts';

const DNS_PORT = 53;
/** a, b, c and j of root-servers.net, of three operators (IANA's root hints). */
const ROOT_SERVERS: readonly DnsServer[] = [
  '198.41.0.4',
  '199.9.14.201',
  '192.33.4.12',
  '2001:503:ba3e::2:30',
].map((address) => ({ address, port: DNS_PORT }));
/** By address, so that no intercepted answer leads elsewhere; the operators' certificates name these addresses. */
const DOH_URLS = ['https://1.1.1.1/dns-query', 'https://9.9.9.9/dns-query', 'https://8.8.8.8/dns-query'];

/** Whether the line carries DNS at all does not change from name to name. */
const CONTROL_AGE_MS = 60_000;
/** TCP is a matter of the server and its firewall: looked at once in a while, and whenever something is odd. */
const TCP_AGE_MS = 24 * 3_600_000;
const MAX_FORMER = 4;
const MAX_OWN_RESOLVERS = 2;
const SIBLING_CHARS = 12;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const WEB_TIMEOUT_MS = 10_000;
const WEB_BODY_BYTES = 1024;

/** What is learned goes into the memory. */
export function verifierOf(given: VerifyParts, memory: CheckMemory = newMemory()): Verifier {
  const parts = { ...given, settings: () => withDefaults(given.settings()) };
  const { clock } = parts;
  const zones = createZones(parts, memory, (server, name, type) =>
    timed(() => parts.dns.ask(server, { name, type, recursionDesired: false })),
  );
  const { overTcp } = memory;
  let controlUnderWay: Promise<ControlAnswer> | undefined;

  return async (command) => judge(await look(command), command);

  async function look(command: ActionOf<'verify'>): Promise<Verification> {
    const asking = askAll(parts.settings().publicResolvers.map(unnamed), command, 'recursive');
    // Nobody waits for the others: the slowest decides how long a check takes.
    const [zoned, publicView, pastWall, ownView, web] = await Promise.all([
      lookAtZone(command),
      asking,
      asking.then((answers) => lookPastWall(answers, command)),
      lookFromHere(command),
      lookAtWeb(command),
    ]);
    const isIntercepted =
      zoned.control?.kind === 'intercepted' || zoned.authority.some(({ kind }) => kind === 'forged');
    const overHttps = pastWall ?? (isIntercepted ? await askOverHttps(command) : []);
    return {
      ...zoned,
      ...(overHttps.length > 0 ? { publicView: overHttps, overHttps: true } : { publicView }),
      ownView,
      ...(web && { web }),
    };
  }

  /** Where no public resolver answers; undefined where one does. */
  async function lookPastWall(
    publicView: readonly ServerAnswer[],
    asked: Asked,
  ): Promise<ServerAnswer[] | undefined> {
    if (publicView.some(({ kind }) => kind !== 'unreachable')) {
      return undefined;
    }
    // Most likely the zone cannot be found either, and that comes next.
    void askControl();
    return askOverHttps(asked);
  }

  async function lookAtZone(asked: Asked): Promise<Omit<Verification, 'publicView'>> {
    const { before } = asked;
    const zone = await zones.find(asked.hostname, before?.zone);
    if (!zone) {
      return { problem: noZone(asked), delegation: [], authority: [], control: await askControl() };
    }
    const { answers: delegation, view } = await zones.delegation(zone);
    const isAbsent = delegation.some(({ kind }) => kind === 'absent');
    // Without the word of the zone above, the servers that a resolver knows, or those of before.
    const inCharge = view ?? (isAbsent ? undefined : ((await zones.resolvedView(zone.name)) ?? before));
    const servers = inCharge ? serversOf(inCharge, parts.settings().dnsPort) : zone.parents;
    if (servers.length === 0) {
      const nobody = { problem: noZone(asked), delegation, authority: [], control: await askControl() };
      return { zone: zone.name, ...nobody };
    }
    const authority = await crossChecked(zone.name, servers, asked);
    const answering = servers.find((server) =>
      authority.some(({ server: label, kind }) => label === labelOf(server) && kind !== 'unreachable'),
    );
    const isFine = authority.every(({ kind }) => kind === 'ok');
    const names = inCharge?.nameServers.map(({ name }) => name) ?? [];
    const isMoved =
      before?.zone === zone.name &&
      !names.some((name) => before.nameServers.some((one) => one.name === name));
    const [sibling, former, answer, owner] = await Promise.all([
      answering && askSibling(answering, zone.name, asked),
      !isFine || isMoved ? askFormer(servers, asked) : undefined,
      !isFine || view === undefined ? askControl() : undefined,
      answering && (before === undefined || isMoved) ? askOwner(answering, zone.name) : undefined,
    ]);
    return {
      zone: zone.name,
      ...(view && { view: { ...view, ...(owner !== undefined && { owner }) } }),
      ...{ delegation, authority },
      ...(sibling && { sibling }),
      ...(former && { former }),
      ...(answer && { control: answer }),
    };
  }

  /** Over both transports where one is odd, and now and then where none is. */
  async function crossChecked(
    zone: string,
    servers: readonly NamedServer[],
    asked: Asked,
  ): Promise<ServerAnswer[]> {
    const isFirst = clock.monotonicMs() - (overTcp.get(zone) ?? Number.NEGATIVE_INFINITY) > TCP_AGE_MS;
    overTcp.set(zone, isFirst ? clock.monotonicMs() : (overTcp.get(zone) ?? 0));
    return askAll(servers, asked, 'authority', async (server, question, answer, wanted) => {
      const { result } = answer;
      const family = question.type === 'A' ? 'ipv4' : 'ipv6';
      const first = readAnswer(server, family, wanted, 'authority', answer);
      const isUdp = result.kind === 'reply' && result.reply.transport === 'udp';
      if (!isUdp || (!isFirst && first.kind === 'ok')) {
        return first;
      }
      const second = await timed(async () =>
        followed(await parts.dns.ask(server, question, undefined, 'tcp'), question),
      );
      if (second.result.kind === 'failed') {
        return { ...first, detail: `${first.detail}, not over TCP: ${second.result.failure.code}` };
      }
      const tcp = readAnswer(server, family, wanted, 'authority', second);
      if (tcp.addresses?.join() === first.addresses?.join() && tcp.kind === first.kind) {
        return first;
      }
      // One of them is right, and both come from one server: the other was written on the way. Just after an update
      // the server may have got the new address between the two.
      const isForged = asked.ageMs >= SPREADING_MS && (tcp.kind === 'ok' || first.kind === 'ok');
      const kind = isForged ? ('forged' as const) : tcp.kind;
      return { ...tcp, kind, detail: `${first.detail}; ${tcp.detail}` };
    });
  }

  async function askAll(
    servers: readonly NamedServer[],
    asked: Asked,
    from: AnswerFrom,
    read?: (
      server: NamedServer,
      question: DnsQuestion,
      answer: Timed,
      wanted: readonly string[],
    ) => Promise<ServerAnswer>,
  ): Promise<ServerAnswer[]> {
    const families = FAMILIES.filter((family) => asked[family] !== undefined);
    const answers = await Promise.all(
      servers.flatMap((server) =>
        families.map(async (family) => {
          const question = {
            name: asked.hostname,
            type: TYPES[family],
            recursionDesired: from !== 'authority',
          };
          const answer = await timed(async () => followed(await parts.dns.ask(server, question), question));
          const noRoute = answer.result.kind === 'failed' && answer.result.failure.code === 'dns/NO_ROUTE';
          const judged = read
            ? await read(server, question, answer, rightOf(asked, family))
            : readAnswer(server, family, rightOf(asked, family), from, answer);
          return { noRoute, judged };
        }),
      ),
    );
    // A server that this line cannot reach at all (IPv6 without IPv6) says nothing, unless all are so.
    const heard = answers.filter(({ noRoute }) => !noRoute);
    return heard.length > 0
      ? heard.map(({ judged }) => judged)
      : answers.map(({ judged }) => ({ ...judged, noRoute: true }));
  }

  /** A CNAME may lead into a zone of others (RFC 1034 section 3.6.2), of which a resolver knows. */
  async function followed(
    result: DnsResult,
    { name, type, recursionDesired }: DnsQuestion,
  ): Promise<DnsResult> {
    const answers = result.kind === 'reply' ? result.reply.answers : [];
    const alias = answers.findLast((record) => record.type === 'CNAME');
    const [resolver] = parts.settings().publicResolvers;
    if (
      result.kind === 'failed' ||
      recursionDesired ||
      !alias ||
      !resolver ||
      answers.some((one) => one.type === type)
    ) {
      return result;
    }
    const target = alias.value === name ? undefined : { name: alias.value, type, recursionDesired: true };
    const rest = target && (await parts.dns.ask(resolver, target));
    const more = rest?.kind === 'reply' ? rest.reply.answers.filter((one) => one.type === type) : [];
    return { kind: 'reply', reply: { ...result.reply, answers: [...answers, ...more] } };
  }

  /** The servers of before at their old addresses: after a seizure they still know better. */
  async function askFormer(
    current: readonly NamedServer[],
    asked: Asked,
  ): Promise<ServerAnswer[] | undefined> {
    const former = serversOf(asked.before, parts.settings().dnsPort).filter(
      ({ address }) => !current.some((one) => one.address === address),
    );
    return former.length === 0 ? undefined : askAll(former.slice(0, MAX_FORMER), asked, 'authority');
  }

  /** A name beside ours that nobody has. If it gets an address, ours may come from the same wildcard (RFC 4592). */
  async function askSibling(
    server: NamedServer,
    zone: string,
    asked: Asked,
  ): Promise<Verification['sibling']> {
    if (asked.hostname.startsWith('*')) {
      return undefined;
    }
    const letter = () => LETTERS.charAt(Math.floor(parts.random() * LETTERS.length));
    const label = Array.from({ length: SIBLING_CHARS }, letter).join('');
    const above = asked.hostname.slice(asked.hostname.indexOf('.') + 1);
    const name = `${label}.${above === zone || above.endsWith(`.${zone}`) ? above : zone}`;
    const family = asked.ipv4 === undefined ? 'ipv6' : 'ipv4';
    const answer = await timed(() =>
      parts.dns.ask(server, { name, type: TYPES[family], recursionDesired: false }),
    );
    const { addresses = [], detail } = readAnswer(server, family, [], 'authority', answer);
    return { addresses, detail };
  }

  /** Primary server and mailbox of the zone. */
  async function askOwner(server: NamedServer, zone: string): Promise<string | undefined> {
    const result = await parts.dns.ask(server, { name: zone, type: 'SOA', recursionDesired: false });
    const soa = result.kind === 'reply' ? result.reply.answers.find(({ type }) => type === 'SOA') : undefined;
    return soa?.value.split(' ').slice(0, 2).join(' ');
  }

  /** `. SOA` at servers of other operators: with authority from the root itself, without from whoever intercepts. */
  function askControl(): Promise<ControlAnswer> {
    const control = memory.control.get('');
    if (control && clock.monotonicMs() - control.atMs < CONTROL_AGE_MS) {
      return Promise.resolve(control.answer);
    }
    controlUnderWay ??= askControlServers().finally(() => {
      controlUnderWay = undefined;
    });
    return controlUnderWay;
  }

  async function askControlServers(): Promise<ControlAnswer> {
    const answers = await Promise.all(
      parts.settings().controlServers.map(async (server) => {
        const { result, tookMs } = await timed(() =>
          parts.dns.ask(server, { name: '.', type: 'SOA', recursionDesired: false }),
        );
        return { server, result, tookMs };
      }),
    );
    const replies = answers.flatMap(({ result }) => (result.kind === 'reply' ? result.reply : []));
    const kind = replies.some(({ authoritative }) => authoritative)
      ? 'fine'
      : replies.length > 0
        ? 'intercepted'
        : 'silent';
    const answer: ControlAnswer = {
      kind,
      evidence: answers.map(
        ({ server, result, tookMs }) => `control ${server.address}: ${controlText(result, tookMs)}`,
      ),
    };
    memory.control.set('', { answer, atMs: clock.monotonicMs() });
    return answer;
  }

  async function lookFromHere(asked: Asked): Promise<ServerAnswer[]> {
    const resolvers = (await parts.resolvers()).slice(0, MAX_OWN_RESOLVERS);
    return askAll(resolvers.map(unnamed), asked, 'own');
  }

  async function askOverHttps(asked: Asked): Promise<ServerAnswer[]> {
    const answers = await Promise.all(
      parts.settings().dohUrls.map(async (url) => {
        const found: ServerAnswer[] = [];
        for (const family of FAMILIES) {
          if (asked[family] !== undefined) {
            const question = { name: asked.hostname, type: TYPES[family], recursionDesired: true };
            const answer = await timed(() => parts.dnsOverHttps.ask(url, question));
            const server = { name: '', address: url, port: 0 };
            found.push(readAnswer(server, family, rightOf(asked, family), 'recursive', answer));
          }
        }
        return found;
      }),
    );
    return answers.flat();
  }

  /** Any reply but a fault of the server is a sign of life. No credential goes there. */
  async function lookAtWeb({ homepage }: ActionOf<'verify'>): Promise<Verification['web']> {
    if (homepage === undefined) {
      return undefined;
    }
    const result = await parts.http.request({
      method: 'GET',
      url: homepage,
      headers: { 'user-agent': parts.userAgent() },
      phaseTimeoutMs: WEB_TIMEOUT_MS,
      maxBodyBytes: WEB_BODY_BYTES,
    });
    return result.kind === 'failed'
      ? { up: false, detail: `${homepage}: ${result.failure.code}` }
      : { up: result.reply.status < 500, detail: `${homepage}: status ${result.reply.status}` };
  }

  async function timed(ask: () => Promise<DnsResult>): Promise<Timed> {
    const startMs = clock.monotonicMs();
    const result = await ask();
    return { result, tookMs: clock.monotonicMs() - startMs };
  }
}

/** Not in a laboratory, which is no place to ask the world from. */
function withDefaults(settings: VerifySettings): VerifySettings {
  const { controlServers, dohUrls, dnsPort } = settings;
  const isLaboratory = dnsPort !== DNS_PORT;
  return {
    ...settings,
    controlServers: controlServers.length > 0 || isLaboratory ? controlServers : ROOT_SERVERS,
    dohUrls: dohUrls.length > 0 || isLaboratory ? dohUrls : DOH_URLS,
  };
}

function noZone({ hostname }: Asked): NonNullable<Verification['problem']> {
  const sentence = `Who is in charge of ${hostname} could not be found out. Check that this router can resolve names; Holdfast tries again.`;
  return { code: 'authority/NO_ZONE', sentence };
}

function controlText(result: DnsResult, tookMs: number): string {
  if (result.kind === 'failed') {
    return result.failure.code;
  }
  const { rcode, authoritative, transport } = result.reply;
  return [rcode, ...(authoritative ? ['AA'] : []), transport, `${Math.round(tookMs)} ms`].join(', ');
}

function unnamed(server: DnsServer): NamedServer {
  return { ...server, name: '' };
}

/** The addresses that a server may give. */
function rightOf(asked: Asked, family: Family): string[] {
  return [asked[family] ?? [], asked.unheard?.[family] ?? []].flat();
}
