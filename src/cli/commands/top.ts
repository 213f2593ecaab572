import type { ControlClient, TreeStatus } from '../../control/index.js';
import { bytes, clockTime, duration } from '../amounts.js';
import { UsageError } from '../arguments.js';
import { leavesOf, nodesOf } from '../child-path.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { readDuration } from '../option-values.js';
import type { Screen } from '../screen.js';
import { type ExitWords, type Load, statusTable } from '../status-table.js';
import type { Terminal } from '../terminal.js';
import { harmless } from '../text.js';
import { type TreeCommand, treeCommand } from '../tree-command.js';

/** The tree, live. */
export const top: TreeCommand = treeCommand({
  name: 'top',
  summary: 'show a running tree live, with the memory and processor time of each child; q ends it',
  details: ['Without a terminal it prints the tree once, as treewarden status does.'],
  options: { every: { type: 'string', value: 'time', summary: 'how often to look; 1s if not given' } },
  async ask(client, values, terminal) {
    const everyMs = readDuration('every', values.text('every') ?? '1s');
    if (everyMs < 100) throw new UsageError('--every takes 100ms or more.');
    const { describeExit } = await import('../../index.js');
    return watch(client, everyMs, terminal, describeExit);
  },
});

async function watch(
  client: ControlClient,
  everyMs: number,
  terminal: Terminal,
  words: ExitWords,
): Promise<ExitCode> {
  const alarm = new Alarm();
  let isOver = false;
  const screen = terminal.openScreen({
    key: (key) => {
      isOver ||= QUIT_KEYS.includes(key);
      if (isOver) alarm.ring();
    },
    resized: () => alarm.ring(),
  });
  let last: Look | undefined;
  try {
    do {
      const look = { tree: await client.status(undefined, { usage: true }), atMs: performance.now() };
      const load = last && loadBetween(last, look);
      if (screen === undefined) terminal.say(...statusTable(look.tree, terminal, words));
      else screen.show(page(look.tree, load, screen, terminal, words));
      // A look right after the last, for a key or another size, says little of the load.
      if (last === undefined || look.atMs - last.atMs >= everyMs / 2) last = look;
      if (screen !== undefined && !isOver) await alarm.within(everyMs);
    } while (screen !== undefined && !isOver);
    return EXIT.ok;
  } finally {
    screen?.close();
  }
}

const QUIT_KEYS: readonly string[] = ['q', 'Q', '\u0003', '\u0004'];

/** One look at a tree. */
interface Look {
  readonly tree: TreeStatus;
  readonly atMs: number;
}

/** How much of a processor each node has used between two looks. One that has been started meanwhile is left out. */
function loadBetween(before: Look, after: Look): Load {
  const spent = new Map(nodesOf(before.tree).map((node) => [node.path, node]));
  const passedMs = Math.max(1, after.atMs - before.atMs);
  return new Map(
    nodesOf(after.tree).flatMap(({ path, usage, incarnation }): readonly (readonly [string, number])[] => {
      const old = spent.get(path);
      if (usage === undefined || old?.usage === undefined || old.incarnation !== incarnation) return [];
      return [[path, (100 * Math.max(0, usage.cpuMs - old.usage.cpuMs)) / passedMs]];
    }),
  );
}

function page(
  tree: TreeStatus,
  load: Load | undefined,
  { columns, rows }: Screen,
  terminal: Terminal,
  words: ExitWords,
): readonly string[] {
  const lines = statusTable(tree, { paint: terminal.paint, columns }, words, load);
  const room = Math.max(1, rows - 2);
  const hidden = lines.length - room;
  return [
    summary(tree, terminal),
    ...(hidden > 0 ? lines.slice(0, room - 1) : lines),
    ...(hidden > 0 ? [terminal.paint('dim', `… ${hidden + 1} more; treewarden status shows all`)] : []),
    terminal.paint('dim', 'q to quit'),
  ];
}

function summary(tree: TreeStatus, { paint }: Terminal): string {
  const leaves = leavesOf(tree);
  const ready = leaves.filter(({ status }) => status === 'ready').length;
  const rss = leaves.reduce((sum, { usage }) => sum + (usage?.rssBytes ?? 0), 0);
  const up = tree.upMs === undefined ? tree.status : `up ${duration(tree.upMs)}`;
  return `${paint('bold', harmless(tree.id))}  ${clockTime(new Date())}  ${up}  ${ready} of ${leaves.length} ready  ${bytes(rss)}`;
}

/** Waits for a time, or until it is rung. */
class Alarm {
  #wake: (() => void) | undefined;

  within(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  ring(): void {
    this.#wake?.();
  }
}
