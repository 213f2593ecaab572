import { EXIT } from '../exit-code.js';
import { readSignal, SIGNALS } from '../option-values.js';
import { steer } from '../steering.js';
import { type TreeCommand, treeCommand } from '../tree-command.js';

/** Sends a signal. */
export const signal: TreeCommand = treeCommand({
  name: 'signal',
  summary: 'send a signal to the processes of children: treewarden signal HUP mail',
  details: [
    'SIGKILL and SIGTERM end a child as anybody else could: it is restarted. To stop it, use treewarden down.',
  ],
  operands: {
    usage: '<signal> [child...]',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    complete: [SIGNALS.map((name) => name.slice(3)), 'children'],
  },
  options: {},
  async ask(client, values, terminal) {
    const [name = '', ...children] = values.operands;
    const sent = readSignal(name);
    await steer(
      client,
      children,
      {
        doing: 'signalling',
        act: (tree, path) => tree.signal(path, sent),
        told: () => [`sent ${sent}`],
      },
      terminal,
    );
    return EXIT.ok;
  },
});
