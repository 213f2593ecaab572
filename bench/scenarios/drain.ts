import { node, otp } from '../contenders.js';
import type { Scenario } from '../scenario.js';

const DRAIN_MS = 10;

/** Independent children drain together: a stop takes as long as its longest drain. */
export function drain(): readonly Scenario[] {
  return [
    {
      rounds: 5,
      contenders: {
        treewarden: node('stop.mjs', 'treewarden', 1000, DRAIN_MS),
        'promise loop': node('stop.mjs', 'promise loop', 1000, DRAIN_MS),
        ...otp('OTP simple_one_for_one', 'drain', 1000, DRAIN_MS),
      },
      figures: [
        {
          figure: 'stop of 1000 tasks that drain for 10 ms',
          unit: 'ms',
          of: 'ms',
          goal: { atMost: 1.5 * DRAIN_MS },
          against: [
            { role: 'floor', contender: 'promise loop' },
            { role: 'peer', contender: 'OTP simple_one_for_one' },
          ],
        },
      ],
    },
  ];
}
