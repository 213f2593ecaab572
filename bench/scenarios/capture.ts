import { compiledC, node } from '../contenders.js';
import type { Scenario } from '../scenario.js';

/** Captured lines, each a string for somebody who follows it, against what a program would write by hand; needs a C compiler. */
export function capture(): readonly Scenario[] {
  const program = compiledC('writes-lines');
  if (program === undefined) return [];
  return [
    lines('64 KiB writes', 5_000_000, 'whole', program),
    lines('a write for each line', 1_000_000, 'each', program),
  ];
}

function lines(how: string, count: number, writes: string, program: string): Scenario {
  const measured = (who: string) => node('capture.mjs', who, count, writes, program);
  const names = ['treewarden', 'log file', 'splitter', 'readline'];
  return {
    rounds: 5,
    contenders: Object.fromEntries(names.map((who) => [who, measured(who)])),
    figures: [
      {
        figure: `captured lines of 100 bytes, ${how}`,
        unit: 'lines/s',
        of: 'linesPerSecond',
        against: [
          { role: 'floor', contender: 'splitter', goal: { atLeast: 0.8 } },
          { role: 'peer', contender: 'readline' },
        ],
      },
      {
        figure: `lines of 100 bytes into a log file, ${how}`,
        unit: 'lines/s',
        of: 'linesPerSecond',
        whose: 'log file',
        against: [{ role: 'floor', contender: 'splitter' }],
      },
    ],
  };
}
