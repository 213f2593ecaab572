import type { LoggedLine } from '../../control/index.js';
import { leavesOf, nodeNamed, shortPath } from '../child-path.js';
import { EXIT } from '../exit-code.js';
import { readNumber } from '../option-values.js';
import type { Terminal } from '../terminal.js';
import { harmless } from '../text.js';
import { type TreeCommand, treeCommand } from '../tree-command.js';

/** What children have written. */
export const logs: TreeCommand = treeCommand({
  name: 'logs',
  summary: 'print what children have written last, and with -f what they write from now on',
  details: ['Only of children whose output is captured: not of those that inherit stdout, nor of log files.'],
  operands: { usage: '[child]', max: 1, complete: ['children'] },
  options: {
    follow: {
      type: 'boolean',
      short: 'f',
      summary: 'go on, through restarts, until the tree ends or Ctrl-C',
    },
    lines: {
      type: 'string',
      short: 'n',
      value: 'number',
      summary: 'how many lines of each child; 10 if not given',
    },
    reopen: {
      type: 'boolean',
      summary: 'have log files opened anew instead, after another program has rotated them',
    },
    json: { type: 'boolean', summary: 'print a JSON object on each line, for programs' },
  },
  async ask(client, values, terminal) {
    const tree = await client.status();
    const [operand] = values.operands;
    const node = operand === undefined ? tree : nodeNamed(operand, tree);
    if (values.has('reopen')) {
      terminal.say(`${await client.reopenLogs(node.path)} opened anew`);
      return EXIT.ok;
    }
    const written = client.logs(node.path, optionsOf(values.text('lines'), values.has('follow')));
    const isOne = leavesOf(node).length === 1;
    for await (const line of written) {
      terminal.say(
        ...(values.has('json')
          ? [JSON.stringify(line)]
          : lineFor(line, isOne ? undefined : tree.id, terminal)),
      );
      await terminal.flushed();
      if (!terminal.isRead) break;
    }
    return EXIT.ok;
  },
});

function optionsOf(lines: string | undefined, follow: boolean): { lines?: number; follow: boolean } {
  return { follow, ...(lines === undefined ? {} : { lines: readNumber('lines', lines) }) };
}

/** The line as it was written, after its path where there are several; colours within it are the child's own. */
function lineFor(
  { child, stream, text, missed }: LoggedLine,
  root: string | undefined,
  { paint }: Terminal,
): readonly string[] {
  const gap = missed === undefined ? [] : [paint('yellow', `… ${missed} lines were missed`)];
  if (root === undefined) return [...gap, text];
  const style = stream === 'stderr' ? 'yellow' : 'cyan';
  return [...gap, `${paint(style, `${harmless(shortPath(child, root))} |`)} ${text}`];
}
