import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compiledC, node } from '../contenders.js';
import type { Command, FigureSpec, Scenario } from '../scenario.js';

/** Processes against a bare loop of `spawn`: the replacement of a killed one, and the stop of very many. */
export function processes(): readonly Scenario[] {
  const { what, small, drain } = smallProgram();
  return [
    replacement(what, small, 30, 20, 1.1),
    replacement('a Node program', NODE_PROGRAM, 10, 60, 1.05),
    parallelStop(what, small, drain),
  ];
}

/** What each wrapper and the whole ownership add to a replacement. Those that this machine or user cannot have are left out. */
export function wrappers(): readonly Scenario[] {
  const { what, small } = smallProgram();
  const names = ['ownership: group', 'spawn helper', ...wrappersHere()];
  const measured = (who: string): Command => node('process-restart.mjs', who, 20, 20, ...small);
  const figure = (whose: string): FigureSpec => ({
    figure: `SIGKILL to the replacement's first byte, ${what}, ${whose === 'treewarden' ? 'as by default' : whose}`,
    unit: 'ms',
    of: 'ms',
    whose,
    against: [{ role: 'floor', contender: 'raw spawn' }],
  });
  return [
    {
      rounds: 5,
      contenders: contenders(['treewarden', ...names, 'raw spawn'], measured),
      figures: ['treewarden', ...names].map(figure),
    },
  ];
}

/** The same beside other supervisors that are installed. Their programs have run for more than a second, after which none of them waits. */
export function wardens(): readonly Scenario[] {
  const { what, small } = smallProgram();
  return [beside(what, small), beside('a Node program', NODE_PROGRAM)];
}

function beside(what: string, program: readonly string[]): Scenario {
  const peers = peersHere();
  const measured = (who: string): Command => node('process-restart.mjs', who, 4, 1200, ...program);
  return {
    rounds: 3,
    contenders: contenders(['treewarden', 'raw spawn', ...peers], measured),
    figures: [
      {
        figure: `SIGKILL to the replacement's first byte after 1.2 s, ${what}`,
        unit: 'ms',
        of: 'ms',
        against: [
          { role: 'floor', contender: 'raw spawn' },
          ...peers.map((contender) => ({
            role: 'peer' as const,
            contender,
            ...(contender === 'pm2' ? { goal: { atMost: 0.7 } } : {}),
          })),
        ],
      },
    ],
  };
}

function replacement(
  what: string,
  program: readonly string[],
  kills: number,
  uptimeMs: number,
  atMost: number,
): Scenario {
  const measured = (who: string): Command => node('process-restart.mjs', who, kills, uptimeMs, ...program);
  return {
    rounds: 5,
    contenders: contenders(['treewarden', 'raw spawn'], measured),
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
  const measured = (who: string): Command => node('process-stop.mjs', who, 100, program, drain, ...args);
  const figure = `stop of 100 processes that take 50 ms, ${what}`;
  const spec = { unit: 'ms', of: 'ms' };
  return {
    rounds: 5,
    contenders: contenders(['treewarden', 'ownership: group', 'raw kill'], measured),
    figures: [
      { ...spec, figure, against: [{ role: 'floor', contender: 'raw kill', goal: { atMost: 1.1 } }] },
      {
        ...spec,
        figure: `${figure}, ownership: group`,
        whose: 'ownership: group',
        against: [{ role: 'floor', contender: 'raw kill' }],
      },
    ],
  };
}

/** A program that says when it runs: in C, where there is a compiler. */
export function smallProgram(): {
  readonly what: string;
  readonly small: readonly string[];
  readonly drain: string;
} {
  const c = compiledC('says-when');
  return c === undefined
    ? { what: 'a shell script', small: ['/bin/sh', program('says-when.sh')], drain: '0.05' }
    : { what: 'a C program', small: [c], drain: '50' };
}

const NODE_PROGRAM: readonly string[] = [process.execPath, program('says-when.node.mjs')];

function contenders(
  names: readonly string[],
  measured: (who: string) => Command,
): Readonly<Record<string, Command>> {
  return Object.fromEntries(names.map((who) => [who, measured(who)]));
}

function wrappersHere(): readonly string[] {
  const isRoot = process.getuid?.() === 0;
  return [
    ...(isThere('prlimit') ? ['limits'] : []),
    ...(isRoot ? ['uid'] : []),
    ...(isThere('setpriv') ? ['parentDeathSignal'] : []),
    ...(isRoot && isThere('unshare') ? ['isolate.pid', 'isolate.ipc'] : []),
    ...(process.env['BENCH_CGROUP'] === undefined ? [] : ['isolate.cgroup']),
  ];
}

const PEERS = { s6: 's6-supervise', runit: 'runsv', daemontools: 'supervise', supervisord: 'supervisord' };

function peersHere(): readonly string[] {
  const hasPm2 = process.env['TREEWARDEN_BENCH_PM2'] !== undefined || isThere('pm2');
  const found = Object.entries(PEERS).flatMap(([name, file]) => (isThere(file) ? [name] : []));
  return [...found, ...(hasPm2 ? ['pm2'] : [])];
}

function isThere(file: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${file}`]).status === 0;
}

function program(name: string): string {
  return fileURLToPath(new URL(`../programs/${name}`, import.meta.url));
}
