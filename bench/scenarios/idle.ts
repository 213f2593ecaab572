import { node } from '../contenders.js';
import type { Comparison, Goal, Scenario } from '../scenario.js';
import { smallProgram } from './processes.js';

/** What it costs to hold processes that do nothing, and to start them; against a Node program that holds the same. */
export function idle(): readonly Scenario[] {
  return [holding(1), holding(200)];
}

function holding(children: number): Scenario {
  const { what, small } = smallProgram();
  const measured = (who: string) => node('idle.mjs', who, children, 5000, ...small);
  const figure = (name: string, unit: string, of: string, goal?: Goal) => ({
    figure: `${name}, ${children} ${children === 1 ? 'process' : 'processes'}, ${what}`,
    unit,
    of,
    against: [raw(goal)],
  });
  const starts = figure('starts until all run', 'starts/s', 'startsPerSecond', { atLeast: 0.9 });
  return {
    rounds: 3,
    contenders: {
      treewarden: measured('treewarden'),
      'ownership: group': measured('ownership: group'),
      'raw spawn': measured('raw spawn'),
    },
    figures: [
      figure('resident memory', 'MiB', 'rssMiB', { atMost: 1.15 }),
      // The raw one may not wake up at all: then there is no ratio.
      { ...figure('wake-ups when idle', '1/s', 'wakeUpsPerSecond'), goal: { atMost: 1 } },
      { ...figure('processor when idle', 'ms/s', 'cpuMsPerSecond'), goal: { atMost: 1 } },
      ...(children > 1
        ? [starts, { ...starts, figure: `${starts.figure}, ownership: group`, whose: 'ownership: group' }]
        : []),
    ],
  };
}

function raw(goal: Goal | undefined): Comparison {
  return { role: 'floor', contender: 'raw spawn', ...(goal && { goal }) };
}
