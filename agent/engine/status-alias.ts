/** Aliases in the status document. */
import { CONFIRMING_CHECKS, nextMove } from '../core/alias.ts';
import type { AliasPlan } from '../core/plan.ts';
import type { AgentState, AliasState, AliasView, Now } from '../core/state.ts';
import { startNote } from '../core/summary.ts';
import type { Works } from '../core/works.ts';

export interface StatusAlias extends Omit<AliasView, 'evidence'> {
  id: string;
  hostname: string;
  account: string;
  /** Hostname section that it points at. */
  target?: string;
  since?: string;
  /** What the name servers of the alias answer, one line for each. */
  evidence: string[];
  /** Hostname sections in order of preference, and whether each name leads here. */
  targets: { id: string; hostname: string; works: Works }[];
  next?: { at: string; sentence: string };
}

type Said = Omit<AliasView, 'evidence'>;

export function aliasesOf(state: AgentState, now: Now, timeOf: (wallMs: number) => string): StatusAlias[] {
  return Object.values(state.plan.aliases ?? {}).flatMap((plan) => {
    const alias = state.aliases[plan.id];
    return alias ? [aliasOf(state, plan, alias, now, timeOf)] : [];
  });
}

function aliasOf(
  state: AgentState,
  plan: AliasPlan,
  alias: AliasState,
  now: Now,
  timeOf: (wallMs: number) => string,
): StatusAlias {
  const { id, hostname, account } = plan;
  const { target, sinceWallMs } = alias;
  const move = alias.unread ? undefined : nextMove(plan, alias, now);
  const nameOf = (host: string) => state.plan.hosts[host]?.hostname ?? host;
  return {
    ...{ id, hostname, account },
    ...(target !== undefined && { target }),
    ...(target !== undefined && sinceWallMs !== undefined && { since: timeOf(sinceWallMs) }),
    ...said(state, plan, alias, nameOf),
    evidence: alias.seen?.evidence ?? [],
    targets: plan.targets.map((one) => ({
      id: one,
      hostname: nameOf(one),
      works: alias.health[one]?.works ?? 'unknown',
    })),
    ...(move && {
      next: {
        at: timeOf(now.wallMs + Math.max(0, move.atMs - now.ms)),
        // No process stays for a move.
        sentence: `It moves to ${nameOf(move.to)}, if nothing changes until then.${startNote(state, Infinity)}`,
      },
    }),
  };
}

/** The worst that is known of it, and what to do. */
function said(state: AgentState, plan: AliasPlan, alias: AliasState, nameOf: (host: string) => string): Said {
  const account = state.accounts[plan.account];
  const problem =
    alias.block ??
    account?.block ??
    [alias.retry, account?.wait].find((retry) => retry && retry.failures > 0)?.failure;
  if (problem && (alias.unread || alias.target === undefined || alias.block)) {
    return { verdict: 'failed', code: problem.code, sentence: problem.sentence };
  }
  const { target } = alias;
  if (target === undefined) {
    return {
      verdict: 'pending',
      code: 'alias/STARTING',
      sentence: 'Where the alias points is being read or set.',
    };
  }
  const health = alias.health[target];
  if (health?.works === 'no' && health.checks >= CONFIRMING_CHECKS) {
    const isLast = plan.targets.every((id) => alias.health[id]?.works !== 'yes');
    return isLast
      ? {
          verdict: 'failed',
          code: 'alias/ALL_DOWN',
          sentence: `${nameOf(target)} does not work, and no other target is known to work. See what the hostnames say.`,
        }
      : {
          verdict: 'warning',
          code: 'alias/TARGET_DOWN',
          sentence: `${nameOf(target)} does not work. ${problem?.sentence ?? 'If it stays so, the alias leaves it; nothing to do.'}`,
        };
  }
  if (alias.seen && alias.seen.verdict !== 'ok') {
    const { verdict, code, sentence } = alias.seen;
    return { verdict, code, sentence };
  }
  return { verdict: 'ok', code: 'alias/OK', sentence: `It points at ${nameOf(target)}.` };
}
