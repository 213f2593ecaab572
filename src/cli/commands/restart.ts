import type { TreeStatus } from '../../control/index.js';
import { obstacleLine } from '../obstacle-lines.js';
import { steeringCommand, told } from '../steering.js';
import type { TreeCommand } from '../tree-command.js';

/** Stops and starts. */
export const restart: TreeCommand = steeringCommand<TreeStatus>({
  name: 'restart',
  summary: 'stop children if they run, start them, and wait until they are ready',
  doing: 'restarting',
  act: (client, path) => client.restart(path),
  told: (status) => [told(status)],
  why: async (client, path) => obstacleLine(await client.explain(path)),
  json: true,
});
