import { cellsOf } from './text.js';

/**
 * Rows in columns: each as wide as its longest cell, the last one wrapped at words to what is left of the line, below itself.
 *
 * @param width - how many characters a line may have; `Infinity` wraps nothing
 */
export function columns(
  rows: readonly (readonly string[])[],
  width: number = Number.POSITIVE_INFINITY,
): readonly string[] {
  const last = Math.max(0, ...rows.map((row) => row.length - 1));
  const widths = Array.from({ length: last }, (_, at) =>
    Math.max(0, ...rows.map((row) => cellsOf(row[at] ?? ''))),
  );
  const indent = widths.reduce((sum, each) => sum + each + GAP.length, 0);
  // A terminal too narrow for the columns themselves wraps for us.
  const room = Math.max(MIN_LAST, width - indent);
  return rows.flatMap((row) => {
    const lead = widths.map((each, at) => pad(row[at] ?? '', each) + GAP).join('');
    const [first = '', ...more] = wrap(row[last] ?? '', room);
    return [lead + first, ...more.map((line) => ' '.repeat(indent) + line)].map((line) => line.trimEnd());
  });
}

/** Breaks a text at spaces into lines that long at most; a longer word has a line of its own. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && cellsOf(line) + 1 + cellsOf(word) <= width)
      lines.push(`${lines.pop()} ${word}`);
    else lines.push(word);
  }
  return lines;
}

const GAP = '  ';
const MIN_LAST = 20;

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - cellsOf(text)));
}
