// What is said at the end, as lines.

import type { Outcome, StopReport } from 'treewarden';
import type { Verdict } from './check.js';
import type { Chronicle } from './chronicle.js';
import type { Totals } from './jobs.js';
import type { Progress } from './progress.js';
import { grouped, seconds } from './view.js';

export interface Times {
  readonly workMs: number;
  readonly checkMs: number;
}

/** The check, line by line, and the word at its end. */
export function verdictLines(verdict: Verdict, { workMs, checkMs }: Times): readonly string[] {
  const { jobs, done, lost, twice, wrong, changed, unknown, expected, counted, passed } = verdict;
  return [
    `${grouped(jobs)} jobs in ${seconds(workMs)}; checked against a plain single-threaded count in ${seconds(checkMs)}`,
    line(
      'jobs',
      `${grouped(done)} done of ${grouped(jobs)}, ${lost.length} lost, ${twice.length} done twice`,
    ),
    line(
      'outcomes',
      `${wrong.length} wrong, ${unknown.length} of unknown jobs; ${counted.unreadable} files unreadable, ${changed.length} changed meanwhile`,
    ),
    line('bytes', comparison(expected, counted, 'bytes')),
    line('lines', comparison(expected, counted, 'lines')),
    ...[
      ['lost', lost] as const,
      ['done twice', twice] as const,
      ['wrong', wrong] as const,
      ['unknown', unknown] as const,
      ['changed', changed] as const,
    ].flatMap(([what, ids]) => (ids.length === 0 ? [] : [line(what, examplesOf(ids))])),
    line('verdict', passed ? 'every job done exactly once' : 'FAILED'),
  ];
}

/** What chaos did, and what the tree made of it. */
export function chaosLines({ strikes, exits, restarts }: Chronicle, seed: number): readonly string[] {
  return [
    line('chaos', strikes.size === 0 ? 'none' : `${countsOf(strikes)} (--seed ${seed})`),
    line('restarts', `${restarts} survived${exits.size === 0 ? '' : `: ${countsOf(exits)}`}`),
  ];
}

/** How the stop went: as a whole, then the children that took part, slowest first. */
export function stopLines(report: StopReport): readonly string[] {
  const { tookMs, graceMs, children, survivors, failures } = report;
  const outlived = survivors.map(({ child, why }) => `${child} outlived it: ${why}`);
  const failed = failures.map(({ subject, message }) => `${subject} ${message}`);
  return [
    line('stop', `${ms(tookMs)} of ${ms(graceMs)}, ${survivors.length} survivors`),
    ...children.map(({ child, steps, tookMs }) => {
      const parts = Object.entries(steps).map(([step, stepMs]) => `${step} ${ms(stepMs)}`);
      return line('', `${child.padEnd(28)} ${ms(tookMs).padStart(9)}  ${parts.join(', ')}`.trimEnd());
    }),
    ...[...outlived, ...failed].map((trouble) => line('', trouble)),
  ];
}

/** What a run that did not come to its end has left undone. */
export function leftLines(outcome: Outcome, { done, total }: Progress, kept: boolean): readonly string[] {
  const by = outcome.type === 'stopped' ? outcome.by : 'nobody';
  return [
    `interrupted by ${by}: ${grouped(done)} of ${grouped(total)} jobs done, ${grouped(total - done)} left`,
    ...(kept ? [] : [line('queue', 'removed; with --keep it could be gone on with')]),
  ];
}

function comparison(expected: Totals, counted: Totals, what: 'bytes' | 'lines'): string {
  const same = expected[what] === counted[what];
  return `${grouped(counted[what])}${same ? ', as it should be' : ` instead of ${grouped(expected[what])}`}`;
}

function examplesOf(ids: readonly string[]): string {
  return ids.length <= 5 ? ids.join(', ') : `${ids.slice(0, 5).join(', ')} and ${ids.length - 5} more`;
}

function countsOf(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([what, count]) => `${count} ${what}`).join(', ');
}

function ms(duration: number): string {
  return `${grouped(duration)} ms`;
}

function line(what: string, text: string): string {
  return `  ${what.padEnd(10)} ${text}`.trimEnd();
}
