import { inC, node, withPackage, withProgram } from '../contenders.js';
import type { Comparison, FigureSpec, Goal, Scenario } from '../scenario.js';

/** What a value costs its readers and its writer: in a snapshot cell, and in what is used instead. */
export function cells(): readonly Scenario[] {
  return [reads('1 KB', 1024, ONE_KB), reads('64 KB', 65_536, SIXTY_FOUR_KB), ...writes()];
}

/** The ratios that a feasibility study reached, as goals. */
interface ReadGoals {
  readonly mapped: Goals;
  readonly unchecked: Goals;
  readonly systemCalls: Goals;
  readonly parsed: Goals;
  readonly seen: Goals;
}

interface Goals {
  readonly c?: Goal;
  readonly file?: Goal;
  readonly redis?: Goal;
}

const ONE_KB: ReadGoals = {
  mapped: { c: { atLeast: 0.021 }, file: { atLeast: 12 }, redis: { atLeast: 200 } },
  unchecked: { c: { atLeast: 0.17 }, file: { atLeast: 93 }, redis: { atLeast: 1555 } },
  systemCalls: { file: { atLeast: 1.9 }, redis: { atLeast: 32 } },
  parsed: { file: { atLeast: 1.4 }, redis: { atLeast: 10 } },
  seen: { c: { atLeast: 0.98 }, file: { atLeast: 1000 }, redis: { atLeast: 7300 } },
};

const SIXTY_FOUR_KB: ReadGoals = {
  mapped: { c: { atLeast: 0.05 }, file: { atLeast: 0.83 }, redis: { atLeast: 17 } },
  unchecked: { c: { atLeast: 0.92 }, file: { atLeast: 15 }, redis: { atLeast: 315 } },
  systemCalls: { file: { atLeast: 0.59 }, redis: { atLeast: 12 } },
  parsed: { file: { atLeast: 1 }, redis: { atLeast: 1.9 } },
  seen: { c: { atLeast: 63 }, file: { atLeast: 30_000 }, redis: { atLeast: 58_000 } },
};

const UNCHECKED = 'treewarden, no checksum';
const SYSTEM_CALLS = 'treewarden, system calls';
const OUTSIDE = 'treewarden, from outside';

function reads(size: string, bytes: number, goals: ReadGoals): Scenario {
  return {
    rounds: 5,
    contenders: {
      ...withPackage('koffi', {
        treewarden: node('cell-reads.mjs', 'mapped', bytes),
        [UNCHECKED]: node('cell-reads.mjs', 'mapped, no checksum', bytes),
      }),
      [SYSTEM_CALLS]: node('cell-reads.mjs', 'system calls', bytes),
      [OUTSIDE]: node('cell-reads.mjs', 'from outside', bytes),
      ...inC('C seqlock', 'cell-in-c', bytes),
      'JSON file': node('cell-reads.mjs', 'JSON file', bytes),
      ...withProgram('redis-server', { 'Redis GET': node('cell-reads.mjs', 'Redis GET', bytes) }),
    },
    figures: [
      { ...readsOf(size, 'mapped'), against: against('perSecond', goals.mapped) },
      {
        ...readsOf(size, 'mapped, no checksum'),
        whose: UNCHECKED,
        against: against('perSecond', goals.unchecked),
      },
      {
        ...readsOf(size, 'by system calls'),
        whose: SYSTEM_CALLS,
        against: against('perSecond', goals.systemCalls),
      },
      { ...readsOf(size, 'snapshotReader'), whose: OUTSIDE, against: against('perSecond', {}) },
      {
        ...readsOf(size, 'mapped, and parsed'),
        of: 'parsedPerSecond',
        against: against('parsedPerSecond', goals.parsed),
      },
      {
        ...readsOf(size, 'mapped, the same value again'),
        of: 'seenPerSecond',
        against: against('parsedPerSecond', goals.seen),
      },
      {
        ...readsOf(size, 'mapped, into new memory'),
        of: 'newPerSecond',
        against: against('perSecond', {}),
      },
    ],
  };
}

function readsOf(size: string, how: string): FigureSpec {
  return { figure: `cell of ${size}, ${how}`, unit: 'reads/s', of: 'perSecond' };
}

/** C has no JSON to parse: what it copies is compared with whatever was made of it. */
function against(of: string, { c, file, redis }: Goals): readonly Comparison[] {
  return [
    { role: 'floor', contender: 'C seqlock', of: 'perSecond', ...(c === undefined ? {} : { goal: c }) },
    { role: 'peer', contender: 'JSON file', of, ...(file === undefined ? {} : { goal: file }) },
    { role: 'peer', contender: 'Redis GET', of, ...(redis === undefined ? {} : { goal: redis }) },
  ];
}

/** Processor time of the sender; a cell costs the same however many read it. */
function writes(): readonly Scenario[] {
  return [writesOf('1 KB', 1024), writesOf('64 KB', 65_536)];
}

function writesOf(size: string, bytes: number): Scenario {
  return {
    rounds: 5,
    contenders: {
      ...withPackage('koffi', { treewarden: node('cell-writes.mjs', 'cell', bytes) }),
      'child.send to 1 child': node('cell-writes.mjs', 'child.send', bytes, 1),
      'child.send to 8 children': node('cell-writes.mjs', 'child.send', bytes, 8),
    },
    figures: [
      {
        figure: `cell of ${size}, processor time of a write with its JSON`,
        unit: 'µs',
        of: 'cpuUs',
        against: [
          { role: 'peer', contender: 'child.send to 1 child' },
          { role: 'peer', contender: 'child.send to 8 children' },
        ],
      },
    ],
  };
}
