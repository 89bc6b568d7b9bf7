/**
 * When a child process that must always run is started again. All effects are passed in, so that the
 * netifd watch and the device watch share one policy and both run under virtual time.
 */
import { growing } from './growing.ts';

/** First distance between two starts, and where the doubling ends. procd needs 1 to 5 s for ubusd or netifd. */
const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 30_000;
/** A child that lived so long was healthy: its end starts a new outage. */
const HEALTHY_AFTER_MS = 60_000;

export interface ChildRules<End> {
  spawn(onLine: (line: string) => void, onEnd: (end: End) => void): () => void;
  monotonicMs(): number;
  after(delayMs: number, run: () => void): () => void;
  /** Called after each start. */
  onStart(): void;
  onLine(line: string): void;
  /** Called once for each outage, not for each try; `never` gives up. */
  onOutage(end: End): 'again' | 'never';
}

export interface RunningChild {
  /** Ends the child, if it lives, and starts it again without waiting. */
  restart(): void;
  stop(): void;
}

/** Starts a child and keeps it running: started again 1 s after its end, doubling to 30 s while it fails. */
export function keepRunning<End>(rules: ChildRules<End>): RunningChild {
  let failures = 0;
  /** Lines and ends of an older child arrive late; they carry an older number and are ignored. */
  let current = 0;
  let endChild = () => {};
  let endWait = () => {};

  function begin(): void {
    current += 1;
    const mine = current;
    const startedMs = rules.monotonicMs();
    endChild = rules.spawn(
      (line) => {
        if (mine === current) {
          failures = 0;
          rules.onLine(line);
        }
      },
      (end) => {
        if (mine === current) {
          ended(end, rules.monotonicMs() - startedMs);
        }
      },
    );
    if (mine === current) {
      rules.onStart();
    }
  }

  function ended(end: End, livedMs: number): void {
    current += 1;
    if (livedMs >= HEALTHY_AFTER_MS) {
      failures = 0;
    }
    if (failures === 0 && rules.onOutage(end) === 'never') {
      return;
    }
    const delayMs = growing(FIRST_DELAY_MS, 2, failures, MAX_DELAY_MS);
    failures = Math.min(failures + 1, 16);
    endWait = rules.after(delayMs, begin);
  }

  function stop(): void {
    current += 1;
    endWait();
    endChild();
  }

  begin();
  return {
    restart() {
      stop();
      failures = 0;
      begin();
    },
    stop,
  };
}
