import path from 'node:path';
import { inC, node, scratch, withPackage } from '../contenders.js';
import type { Comparison, Goal, Scenario } from '../scenario.js';

/** Uncontended locks, taken and let go: each implementation against C, and against what is used without one. */
export function locks(): readonly Scenario[] {
  const c = inC('C', 'locks-in-c', path.join(scratch, 'flocked'));
  return [mutex(c), semaphore(c), rwLock(c)];
}

type Contenders = Scenario['contenders'];

function mutex(c: Contenders): Scenario {
  return {
    rounds: 5,
    contenders: {
      ...withPackage('koffi', {
        treewarden: node('locks.mjs', 'mutex', 'pthread'),
        'treewarden, flock': node('locks.mjs', 'mutex', 'flock'),
      }),
      'treewarden, socket': node('locks.mjs', 'mutex', 'socket'),
      ...c,
      'O_EXCL file': node('locks.mjs', 'O_EXCL file'),
      ...withPackage('proper-lockfile', { 'proper-lockfile': node('locks.mjs', 'proper-lockfile') }),
    },
    figures: [
      {
        figure: 'mutex (pthread), tryLock() and release()',
        unit: 'ns',
        of: 'tryNs',
        against: [
          inLibc('mutexNs', { atMost: 4 }),
          { role: 'peer', contender: 'O_EXCL file' },
          { role: 'peer', contender: 'proper-lockfile', of: 'lockNs' },
        ],
      },
      {
        figure: 'mutex (pthread), await lock() and release()',
        unit: 'ns',
        of: 'lockNs',
        against: [inLibc('mutexNs'), { role: 'peer', contender: 'proper-lockfile' }],
      },
      {
        figure: 'mutex (flock), tryLock() and release()',
        unit: 'ns',
        whose: 'treewarden, flock',
        of: 'tryNs',
        against: [inLibc('flockNs'), { role: 'peer', contender: 'proper-lockfile', of: 'lockNs' }],
      },
      {
        figure: 'mutex (socket), tryLock() and release()',
        unit: 'ns',
        whose: 'treewarden, socket',
        of: 'tryNs',
        against: [
          { role: 'peer', contender: 'O_EXCL file' },
          { role: 'peer', contender: 'proper-lockfile', of: 'lockNs' },
        ],
      },
    ],
  };
}

function semaphore(c: Contenders): Scenario {
  return {
    rounds: 5,
    contenders: {
      ...withPackage('koffi', { treewarden: node('locks.mjs', 'semaphore', 'pthread') }),
      ...c,
    },
    figures: [
      {
        figure: 'semaphore (pthread), tryAcquire() and release()',
        unit: 'ns',
        of: 'tryNs',
        against: [inLibc('semaphoreNs')],
      },
    ],
  };
}

function rwLock(c: Contenders): Scenario {
  return {
    rounds: 5,
    contenders: { ...withPackage('koffi', { treewarden: node('locks.mjs', 'rw-lock', 'pthread') }), ...c },
    figures: [
      {
        figure: 'rw-lock (pthread), tryRead() and release()',
        unit: 'ns',
        of: 'readNs',
        against: [inLibc('readNs')],
      },
      {
        figure: 'rw-lock (pthread), tryWrite() and release()',
        unit: 'ns',
        of: 'writeNs',
        against: [inLibc('writeNs')],
      },
    ],
  };
}

function inLibc(of: string, goal?: Goal): Comparison {
  return { role: 'floor', contender: 'C', of, ...(goal === undefined ? {} : { goal }) };
}
