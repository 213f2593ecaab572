import { nodeNamed } from '../child-path.js';
import type { Command } from '../command.js';
import { Complaint } from '../complaint.js';
import { EXIT } from '../exit-code.js';
import { TREE_OPTIONS } from '../tree-command.js';
import { reachTree, runningTrees } from '../which-tree.js';

/** Whether something runs, for scripts. */
export const ok: Command = {
  name: 'ok',
  summary: 'say nothing, and by the exit code whether a tree runs, or a child is ready: 0, else 100',
  operands: { usage: '[child]', max: 1, complete: ['children'] },
  options: TREE_OPTIONS,
  async run(values) {
    // That no tree runs is an answer here; that it is not clear which one is meant is none.
    if (values.text('socket') === undefined && (await runningTrees()).length === 0) return EXIT.notRunning;
    const client = await reachTree(values).catch(refuseUnlessAbsent);
    if (client === undefined) return EXIT.notRunning;
    try {
      const [operand] = values.operands;
      if (operand === undefined) return EXIT.ok;
      return nodeNamed(operand, await client.status()).status === 'ready' ? EXIT.ok : EXIT.notRunning;
    } finally {
      await client.close();
    }
  },
};

function refuseUnlessAbsent(error: unknown): undefined {
  if (error instanceof Complaint && error.exitCode === EXIT.notFound && !error.message.startsWith('Several'))
    return undefined;
  throw error;
}
