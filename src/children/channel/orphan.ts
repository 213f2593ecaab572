import type { ResolvedSettings } from '../../runtime/index.js';

/** How long a program may go on after its supervisor has died, in ms; `Infinity` without a limit. */
export function orphanMsOf({ drainMs, shutdown }: ResolvedSettings): number {
  if (shutdown === 'infinity') return Number.POSITIVE_INFINITY;
  return shutdown === 'brutal_kill' ? 0 : drainMs + shutdown;
}
