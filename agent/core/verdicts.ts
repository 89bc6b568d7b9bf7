/**
 * The one table from evidence to verdict to sentence. For each axis the first row that fits counts. A sentence
 * is for somebody who does not know what a name server is: what happened, and what to do; the evidence beside
 * it is for somebody who does.
 */
import type {
  Asked,
  AxisVerdict,
  Judged,
  Judgement,
  ParentAnswer,
  ServerAnswer,
  Verification,
} from './health.ts';
import { listed } from './listed.ts';
import { type Picture, pictureOf } from './picture.ts';

/** What the servers in charge came to, where that is known already. */
type Facts = Picture & { served?: AxisVerdict };

interface Row {
  code: string;
  verdict: AxisVerdict;
  when: (p: Facts) => boolean;
  sentence: (p: Facts) => string;
  mustAct?: true;
}

const LATER = 'Nothing to do; Holdfast looks again.';
const NO_UPDATES = 'More updates would not help, and none are sent.';

const DELEGATION: readonly Row[] = [
  {
    code: 'delegation/INTERCEPTED',
    verdict: 'unknown',
    when: (p) => p.hands === 'intercepted' || (p.hands === 'silent' && p.line === 'intercepted'),
    sentence: intercepted,
  },
  {
    code: 'delegation/CANNOT_CHECK',
    verdict: 'unknown',
    when: (p) => p.hands === 'silent',
    sentence: (p) => `Who is in charge of ${p.zone} cannot be found out now: nobody answers. ${LATER}`,
  },
  {
    code: 'delegation/REMOVED',
    verdict: 'failed',
    when: (p) => p.hands === 'absent',
    sentence: (p) =>
      `${p.zone} was taken out of the Internet's directory: nobody is in charge of it any more. ` +
      'If the domain is your own, renew it where you bought it; otherwise ask your provider, or use another name.',
    mustAct: true,
  },
  {
    code: 'delegation/OK',
    verdict: 'ok',
    when: (p) => p.hands === 'first',
    sentence: (p) => `${p.zone} is in the hands of ${listed(p.come)}; it is told when that changes.`,
  },
  {
    code: 'delegation/OK',
    verdict: 'ok',
    when: (p) => p.hands === 'same',
    sentence: (p) => `${p.zone} is in the hands of the servers that have always been in charge of it.`,
  },
  {
    code: 'delegation/OK',
    verdict: 'ok',
    when: (p) => p.hands === 'renewed',
    sentence: (p) => `${p.zone} has got new servers, of the operator that has always been in charge of it.`,
  },
  {
    code: 'delegation/EXTENDED',
    verdict: 'warning',
    when: (p) => p.hands === 'mixed',
    sentence: (p) =>
      `${p.zone} is now also in the hands of servers of another operator (${listed(p.come)}). ` +
      'Nothing to do, as long as your name works.',
  },
  {
    code: 'delegation/CHANGED',
    verdict: 'failed',
    when: (p) => p.authority.some('ok'),
    sentence: (p) =>
      `${p.zone} was handed over to servers of another operator (${moved(p)}). Your name still works there` +
      `${p.authority.all('ok') ? '' : ', but only in part'}. That may end, and no message comes when it does: ` +
      'only a second name at another provider is safe from it. There is nothing to repair here.',
  },
  {
    code: 'delegation/CHANGED',
    verdict: 'failed',
    when: (p) => p.former === 'right',
    sentence: (p) =>
      `${p.zone} was taken away from ${p.provider} and handed over to servers of another operator (${moved(p)}), ` +
      `which do not lead visitors to you. ${p.provider} itself still has ` +
      `${p.outdated ? 'the address that it took last' : 'your right address'}: there is nothing to ` +
      'repair here. Your name works again when the zone is handed back; a second name at another provider works ' +
      'until then.',
  },
  {
    code: 'delegation/CHANGED',
    verdict: 'failed',
    when: (p) => p.former === 'wrong' || p.former === 'silent',
    sentence: (p) =>
      `${p.zone} was handed over to servers of another operator (${moved(p)}), and neither they nor the old ones ` +
      `give your address. Look at the news of ${p.provider}; until then, use a name at another provider.`,
    mustAct: true,
  },
  {
    code: 'delegation/CHANGED',
    verdict: 'failed',
    when: () => true,
    sentence: (p) =>
      `${p.zone} was handed over to servers of another operator (${moved(p)}), which do not lead visitors to you. ` +
      `There is nothing to repair here; ${p.provider} must say what happened.`,
  },
];

const AUTHORITY: readonly Row[] = [
  {
    code: 'authority/INTERCEPTED',
    verdict: 'unknown',
    when: (p) => p.line === 'intercepted' || p.authority.some('intercepted', 'forged'),
    sentence: intercepted,
  },
  {
    code: 'authority/CANNOT_CHECK',
    verdict: 'unknown',
    when: (p) =>
      p.beyond ||
      (p.problem === undefined &&
        (p.authority.count === 0 || p.authority.all('unreachable')) &&
        p.line !== 'fine' &&
        p.former !== 'right' &&
        p.former !== 'wrong'),
    sentence: (p) =>
      p.beyond && p.line === 'fine'
        ? `The servers in charge of ${p.zone} cannot be reached over the IP version that this line has, so they cannot be asked. ${LATER}`
        : `No server in charge of ${p.zone} answers, and nobody else's either: it may be this line. ${LATER}`,
  },
  {
    code: 'authority/WILDCARD',
    verdict: 'warning',
    when: (p) => p.authority.all('ok') && p.sibling === 'ours',
    sentence: (p) =>
      `Your address is given for ${p.hostname}, but for any other name beside it as well, so this proves nothing ` +
      'of your name. Nothing to do, if you set the zone up like that.',
  },
  {
    code: 'authority/OK',
    verdict: 'ok',
    when: (p) => p.authority.all('ok'),
    sentence: (p) => `Every server in charge of ${p.zone} gives the published address.`,
  },
  {
    code: 'authority/SINKHOLED',
    verdict: 'failed',
    when: (p) => p.authority.some('wrong') && !p.authority.some('ok') && p.sibling === 'instead',
    sentence: (p) =>
      `Every name in ${p.zone} leads to ${listed(p.instead)}, yours too: a page that replaces them all. ` +
      `Only ${p.provider} or the new owner of the zone can change that; a second name at another provider works ` +
      'until then.',
  },
  {
    code: 'authority/SPREADING',
    verdict: 'pending',
    when: (p) => p.young && !p.authority.all('lame', 'fault', 'unreachable'),
    sentence: (p) => `The new address is on its way to the servers in charge of ${p.zone}.`,
  },
  {
    code: 'authority/ZONE_FAULT',
    verdict: 'failed',
    when: (p) => p.authority.all('unreachable'),
    sentence: (p) =>
      `No server in charge of ${p.zone} answers, while those of others do. ${p.hostname} does not work. ` +
      `${repair(p)} ${NO_UPDATES}`,
  },
  {
    code: 'authority/ZONE_FAULT',
    verdict: 'failed',
    when: (p) => p.authority.all('lame', 'fault', 'unreachable'),
    sentence: (p) =>
      `The servers in charge of ${p.zone} do not serve it. ${p.hostname} does not work. ` +
      `${repair(p)} ${NO_UPDATES}`,
  },
  {
    code: 'authority/ZONE_FAULT',
    verdict: 'failed',
    // What the new hands do not know is not gone: only the provider could say that.
    when: (p) => taken(p) && p.authority.all('gone', 'no-data', 'lame', 'fault', 'unreachable'),
    sentence: (p) =>
      p.hands === 'absent'
        ? `Nobody is in charge of ${p.zone} any more, so ${p.hostname} does not work.`
        : `The servers that are now in charge of ${p.zone} do not know ${p.hostname}. There is nothing to repair here.`,
  },
  {
    code: 'authority/GONE',
    verdict: 'failed',
    when: (p) => p.authority.all('gone', 'lame', 'fault', 'unreachable') && p.renewal !== undefined,
    sentence: ({ hostname, provider, renewal }) =>
      `${hostname} does not exist any more. A free name at ${provider} ends unless it is confirmed every ` +
      `${renewal?.days} days: log in at ${renewal?.page} and confirm it, or create it again.`,
    mustAct: true,
  },
  {
    code: 'authority/GONE',
    verdict: 'failed',
    when: (p) => p.authority.all('gone', 'lame', 'fault', 'unreachable'),
    sentence: (p) =>
      `${p.provider} accepted the address, but ${p.hostname} does not exist in the Internet's directory. ` +
      'Log in there and confirm or create the name.',
    mustAct: true,
  },
  {
    code: 'authority/SOME_DOWN',
    verdict: 'warning',
    when: (p) => p.authority.some('ok') && p.authority.all('ok', 'lame', 'fault', 'unreachable'),
    sentence: (p) =>
      `Some servers in charge of ${p.zone} are out of order; the others give the published address, and that is enough. ` +
      'Nothing to do.',
  },
  {
    // Most often another client, which knows the one family alone and erases the other.
    code: 'authority/STALE',
    verdict: 'warning',
    when: (p) => p.lacking !== undefined && !taken(p),
    sentence: (p) =>
      `${p.provider} gives out the ${other(p)} address of ${p.hostname}, but for ${lacking(p)} it gives ` +
      `${listed(p.instead) || 'none'}: whoever comes over ${lacking(p)} does not reach you. ` +
      'Check there that no other device updates this name, then ask for an update (holdfast update). ' +
      'If that changes nothing, it is for the provider to repair.',
    mustAct: true,
  },
  {
    code: 'authority/PARTIAL',
    verdict: 'warning',
    when: (p) => p.authority.some('ok'),
    sentence: (p) =>
      `Some servers in charge of ${p.zone} give the published address, others still something else: some visitors do not ` +
      `reach you. ${repairer(p)} must repair that. ${NO_UPDATES}`,
  },
  {
    code: 'authority/STALE',
    verdict: 'failed',
    when: taken,
    sentence: (p) =>
      `The servers that are now in charge of ${p.zone} lead visitors to ${listed(p.instead) || 'nowhere'} and not to ` +
      'you. There is nothing to repair here.',
  },
  {
    code: 'authority/STALE',
    verdict: 'failed',
    when: () => true,
    sentence: (p) =>
      `${p.provider} accepted the address, but gives out ${listed(p.instead) || 'none'}. ` +
      'Check there that no other device updates this name, then ask for an update (holdfast update). ' +
      'If that changes nothing, it is for the provider to repair.',
    mustAct: true,
  },
];

const PUBLIC_VIEW: readonly Row[] = [
  {
    code: 'public/LOCAL_FILTER',
    verdict: 'warning',
    when: (p) =>
      p.blocked &&
      !p.young &&
      (p.publicView.all('ok', 'unreachable') || p.publicView.count === 0) &&
      (p.publicView.some('ok') || p.authority.all('ok')),
    sentence: (p) =>
      `${p.hostname} works for the world, but the DNS filter of your own network blocks it. ` +
      'Put it on the list of allowed names there (AdGuard Home, Pi-hole, adblock).',
    mustAct: true,
  },
  {
    code: 'public/INTERCEPTED',
    verdict: 'unknown',
    when: (p) => !p.overHttps && (p.line === 'intercepted' || p.authority.some('forged')),
    sentence: intercepted,
  },
  {
    code: 'public/CANNOT_CHECK',
    verdict: 'unknown',
    when: (p) => p.publicView.count === 0 || p.publicView.all('unreachable'),
    sentence: () => `None of the large public resolvers answers. ${LATER}`,
  },
  {
    code: 'public/OK',
    verdict: 'ok',
    when: (p) => p.publicView.all('ok', 'unreachable'),
    sentence: (p) =>
      p.overHttps
        ? 'People everywhere are led to the published address; asked over HTTPS, for plain DNS does not get through here.'
        : 'People everywhere are led to the published address.',
  },
  {
    code: 'public/FAULT',
    verdict: 'failed',
    when: (p) => !p.young && p.publicView.all('fault', 'lame', 'unreachable'),
    sentence: (p) =>
      `The large public resolvers cannot find ${p.hostname} at all. ${repair(p)} ${NO_UPDATES}`,
  },
  {
    code: 'public/NOT_YET',
    verdict: 'pending',
    when: (p) => p.young && p.publicView.all('ok', 'fault', 'lame', 'unreachable'),
    sentence: (p) => `Not all large public resolvers find ${p.hostname} yet. ${LATER}`,
  },
  {
    code: 'public/SOME_FAIL',
    verdict: 'warning',
    when: (p) =>
      p.aged && p.lacking !== undefined && p.publicView.some('ok') && p.publicView.some('wrong', 'no-data'),
    sentence: (p) =>
      `People are led to the published address over ${other(p)}, but not over ${lacking(p)}, as the servers in charge say; see there.`,
  },
  {
    // A filter: what they remember of before would have ended by now.
    code: 'public/SOME_FAIL',
    verdict: 'warning',
    when: (p) =>
      p.aged &&
      (p.served === 'ok' || p.served === 'warning') &&
      p.publicView.some('gone', 'no-data') &&
      p.publicView.some('ok') &&
      !p.publicView.some('wrong'),
    sentence: (p) =>
      `Some large public resolvers say that there is no ${p.hostname}: they may filter it, as some do with dynamic names. ` +
      'Whoever uses another one is led to the published address. Ask their operator, if it stays.',
  },
  {
    // A signature that only some of them check (RFC 4035 section 5.5), or a fault of their own.
    code: 'public/SOME_FAIL',
    verdict: 'warning',
    when: (p) => p.publicView.some('ok') && p.publicView.all('ok', 'fault', 'lame', 'unreachable'),
    sentence: (p) =>
      `Some large public resolvers cannot find ${p.hostname}; whoever uses another one is led to the published address. ` +
      `${repair(p, ' if it stays')} ${NO_UPDATES}`,
  },
  {
    code: 'public/WRONG',
    verdict: 'failed',
    when: (p) => p.served === 'failed' && !p.publicView.some('ok'),
    sentence: () => 'People are led elsewhere or nowhere, as the servers in charge say; see there.',
  },
  {
    code: 'public/WRONG',
    verdict: 'failed',
    when: (p) =>
      p.aged &&
      p.served === 'unknown' &&
      p.publicView.some('wrong', 'gone', 'no-data') &&
      p.publicView.all('wrong', 'gone', 'no-data', 'fault', 'lame', 'unreachable'),
    sentence: (p) =>
      `The large public resolvers lead people ${elsewhere(p)}; from here it cannot be found out why. ` +
      `Log in at ${p.provider} and look whether it has your address.`,
    mustAct: true,
  },
  {
    code: 'public/SOME_FAIL',
    verdict: 'warning',
    when: (p) => lingers(p) && p.publicView.some('ok'),
    sentence: () =>
      'Some large public resolvers have led people elsewhere for more than a day, longer than they may keep an old answer. ' +
      'Whoever uses another one is led to the published address. Ask their operator, if it stays.',
  },
  {
    code: 'public/WRONG',
    verdict: 'failed',
    when: lingers,
    sentence: (p) =>
      `The servers in charge of ${p.zone} give the published address, but the large public resolvers have led people ` +
      `${elsewhere(p)} for more than a day, longer than they may keep an old answer. Ask ${p.provider} why. ${NO_UPDATES}`,
  },
  {
    code: 'public/CACHED',
    verdict: 'pending',
    when: () => true,
    sentence: () =>
      'Some public resolvers still give an older answer that they keep for a while. That ends by itself.',
  },
];

export function judge(found: Verification, asked: Asked): Judgement {
  const picture = pictureOf(found, asked);
  const { zone, view, web } = found;
  const ttls = found.authority.flatMap(({ kind, ttlSec }) => (kind === 'ok' ? (ttlSec ?? []) : []));
  const control = found.control?.evidence ?? [];
  const authority: Judged = picture.problem
    ? { verdict: 'unknown', ...picture.problem, evidence: control, mustAct: false }
    : judged(AUTHORITY, picture, [
        ...found.authority.map(line),
        ...(found.former ?? []).map((answer) => `before: ${line(answer)}`),
        ...(found.sibling ? [`a name that nobody has: ${found.sibling.detail}`] : []),
        ...control,
      ]);
  return {
    ...(zone !== undefined && { zone }),
    ...(view && { view }),
    axes: {
      delegation: judged(DELEGATION, picture, [
        ...found.delegation.map(parentLine),
        ...beforeLines(found, asked),
      ]),
      authority,
      publicView: judged(PUBLIC_VIEW, { ...picture, served: authority.verdict }, [
        ...found.publicView.map(line),
        ...(found.ownView ?? []).map((answer) => `this network: ${line(answer)}`),
      ]),
    },
    ...(ttls.length > 0 && { ttlSec: Math.min(...ttls) }),
    ...(web && { web }),
  };
}

function judged(rows: readonly Row[], picture: Facts, evidence: string[]): Judged {
  const row = rows.find(({ when }) => when(picture));
  if (!row) {
    throw new Error('the last row of each table takes everything');
  }
  const { verdict, code, sentence, mustAct = false } = row;
  return { verdict, code, sentence: sentence(picture), evidence, mustAct };
}

function line({ server, detail }: ServerAnswer): string {
  return `${server}: ${detail}`;
}

function parentLine({ server, nameServers, kind, detail }: ParentAnswer): string {
  const nobody = kind === 'intercepted' ? 'answered by somebody else' : 'no delegation';
  const said = nameServers.length > 0 ? `NS ${nameServers.join(' ')}` : nobody;
  return `${server}: ${said}${detail === undefined ? '' : ` (${detail})`}`;
}

function beforeLines({ zone, view }: Verification, { before }: Asked): string[] {
  if (!before || before.zone !== zone) {
    return [];
  }
  const names = before.nameServers.map(({ name }) => name).join(' ');
  const owner = view?.owner !== undefined && before.owner !== undefined && view.owner !== before.owner;
  return [`before: NS ${names}`, ...(owner ? [`SOA ${view.owner}; before: ${before.owner}`] : [])];
}

/** In other hands, or in nobody's. */
function taken({ hands }: Picture): boolean {
  return hands === 'other' || hands === 'absent';
}

function lacking(p: Facts): string {
  return p.lacking === 'ipv4' ? 'IPv4' : 'IPv6';
}

function other(p: Facts): string {
  return p.lacking === 'ipv4' ? 'IPv6' : 'IPv4';
}

/** Too long for an answer of before. */
function lingers({ lingering, served }: Facts): boolean {
  return lingering === true && (served === 'ok' || served === 'warning');
}

/** Where the zone above and the root are silent as well, what the name lacks says nothing of the provider. */
function repair(p: Picture, when = ''): string {
  return p.hands === 'silent' && p.line === 'silent'
    ? `The Internet's directory above ${p.zone} does not answer here either, so it may be this line as well as ${p.provider}.`
    : `${repairer(p)} must repair that${when}.`;
}

function repairer(p: Picture): string {
  return p.hands === 'other' ? 'Whoever has the zone now' : p.provider;
}

function elsewhere({ publicInstead }: Picture): string {
  return publicInstead.length > 0 ? `to ${listed(publicInstead)} and not to you` : 'nowhere';
}

function moved({ gone, come }: Picture): string {
  return `${listed(come)} in place of ${listed(gone)}`;
}

function intercepted(): string {
  return (
    'Something between here and the Internet answers DNS in place of the servers asked, so this cannot be ' +
    'checked. A "force DNS" rule of this router or of your ISP does that; nothing to do if you want it.'
  );
}
