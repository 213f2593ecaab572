import { node } from '../contenders.js';
import type { Scenario } from '../scenario.js';

const MS = 3000;

/** A task that fails as soon as it starts: the rest of the program must go on. */
export function crashLoop(): readonly Scenario[] {
  return [
    {
      rounds: 3,
      contenders: {
        treewarden: node('crash-loop.mjs', 'treewarden', MS),
        'yielding loop': node('crash-loop.mjs', 'yielding loop', MS),
      },
      figures: [
        {
          figure: 'worst delay of a 1 ms timer during a crash loop',
          unit: 'ms',
          of: 'worstDelayMs',
          goal: { atMost: 10 },
          against: [{ role: 'floor', contender: 'yielding loop' }],
        },
        {
          figure: 'restarts during a crash loop',
          unit: 'restarts/s',
          of: 'perSecond',
          against: [{ role: 'floor', contender: 'yielding loop' }],
        },
      ],
    },
  ];
}
