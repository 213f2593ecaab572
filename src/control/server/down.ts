import { ControlError, type StopObstacle } from '../../core/index.js';
import type { Child } from '../../runtime/index.js';
import type { DownReport } from '../client.js';
import type { Call } from './call.js';
import { childAt, isWithin, type ServedTree } from './tree.js';

/** Stops a child, and notes what stood in the way of its end, and of the ends of those below it. */
export async function down({ root, clock }: ServedTree, path: string, call: Call): Promise<DownReport> {
  const child = childAt(root, path);
  const begunAtMs = clock.now();
  const obstacles: StopObstacle[] = [];
  call.defer(
    root.on('child:stopping', (event) => {
      if (isWithin(event.child, child.path)) obstacles.push(...(event.obstacles ?? []));
    }),
  );
  await child.stop();
  return { child: child.path, tookMs: clock.now() - begunAtMs, obstacles };
}

/** The child at a path, if it may be started again once it is stopped. @throws ControlError where it would be forgotten instead */
export function restartable({ root }: ServedTree, path: string): Child {
  const child = childAt(root, path);
  const above = child.path.slice(0, child.path.lastIndexOf('/'));
  const supervisor = above === root.path ? root : root.child(above.slice(root.path.length + 1)).supervisor;
  const isInstance = supervisor?.snapshot().strategy === 'dynamic';
  if (!isInstance && child.spec.restart !== 'temporary') return child;
  const kind = isInstance ? 'an instance of a dynamic supervisor' : 'temporary';
  throw new ControlError(
    'not-supported',
    `"${child.path}" is ${kind}: once it is stopped it is forgotten, and cannot be started again. Stop it by "down", and have the program start another.`,
  );
}
