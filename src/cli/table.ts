import { cellsOf, cutEnd, cutMiddle } from './text.js';

/** A column of a table whose rows are one line each, however narrow the terminal is. */
export interface Column {
  readonly heading: string;
  /** Figures are read from the right. @defaultValue `'left'` */
  readonly align?: 'left' | 'right';
  /** What gives way when the line is too short, and down to how many cells. @defaultValue it does not */
  readonly cut?: { readonly at: 'middle' | 'end'; readonly downTo: number };
  /** Left out, the highest first, when cutting is not enough. @defaultValue it stays */
  readonly spare?: number;
}

/** A cell: its text, and how it is painted once it is as wide as its column. */
export interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

/**
 * A table with a line of headings. No line is longer than `width`: columns are cut, then left out, and at last the line ends where the screen does.
 *
 * @param width - how many characters a line may have; `Infinity` cuts nothing
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
): readonly string[] {
  const kept = fitting(columns, rows, width);
  const widths = shrunk(kept, width);
  const headings = columns.map(({ heading }) => ({ text: heading }));
  return [headings, ...rows].map((row) =>
    kept
      .map(({ column, at }, place) => padded(column, row[at], widths[place] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
}

const GAP = '  ';

interface Kept {
  readonly column: Column;
  /** Which one it is of all. */
  readonly at: number;
  readonly wide: number;
}

/** Columns that nothing stands in are left out as well. */
function fitting(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
): readonly Kept[] {
  let kept = columns.flatMap((column, at) => {
    const cells = rows.map((row) => cellsOf(row[at]?.text ?? ''));
    const isEmpty = cells.every((it) => it === 0);
    return isEmpty ? [] : [{ column, at, wide: Math.max(cellsOf(column.heading), ...cells) }];
  });
  const least = (): number =>
    total(kept.map(({ column, wide }) => Math.min(wide, column.cut?.downTo ?? wide)));
  while (least() > width && kept.some(({ column }) => column.spare !== undefined)) {
    const most = Math.max(...kept.map(({ column }) => column.spare ?? 0));
    kept = kept.filter(({ column }) => column.spare !== most);
  }
  return kept;
}

/** What is too much is taken from the columns that can be cut, the last of them first. */
function shrunk(kept: readonly Kept[], width: number): readonly number[] {
  const widths = kept.map(({ wide }) => wide);
  let surplus = total(widths) - width;
  for (const [place, { column, wide }] of [...kept.entries()].toReversed()) {
    if (surplus <= 0 || column.cut === undefined) continue;
    const taken = Math.max(0, Math.min(surplus, wide - column.cut.downTo));
    widths[place] = wide - taken;
    surplus -= taken;
  }
  return widths;
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each, 0) + GAP.length * Math.max(0, widths.length - 1);
}

function padded(column: Column, cell: Cell | undefined, wide: number): string {
  const { text = '', paint = (it: string) => it } = cell ?? {};
  const cut = column.cut?.at === 'end' ? cutEnd(text, wide) : cutMiddle(text, wide);
  const room = ' '.repeat(Math.max(0, wide - cellsOf(cut)));
  return column.align === 'right' ? room + paint(cut) : paint(cut) + room;
}
