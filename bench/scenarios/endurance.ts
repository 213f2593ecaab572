import { node } from '../contenders.js';
import type { Scenario } from '../scenario.js';

/**
 * 100 000 restarts leave nothing behind: no listener, and on the heap less than the smallest object for each. (What the compiler learns meanwhile is a
 * byte or so.)
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
          goal: { atMost: 8 },
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
