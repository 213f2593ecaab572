import type { StopReport } from '../core/index.js';
import { type Clock, type Supervisor, systemClock } from '../runtime/index.js';
import { type ControlOptions, checkControlOptions } from './options.js';
import { controlDirectory, socketPath } from './place.js';

/** How a tree is served. */
export interface ServeOptions extends ControlOptions {
  /** How it is stopped when somebody asks for that. @defaultValue `root.stop()` */
  readonly stop?: ((graceMs?: number) => Promise<StopReport>) | undefined;
  readonly clock?: Clock | undefined;
}

/** A tree that can be asked. */
export interface ControlServer extends AsyncDisposable {
  /** Its socket. */
  readonly path: string;
  /** Answers those who wait, ends all connections, and removes the socket. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Serves a tree at a Unix socket of this user's, so that it can be seen and steered from another process: `supervise()` does it by its option `control`.
 * Ends with the tree, and keeps no program running.
 *
 * @throws InvalidSpecError for an option that is wrong
 * @throws ControlError `'in-use'`, `'not-private'` or `'not-reachable'` if it cannot listen there; nothing is left of it then
 */
export async function serve(root: Supervisor, options: ServeOptions = {}): Promise<ControlServer> {
  checkControlOptions(options);
  const { stop = (graceMs) => root.stop(graceMs === undefined ? {} : { graceMs }), clock = systemClock } =
    options;
  const { path = socketPath(options.directory ?? controlDirectory(), options.name ?? root.id) } = options;
  const { Listener } = await import('./server/server.js');
  const listener = new Listener({ root, clock, stop });
  await listener.open(path);
  const close = (): Promise<void> => listener.close();
  void root.done.then(close);
  return { path, close, [Symbol.asyncDispose]: close };
}
