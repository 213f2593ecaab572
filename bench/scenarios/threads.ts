import { node } from '../contenders.js';
import type { Scenario } from '../scenario.js';

/** A thread that exits, against a bare loop of `new Worker`. */
export function threads(): readonly Scenario[] {
  return [
    {
      rounds: 5,
      contenders: {
        treewarden: node('thread-restart.mjs', 'treewarden', 15),
        'raw worker': node('thread-restart.mjs', 'raw worker', 15),
      },
      figures: [
        {
          figure: "exit of a thread to the replacement's first message",
          unit: 'ms',
          of: 'ms',
          against: [{ role: 'floor', contender: 'raw worker', goal: { atMost: 1.1 } }],
        },
      ],
    },
  ];
}
