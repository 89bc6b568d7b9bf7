/** Changes that change nothing which anybody could see, each with the reason. */

export interface Equivalent {
  file: string;
  /** The line above, where the same line stands elsewhere in the file too. */
  above?: string;
  /** The line before and after, without its indentation. */
  before: string;
  after: string;
  why: string;
}

const PLANNED = 'what is planned has a state and an account; only the types ask';
const CAPPED = 'the cap on the exponent keeps numbers small; the wait itself is capped far below';

const LADDERLESS = 'there is no ladder for them; only the types ask';
const NUMBERED = 'the numbers need only differ';

export const EQUIVALENT: readonly Equivalent[] = [
  {
    file: 'alias.ts',
    before: 'const another = before.checkedWallMs === checkedWallMs ? 0 : 1;',
    after: 'const another = before.checkedWallMs === checkedWallMs ? 0 : 2;',
    why: 'counting begins with 1, and from 2 on the count is enough',
  },
  {
    file: 'alias.ts',
    before: 'if (!alias || !accountPlan || !account) {',
    after: 'if (false) {',
    why: PLANNED,
  },
  {
    file: 'choice.ts',
    before: 'const address = candidates.find((one) => one === published) ?? candidates[0];',
    after: 'const address = candidates.findLast((one) => one === published) ?? candidates[0];',
    why: 'all that are found are the same text',
  },
  {
    file: 'keep-running.ts',
    before: 'failures = Math.min(failures + 1, 16);',
    after: 'failures = Math.min(failures + 1, 32);',
    why: CAPPED,
  },
  { file: 'outcomes.ts', before: 'if (!host) {', after: 'if (false) {', why: PLANNED },
  {
    file: 'outcomes.ts',
    before: '{ ...known, wait: wait.notBeforeMs > known.wait.notBeforeMs ? wait : known.wait }',
    after: '{ ...known, wait: wait.notBeforeMs >= known.wait.notBeforeMs ? wait : known.wait }',
    why: 'of two demands of the same length it does not matter which is kept',
  },
  ...[
    'resyncMs: 1200000, verify: true, holdDownMs: 10_000',
    'resyncMs: 600_000, verify: false, holdDownMs: 10_000',
    'resyncMs: 600_000, verify: true, holdDownMs: 20000',
  ].map((settings) => ({
    file: 'state.ts',
    before: 'agent: { resyncMs: 600_000, verify: true, holdDownMs: 10_000 },',
    after: `agent: { ${settings} },`,
    why: 'there is no hostname before the first configuration',
  })),
  {
    file: 'state.ts',
    before: 'notBeforeMs: retry.notBeforeMs > savedMs ? nowMs + retry.notBeforeMs - savedMs : 0,',
    after: 'notBeforeMs: retry.notBeforeMs >= savedMs ? nowMs + retry.notBeforeMs - savedMs : 0,',
    why: 'a wait that ends now is none',
  },
  {
    file: 'same-meaning.ts',
    before: 'return [preferredSec !== 0, validSec !== 0];',
    after: 'return [preferredSec !== 0, validSec === 0];',
    why: 'two such values are equal in the same cases',
  },
  {
    file: 'address.ts',
    before: 'let start = 0;',
    after: 'let start = 1;',
    why: 'read only once a run was found, and then it is another',
  },
  { file: 'alias.ts', before: 'if (!known) {', after: 'if (false) {', why: PLANNED },
  { file: 'alias.ts', above: 'if (!known) {', before: 'continue;', after: ';', why: PLANNED },
  { file: 'alias.ts', before: 'state.lastAttempt += 1;', after: 'state.lastAttempt += 2;', why: NUMBERED },
  {
    file: 'alias.ts',
    before: 'if (!alias || !accountPlan || !account) {',
    after: 'if (!alias && !accountPlan || !account) {',
    why: PLANNED,
  },
  {
    file: 'alias.ts',
    before: 'if (!alias || !accountPlan || !account) {',
    after: 'if (!alias || !accountPlan && !account) {',
    why: PLANNED,
  },
  {
    file: 'alias.ts',
    before: '? { ...account, wait: retry.notBeforeMs > account.wait.notBeforeMs ? retry : account.wait }',
    after: '? { ...account, wait: retry.notBeforeMs >= account.wait.notBeforeMs ? retry : account.wait }',
    why: 'of two demands of the same length it does not matter which is kept',
  },
  {
    file: 'checks.ts',
    before: 'const OFFSETS_MS = [0, 5_000, 15_000, 45_000, 120_000, 300_000];',
    after: 'const OFFSETS_MS = [1, 5_000, 15_000, 45_000, 120_000, 300_000];',
    why: 'read after a check, when at least one is counted',
  },
  {
    file: 'checks.ts',
    before: 'if (!state.plan.agent.verify) {',
    after: 'if (false) {',
    why: 'isWatched() asks for the same of each name',
  },
  { file: 'checks.ts', before: 'if (!host) {', after: 'if (false) {', why: PLANNED },
  {
    file: 'choice.ts',
    before: "return prefix.assigned.find((part) => part.network === 'lan') ?? prefix.assigned[0] ?? prefix;",
    after:
      "return prefix.assigned.findLast((part) => part.network === 'lan') ?? prefix.assigned[0] ?? prefix;",
    why: 'an interface has one part of a prefix',
  },
  {
    file: 'due.ts',
    before: 'if (!plan || !host || !account || !accountPlan || block) {',
    after: 'if (!plan && !host || !account || !accountPlan || block) {',
    why: PLANNED,
  },
  {
    file: 'due.ts',
    before: 'if (!plan || !host || !account || !accountPlan || block) {',
    after: 'if (!plan || !host && !account || !accountPlan || block) {',
    why: PLANNED,
  },
  {
    file: 'due.ts',
    before: 'if (!plan || !host || !account || !accountPlan || block) {',
    after: 'if (!plan || !host || !account && !accountPlan || block) {',
    why: PLANNED,
  },
  { file: 'incidents.ts', before: 'if (!account) {', after: 'if (false) {', why: PLANNED },
  { file: 'incidents.ts', before: 'if (!host) {', after: 'if (false) {', why: PLANNED },
  {
    file: 'incidents.ts',
    before: 'return incidents.find((one) => isOpen(one) && aboutOf(one) === about);',
    after: 'return incidents.findLast((one) => isOpen(one) && aboutOf(one) === about);',
    why: 'at most one is open about the same thing',
  },
  {
    file: 'picture.ts',
    before: 'const lacking = FAMILIES.find((family) => isLacking(found.authority, family));',
    after: 'const lacking = FAMILIES.findLast((family) => isLacking(found.authority, family));',
    why: 'of two families one lacks only where the other does not',
  },
  { file: 'keep-running.ts', before: 'let current = 0;', after: 'let current = 1;', why: NUMBERED },
  { file: 'keep-running.ts', before: 'current += 1;', after: 'current += 2;', why: NUMBERED },

  { file: 'observe.ts', before: 'if (!plan || !choice) {', after: 'if (!plan && !choice) {', why: PLANNED },
  { file: 'observe.ts', before: 'if (!plan || !choice) {', after: 'if (false) {', why: PLANNED },
  {
    file: 'octets.ts',
    before: 'const [a = 0, b, c] = octets.subarray(at, at + 3);',
    after: 'const [a = 0, b, c] = octets.subarray(at, at + 6);',
    why: 'three of them are taken',
  },
  {
    file: 'octets.ts',
    before: 'let bits = 0;',
    after: 'let bits = 1;',
    why: 'it is shifted out before the first octet is taken',
  },
  {
    file: 'octets.ts',
    before: 'for (let at = 0; at < a.length; at++) {',
    after: 'for (let at = 0; at <= a.length; at++) {',
    why: 'of equal lengths there is nothing behind the end',
  },
  {
    file: 'outbox.ts',
    before: 'if (waiting.length === 0) {',
    after: 'if (false) {',
    why: 'what nobody waits for is dropped at once',
  },
  {
    file: 'outbox.ts',
    before:
      "kind === 'closed' && outbox.messages.find((one) => one.incident.id === incident.id)?.incident.sentence;",
    after:
      "kind === 'closed' && outbox.messages.findLast((one) => one.incident.id === incident.id)?.incident.sentence;",
    why: 'an incident opens once',
  },
  { file: 'outbox.ts', before: 'id: outbox.lastId + 1,', after: 'id: outbox.lastId + 2,', why: NUMBERED },
  {
    file: 'outbox.ts',
    before: 'const title = channelsOf(draft).find(({ id }) => id === channel)?.title ?? channel;',
    after: 'const title = channelsOf(draft).findLast(({ id }) => id === channel)?.title ?? channel;',
    why: 'each channel has another id',
  },

  {
    file: 'apart.ts',
    before: 'return oneMs < otherMs ? otherMs - oneMs : oneMs - otherMs;',
    after: 'return oneMs <= otherMs ? otherMs - oneMs : oneMs - otherMs;',
    why: 'equal moments are 0 apart either way',
  },
  { file: 'growing.ts', before: 'const MOST_TIMES = 20;', after: 'const MOST_TIMES = 40;', why: CAPPED },
  {
    file: 'growing.ts',
    before: 'for (let left = Math.min(times, MOST_TIMES); left > 0 && ms < maxMs; left -= 1) {',
    after: 'for (let left = Math.min(times, MOST_TIMES); left > 0 && ms <= maxMs; left -= 1) {',
    why: 'what grows beyond the longest wait is cut to it',
  },
  {
    file: 'backoff.ts',
    before: 'busy: { firstMs: 5 * MINUTE_MS, factor: 2, maxMs: 10 * MINUTE_MS, jitter: 3 },',
    after: 'busy: { firstMs: 5 * MINUTE_MS, factor: 4, maxMs: 10 * MINUTE_MS, jitter: 3 },',
    why: 'the second wait is the longest either way',
  },
  {
    file: 'backoff.ts',
    before: "if (kind === 'credential' || kind === 'refused') {",
    after: "if (kind === 'credential' && kind === 'refused') {",
    why: LADDERLESS,
  },
  {
    file: 'backoff.ts',
    before: "if (kind === 'credential' || kind === 'refused') {",
    after: 'if (false) {',
    why: LADDERLESS,
  },
  {
    file: 'same-meaning.ts',
    before: 'return [preferredSec !== 0, validSec !== 0];',
    after: 'return [preferredSec === 0, validSec !== 0];',
    why: 'two such values are equal in the same cases',
  },
  {
    file: 'source-key.ts',
    before: 'return space < 0 ? undefined : (JSON.parse(key.slice(space + 1)) as OutsideSettings);',
    after: 'return space <= 0 ? undefined : (JSON.parse(key.slice(space + 1)) as OutsideSettings);',
    why: 'a key begins with its kind',
  },
  {
    file: 'source-key.ts',
    before: 'return space < 0 ? undefined : (JSON.parse(key.slice(space + 1)) as OutsideSettings);',
    after: 'return space < 1 ? undefined : (JSON.parse(key.slice(space + 1)) as OutsideSettings);',
    why: 'a key begins with its kind',
  },
  {
    file: 'source-key.ts',
    before: "return key.split(' ', 1)[0] ?? key;",
    after: "return key.split(' ', 2)[0] ?? key;",
    why: 'the first part is taken',
  },
  {
    file: 'steady.ts',
    before: ': { host, family, told: [], changes: 0, sinceMs: now.ms, lastMs: now.ms, isHeld: false };',
    after: ': { host, family, told: [], changes: 0, sinceMs: now.ms, lastMs: now.ms, isHeld: true };',
    why: 'it is set again below',
  },
  {
    file: 'step.ts',
    before: 'if (!host || !account || (ids && !ids.includes(plan.id))) {',
    after: 'if (!host && !account || (ids && !ids.includes(plan.id))) {',
    why: PLANNED,
  },
  {
    file: 'summary.ts',
    before: 'if (!plan || !host || !account) {',
    after: 'if (!plan && !host || !account) {',
    why: PLANNED,
  },
  {
    file: 'summary.ts',
    before: 'if (!plan || !host || !account) {',
    after: 'if (!plan || !host && !account) {',
    why: PLANNED,
  },

  ...[
    'refreshChoices(draft);',
    'applyOutcomes(draft, event.lane, event.attempt, event.outcomes);',
    'applyVerification(draft, event.host, event.found, event.attempt);',
    'applyNotified(draft, event.channel, event.message, event.failure);',
    'learnAges(draft);',
    "case 'woken':",
  ].map((above) => ({
    file: 'step.ts',
    above,
    before: 'break;',
    after: ';',
    why: 'the kind of event that follows, if one does, finds nothing of its own in this one',
  })),

  { file: 'verdicts.ts', before: 'if (!row) {', after: 'if (false) {', why: 'the last row takes everything' },

  {
    file: 'leads-here.ts',
    before: 'if (!host) {',
    after: 'if (false) {',
    why: 'whoever asks has the host; only the types ask',
  },
];
