/** Asking several who could know, most of whom are not needed. All effects are passed in. */

export interface InTurn<One, Found> {
  all: readonly One[];
  /** Undefined: nothing of use. */
  ask(one: One): Promise<Found | undefined>;
  /** Whoever says nothing for so long is not waited for alone: the next is asked as well. */
  silenceMs: number;
  after(delayMs: number, run: () => void): () => void;
}

/**
 * One after another until one gives something, whoever is the first; undefined when nobody does. Where nobody answers
 * at all the waits lie side by side, not in a row.
 */
export function askInTurn<One, Found>(rules: InTurn<One, Found>): Promise<Found | undefined> {
  const waiting = [...rules.all];
  return new Promise((resolve, reject) => {
    let open = 0;
    let isOver = false;
    let endSilence = () => {};

    function finish(found: Found | undefined): void {
      isOver = true;
      endSilence();
      resolve(found);
    }

    function begin(): void {
      endSilence();
      const [one] = waiting.splice(0, 1);
      if (one === undefined) {
        if (open === 0) {
          finish(undefined);
        }
        return;
      }
      open += 1;
      const left = waiting.length;
      endSilence = rules.after(rules.silenceMs, begin);
      rules.ask(one).then((found) => {
        open -= 1;
        if (isOver) {
          return;
        }
        if (found !== undefined) {
          finish(found);
        } else if (left === waiting.length || open === 0) {
          // It was the last that was asked; those before it have had their time.
          begin();
        }
      }, fail);
    }

    function fail(defect: unknown): void {
      isOver = true;
      endSilence();
      reject(defect);
    }

    begin();
  });
}
