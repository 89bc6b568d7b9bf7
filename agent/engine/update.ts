/** One update command as the fewest calls the provider allows. */
import { FAMILIES, type Family } from '../core/address.ts';
import { type Failure, failed } from '../core/failure.ts';
import { isPermanent, type Outcomes } from '../core/outcomes.ts';
import type { AgentState, UpdateItem } from '../core/state.ts';
import { uplinkOf } from '../core/via.ts';
import type { ProviderDefinition } from '../providers/definition.ts';
import type {
  CallResult,
  Credential,
  Exchange,
  Protocol,
  ProtocolPorts,
  Verdict,
} from '../providers/protocol.ts';
import type { ActionOf } from './commands.ts';

/** An account with its secret, as only the engine and the protocols see it. */
export interface Account {
  provider: ProviderDefinition;
  credential: Credential;
  options: Record<string, string>;
  server?: string;
  caFile?: string;
}

export interface UpdateParts extends ProtocolPorts {
  protocols: Record<ProviderDefinition['protocol'], Protocol>;
  account(id: string): Account | undefined;
  userAgent(): string;
  /** Removes every secret from text that came from outside. */
  redact(foreignText: string): string;
  /** Each call with what it sent and got, for the debug log and for `trace`. */
  onExchange(account: string, exchange: Exchange): void;
}

type Addresses = Partial<Record<Family, string>>;

interface Called {
  /** In the order of the hostnames, as `unseen`. */
  verdicts: Verdict[];
  unseen?: CallResult['unseen'];
}

/** Hostnames that get the same addresses, so that one call can carry them. */
interface Group extends Addresses {
  items: UpdateItem[];
}

export async function runUpdate(
  parts: UpdateParts,
  command: ActionOf<'update'>,
  state: AgentState,
): Promise<Outcomes> {
  const account = parts.account(command.account);
  if (!account) {
    throw new Error(`account ${command.account} has no settings`);
  }
  const settings = account;
  const { provider } = settings;
  const via = uplinkOf(snapshotsOf(state), command.device);
  const outcomes: Outcomes = Object.fromEntries(command.items.map((item) => [item.host, { confirmed: [] }]));
  let stop: Failure | undefined;
  for (const { items, ...addresses } of groupsOf(provider, command.items)) {
    // What holds for the account or the line holds for the calls that would follow.
    const called = await callUnless(stop, items, addresses);
    const { verdicts, unseen } =
      stop === undefined && isSpoiled(provider, called.verdicts) ? await oneByOne(items, addresses) : called;
    items.forEach((item, index) => {
      const verdict = verdicts[index];
      const outcome = outcomes[item.host];
      if (verdict?.ok && outcome) {
        outcome.confirmed.push(...FAMILIES.filter((family) => addresses[family] !== undefined));
        outcome.remark = verdict.value ?? outcome.remark;
        outcome.unseen = unseen?.[index] ?? outcome.unseen;
      } else if (verdict && !verdict.ok && outcome) {
        outcome.failure = verdict.failure;
        stop ??= verdict.failure.scope === 'hostname' ? undefined : verdict.failure;
      }
    });
  }
  parts.http.idle();
  return outcomes;

  /** Once one name was taken, the refusal of another is its own; without any the account is to blame. */
  async function oneByOne(items: readonly UpdateItem[], addresses: Addresses): Promise<Called> {
    const verdicts: Verdict[] = [];
    const unseen: (string | undefined)[] = [];
    for (const item of items) {
      const last = verdicts.at(-1);
      const isHopeless = verdicts.length >= TRIES && verdicts.every(({ ok }) => !ok);
      const stopped =
        last && !last.ok && (isHopeless || !isPermanent(last.failure)) ? last.failure : undefined;
      const called = await callUnless(stopped, [item], addresses);
      verdicts.push(...called.verdicts);
      unseen.push(called.unseen?.[0]);
    }
    const isTaken = verdicts.some(({ ok }) => ok);
    return { verdicts: isTaken ? verdicts.map(ofItsOwn) : verdicts, unseen };
  }

  async function callUnless(
    stopped: Failure | undefined,
    items: readonly UpdateItem[],
    addresses: Addresses,
  ): Promise<Called> {
    if (stopped) {
      return { verdicts: items.map(() => failed(stopped)) };
    }
    const {
      outcomes: verdicts,
      unseen,
      exchange,
    } = await parts.protocols[provider.protocol].update(
      {
        ...settings,
        ...addresses,
        hostnames: items.map((item) => item.hostname),
        userAgent: parts.userAgent(),
        ...(via && { via }),
      },
      parts,
      parts.redact,
    );
    parts.onExchange(command.account, exchange);
    return { verdicts, ...(unseen && { unseen }) };
  }
}

/** Where a wrong password says the same as a wrong name, this many names are tried before it is the password. */
const TRIES = 3;

function isSpoiled({ allOrNothing }: ProviderDefinition, verdicts: readonly Verdict[]): boolean {
  const [first] = verdicts;
  return allOrNothing === true && verdicts.length > 1 && first?.ok === false && isPermanent(first.failure);
}

function ofItsOwn(verdict: Verdict): Verdict {
  return verdict.ok || !isPermanent(verdict.failure)
    ? verdict
    : failed({ ...verdict.failure, kind: 'refused', scope: 'hostname' });
}

/** Splits by address, by family where the provider wants one call for each, and by the size of a call. */
function groupsOf(provider: ProviderDefinition, items: readonly UpdateItem[]): Group[] {
  const groups = new Map<string, Group>();
  for (const item of items) {
    const parts = provider.families.dual ? [FAMILIES] : FAMILIES.map((family) => [family]);
    for (const families of parts) {
      const addresses = Object.fromEntries(
        families.flatMap((family) => (item[family] ? [[family, item[family]]] : [])),
      );
      if (Object.keys(addresses).length > 0) {
        const key = JSON.stringify(addresses);
        const group = groups.get(key) ?? { ...addresses, items: [] };
        group.items.push(item);
        groups.set(key, group);
      }
    }
  }
  return [...groups.values()].flatMap(({ items: members, ...addresses }) =>
    chunksOf(members, provider.hostsPerCall).map((chunk) => ({ ...addresses, items: chunk })),
  );
}

function chunksOf<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}

function snapshotsOf(state: AgentState) {
  return Object.keys(state.observations).flatMap((source) => {
    const observation = state.observations[source];
    return observation?.known ? [observation.snapshot] : [];
  });
}
