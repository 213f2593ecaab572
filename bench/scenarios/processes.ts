import { fileURLToPath } from 'node:url';
import { compiledC, node } from '../contenders.js';
import type { Scenario } from '../scenario.js';

/** Processes against a bare loop of `spawn`: the replacement of a killed one, and the stop of very many. */
export function processes(): readonly Scenario[] {
  const c = compiledC('says-when');
  const small = c === undefined ? ['/bin/sh', beside('says-when.sh')] : [c];
  const what = c === undefined ? 'a shell script' : 'a C program';
  return [
    replacement(what, small, 30, 20, 1.1),
    replacement('a Node program', [process.execPath, beside('says-when.node.mjs')], 10, 60, 1.05),
    parallelStop(what, small, c === undefined ? '0.05' : '50'),
  ];
}

function replacement(
  what: string,
  program: readonly string[],
  kills: number,
  uptimeMs: number,
  atMost: number,
): Scenario {
  const measured = (who: string) => node('process-restart.mjs', who, kills, uptimeMs, ...program);
  return {
    rounds: 5,
    contenders: { treewarden: measured('treewarden'), 'raw spawn': measured('raw spawn') },
    figures: [
      {
        figure: `SIGKILL to the replacement's first byte, ${what}`,
        unit: 'ms',
        of: 'ms',
        against: [{ role: 'floor', contender: 'raw spawn', goal: { atMost } }],
      },
    ],
  };
}

function parallelStop(what: string, [program = '', ...args]: readonly string[], drain: string): Scenario {
  const measured = (who: string) => node('process-stop.mjs', who, 100, program, drain, ...args);
  return {
    rounds: 5,
    contenders: { treewarden: measured('treewarden'), 'raw kill': measured('raw kill') },
    figures: [
      {
        figure: `stop of 100 processes that take 50 ms, ${what}`,
        unit: 'ms',
        of: 'ms',
        against: [{ role: 'floor', contender: 'raw kill', goal: { atMost: 1.1 } }],
      },
    ],
  };
}

function beside(program: string): string {
  return fileURLToPath(new URL(`../programs/${program}`, import.meta.url));
}
