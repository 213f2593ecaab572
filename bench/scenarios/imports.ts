import { node } from '../contenders.js';
import type { Goal, Scenario } from '../scenario.js';

/** What an import costs, against a process that imports nothing, and against the Node modules that any supervisor of processes needs. */
export function imports(): readonly Scenario[] {
  return [
    importOf('index', { atMost: 1.15 }, { atMost: 1.5 }),
    importOf('child', { atMost: 1.15 }),
    importOf('resources'),
  ];
}

function importOf(entry: string, startGoal?: Goal, heapGoal?: Goal): Scenario {
  const name = entry === 'index' ? 'treewarden' : `treewarden/${entry}`;
  return {
    rounds: 15,
    contenders: {
      treewarden: node('import.mjs', entry),
      'bare Node': node('import.mjs', 'nothing'),
      'Node modules': node('import.mjs', 'node modules'),
    },
    figures: [
      {
        figure: `start of a process that imports ${name}`,
        unit: 'ms',
        of: 'startMs',
        against: [{ role: 'floor', contender: 'bare Node', ...goal(startGoal) }],
      },
      {
        figure: `import of ${name}`,
        unit: 'ms',
        of: 'importMs',
        against: [{ role: 'floor', contender: 'Node modules' }],
      },
      {
        figure: `heap after the import of ${name}`,
        unit: 'bytes',
        of: 'heapBytes',
        against: [{ role: 'floor', contender: 'Node modules', ...goal(heapGoal) }],
      },
    ],
  };
}

function goal(goal: Goal | undefined): { readonly goal?: Goal } {
  return goal === undefined ? {} : { goal };
}
