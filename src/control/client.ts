import type { ChildPath, Snapshot, StopObstacle, SupervisionEvent } from '../core/index.js';
import type { OutputLine, Usage } from '../runtime/index.js';

/**
 * A running tree, steered from another process: what `connect()` gives, and what the program `treewarden` is made of. Each call resolves once the thing is
 * done, not when it was asked for. Paths are those of {@link Snapshot}, with or without the root's id in front; a path that is left out is the root.
 */
export interface ControlClient extends AsyncDisposable {
  /** What the server says of itself. */
  readonly server: ServerFacts;
  /** The tree, or the branch below a path, at this moment. */
  status(path?: ChildPath, options?: { readonly usage?: boolean }): Promise<TreeStatus>;
  /** Starts what is down and resolves once it is ready; what runs is left alone. `once`: its end will be no reason for a restart. */
  up(path: ChildPath, options?: { readonly once?: boolean }): Promise<TreeStatus>;
  /** Stops it, and resolves once it is gone with all that belonged to it. It stays down. */
  down(path: ChildPath): Promise<DownReport>;
  /** Stops it if it runs, and starts it; resolves once it is ready. */
  restart(path: ChildPath): Promise<TreeStatus>;
  /** @throws ControlError `'not-supported'` where it has no reload signal */
  reload(path: ChildPath): Promise<void>;
  pause(path: ChildPath): Promise<void>;
  continue(path: ChildPath): Promise<void>;
  signal(path: ChildPath, signal: NodeJS.Signals): Promise<void>;
  /** Resolves once it is ready, or down. */
  wait(
    path: ChildPath,
    until: 'ready' | 'down',
    options?: { readonly timeoutMs?: number },
  ): Promise<TreeStatus>;
  /** Why it has not ended. */
  explain(path: ChildPath): Promise<readonly StopObstacle[]>;
  /** Its last lines and, with `follow`, all further ones, through restarts, until the loop is left or the tree has ended. */
  logs(
    path?: ChildPath,
    options?: { readonly lines?: number; readonly follow?: boolean },
  ): AsyncIterable<LoggedLine>;
  /** What happens from now on, until the loop is left or the tree has ended. */
  events(path?: ChildPath): AsyncIterable<SupervisionEvent>;
  /** Stops the whole tree, and resolves when it has ended. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

export interface ServerFacts {
  /** The version of the protocol. */
  readonly protocol: number;
  /** That of treewarden. */
  readonly version: string;
  readonly pid: number;
  /** The id of the root. */
  readonly tree: string;
}

/** A snapshot with what its processes use, where that was asked for and can be said. */
export interface TreeStatus extends Omit<Snapshot, 'children'> {
  readonly usage?: Usage | undefined;
  readonly children?: readonly TreeStatus[] | undefined;
}

/** How a child went down. */
export interface DownReport {
  readonly child: ChildPath;
  readonly tookMs: number;
  /** Why it had to be killed, where it had to be. */
  readonly obstacles: readonly StopObstacle[];
}

/** A line, and whose. */
export interface LoggedLine extends OutputLine {
  readonly child: ChildPath;
  readonly incarnation: number;
}
