import type { ControlClient, DownReport } from '../../control/index.js';
import { duration } from '../amounts.js';
import { UsageError } from '../arguments.js';
import { shortPath } from '../child-path.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { asJson } from '../json.js';
import { type Obstacles, obstacleLine, obstacleLines } from '../obstacle-lines.js';
import { JSON_OPTION } from '../registry-place.js';
import { CHILDREN, type Steering, steer } from '../steering.js';
import type { Terminal } from '../terminal.js';
import { harmless } from '../text.js';
import { type TreeCommand, treeCommand } from '../tree-command.js';
import { waitShown } from '../waiting.js';

/** Stops children, or the whole tree. */
export const down: TreeCommand = treeCommand({
  name: 'down',
  summary: 'stop children and keep them down, or the whole tree with --all',
  details: [
    'Returns when they are gone with all that belonged to them, and says why where one had to be killed. Interrupted, it no longer waits; the stop goes on.',
  ],
  operands: CHILDREN,
  options: {
    all: { type: 'boolean', summary: 'stop the tree, and the program that it is' },
    ...JSON_OPTION,
  },
  async ask(client, values, terminal) {
    const { operands } = values;
    if (values.has('all')) {
      if (operands.length > 0) throw new UsageError('--all means every child: leave out the names.');
      return stopAll(client, terminal, values.has('json'));
    }
    const reports = await steer(client, operands, DOWN, terminal, values.has('json'));
    if (values.has('json')) terminal.say(asJson(reports));
    return EXIT.ok;
  },
});

const DOWN: Pick<Steering<DownReport>, 'act' | 'told' | 'why' | 'doing'> = {
  doing: 'stopping',
  act: (client, path) => client.down(path),
  told: ({ tookMs, obstacles }, terminal) =>
    obstacles.length === 0
      ? [`down after ${duration(tookMs)}`]
      : [`killed after ${duration(tookMs)}`, ...whyKilled(obstacles, terminal)],
  why: async (client, path) => obstacleLine(await client.explain(path)),
};

async function stopAll(client: ControlClient, terminal: Terminal, isJson: boolean): Promise<ExitCode> {
  const { tree } = client.server;
  const why = async (): Promise<string> => obstacleLine(await client.explain(tree));
  const report = await waitShown(client.stop(), `stopping ${harmless(tree)}`, terminal, why);
  if (isJson) terminal.say(asJson(report));
  else {
    terminal.say(`${terminal.paint('bold', harmless(tree))}: stopped after ${duration(report.tookMs)}`);
    for (const { child, obstacles } of report.children)
      if (obstacles !== undefined)
        terminal.say(`${harmless(shortPath(child, tree))}: killed`, ...whyKilled(obstacles, terminal));
  }
  for (const { child, pid, why: reason } of report.survivors)
    terminal.complain(
      `treewarden: ${harmless(child)} has outlived its kill${pid === undefined ? '' : ` (pid ${pid})`}: ${reason}`,
    );
  return report.survivors.length === 0 ? EXIT.ok : EXIT.failed;
}

function whyKilled(obstacles: Obstacles, terminal: Terminal): readonly string[] {
  const narrower = { paint: terminal.paint, columns: terminal.columns - 2 };
  return obstacleLines(obstacles, narrower).map((line) => `  ${line}`);
}
