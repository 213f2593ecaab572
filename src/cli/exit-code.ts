/**
 * How the program ends. The numbers are stable: scripts may rely on them.
 */
export const EXIT = {
  /** It did what was asked, and there is nothing to complain of. */
  ok: 0,
  /** It could not do what was asked; stderr says why. */
  failed: 1,
  /** The command line was wrong: an unknown command or option, a value missing. Nothing was done. */
  usage: 2,
  /** It looked, and something should be done: there is something to reclaim. */
  findings: 3,
  /** It reclaimed, and something was left: stderr says what and why. */
  incomplete: 4,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** For `--help`: what each number means, in a line. */
export const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  0: 'done, nothing to complain of',
  1: 'could not be done; stderr says why',
  2: 'the command line was wrong; nothing was done',
  3: 'something was found that should be reclaimed',
  4: 'reclaimed, but something was left',
};
