import { node, otp } from '../contenders.js';
import type { Scenario } from '../scenario.js';

const MS = 3000;

/**
 * Three seconds of crashes on 1 000 children. OTP 25 counts its list of past restarts at every one. The goal against OTP stands for twice
 * the rate of suture (Go), which made 50 times OTP's where both were measured.
 */
export function sustained(): readonly Scenario[] {
  return [
    {
      rounds: 3,
      contenders: {
        treewarden: node('sustained.mjs', 'treewarden', 1000, MS),
        'promise loop': node('sustained.mjs', 'promise loop', 1000, MS),
        ...otp('OTP one_for_one', 'sustained', 1000, MS),
      },
      figures: [
        {
          figure: 'restarts, 3 s on 1000 children',
          unit: 'restarts/s',
          of: 'perSecond',
          against: [
            { role: 'floor', contender: 'promise loop' },
            { role: 'peer', contender: 'OTP one_for_one', goal: { atLeast: 50 } },
          ],
        },
      ],
    },
  ];
}
