import { node } from '../contenders.js';
import type { Scenario } from '../scenario.js';
import { smallProgram } from './processes.js';

const BIG_MIB = 1024;
const STARTS = 20;

/** Starts from a process with 1 GiB, by the spawn helper: against `spawn` of one that is as big, and of an empty one. */
export function bigParent(): readonly Scenario[] {
  return [starts('ignore', 'no streams'), starts('pipe', 'two streams')];
}

function starts(stdio: string, streams: string): Scenario {
  const { what, small } = smallProgram();
  const measured = (who: string, mib: number) => node('big-parent.mjs', who, mib, STARTS, stdio, ...small);
  const named = (name: string) => `${name} in a process of 1 GiB, ${what}, ${streams}`;
  return {
    rounds: 3,
    contenders: {
      treewarden: measured('treewarden', BIG_MIB),
      'without a helper': measured('without a helper', BIG_MIB),
      'raw spawn, 1 GiB': measured('raw spawn', BIG_MIB),
      'raw spawn, empty': measured('raw spawn', 0),
    },
    figures: [
      {
        figure: named('request to the first byte'),
        unit: 'ms',
        of: 'ms',
        against: [
          { role: 'floor', contender: 'raw spawn, empty', goal: { atMost: 1.5 } },
          { role: 'peer', contender: 'raw spawn, 1 GiB' },
          { role: 'peer', contender: 'without a helper' },
        ],
      },
      {
        figure: named('event loop busy for a start'),
        unit: 'ms',
        of: 'busyMs',
        against: [
          { role: 'peer', contender: 'raw spawn, 1 GiB', goal: { atMost: 0.1 } },
          { role: 'floor', contender: 'raw spawn, empty' },
        ],
      },
    ],
  };
}
