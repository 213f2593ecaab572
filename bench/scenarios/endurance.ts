import { node } from '../contenders.js';
import type { Scenario } from '../scenario.js';

/**
 * 100 000 restarts leave nothing behind: no listener, and on the heap less than a byte for each.
 */
export function endurance(): readonly Scenario[] {
  return [
    {
      rounds: 1,
      contenders: { treewarden: node('endurance.mjs', 100_000) },
      figures: [
        {
          figure: 'heap growth over 100000 restarts',
          unit: 'bytes/restart',
          of: 'grownBytesPerRestart',
          goal: { atMost: 1 },
        },
        {
          figure: 'process listeners added by 100000 restarts',
          unit: 'listeners',
          of: 'listenersAdded',
          goal: { atMost: 0 },
        },
      ],
    },
  ];
}
