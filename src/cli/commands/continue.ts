import { steeringCommand } from '../steering.js';
import type { TreeCommand } from '../tree-command.js';

/** Let children go on that were suspended. */
export const resume: TreeCommand = steeringCommand<void>({
  name: 'continue',
  summary: 'let children go on that were suspended',
  doing: 'continuing',
  act: (client, path) => client.continue(path),
  told: () => ['goes on'],
});
