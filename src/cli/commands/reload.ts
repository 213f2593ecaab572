import { steeringCommand } from '../steering.js';
import type { TreeCommand } from '../tree-command.js';

/** Have children read their settings anew, by the reloadSignal of each. */
export const reload: TreeCommand = steeringCommand<void>({
  name: 'reload',
  summary: 'have children read their settings anew, by the reloadSignal of each',
  doing: 'reloading',
  act: (client, path) => client.reload(path),
  told: () => ['asked to reload'],
});
