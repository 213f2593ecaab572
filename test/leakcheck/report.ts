import type { TraceKind } from './machine.js';
import type { Path } from './paths.js';
import type { RunResult } from './run-path.js';

/** What became of one path: all its runs, or why there were none. */
export interface Row {
  readonly path: Path;
  readonly runs: readonly RunResult[];
}

/** A line of the table: `path | runs | leaked, by kind | median release ms`. */
export type Cells = readonly [path: string, runs: string, leaked: string, releaseMs: string];

export const HEAD: Cells = ['path', 'runs', 'leaked, by kind', 'median release, ms'];

export function cellsOf({ path, runs }: Row): Cells {
  if (path.missing !== undefined) return [path.name, 'none', path.missing, ''];
  return [path.name, String(runs.length), leakedByKind(runs), medianReleaseMs(runs)];
}

/** Whether nothing leaked, and all went as the path says. */
export function isClean({ runs }: Row): boolean {
  return runs.every(({ leaked, complaints }) => leaked.length === 0 && complaints.length === 0);
}

/** Exactly what went wrong, a line each. */
export function faults({ path, runs }: Row): readonly string[] {
  return runs.flatMap(({ mode, leaked, complaints }, at) =>
    [...leaked.map(({ kind, id }) => `leaked ${kind} ${id}`), ...complaints].map(
      (fault) => `${path.name}, run ${at + 1} (${mode}): ${fault}`,
    ),
  );
}

/** As text for a terminal: columns as wide as need be. */
export function textLine(cells: Cells, widths: readonly number[]): string {
  return cells
    .map((cell, at) => (at === 1 || at === 3 ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
    .join(' | ')
    .trimEnd();
}

export function widthsFor(names: readonly string[]): readonly number[] {
  return [Math.max(...names.map((name) => name.length)), 5, 15, 18];
}

/** As a table of Markdown. */
export function markdown(rows: readonly Row[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(HEAD), '|---|---:|---|---:|', ...rows.map((row) => line(cellsOf(row)))];
}

function leakedByKind(runs: readonly RunResult[]): string {
  const counts = new Map<TraceKind, number>();
  for (const { kind } of runs.flatMap(({ leaked }) => leaked)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  if (counts.size === 0) return '0';
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
}

function medianReleaseMs(runs: readonly RunResult[]): string {
  const sorted = runs.map(({ releaseMs }) => releaseMs).sort((one, other) => one - other);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) return '';
  // Less than one look takes is released before it died.
  return middle < 1.5 ? '0' : middle.toFixed(0);
}
