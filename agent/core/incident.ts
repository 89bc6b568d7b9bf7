/** Something is wrong with a zone, a name or an account, and people were told. */
export interface Incident {
  /** Unique for the agent's memory: what it is about and when it began. */
  id: string;
  /** Stable, e.g. `delegation/CHANGED`. */
  code: string;
  /** The zone, hostname or account (its section id) that it is about. */
  subject: string;
  /** What people call the account. */
  title?: string;
  /** Hostname sections that it touches. */
  hosts: string[];
  /** What happened, since when, whether to act and how. */
  sentence: string;
  evidence: string[];
  /** Does the user have to do something? */
  mustAct: boolean;
  openedWallMs: number;
  closedWallMs?: number;
  /** Nobody looks at it any more, or not by itself: its end is no all-clear. */
  unresolved?: true;
}
