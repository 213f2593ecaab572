import { UsageError } from '../arguments.js';
import { nodeNamed, shortPath } from '../child-path.js';
import type { Command, Values } from '../command.js';
import { complaintOf, isControlError } from '../control-complaint.js';
import { EXIT } from '../exit-code.js';
import { readDuration } from '../option-values.js';
import { told } from '../steering.js';
import { harmless } from '../text.js';
import { type TreeCommand, treeCommand } from '../tree-command.js';
import { waitShown } from '../waiting.js';
import { reachTree } from '../which-tree.js';

const asked: TreeCommand = treeCommand({
  name: 'wait',
  summary: 'wait until the tree, or a child, is ready or down',
  details: ['With --timeout and --tree or --socket, a tree that does not run yet is waited for as well.'],
  operands: { usage: '[child]', max: 1, complete: ['children'] },
  options: {
    ready: { type: 'boolean', summary: 'until it is ready; what is waited for if nothing is said' },
    down: { type: 'boolean', summary: 'until it is down' },
    timeout: { type: 'string', value: 'time', summary: 'at most so long, as in 30s; exit code 6 after that' },
  },
  async ask(client, values, terminal) {
    const tree = await client.status();
    const [operand] = values.operands;
    const { path } = operand === undefined ? tree : nodeNamed(operand, tree);
    const until = untilOf(values);
    const timeoutMs = timeoutOf(values);
    const name = harmless(shortPath(path, tree.id));
    const status = await waitShown(
      client.wait(path, until, { timeoutMs }),
      `waiting until ${name} is ${until}`,
      terminal,
    );
    terminal.say(`${terminal.paint('bold', name)}: ${told(status)}`);
    return EXIT.ok;
  },
});

/** Waits for a state; unlike other commands also for the tree itself. */
export const wait: Command & Pick<TreeCommand, 'ask'> = {
  ...asked,
  async run(values, terminal) {
    untilOf(values);
    const client = await reachTree(values, timeoutOf(values));
    try {
      return await asked.ask(client, values, terminal);
    } catch (error) {
      throw isControlError(error) ? complaintOf(error) : error;
    } finally {
      await client.close();
    }
  },
};

function untilOf(values: Values): 'ready' | 'down' {
  if (values.has('ready') && values.has('down')) throw new UsageError('Either --ready or --down.');
  return values.has('down') ? 'down' : 'ready';
}

function timeoutOf(values: Values): number | undefined {
  const text = values.text('timeout');
  return text === undefined ? undefined : readDuration('timeout', text);
}
