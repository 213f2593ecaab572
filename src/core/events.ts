import type { ErrorFacts, Exit, ExitRecord } from './exit.js';
import type { StopObstacle } from './obstacle.js';
import type { ChildPath } from './path.js';
import type { CauseLimit } from './spec.js';

/** A rung of the stop ladder. */
export type StopStep = 'drain' | 'stop' | 'kill';

/** What outlived its kill: the one thing a stop could not end. */
export interface Survivor {
  readonly child: ChildPath;
  readonly incarnation: number;
  readonly kind: string;
  readonly pid?: number | undefined;
  /** What it runs: the command line, the module, or the function's name. */
  readonly command?: string | undefined;
  readonly why: string;
  /** What stood in the way, process by process, where that can be seen. */
  readonly obstacles?: readonly StopObstacle[] | undefined;
}

/**
 * Everything that happens in a tree. Plain data, fit for JSON; `atMs` is monotonic. The whole list: the emitter's types and the
 * reference derive from it.
 */
export type SupervisionEvent =
  | { readonly type: 'supervisor:starting'; readonly supervisor: ChildPath; readonly atMs: number }
  | {
      readonly type: 'supervisor:ready';
      readonly supervisor: ChildPath;
      readonly atMs: number;
      readonly tookMs: number;
    }
  | { readonly type: 'supervisor:stopping'; readonly supervisor: ChildPath; readonly atMs: number }
  | {
      readonly type: 'supervisor:stopped';
      readonly supervisor: ChildPath;
      readonly atMs: number;
      readonly exit: Exit;
    }
  | {
      readonly type: 'supervisor:gave-up';
      readonly supervisor: ChildPath;
      readonly child: ChildPath;
      readonly atMs: number;
      readonly restarts: number;
      readonly periodMs: number;
      readonly attempts: readonly ExitRecord[];
      /** The limit of the child's `giveUpOn` that was reached; absent where it was the intensity. */
      readonly limit?: CauseLimit | undefined;
    }
  | {
      readonly type: 'supervisor:auto-shutdown';
      readonly supervisor: ChildPath;
      readonly child: ChildPath;
      readonly atMs: number;
    }
  | { readonly type: 'child:added'; readonly child: ChildPath; readonly atMs: number }
  | { readonly type: 'child:removed'; readonly child: ChildPath; readonly atMs: number }
  | {
      readonly type: 'child:starting';
      readonly child: ChildPath;
      readonly kind: string;
      readonly incarnation: number;
      readonly atMs: number;
    }
  | {
      readonly type: 'child:ready';
      readonly child: ChildPath;
      readonly incarnation: number;
      readonly atMs: number;
      readonly tookMs: number;
      readonly pid?: number | undefined;
    }
  | {
      readonly type: 'child:ignored';
      readonly child: ChildPath;
      readonly incarnation: number;
      readonly atMs: number;
    }
  | ({ readonly type: 'child:start-failed'; readonly context: StartContext } & ExitRecord)
  | {
      readonly type: 'child:stopping';
      readonly child: ChildPath;
      readonly incarnation: number;
      readonly atMs: number;
      readonly step: StopStep;
      /** Of the kill: why it had not ended by then. */
      readonly obstacles?: readonly StopObstacle[] | undefined;
    }
  | {
      readonly type: 'child:paused' | 'child:resumed' | 'child:reloading';
      readonly child: ChildPath;
      readonly incarnation: number;
      readonly atMs: number;
    }
  | {
      readonly type: 'child:kept-down';
      readonly child: ChildPath;
      readonly incarnation: number;
      readonly atMs: number;
      /** Why it is not restarted although its restart type says so: its exit is in `preventOn`, `afterExit` said so, or it was run once. */
      readonly why: string;
    }
  | ({
      readonly type: 'child:exited';
      /** Whether it is the end that was asked for, or one that its restart type calls for no report of. */
      readonly expected: boolean;
    } & ExitRecord)
  | ({ readonly type: 'child:survived'; readonly atMs: number } & Survivor)
  | {
      readonly type: 'child:restarting';
      readonly child: ChildPath;
      readonly atMs: number;
      /** Failures in a row, this one included. */
      readonly failures: number;
      readonly delayMs: number;
    }
  | {
      readonly type: 'child:fault';
      readonly child: ChildPath;
      readonly incarnation: number;
      readonly atMs: number;
      /** What was noticed about it while it ran; the exit that follows says how it ended. */
      readonly exit: Exit;
    }
  | {
      readonly type: 'child:stray-error';
      readonly child: ChildPath;
      readonly incarnation: number;
      readonly atMs: number;
      /** Thrown by what an ended incarnation had left behind: a timer, a socket, a promise. */
      readonly error: ErrorFacts;
    }
  | {
      readonly type: 'child:noted';
      readonly child: ChildPath;
      readonly incarnation: number;
      readonly atMs: number;
      /** Something its kind has to say that changes nothing: a transient client error, output lost. */
      readonly note: string;
      readonly error?: ErrorFacts | undefined;
    }
  | {
      readonly type: 'signal:received';
      readonly signal: string;
      readonly atMs: number;
      /** 1 drains, 2 cuts the drain short, 3 ends at once; 0 is handed on to children and ends nothing. */
      readonly level: number;
    }
  | {
      readonly type: 'listener:failed';
      readonly event: string;
      readonly error: ErrorFacts;
      readonly atMs: number;
    };

/** Why a start was under way: the tree's first start, an automatic restart, or a request. */
export type StartContext = 'init' | 'restart' | 'request';

/** The listeners by event name; `'*'` hears everything. */
export type SupervisionEvents = { [E in SupervisionEvent as E['type']]: [event: E] } & {
  '*': [event: SupervisionEvent];
};

/** The event of a type; of `'*'`, any. */
export type EventOf<Type extends keyof SupervisionEvents> = SupervisionEvents[Type][0];
