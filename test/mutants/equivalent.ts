/** Changes that change nothing which anybody could see, each with the reason. */

export interface Equivalent {
  file: string;
  /** The line before and after, without its indentation. */
  before: string;
  after: string;
  why: string;
}

const PLANNED = 'what is planned has a state and an account; only the types ask';
const CAPPED = 'the cap on the exponent keeps numbers small; the wait itself is capped far below';

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
    file: 'holddown.ts',
    before: 'return Math.min(baseMs * 2 ** Math.min(level, 16), MAX_GAP_MS);',
    after: 'return Math.min(baseMs * 2 ** Math.min(level, 32), MAX_GAP_MS);',
    why: CAPPED,
  },
  {
    file: 'keep-running.ts',
    before: 'failures = Math.min(failures + 1, 16);',
    after: 'failures = Math.min(failures + 1, 32);',
    why: CAPPED,
  },
  {
    file: 'octets.ts',
    before: 'const [a = 0, b, c] = octets.subarray(at, at + 3);',
    after: 'const [a = 1, b, c] = octets.subarray(at, at + 3);',
    why: 'within the loop there is always a first octet',
  },
  { file: 'outcomes.ts', before: 'if (!host) {', after: 'if (false) {', why: PLANNED },
  {
    file: 'outcomes.ts',
    before: '{ ...known, wait: wait.notBeforeMs > known.wait.notBeforeMs ? wait : known.wait }',
    after: '{ ...known, wait: wait.notBeforeMs >= known.wait.notBeforeMs ? wait : known.wait }',
    why: 'of two demands of the same length it does not matter which is kept',
  },
  ...['verify: false, holdDownMs: 10_000', 'verify: true, holdDownMs: 20000'].map((settings) => ({
    file: 'state.ts',
    before: 'agent: { resyncMs: 600_000, verify: true, holdDownMs: 10_000 },',
    after: `agent: { resyncMs: 600_000, ${settings} },`,
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
];
