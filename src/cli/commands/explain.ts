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
    if (values.has('json')) terminal.say(asJson(found.map(({ child, obstacles }) => ({ child, obstacles }))));
    else if (found.length === 0) terminal.say(`Nothing in "${harmless(tree.id)}" is being stopped.`);
    else
      for (const { child, isAsked, obstacles } of found) {
        const name = terminal.paint('bold', harmless(shortPath(child, tree.id)));
        terminal.say(`${name}: ${verdictOn(obstacles, isAsked)}`, ...obstacleLines(obstacles, terminal));
      }
    return EXIT.ok;
  },
});

const ENDING: readonly string[] = ['draining', 'stopping', 'killing', 'survivor'];

function isEnding({ status }: TreeStatus): boolean {
  return ENDING.includes(status);
}

interface Found {
  readonly child: string;
  /** Whether anything of it is on its way down. */
  readonly isAsked: boolean;
  readonly obstacles: Obstacles;
}

async function look(client: ControlClient, node: TreeStatus): Promise<Found> {
  const obstacles = await client.explain(node.path);
  return { child: node.path, isAsked: leavesOf(node).some(isEnding), obstacles };
}

function verdictOn(obstacles: Obstacles, isAsked: boolean): string {
  if (obstacles.length === 0) return 'nothing is seen that stands in its way';
  return isAsked ? 'has not ended:' : 'is not asked to end; what would stand in its way:';
}
