/** What the last shell before a program does. */
export interface LastSteps {
  readonly statusFd: number;
  /** What is set by the shell itself. */
  readonly lines: readonly string[];
  /** The process whose death is to be told by a signal: if it has died before that was arranged, nothing is started. */
  readonly parent: number | undefined;
  /** Variables that it would hand on of its own. */
  readonly unset: readonly string[];
  /** Whether it looks for the program first: where others have the descriptor, too, its close would tell nobody that the program runs. */
  readonly looks: boolean;
}

/**
 * Says `ok`, and becomes the program; if that fails it says `failed` and the status by which shells tell why. The program has the descriptor no more: it is closed
 * for the command alone, so that the shell has it again where there is no such program. bash would end at once, without its trap having the descriptor.
 */
export function lastScript({ statusFd, lines, parent, unset, looks }: LastSteps): string {
  return [
    ...(looks ? [`exec 2>&${statusFd + 1} ${statusFd + 1}>&-`] : []),
    ...lines,
    ...(parent === undefined ? [] : [`[ "$PPID" = ${parent} ] || exit 1`]),
    ...(unset.length === 0 ? [] : [`unset ${unset.join(' ')}`]),
    `trap 'echo "failed $?" >&${statusFd}' 0`,
    'command -v shopt >/dev/null && shopt -s execfail',
    ...(looks ? [LOOK] : []),
    `echo ok >&${statusFd}`,
    `{ exec "$@"; } ${statusFd}>&-`,
  ].join('\n');
}

const LOOK = `case $1 in
*/*) [ -e "$1" ] || exit 127; [ -f "$1" ] && [ -x "$1" ] || exit 126 ;;
*) command -v -- "$1" >/dev/null || exit 127 ;;
esac`;

/** Puts itself into a control group, its first argument, and becomes the rest of them. */
export const PLACE_SCRIPT = 'echo 0 >"$1/cgroup.procs" && shift && exec "$@"';

/**
 * Runs in a process whose children are born into a new pid namespace, and makes the first of them its process 1, which takes on the orphans there, ignores every
 * signal, and ends, and with it all of the namespace, when this program closes the descriptor or dies. Then it becomes what waits for the program: the second
 * process there, so that signals have their default action in it, and its wait status is passed on as it is. What the wrappers beyond it complain of is said on the
 * descriptor; the program's own stderr is kept on the next one for the last shell.
 *
 * @param ignored - a signal that is for the program, and would end whoever waits for it
 */
export function namespaceScript(statusFd: number, ignored: string | undefined): string {
  return [
    `( trap '' HUP INT QUIT TERM USR1 USR2 ALRM PIPE WINCH; ( read -r _ <&${statusFd} ) & wait ) </dev/null >/dev/null 2>&1 &`,
    ...(ignored === undefined ? [] : [`trap '' ${ignored}`]),
    `exec ${statusFd + 1}>&2 2>&${statusFd}`,
    'exec "$@"',
  ].join('\n');
}
