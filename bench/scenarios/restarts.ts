import { node, otp } from '../contenders.js';
import type { Comparison, FigureSpec, Goal, Scenario } from '../scenario.js';

const FLOOR: Comparison = { role: 'floor', contender: 'promise loop' };

/**
 * Restarts per second in trees of growing size: one child crashes, and the next once it is running again. Events and intensity are on. OTP's
 * burst is of 1 000 crashes, its best: with more, its list of past restarts slows it.
 */
export function restarts(): readonly Scenario[] {
  return [
    comparison(10, 5, { atLeast: 2 }),
    comparison(1000, 5),
    comparison(10_000, 5, { atLeast: 15 }, { atLeast: 3 }),
    comparison(100_000, 3),
    sizes(),
  ];
}

function comparison(n: number, rounds: number, goal?: Goal, simpleGoal?: Goal): Scenario {
  const bursts = n > 10_000 ? 300 : 1000;
  return {
    rounds,
    contenders: {
      treewarden: node('restarts.mjs', 'treewarden', n, 20_000),
      'promise loop': node('restarts.mjs', 'promise loop', n, 20_000),
      ...otp('OTP one_for_one', 'restarts', n, bursts),
      ...otp('OTP simple_one_for_one', 'restarts_simple', n, bursts),
    },
    figures: [
      restartsAt(n, [FLOOR, peer('OTP one_for_one', goal), peer('OTP simple_one_for_one', simpleGoal)]),
      { ...restartsAt(n, [peer('OTP one_for_one')], ', the first 1 000 of a process'), of: 'firstPerSecond' },
    ],
  };
}

function restartsAt(n: number, against: readonly Comparison[], which = ''): FigureSpec {
  return { figure: `restarts, ${n} children${which}`, unit: 'restarts/s', of: 'perSecond', against };
}

function peer(contender: string, goal?: Goal): Comparison {
  return { role: 'peer', contender, of: 'perSecond', ...(goal === undefined ? {} : { goal }) };
}

/** A crash should cost the same however many siblings there are. */
function sizes(): Scenario {
  return {
    rounds: 3,
    contenders: {
      treewarden: node('restarts.mjs', 'treewarden', 100_000, 20_000),
      'treewarden, 10 children': node('restarts.mjs', 'treewarden', 10, 20_000),
    },
    figures: [
      {
        ...restartsAt(100_000, [
          { role: 'peer', contender: 'treewarden, 10 children', goal: { atLeast: 0.3 } },
        ]),
      },
    ],
  };
}
