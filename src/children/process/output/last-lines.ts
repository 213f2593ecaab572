/** How much of a program's stderr an exit record shows: so many lines, and so many characters of them together. */
const LAST_LINES = 20;
const LAST_CHARACTERS = 8192;

/** The end of an output, oldest line first; blank lines at the end are left out, and the first may be what is left of one. */
export function lastLinesOf(lines: readonly string[]): readonly string[] {
  const end = lines.findLastIndex((line) => line.trim() !== '') + 1;
  const last = lines.slice(Math.max(0, end - LAST_LINES), end);
  let characters = 0;
  let first = last.length;
  while (first > 0 && characters < LAST_CHARACTERS) characters += last[--first]?.length ?? 0;
  const excess = Math.max(0, characters - LAST_CHARACTERS);
  return last.slice(first).map((line, index) => (index === 0 ? line.slice(excess) : line));
}
