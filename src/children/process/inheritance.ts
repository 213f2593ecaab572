import type { ProcessLaunch } from './process-launch.js';

/** What a program inherits beside its standard streams and its channel. */
export interface Inheritance {
  /** Descriptors of this process and pipes, in the order in which it has them. */
  readonly inherited: readonly (number | 'pipe' | 'ignore')[];
  /** Where it has the pipe by which a program in the background is followed; undefined for any other program. */
  readonly lifelineFd: number | undefined;
}

/** What a program inherits: what was placed for it, then its lock, then its lifeline. */
export function inheritanceOf(launch: ProcessLaunch, lockFd: number | undefined): Inheritance {
  const { background = false, channel } = launch;
  const inherited = [
    ...placed(launch),
    ...(lockFd === undefined ? [] : [lockFd]),
    ...(background ? ['pipe' as const] : []),
  ];
  const firstFd = channel === undefined ? 3 : 4;
  return { inherited, lifelineFd: background ? firstFd + inherited.length - 1 : undefined };
}

/** Its own descriptors, in their places; between them there is nothing to be had. */
function placed({ descriptors = {} }: ProcessLaunch): readonly (number | 'pipe' | 'ignore')[] {
  const last = Math.max(2, ...Object.keys(descriptors).map(Number));
  return Array.from({ length: last - 2 }, (_, index) => descriptors[index + 3] ?? 'ignore');
}
