import { node, withPackage } from '../contenders.js';
import type { Scenario } from '../scenario.js';

/** After a `kill -9`: how soon everything is released, and what the guardian that does it costs until then. */
export function release(): readonly Scenario[] {
  if (process.platform !== 'linux') return [];
  return [killed(), guardianStart(), registryOpen(), kinds()];
}

function killed(): Scenario {
  return {
    rounds: 3,
    contenders: withPackage('koffi', {
      treewarden: node('release.mjs', 'ten', 7),
      'treewarden, mixed': node('release.mjs', 'mixed', 7),
    }),
    figures: [
      {
        figure: 'SIGKILL of the host to everything released, 5 System V segments and 5 semaphore sets',
        unit: 'ms',
        of: 'ms',
        goal: { atMost: 15 },
      },
      {
        figure: 'the same, with POSIX memory, a file and 2 process groups as well',
        unit: 'ms',
        whose: 'treewarden, mixed',
        of: 'ms',
      },
      { figure: 'guardian, resident memory', unit: 'KiB', of: 'rssKib', goal: { atMost: 2048 } },
      { figure: 'guardian, its share of memory (PSS)', unit: 'KiB', of: 'pssKib' },
      { figure: 'guardian, memory of its own', unit: 'KiB', of: 'privateKib' },
    ],
  };
}

function guardianStart(): Scenario {
  return {
    rounds: 15,
    contenders: {
      treewarden: node('guardian-start.mjs', 'treewarden'),
      'bare sh': node('guardian-start.mjs', 'bare sh'),
    },
    figures: [
      {
        figure: 'first acquire to a guardian that watches',
        unit: 'ms',
        of: 'ms',
        against: [{ role: 'floor', contender: 'bare sh' }],
      },
    ],
  };
}

function registryOpen(): Scenario {
  return {
    rounds: 9,
    contenders: {
      treewarden: node('registry-open.mjs', 'nothing'),
      ...withPackage('koffi', { 'treewarden, ten left': node('registry-open.mjs', 'ten') }),
    },
    figures: [
      { figure: 'open of a registry in a cold process', unit: 'ms', of: 'ms' },
      {
        figure: 'the same, where 10 resources of a dead host and guardian are to be reclaimed',
        unit: 'ms',
        whose: 'treewarden, ten left',
        of: 'ms',
      },
    ],
  };
}

const KINDS: readonly string[] = [
  'mutex',
  'rw-lock',
  'semaphore',
  'snapshot-cell',
  'anonymous memory',
  'POSIX memory',
  'private segment',
  'semaphore set',
  'POSIX semaphore',
  'file lock',
  'temporary file',
  'temporary directory',
  'Unix socket',
];

function kinds(): Scenario {
  return {
    rounds: 1,
    contenders: withPackage('koffi', { treewarden: node('kinds.mjs') }),
    figures: KINDS.map((kind) => ({ figure: `acquire and release, ${kind}`, unit: 'µs', of: kind })),
  };
}
