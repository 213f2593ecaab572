import { node, otp } from '../contenders.js';
import type { Scenario } from '../scenario.js';

/** One of 1 000 children crashes; the others are stopped one after another, and all are started again. */
export function oneForAll(): readonly Scenario[] {
  return [
    {
      rounds: 7,
      contenders: {
        treewarden: node('one-for-all.mjs', 'treewarden', 1000),
        'promise loop': node('one-for-all.mjs', 'promise loop', 1000),
        ...otp('OTP one_for_all', 'one_for_all', 1000),
      },
      figures: [
        {
          figure: 'one_for_all restart of 1000 children',
          unit: 'ms',
          of: 'ms',
          against: [
            { role: 'floor', contender: 'promise loop' },
            { role: 'peer', contender: 'OTP one_for_all', goal: { atMost: 0.25 } },
          ],
        },
      ],
    },
  ];
}
