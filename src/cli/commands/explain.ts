import type { ControlClient, TreeStatus } from '../../control/index.js';
import { childrenNamed, leavesOf, shortPath } from '../child-path.js';
import { EXIT } from '../exit-code.js';
import { asJson } from '../json.js';
import { type Obstacles, obstacleLines } from '../obstacle-lines.js';
import { JSON_OPTION } from '../registry-place.js';
import { CHILDREN } from '../steering.js';
import { harmless } from '../text.js';
import { type TreeCommand, treeCommand } from '../tree-command.js';

/** Why something has not ended. */
export const explain: TreeCommand = treeCommand({
  name: 'explain',
  summary: 'say why a child has not ended although it was asked to: process by process, and what to do',
  details: ['Without a name: all that are on their way down, or have outlived their kill.'],
  operands: CHILDREN,
  options: JSON_OPTION,
  async ask(client, values, terminal) {
    const tree = await client.status();
    const asked =
      values.operands.length === 0 ? leavesOf(tree).filter(isEnding) : childrenNamed(values.operands, tree);
    const found = await Promise.all(asked.map((node) => look(client, node)));
    if (values.has('json')) terminal.say(asJson(found));
    else if (found.length === 0) terminal.say(`Nothing in "${harmless(tree.id)}" is being stopped.`);
    else
      for (const { child, obstacles } of found) {
        const name = terminal.paint('bold', harmless(shortPath(child, tree.id)));
        const verdict = obstacles.length === 0 ? 'nothing is seen that stands in its way' : 'has not ended:';
        terminal.say(`${name}: ${verdict}`, ...obstacleLines(obstacles, terminal));
      }
    return EXIT.ok;
  },
});

const ENDING: readonly string[] = ['draining', 'stopping', 'killing', 'survivor'];

function isEnding({ status }: TreeStatus): boolean {
  return ENDING.includes(status);
}

async function look(
  client: ControlClient,
  { path }: TreeStatus,
): Promise<{ readonly child: string; readonly obstacles: Obstacles }> {
  return { child: path, obstacles: await client.explain(path) };
}
