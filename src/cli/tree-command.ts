import type { ControlClient } from '../control/index.js';
import type { Command, Option, Values } from './command.js';
import { complaintOf, isControlError } from './control-complaint.js';
import type { ExitCode } from './exit-code.js';
import type { Terminal } from './terminal.js';
import { reachTree } from './which-tree.js';

/** A command that asks a running tree. */
export interface TreeCommand extends Command {
  /** Asks, once it is connected, and prints the answer. */
  ask(client: ControlClient, values: Values, terminal: Terminal): Promise<ExitCode>;
}

/** Which tree is meant. */
export const TREE_OPTIONS: Readonly<Record<string, Option>> = {
  tree: {
    type: 'string',
    short: 't',
    value: 'name',
    summary: 'the tree that is meant; needed where several run (see treewarden trees)',
  },
  socket: {
    type: 'string',
    value: 'path',
    summary: 'its control socket; otherwise TREEWARDEN_SOCKET, or the only tree that runs',
  },
};

/** Makes a command of how a tree is asked: it connects first, and hangs up whatever happens. */
export function treeCommand(facts: Omit<TreeCommand, 'run'>): TreeCommand {
  return {
    ...facts,
    options: { ...facts.options, ...TREE_OPTIONS },
    async run(values, terminal) {
      const client = await reachTree(values);
      try {
        return await facts.ask(client, values, terminal);
      } catch (error) {
        throw isControlError(error) ? complaintOf(error) : error;
      } finally {
        await client.close();
      }
    },
  };
}
