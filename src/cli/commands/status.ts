import { childrenNamed, nodesOf, shortPath } from '../child-path.js';
import { EXIT } from '../exit-code.js';
import { asJson } from '../json.js';
import { JSON_OPTION } from '../registry-place.js';
import { statusTable } from '../status-table.js';
import { type TreeCommand, treeCommand } from '../tree-command.js';

/** The tree as it stands. */
export const status: TreeCommand = treeCommand({
  name: 'status',
  summary: 'show a running tree: state, pid, how long it is up, restarts, memory',
  operands: { usage: '[child]', max: 1, complete: ['children'] },
  options: {
    ...JSON_OPTION,
    paths: { type: 'boolean', summary: 'print the paths of all children instead, one on a line' },
  },
  async ask(client, values, terminal) {
    // The root is the program itself.
    const tree = {
      ...(await client.status(undefined, { usage: !values.has('paths') })),
      pid: client.server.pid,
    };
    const shown = values.operands.length === 0 ? tree : (childrenNamed(values.operands, tree)[0] ?? tree);
    if (values.has('json')) terminal.say(asJson(shown));
    else if (values.has('paths'))
      terminal.say(
        ...nodesOf(shown)
          .filter((node) => node !== tree)
          .map(({ path }) => shortPath(path, tree.id)),
      );
    else terminal.say(...statusTable(shown, terminal, (await import('../../index.js')).describeExit));
    return EXIT.ok;
  },
});
