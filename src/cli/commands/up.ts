import type { TreeStatus } from '../../control/index.js';
import { steeringCommand, told } from '../steering.js';
import type { TreeCommand } from '../tree-command.js';

/** Starts what is down. */
export const up: TreeCommand = steeringCommand<TreeStatus>({
  name: 'up',
  summary: 'start children that are down, and wait until they are ready',
  details: ['What runs already is left alone; a restart that is due later is carried out now.'],
  doing: 'starting',
  act: (client, path) => client.up(path),
  told: (status) => [told(status)],
  json: true,
});
