/** "Did you mean ...?" */

/**
 * The candidate that a mistyped word most likely stands for: at most a third of its letters differ, or one
 * is the beginning of the other. Upper case and punctuation do not count.
 */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = plain(word);
  let best: { candidate: string; distance: number } | undefined;
  if (wanted.length < 2 || wanted.length > 64) {
    return undefined;
  }
  for (const candidate of candidates) {
    const known = plain(candidate);
    const isPart = wanted.length >= 3 && (known.startsWith(wanted) || wanted.startsWith(known));
    const distance = isPart ? 1 : editDistance(wanted, known);
    if (
      distance <= Math.max(1, known.length / 3) &&
      distance < (best?.distance ?? Number.POSITIVE_INFINITY)
    ) {
      best = { candidate, distance };
    }
  }
  return best?.candidate;
}

function plain(word: string): string {
  return word.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Levenshtein's distance, one row of the table at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
