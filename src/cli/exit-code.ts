/**
 * How the program ends. The numbers are stable: scripts may rely on them. `run` also ends by the signal that stopped it.
 */
export const EXIT = {
  /** It did what was asked, and there is nothing to complain of. */
  ok: 0,
  /** It could not do what was asked, or what it ran has failed; stderr says why. */
  failed: 1,
  /** The command line was wrong: an unknown command or option, a value missing. Nothing was done. */
  usage: 2,
  /** It looked, and something should be done: there is something to reclaim. */
  findings: 3,
  /** It reclaimed, and something was left: stderr says what and why. */
  incomplete: 4,
  /** There is no such tree or child, or several trees and none of them was named. Nothing was done. */
  notFound: 5,
  /** What was waited for has not happened in time. */
  timedOut: 6,
  /** `ok` looked: it does not run. The same number as of daemontools' `svok`. */
  notRunning: 100,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** For `--help`: what each number means, in a line. */
export const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  0: 'done, nothing to complain of',
  1: 'could not be done, or has failed; stderr says why',
  2: 'the command line was wrong; nothing was done',
  3: 'something was found that should be reclaimed',
  4: 'reclaimed, but something was left',
  5: 'no such tree or child, or several trees to choose from',
  6: 'what was waited for has not happened in time',
  100: 'it does not run (of ok)',
};
