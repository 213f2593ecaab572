import { steeringCommand } from '../steering.js';
import type { TreeCommand } from '../tree-command.js';

/** Suspend all processes of children, until continue. */
export const pause: TreeCommand = steeringCommand<void>({
  name: 'pause',
  summary: 'suspend all processes of children, until continue',
  doing: 'pausing',
  act: (client, path) => client.pause(path),
  told: () => ['paused'],
});
