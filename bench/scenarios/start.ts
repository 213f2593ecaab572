import { node, otp } from '../contenders.js';
import type { Goal, Scenario } from '../scenario.js';

/** From nothing to a running tree in a cold process: specs made and checked, every child started and ready. */
export function start(): readonly Scenario[] {
  return [coldStart(1000, 5), coldStart(10_000, 5, { atMost: 0.5 }), coldStart(100_000, 3)];
}

function coldStart(n: number, rounds: number, goal?: Goal): Scenario {
  return {
    rounds,
    contenders: {
      treewarden: node('start.mjs', 'treewarden', n),
      'promise loop': node('start.mjs', 'promise loop', n),
      ...otp('OTP one_for_one', 'start', n),
    },
    figures: [
      {
        figure: `cold start of ${n} tasks`,
        unit: 'ms',
        of: 'ms',
        against: [
          { role: 'floor', contender: 'promise loop' },
          { role: 'peer', contender: 'OTP one_for_one', ...(goal === undefined ? {} : { goal }) },
        ],
      },
    ],
  };
}
