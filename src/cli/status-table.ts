import type { TreeStatus } from '../control/index.js';
import { bytes, duration } from './amounts.js';
import { paintState, stateOf } from './state-words.js';
import { type Cell, type Column, table } from './table.js';
import type { Terminal } from './terminal.js';
import { harmless } from './text.js';

/** What a status says of how something ended: `describeExit` of the library. */
export type ExitWords = (exit: NonNullable<TreeStatus['lastExit']>['exit']) => string;

/** What only who looks twice can say: how much of a processor each node has used between two looks, in percent, by path. */
export type Load = ReadonlyMap<string, number>;

const COLUMNS: readonly Column[] = [
  { heading: 'TREE', cut: { at: 'middle', downTo: 12 } },
  { heading: 'STATE' },
  { heading: 'PID', align: 'right', spare: 2 },
  { heading: 'UP FOR', align: 'right' },
  { heading: 'RESTARTS', align: 'right', spare: 3 },
  { heading: 'RSS', align: 'right', spare: 1 },
  { heading: 'CPU', align: 'right', spare: 1 },
  { heading: 'NOTE', cut: { at: 'end', downTo: 12 }, spare: 4 },
];

/** A tree as a table: a line for each node, its children below it. */
export function statusTable(
  tree: TreeStatus,
  terminal: Pick<Terminal, 'paint' | 'columns'>,
  words: ExitWords,
  load?: Load,
): readonly string[] {
  const rows = indented(tree).map(({ node, name }) => rowOf(node, name, terminal, words, load));
  const [headings = '', ...lines] = table(COLUMNS, rows, terminal.columns);
  return [terminal.paint('dim', headings), ...lines];
}

function indented(
  node: TreeStatus,
  depth = 0,
): readonly { readonly node: TreeStatus; readonly name: string }[] {
  return [
    { node, name: '  '.repeat(depth) + harmless(node.id) },
    ...(node.children ?? []).flatMap((child) => indented(child, depth + 1)),
  ];
}

function rowOf(
  node: TreeStatus,
  name: string,
  terminal: Pick<Terminal, 'paint'>,
  words: ExitWords,
  load: Load | undefined,
): readonly Cell[] {
  const state = stateOf(node);
  const cpu = load?.get(node.path);
  return [
    { text: name, ...(node.children === undefined ? {} : { paint: (it) => terminal.paint('bold', it) }) },
    { text: state, paint: paintState(state, terminal) },
    { text: node.pid === undefined ? '' : String(node.pid) },
    { text: node.upMs === undefined ? '' : duration(node.upMs) },
    // A zero in each line hides the one that is none.
    { text: node.restarts === 0 ? '' : String(node.restarts) },
    { text: node.usage === undefined ? '' : bytes(node.usage.rssBytes) },
    { text: cpu === undefined ? '' : `${Math.round(cpu)} %` },
    { text: noteOf(node, words), paint: (it) => terminal.paint('dim', it) },
  ];
}

/** What is worth saying of a node beside its figures: that it was started to run once, and how it last ended, where that may be why it is not up. */
function noteOf({ once, lastExit, status }: TreeStatus, words: ExitWords): string {
  const notes = once === true ? ['once'] : [];
  if (lastExit !== undefined && (status !== 'ready' || !lastExit.asked))
    notes.push(harmless(words(lastExit.exit)));
  return notes.join('; ');
}
