import { node, otp } from '../contenders.js';
import type { Goal, Scenario } from '../scenario.js';

/** An orderly stop of 10 000 idle tasks, with a stop report. An AbortSignal for each of them costs more than all the rest. */
export function stop(): readonly Scenario[] {
  return [
    stopOf('by drain hooks', 'treewarden', { atMost: 0.35 }),
    stopOf('by ctx.signal', 'treewarden signal', undefined),
  ];
}

function stopOf(how: string, who: string, goal: Goal | undefined): Scenario {
  return {
    rounds: 5,
    contenders: {
      treewarden: node('stop.mjs', who, 10_000, 0),
      'promise loop': node('stop.mjs', 'promise loop', 10_000, 0),
      ...otp('OTP one_for_one', 'stop', 10_000),
    },
    figures: [
      {
        figure: `orderly stop of 10000 tasks, ${how}`,
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
