/** The name that was probably meant: at most a third of its letters away (of the shorter of both), the first of those as near. */
export function nearest(written: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({ name, away: distance(written, name) }))
    .filter(({ name, away }) => away <= Math.max(1, Math.floor(Math.min(name.length, written.length) / 3)))
    .sort((one, other) => one.away - other.away);
  return ranked[0]?.name;
}

/** How many letters must be added, taken away, changed, or swapped with their neighbour to get from one word to the other. */
function distance(from: string, to: string): number {
  const width = to.length + 1;
  const table = Array.from({ length: (from.length + 1) * width }, () => 0);
  const at = (row: number, column: number): number => table[row * width + column] ?? Number.POSITIVE_INFINITY;
  for (let row = 0; row <= from.length; row += 1) {
    for (let column = 0; column <= to.length; column += 1) {
      table[row * width + column] = row === 0 || column === 0 ? row + column : step(row, column);
    }
  }
  return at(from.length, to.length);

  function step(row: number, column: number): number {
    const same = from[row - 1] === to[column - 1];
    const swapped = row > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
    return Math.min(
      at(row - 1, column) + 1,
      at(row, column - 1) + 1,
      at(row - 1, column - 1) + (same ? 0 : 1),
      swapped && column > 1 ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
    );
  }
}
