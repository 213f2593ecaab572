import type { ServerFacts, ToldEvent } from '../../control/index.js';
import { clockTime } from '../amounts.js';
import { nodeNamed, shortPath } from '../child-path.js';
import { eventLine } from '../event-line.js';
import { EXIT } from '../exit-code.js';
import type { ExitWords } from '../status-table.js';
import type { Terminal } from '../terminal.js';
import { harmless } from '../text.js';
import { type TreeCommand, treeCommand } from '../tree-command.js';

/** What happens in a tree. */
export const events: TreeCommand = treeCommand({
  name: 'events',
  summary: 'print what happens from now on: starts, exits, restarts, faults',
  operands: { usage: '[child]', max: 1, complete: ['children'] },
  options: {
    follow: { type: 'boolean', short: 'f', summary: 'as it does in any case, until the tree ends or Ctrl-C' },
    json: { type: 'boolean', summary: 'print a JSON object on each line, for programs' },
  },
  async ask(client, values, terminal) {
    const tree = await client.status();
    const [operand] = values.operands;
    const path = operand === undefined ? undefined : nodeNamed(operand, tree).path;
    const { describeExit } = await import('../../index.js');
    for await (const event of client.events(path)) {
      terminal.say(
        values.has('json')
          ? JSON.stringify(event)
          : lineOf(event, { server: client.server, root: tree.id, terminal, words: describeExit }),
      );
      await terminal.flushed();
      if (!terminal.isRead) break;
    }
    return EXIT.ok;
  },
});

interface Circumstances {
  readonly server: ServerFacts;
  readonly root: string;
  readonly terminal: Pick<Terminal, 'paint'>;
  readonly words: ExitWords;
}

function lineOf(event: ToldEvent, { server, root, terminal, words }: Circumstances): string {
  const { path, text, style } = eventLine(event, words);
  const at = clockTime(new Date(event.atMs - server.nowMs + server.epochMs));
  const missed = event.missed === undefined ? '' : `(${event.missed} events were missed) `;
  const shown = harmless(text);
  return [
    terminal.paint('dim', at),
    ...(path === '' ? [] : [terminal.paint('bold', harmless(shortPath(path, root)))]),
    missed + (style === undefined ? shown : terminal.paint(style, shown)),
  ].join('  ');
}
