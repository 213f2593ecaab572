import type { SupervisionEvent } from '../../core/index.js';
import type { Supervisor } from '../../runtime/index.js';
import type { ToldEvent } from '../client.js';
import type { StreamCall } from './call.js';
import { fullPath, isWithin, nodeAt } from './tree.js';

/** Tells what happens at a path and below, until the stream is ended from outside. @throws UnknownChildError */
export function tellEvents(
  root: Supervisor,
  path: string | undefined,
  call: StreamCall<ToldEvent>,
): Promise<null> {
  nodeAt(root, path);
  const node = fullPath(root, path);
  call.defer(
    root.on('*', (event) => {
      if (node === root.path || isWithin(pathOf(event), node)) call.tell(event);
    }),
  );
  return new Promise(() => undefined);
}

/** Whom an event is about; nobody in particular, where it is about the program. */
export function pathOf(event: SupervisionEvent): string {
  if ('child' in event && event.type !== 'supervisor:gave-up' && event.type !== 'supervisor:auto-shutdown')
    return event.child;
  return 'supervisor' in event ? event.supervisor : '';
}
