// The live view, as pure functions from what there is to see to lines of text.

import { describeExit, type Exit, type Snapshot } from 'treewarden';
import type { Progress } from './progress.js';

/** What there is to see at one moment. */
export interface Scene {
  readonly tree: Snapshot;
  readonly progress: Progress;
}

/** What the terminal can show. */
export interface Look {
  readonly columns: number;
  readonly colour: boolean;
}

/** The scene as lines, none wider than the terminal; below it what happened last, oldest first. */
export function render(scene: Scene, news: readonly string[], look: Look): readonly string[] {
  const paint = look.colour ? coloured : plain;
  return [
    ...treeLines(scene.tree, look.columns, paint),
    progressLine(scene.progress, look.columns, paint),
    ...news.map((line) => paint('dim', clip(line, look.columns))),
  ];
}

/** The scene as one line, for a log. */
export function logLine({ tree, progress }: Scene): string {
  const restarts = sumOver(tree, ({ restarts }) => restarts);
  const busy = flatten(tree).filter(({ node }) => node.status !== 'ready' && node.restarts > 0);
  const unready = busy.map(({ node }) => `${node.id} ${node.status}`).join(', ');
  return [
    seconds(progress.elapsedMs).padStart(7),
    doneOf(progress),
    pace(progress),
    `${restarts} restarts`,
    ...(unready === '' ? [] : [unready]),
  ].join('  ');
}

/** `12,345` */
export function grouped(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** `4.2 s`, `12 min` */
export function seconds(ms: number): string {
  return ms < 120_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}

/** How an incarnation ended, in a word or few. */
export function briefly(exit: Exit): string {
  return exit.type === 'signal' ? exit.signal : describeExit(exit);
}

interface Branch {
  readonly lead: string;
  readonly node: Snapshot;
}

/** The nodes from the root down, each with the line work that leads to it. */
function flatten(node: Snapshot, lead = '', below = ''): readonly Branch[] {
  const children = node.children ?? [];
  return [
    { lead, node },
    ...children.flatMap((child, index) => {
      const last = index === children.length - 1;
      return flatten(child, `${below}${last ? '└─ ' : '├─ '}`, `${below}${last ? '   ' : '│  '}`);
    }),
  ];
}

function sumOver(tree: Snapshot, count: (node: Snapshot) => number): number {
  return flatten(tree).reduce((sum, { node }) => sum + count(node), 0);
}

const GAP = '  ';

/** One row per node. Where the terminal is too narrow for all columns, the last ones are left out. */
function treeLines(tree: Snapshot, columns: number, paint: Paint): readonly string[] {
  const branches = flatten(tree);
  const rows = branches.map(cellsOf);
  const widths = columnWidths(rows, columns);
  return branches.map(({ node }, index) => {
    const cells = widths.map((width, column) => clip(rows[index]?.[column] ?? '', width).padEnd(width));
    const status = cells[1];
    if (status !== undefined) cells[1] = paint(STATUS_COLOURS[node.status], status);
    return cells.join(GAP).trimEnd();
  });
}

function cellsOf({ lead, node }: Branch): readonly string[] {
  const { id, kind, status, incarnation, restarts, pid, threadId, lastExit } = node;
  return [
    lead + id,
    status,
    restarts === 0 ? '' : `${restarts} ${restarts === 1 ? 'restart' : 'restarts'}`,
    node.children === undefined ? `${kind} #${incarnation}` : kind,
    pid !== undefined ? `pid ${pid}` : threadId !== undefined ? `thread ${threadId}` : '',
    lastExit === undefined ? '' : `last: ${briefly(lastExit.exit)}`,
  ];
}

/** Whole columns from the left for as long as they fit; the last one may be cut, but not below ten characters. */
function columnWidths(rows: readonly (readonly string[])[], columns: number): readonly number[] {
  const widths: number[] = [];
  let room = columns;
  for (let column = 0; column < (rows[0]?.length ?? 0); column += 1) {
    const wanted = Math.max(...rows.map((row) => row[column]?.length ?? 0));
    const gap = column === 0 ? 0 : GAP.length;
    const width = Math.min(wanted, room - gap);
    if (column > 0 && width < Math.min(wanted, 10)) break;
    widths.push(Math.max(width, 0));
    room -= gap + width;
  }
  return widths;
}

const NARROWEST_BAR = 8;
const WIDEST_BAR = 40;

function progressLine(progress: Progress, columns: number, paint: Paint): string {
  const text = `${doneOf(progress)}  ${pace(progress)}`;
  const width = Math.min(columns - text.length - GAP.length, WIDEST_BAR);
  if (width < NARROWEST_BAR) return clip(text, columns);
  const full = progress.total === 0 ? width : Math.floor((progress.done / progress.total) * width);
  return `${paint('green', '█'.repeat(full))}${paint('dim', '░'.repeat(width - full))}${GAP}${text}`;
}

function doneOf({ done, total }: Progress): string {
  const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
  return `${percent} %  ${grouped(done)} of ${grouped(total)} jobs`;
}

function pace({ perSecond, leftMs, done, total }: Progress): string {
  const left = done === total ? '' : leftMs === undefined ? '  … left' : `  ${seconds(leftMs)} left`;
  return `${grouped(perSecond)}/s${left}`;
}

function clip(text: string, width: number): string {
  if (text.length <= width) return text;
  return width <= 1 ? text.slice(0, Math.max(width, 0)) : `${text.slice(0, width - 1)}…`;
}

type Colour = 'dim' | 'green' | 'yellow' | 'red';
type Paint = (colour: Colour, text: string) => string;

const STATUS_COLOURS: Record<Snapshot['status'], Colour> = {
  down: 'dim',
  waiting: 'yellow',
  starting: 'yellow',
  ready: 'green',
  draining: 'yellow',
  stopping: 'yellow',
  killing: 'red',
  survivor: 'red',
};

const CODES: Record<Colour, number> = { dim: 2, green: 32, yellow: 33, red: 31 };

const plain: Paint = (_, text) => text;
const coloured: Paint = (colour, text) => (text === '' ? '' : `\u001b[${CODES[colour]}m${text}\u001b[0m`);
