/** Changes that change nothing which anybody could see, each with the reason. */

export interface Equivalent {
  file: string;
  /** The line before and after, without its indentation. */
  before: string;
  after: string;
  why: string;
}

export const EQUIVALENT: readonly Equivalent[] = [];
