/** From what DNS servers answered to one verdict for each axis, with its evidence. */
import type { Family } from './address.ts';

export type AxisVerdict =
  | 'ok'
  /** not there yet, and nothing is wrong so far */
  | 'pending'
  | 'warning'
  | 'failed'
  /** could not be checked: our own network, or no answer at all */
  | 'unknown'
  /** does not apply (a group name, or checks are switched off) */
  | 'off';

export interface Axis {
  verdict: AxisVerdict;
  /** Stable, e.g. `authority/GONE`. */
  code: string;
  sentence: string;
  /** One line for each server: which, and what it answered. */
  evidence: string[];
  checkedWallMs: number;
}

export interface DnsAxes {
  delegation?: Axis;
  authority?: Axis;
  publicView?: Axis;
}

/** What one server said of one name and family (see the table in `engine/verify.ts`). */
export type AnswerKind =
  | 'ok'
  | 'wrong'
  | 'no-data'
  | 'gone'
  | 'lame'
  | 'fault'
  | 'unreachable'
  /** an answer without authority from a server that must have it: someone answers in its place */
  | 'intercepted';

export interface ServerAnswer {
  /** Name and address of the server. */
  server: string;
  family: Family;
  kind: AnswerKind;
  /** What it answered, for people. */
  detail: string;
}

/** All that one check found out. */
export interface Verification {
  /** Absent: the zone or its servers could not be found; `problem` says why. */
  zone?: string;
  problem?: { code: string; sentence: string };
  authority: ServerAnswer[];
  publicView: ServerAnswer[];
  /** NS names that each parent server gave for the zone. */
  delegation: { server: string; nameServers: string[] }[];
}

/** Answers may differ for so long after an update before that is a fault: longest check of the first round. */
const SPREADING_MS = 300_000;

export function judge(
  verification: Verification,
  baseline: readonly string[] | undefined,
  ageMs: number,
  wallMs: number,
): Required<DnsAxes> {
  return {
    delegation: judgeDelegation(verification, baseline, wallMs),
    authority: judgeAuthority(verification, ageMs, wallMs),
    publicView: judgePublicView(verification, wallMs),
  };
}

function axis(
  verdict: AxisVerdict,
  code: string,
  sentence: string,
  evidence: string[],
  checkedWallMs: number,
): Axis {
  return { verdict, code, sentence, evidence, checkedWallMs };
}

function judgeAuthority(found: Verification, ageMs: number, wallMs: number): Axis {
  const evidence = found.authority.map(describe);
  const say = (verdict: AxisVerdict, code: string, sentence: string) =>
    axis(verdict, `authority/${code}`, sentence, evidence, wallMs);
  if (found.problem) {
    return axis('unknown', found.problem.code, found.problem.sentence, evidence, wallMs);
  }
  const kinds = new Set(found.authority.map((answer) => answer.kind));
  const all = (...wanted: AnswerKind[]) =>
    kinds.size > 0 && [...kinds].every((kind) => wanted.includes(kind));
  if (all('ok')) {
    return say('ok', 'OK', `Every name server of ${found.zone} answers with your address.`);
  }
  if (kinds.has('intercepted')) {
    return say(
      'unknown',
      'INTERCEPTED',
      'Something between here and the name servers answers DNS in their place, so this cannot be checked. ' +
        'A "force DNS" rule of this router or of your ISP does that.',
    );
  }
  if (all('unreachable')) {
    return say(
      'unknown',
      'UNREACHABLE',
      `No name server of ${found.zone} answered. Either they are down or DNS is blocked on your line; ` +
        'Holdfast goes on checking.',
    );
  }
  if (all('lame', 'fault', 'unreachable')) {
    return say(
      'failed',
      'ZONE_FAULT',
      `The name servers of ${found.zone} do not serve the zone. Your provider must repair that; ` +
        'more updates would not help and none are sent.',
    );
  }
  if (all('gone', 'lame', 'fault', 'unreachable')) {
    return ageMs < SPREADING_MS
      ? say('pending', 'SPREADING', 'The name is not in DNS yet.')
      : say(
          'failed',
          'GONE',
          'The provider accepted the address, but the name does not exist in DNS. Log in there and confirm or ' +
            'create the hostname (free No-IP names must be confirmed every 30 days).',
        );
  }
  if (ageMs < SPREADING_MS) {
    return say('pending', 'SPREADING', 'The new address is not on every name server yet.');
  }
  if (kinds.has('ok')) {
    return say('warning', 'PARTIAL', 'Some name servers answer with your address, others do not.');
  }
  return say(
    'failed',
    'STALE',
    'The provider accepted the address, but its name servers answer something else. Check at the provider ' +
      'that no other client updates this name.',
  );
}

function judgePublicView(found: Verification, wallMs: number): Axis {
  const evidence = found.publicView.map(describe);
  const say = (verdict: AxisVerdict, code: string, sentence: string) =>
    axis(verdict, `public/${code}`, sentence, evidence, wallMs);
  const heard = found.publicView.filter((answer) => answer.kind !== 'unreachable');
  if (heard.length === 0) {
    return say('unknown', 'UNREACHABLE', 'No public resolver answered; this cannot be checked now.');
  }
  if (heard.every((answer) => answer.kind === 'ok')) {
    return say('ok', 'OK', 'Public resolvers give your address.');
  }
  if (heard.every((answer) => answer.kind === 'fault')) {
    return say('failed', 'FAULT', 'Public resolvers cannot resolve the name at all.');
  }
  return say(
    'pending',
    'CACHED',
    'Some public resolvers still give an older answer from their cache; that ends with its lifetime.',
  );
}

function judgeDelegation(found: Verification, baseline: readonly string[] | undefined, wallMs: number): Axis {
  const evidence = found.delegation.map(
    (one) => `${one.server}: ${one.nameServers.join(' ') || 'no delegation'}`,
  );
  const say = (verdict: AxisVerdict, code: string, sentence: string) =>
    axis(verdict, `delegation/${code}`, sentence, evidence, wallMs);
  const now = nameServersOf(found);
  if (now.length === 0) {
    return say(
      'unknown',
      'UNREACHABLE',
      'The servers of the zone above did not answer; this cannot be checked.',
    );
  }
  if (!baseline || now.every((name) => baseline.includes(name))) {
    return say('ok', 'OK', `The zone ${found.zone} is delegated to the name servers it always had.`);
  }
  if (now.some((name) => baseline.includes(name))) {
    return say('warning', 'EXTENDED', `The zone ${found.zone} has got additional name servers.`);
  }
  return say(
    'failed',
    'CHANGED',
    `The zone ${found.zone} was moved to other name servers (before: ${baseline.join(', ')}; now: ` +
      `${now.join(', ')}). Your address was accepted by the provider; there is nothing to repair here.`,
  );
}

/** The NS set at the parent: the union of what its servers gave, sorted. */
export function nameServersOf(found: Verification): string[] {
  return [...new Set(found.delegation.flatMap((one) => one.nameServers))].sort();
}

function describe(answer: ServerAnswer): string {
  return `${answer.server}: ${answer.detail}`;
}
