import { CapabilityError } from '../../../core/index.js';
import type { SpawnPlan } from '../spawned.js';

/** What the helper is to give a program as its descriptors 0 to 2: nothing, what it has itself, or a stream of ours. */
export type CarriedStream = 'ignore' | 'inherit' | 'pipe';

/** The descriptors 0 to 2 of a plan, where the helper can give the program all that it is to have; else what is missing. */
export function carried(plan: SpawnPlan, child: string): readonly CarriedStream[] | CapabilityError {
  const { stdio } = plan.options;
  if (!Array.isArray(stdio)) return lacks('descriptors', child, NO_DESCRIPTORS);
  if (stdio.includes('ipc')) return lacks('ipc', child, NO_CHANNEL);
  if (stdio.length > 3 || !stdio.every(isCarried)) return lacks('descriptors', child, NO_DESCRIPTORS);
  return stdio;
}

/** The rights and identity that a program inherits, by which it would differ if the helper started it. */
export function identityOfOurs(): string {
  const { getuid, geteuid, getgid, getegid, getgroups } = process;
  return [getuid?.(), geteuid?.(), getgid?.(), getegid?.(), ...(getgroups?.() ?? [])].join(' ');
}

export function lacks(what: string, child: string, advice: string): CapabilityError {
  return new CapabilityError(`spawn-helper:${what}`, `The start of "${child}" by the spawn helper`, advice);
}

const NO_CHANNEL = 'only the process that starts a program can have a channel to it. It is started directly.';
const NO_DESCRIPTORS =
  'descriptors of this process, such as a lock, a file or the status of a launcher, cannot be handed on by it. It is started directly.';

function isCarried(stream: unknown): stream is CarriedStream {
  return stream === 'ignore' || stream === 'inherit' || stream === 'pipe';
}
