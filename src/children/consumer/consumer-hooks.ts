import type { ChildContext } from '../../runtime/index.js';
import type { TaskSettings } from '../in-process/task.js';

type Awaitable<T> = T | PromiseLike<T>;

/** What ends by a method of its own. The methods are tried in the order: disposal, close, stop, disconnect, shutdown, unsubscribe. */
export type Ender =
  | {
      /** Ends it, and says when. */
      close(...args: never[]): unknown;
    }
  | {
      /** Ends its work. */
      stop(...args: never[]): unknown;
    }
  | {
      /** Leaves its server. */
      disconnect(...args: never[]): unknown;
    }
  | {
      /** Ends it. */
      shutdown(...args: never[]): unknown;
    }
  | {
      /** Takes no more. */
      unsubscribe(...args: never[]): unknown;
    }
  | AsyncDisposable
  | Disposable;

/** An observable of RxJS or of any other make. */
export interface Subscribable {
  /** Begins to deliver to an observer. */
  subscribe(observer: {
    // biome-ignore lint/suspicious/noExplicitAny: an observable's own type is contravariant here, so only any admits them all.
    next(value: any): void;
    // biome-ignore lint/suspicious/noExplicitAny: as above.
    error(error: any): void;
    complete(): void;
  }): {
    /** Takes no more. */
    unsubscribe(): void;
  };
}

/** What is there to be stopped: an instance of somebody's client. */
export type ConsumerInstance = AsyncIterable<unknown> | Subscribable | Ender;

/** What a consumer's factory may make. Nothing means that its promise is the work itself. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without a return statement is the plainest consumer.
export type Supervisable = void | undefined | ConsumerInstance;

/** What a consumer's functions are given. */
export interface ConsumerContext extends ChildContext {
  /**
   * Runs one job. It counts as in flight until it settles, beginning and settling count as progress, and a drain waits for it.
   * A job that was taken before the stop step is run; inside it, no critical section is needed.
   * @throws DrainingError, without running `work`, once the drain is over: leave the job to the next incarnation.
   */
  job<T>(work: () => Awaitable<T>): Promise<T>;
}

/** What a client needs beyond the defaults. Each hook is given what the factory made. */
export interface ConsumerHooks<C> {
  /** Begins to consume; the consumer is ready once this has resolved. */
  start?(consumer: C, ctx: ConsumerContext): unknown;
  /** Settles when the consumer ends by itself: resolved is a normal end, rejected a crash. */
  done?(consumer: C, ctx: ConsumerContext): PromiseLike<unknown>;
  /**
   * Names of events that mean it is dead. Any other event, `error` included, is not: clients emit that for every connection they lose and
   * mend themselves. An `error` is listened to and noted in any case.
   */
  readonly failOn?: readonly string[];
  /** Drain, first part: take no new jobs. */
  pause?(consumer: C): unknown;
  /** Drain, second part: finish the jobs in hand. With a `done` hook, the drain is over when that settles. */
  drain?(consumer: C): unknown;
  /**
   * Ends it, in place of its own method; with `force`, at once and whatever is still running. Where there is neither `pause` nor `drain`,
   * closing is how it drains, and has `drainMs` for it.
   */
  close?(consumer: C, how: { readonly force: boolean }): unknown;
}

/** When a consumer that is alive counts as stalled all the same. */
export interface ProgressSettings {
  /** The longest time without progress, in ms from 1. Longer than the longest job, unless jobs call `ctx.heartbeat()`. */
  readonly withinMs: number;
  /**
   * How many jobs wait for it. Without progress it is at fault only while there are any; one that throws, or does not answer, leaves
   * the question open.
   * @defaultValue it should always make progress
   */
  readonly backlog?: () => number | Promise<number>;
  /** Names of the client's events that show progress, such as `completed`; besides jobs, heartbeats and what it yields. */
  readonly events?: readonly string[];
}

/** Hooks and policy of a consumer. */
export interface ConsumerOptions<C> extends ConsumerHooks<C>, TaskSettings {
  /** @defaultValue progress is not watched */
  readonly progress?: ProgressSettings;
}

/** Makes one incarnation's consumer. */
export type ConsumerFactory<C> = (ctx: ConsumerContext) => Awaitable<C>;
