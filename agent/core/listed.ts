const MOST = 4;

/** The first few words, and how many more there are: nobody reads a hundred names in a sentence. */
export function listed(words: readonly string[]): string {
  const rest = words.length - MOST;
  const first = words.slice(0, MOST).join(', ');
  return rest > 0 ? `${first} and ${rest} more` : first;
}
