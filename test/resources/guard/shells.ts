import { spawnSync } from 'node:child_process';

/** The shells that the guardian has to run in, as far as they are installed here. */
export const SHELLS: readonly (readonly [string, ...string[]])[] = (
  [['dash'], ['busybox', 'ash'], ['bash', '--posix']] as const
).filter(([file, ...args]) => spawnSync(file, [...args, '-c', 'exit 7']).status === 7);
