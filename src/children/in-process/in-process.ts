import {
  type ErrorFacts,
  type Exit,
  errorFacts,
  isSupervisionError,
  type StopObstacle,
} from '../../core/index.js';
import {
  type ChildContext,
  type ContextOwner,
  type Incarnation,
  IncarnationContext,
  type IncarnationFacts,
  type IncarnationHost,
  isThenable,
  type Logger,
  type ResourceProvider,
  type Scope,
} from '../../runtime/index.js';
import { awaitAnswer } from '../readiness-answer.js';
import {
  type Contained,
  holdContainment,
  releaseContainment,
  runContained,
  runUncontained,
} from './containment.js';

/** Returned by a task's function before it is ready, it declines to run: no failure, its spec is kept, it stays down. */
export const ignore: unique symbol = Symbol.for('treewarden/ignore') as never;

/** What runs in this process: a task's function is the plain case, a consumer has more to say. */
export interface Body extends IncarnationFacts {
  run(ctx: ChildContext): unknown;
  /** Makes the context, where that is more than a child's. */
  contextFor?(owner: ContextOwner): IncarnationContext;
  /** It says by `ctx.ready()` when it is ready, also where `ready` is `'spawn'`. */
  readonly saysReady?: boolean;
  /** The time to end has come; `ctx.signal` is aborted already. */
  stop?(): void;
  /** The time to end is over; `ctx.deadline` is aborted already. */
  kill?(): void;
}

const MORE_TIME = 'A stop waits for it as long as drainMs: raise that, or see what it waits for.';
const NOT_HEEDED =
  'code inside this process cannot be ended from outside: it did not heed ctx.signal or ctx.deadline';

/** What a body knows of its supervisor. */
export type BodyHost = Pick<IncarnationHost, 'id' | 'path' | 'settings' | 'clock' | 'note' | 'fault'>;

/** A supervisor's ear for bodies: what it does about their news is nobody's doing, and no child's. */
export function outside(host: IncarnationHost): BodyHost {
  const { id, path, settings, clock } = host;
  return {
    id,
    path,
    settings,
    clock,
    note: (note, error) => runUncontained(() => host.note(note, error)),
    fault: (exit) => runUncontained(() => host.fault(exit)),
  };
}

/**
 * One life of a function in this process. It is gone when the function has settled, a drain under way is over, and what it deferred is
 * undone. Whatever it has left behind sees `ctx.signal` aborted, however it ended.
 *
 * A crash loop makes these by the hundred thousand a second: a life is this object and its context, and no signal, error or timer before
 * somebody asks for one.
 */
export class InProcess implements Incarnation, ContextOwner, Contained {
  readonly #host: IncarnationHost;
  readonly #body: Body;
  readonly #contain: boolean;
  readonly #context: IncarnationContext;
  #phase: 'running' | 'asked' | 'killed' | 'ended' = 'running';
  #ready = false;
  #fault: ErrorFacts | undefined;
  /** Drain hooks or critical sections are under way. */
  #draining = false;
  /** How the function has settled, while the drain of what it began still goes on. */
  #settled: Exit | undefined;
  /** Ends the watching of a port or a probe. */
  #unwatch: (() => void) | undefined;

  private constructor(host: IncarnationHost, body: Body, contain: boolean) {
    this.#host = host;
    this.#body = body;
    this.#contain = contain;
    this.#context = body.contextFor?.(this) ?? new IncarnationContext(this);
  }

  static start(host: IncarnationHost, body: Body, contain: boolean): InProcess {
    const incarnation = new InProcess(host, body, contain);
    if (contain) holdContainment(host.tree);
    incarnation.#begin();
    return incarnation;
  }

  #begin(): void {
    let result: unknown;
    try {
      result = this.#within(() => this.#body.run(this.#context));
    } catch (error) {
      this.#spawned();
      this.#threw(error);
      return;
    }
    if (result !== ignore) this.#spawned();
    if (isThenable(result)) {
      Promise.resolve(result).then(
        (value) => this.#returned(value),
        (error) => this.#threw(error),
      );
    } else this.#returned(result);
  }

  #spawned(): void {
    const { ready } = this.#host.settings;
    if (typeof ready === 'object') this.#unwatch = awaitAnswer(this.#host, ready);
    else if (ready === 'spawn' && this.#body.saysReady !== true) this.#sayReady();
  }

  #sayReady(): void {
    if (this.#ready || this.#phase !== 'running' || this.#fault !== undefined) return;
    this.#ready = true;
    this.#host.ready();
  }

  #returned(value: unknown): void {
    if (value === ignore && !this.#ready && this.#unwatch === undefined) this.#end(undefined);
    else if (this.#phase === 'killed') this.#end(KILLED);
    else this.#end(this.#phase === 'asked' ? SHUTDOWN : COMPLETED);
  }

  #threw(error: unknown): void {
    const meant = this.#phase !== 'running' && isAbort(error);
    if (this.#phase !== 'killed') this.#end(meant ? SHUTDOWN : { type: 'failed', error: errorFacts(error) });
    else {
      if (!meant) this.#host.note('it failed after its deadline', errorFacts(error));
      this.#end(KILLED);
    }
  }

  /** @param exit - how it ended; nothing, where it declined to run */
  #end(exit: Exit | undefined): void {
    // A function that returns as soon as it is asked has not finished what its hooks and critical sections have in hand.
    if (this.#draining && this.#phase === 'asked' && exit !== undefined) {
      this.#settled = exit;
      return;
    }
    this.#phase = 'ended';
    this.#unwatch?.();
    this.#closeIntake();
    const releasing = this.#context.deferred
      ? this.#within(() => this.#context.release())
      : this.#context.release();
    if (releasing === undefined) this.#gone(exit, NONE);
    // Never rejects: a scope hands over what failed.
    else void releasing.then((failures) => this.#gone(exit, failures));
  }

  #gone(exit: Exit | undefined, failures: readonly unknown[]): void {
    for (const failure of failures) this.#host.note('a deferred release failed', errorFacts(failure));
    this.#passDeadline();
    if (exit === undefined) this.#host.ignored();
    else this.#host.exited(exit);
    if (this.#contain) releaseContainment();
  }

  /** The time for what it had in hand is over: it has ended as its function has. */
  #leaveDrain(): boolean {
    this.#draining = false;
    const exit = this.#settled;
    if (exit === undefined) return false;
    this.#settled = undefined;
    this.#end(this.#phase === 'killed' ? KILLED : exit);
    return true;
  }

  drain(): void {
    if (this.#phase === 'ended') return;
    this.#ask();
    if (!this.#context.busy) {
      this.#host.drained();
      return;
    }
    const onFailure = (error: unknown): void =>
      runUncontained(() => this.#host.note('a drain hook failed', errorFacts(error)));
    const draining = this.#within(() => this.#context.drain(onFailure));
    if (draining === undefined) {
      this.#host.drained();
      return;
    }
    this.#draining = true;
    // Never rejects, since failures of hooks are noted.
    void draining.then(() => this.#drained());
  }

  #drained(): void {
    if (this.#phase !== 'ended' && !this.#leaveDrain()) this.#host.drained();
  }

  stop(): void {
    if (this.#phase === 'ended' || this.#leaveDrain()) return;
    this.#ask();
    if (this.#body.stop !== undefined) this.#within(() => this.#body.stop?.());
  }

  #ask(): void {
    if (this.#phase !== 'running') return;
    this.#phase = 'asked';
    this.#unwatch?.();
    this.#closeIntake();
  }

  #closeIntake(): void {
    if (this.#context.observed) this.#within(() => this.#context.closeIntake(this.#fault?.thrown));
    else this.#context.closeIntake(this.#fault?.thrown);
  }

  #passDeadline(): void {
    if (this.#context.observed) this.#within(() => this.#context.passDeadline());
    else this.#context.passDeadline();
  }

  kill(): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'killed';
    this.#within(() => {
      this.#context.passDeadline();
      this.#body.kill?.();
    });
    this.#leaveDrain();
  }

  explain(): readonly StopObstacle[] {
    const { command, inFlight = 0 } = this.#body;
    const { sections } = this.#context;
    const found: StopObstacle[] = [];
    const say = (why: string, advice: string): void =>
      void found.push({ verdict: 'at-work', command, why, advice });
    if (sections > 0) say(`${sections} of its critical sections are open`, MORE_TIME);
    else if (this.#draining) say('a drain hook of it is under way', MORE_TIME);
    if (inFlight > 0) say(`${inFlight} of its jobs are in flight`, MORE_TIME);
    if (this.#phase === 'ended') say('what it deferred is still being undone', 'See which release hangs.');
    else if (found.length === 0 && this.#phase !== 'running') {
      const heeds =
        this.#phase === 'killed' ? NOT_HEEDED : 'its function has not returned since ctx.signal was aborted';
      say(heeds, 'Look at ctx.signal.aborted in its loops, and hand ctx.signal to what it awaits.');
    }
    return found;
  }

  facts(): IncarnationFacts {
    return this.#body;
  }

  get id(): string {
    return this.#host.id;
  }

  get path(): string {
    return this.#host.path;
  }

  get incarnation(): number {
    return this.#host.incarnation;
  }

  get log(): Logger {
    return this.#host.log;
  }

  get resources(): ResourceProvider | undefined {
    return this.#host.resources;
  }

  get tree(): Scope | undefined {
    return this.#host.tree;
  }

  apart<R>(step: () => R): R {
    return runUncontained(step);
  }

  /** With another kind of readiness it is not the child's to say. */
  ready(): void {
    if (this.#host.settings.ready === 'explicit' || this.#body.saysReady === true) {
      runUncontained(() => this.#sayReady());
    }
  }

  heartbeat(): void {
    if (this.#phase !== 'ended') this.#host.heartbeat();
  }

  /** Told by the child itself, or thrown in its async context and caught by nobody. */
  fail(reason: unknown): void {
    runUncontained(() => this.#noteFault(errorFacts(reason)));
  }

  #noteFault(error: ErrorFacts): void {
    if (this.#phase === 'ended') {
      // What waited with its signal and is cut off by its end has done what it should.
      if (!isAbort(error.thrown)) this.#host.strayError(error);
    } else if (this.#fault !== undefined) this.#host.note('one more fault', error);
    else {
      this.#fault = error;
      this.#host.fault({ type: 'failed', error });
    }
  }

  extend(ms: number): number {
    return this.#phase === 'ended' ? 0 : runUncontained(() => this.#host.extend(ms));
  }

  /** What a step leaves behind belongs to this life. */
  #within<R>(step: () => R): R {
    return this.#contain ? runContained(this, step) : step();
  }
}

const NONE: readonly unknown[] = [];
const COMPLETED: Exit = { type: 'completed' };
const SHUTDOWN: Exit = { type: 'shutdown' };
const KILLED: Exit = { type: 'killed' };

const ABORT_CODES: readonly unknown[] = ['STOP_REQUESTED', 'DEADLINE_PASSED', 'DRAINING'];

/** What is thrown by those who were waiting with `ctx.signal` or `ctx.deadline`, or began a critical section too late. */
export function isAbort(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'AbortError' || (isSupervisionError(error) && ABORT_CODES.includes(error.code)))
  );
}
