import type { TreeStatus } from '../../control/index.js';
import { steeringCommand, told } from '../steering.js';
import type { TreeCommand } from '../tree-command.js';

/** Starts what is down, for one life. */
export const once: TreeCommand = steeringCommand<TreeStatus>({
  name: 'once',
  summary: 'start children for one run: their end will be no reason for a restart',
  doing: 'starting',
  act: (client, path) => client.up(path, { once: true }),
  told: (status) => [told(status)],
  json: true,
});
