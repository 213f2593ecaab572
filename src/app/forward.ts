import type { Snapshot } from '../core/index.js';
import type { Supervisor } from '../runtime/index.js';
import { isAddressed, type SignalForward } from '../signals/index.js';

/** Hands a signal on to those children that it is for. Children without a process of their own are passed over. */
export function forwardSignal(
  root: Supervisor,
  signal: NodeJS.Signals,
  { forward, as }: SignalForward,
): void {
  for (const path of leavesOf(root.snapshot())) {
    const below = path.slice(root.path.length + 1);
    if (isAddressed(below, forward)) root.child(below).signal(as ?? signal);
  }
}

function leavesOf({ path, children }: Snapshot): readonly string[] {
  return children === undefined ? [path] : children.flatMap(leavesOf);
}
