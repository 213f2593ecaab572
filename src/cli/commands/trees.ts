import type { FoundTree } from '../../control/index.js';
import type { Command } from '../command.js';
import { EXIT } from '../exit-code.js';
import { asJson } from '../json.js';
import { JSON_OPTION } from '../registry-place.js';
import { type Column, table } from '../table.js';
import type { Style } from '../terminal.js';
import { harmless } from '../text.js';
import { runningTrees } from '../which-tree.js';

/** The trees that can be asked. */
export const trees: Command = {
  name: 'trees',
  summary: 'list the trees of this user that are running, with their control sockets',
  options: {
    ...JSON_OPTION,
    names: { type: 'boolean', summary: 'print their names only, one on a line' },
  },
  async run(values, terminal) {
    const found = await runningTrees();
    if (values.has('json')) terminal.say(asJson(found));
    else if (values.has('names')) terminal.say(...found.map(({ name }) => harmless(name)));
    else if (found.length === 0) terminal.complain('No tree of this user is running.');
    else {
      const rows = found.map((tree) => [
        { text: harmless(tree.name), paint: (text: string) => terminal.paint('bold', text) },
        { text: tree.state, paint: (text: string) => terminal.paint(STYLES[tree.state], text) },
        { text: tree.server === undefined ? '' : String(tree.server.pid) },
        { text: tree.server?.version ?? '' },
        { text: harmless(tree.path) },
      ]);
      terminal.say(...table(COLUMNS, rows, terminal.columns));
    }
    return EXIT.ok;
  },
};

const COLUMNS: readonly Column[] = [
  { heading: 'TREE', cut: { at: 'middle', downTo: 12 } },
  { heading: 'STATE' },
  { heading: 'PID', align: 'right' },
  { heading: 'VERSION', spare: 2 },
  { heading: 'SOCKET', cut: { at: 'middle', downTo: 16 }, spare: 1 },
];

const STYLES: Readonly<Record<FoundTree['state'], Style>> = {
  running: 'green',
  silent: 'red',
  stale: 'dim',
  refused: 'yellow',
};
