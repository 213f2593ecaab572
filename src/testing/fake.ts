import { AssertionError } from 'node:assert';
import { type Exit, type ExitCause, errorFacts, type StopObstacle } from '../core/index.js';
import type { Incarnation, IncarnationHost, Timer } from '../runtime/index.js';

/** What a fake does when it is started: is ready at once, holds its start until {@link Fake.becomeReady}, or is ready after so many ms. */
export type FakeStart = 'ready' | 'hold' | number;
/** What it does when it is asked to drain: has drained at once, never says so, or says so after so many ms. */
export type FakeDrain = 'drained' | 'ignore' | number;
/** What it does when it is asked to stop: ends at once, goes on as if nothing was, ends after so many ms, or ends in this way. */
export type FakeStop = 'end' | 'ignore' | number | Exit;
/** What it does when it is killed: ends at once, outlives it, or ends after so many ms. */
export type FakeKill = 'end' | 'survive' | number;

/**
 * A child that does as it is told. What it is told to do *when* it is started, drained, stopped or killed holds for the present incarnation
 * and all later ones; what it is told to do *now* is done by the present one.
 *
 * Untold, it is ready as soon as it starts, gives heartbeats, runs for ever, and drains and ends as soon as it is asked to.
 */
export class Fake {
  /** Its path from the root, the root's own id left out: `workers/hash`. */
  readonly path: string;
  readonly #lives = new Set<FakeLife>();
  #start: FakeStart = 'ready';
  #drain: FakeDrain = 'drained';
  #stop: FakeStop = 'end';
  #kill: FakeKill = 'end';
  #obstacles: readonly StopObstacle[] = [];
  #refusals: Refusal[] = [];
  #starts = 0;

  /** @internal Fakes come from a test tree. */
  constructor(path: string) {
    this.path = path;
  }

  /** How often it was started. */
  get starts(): number {
    return this.#starts;
  }

  /** How many incarnations of it live: 0 or 1, unless the runtime is at fault or a survivor was replaced. */
  get alive(): number {
    return this.#lives.size;
  }

  // --- When it is asked ---------------------------------------------------------------------------------------------------------------

  /** What it does when it is started. @defaultValue `'ready'` */
  onStart(how: FakeStart): this {
    this.#start = how;
    return this;
  }

  /** What it does when it is asked to drain. @defaultValue `'drained'` */
  onDrain(how: FakeDrain): this {
    this.#drain = how;
    return this;
  }

  /** What it does when it is asked to stop. @defaultValue `'end'` */
  onStop(how: FakeStop): this {
    this.#stop = how;
    return this;
  }

  /** What it does when it is killed. @defaultValue `'end'` */
  onKill(how: FakeKill): this {
    this.#kill = how;
    return this;
  }

  /** What it says stands in the way of its end, whenever it is asked. @defaultValue nothing */
  onExplain(obstacles: readonly StopObstacle[]): this {
    this.#obstacles = obstacles;
    return this;
  }

  /** Lets the next `times` starts hold until {@link becomeReady}, or until they time out. The same as `onStart('hold')`. */
  holdStart(): this {
    return this.onStart('hold');
  }

  /** Its next `times` starts fail: it ends as `exit` before it was ready. `Infinity` for all to come. */
  failNextStarts(times: number, exit: Exit | Error = new Error('told to fail its start')): this {
    this.#refusals.push({ left: times, exit: exitOf(exit) });
    return this;
  }

  /** It declines its next `times` starts: no failure, it stays down. OTP's `ignore`. */
  declineNextStarts(times: number): this {
    this.#refusals.push({ left: times, exit: undefined });
    return this;
  }

  // --- Now ----------------------------------------------------------------------------------------------------------------------------

  /** A start that was held is ready. */
  becomeReady(): void {
    this.#present('become ready').host.ready();
  }

  /** It ends as failed. */
  crash(error: unknown = new Error('told to crash')): void {
    this.exit({ type: 'failed', error: errorFacts(error) });
  }

  /** It ends by itself, its work done. */
  finish(): void {
    this.exit({ type: 'completed' });
  }

  /** It ends, in this way; so does what had survived its kill. */
  exit(exit: Exit): void {
    this.#present('end').end(exit);
  }

  /** It ends as a program does: with this exit code, 0 if its work is done, or by this signal from outside. */
  exitBy(cause: ExitCause): void {
    if (cause === 0) this.finish();
    else if (typeof cause === 'number') this.exit({ type: 'code', code: cause });
    else this.exit({ type: 'signal', signal: cause });
  }

  /** It reports a fault but lives on, as `ctx.fail` does: its supervisor stops it. */
  fail(reason: unknown = new Error('told to fail')): void {
    this.#present('fail').host.fault({ type: 'failed', error: errorFacts(reason) });
  }

  /** It gives no more heartbeats. Its supervisor notices if it has a `stallAfterMs`. */
  stall(): void {
    this.#present('stall').stall();
  }

  /** It stalls, and takes no notice of a stop either: only the kill ends it. */
  hang(): void {
    this.stall();
    this.onDrain('ignore').onStop('ignore');
  }

  /** @internal Begins an incarnation. */
  begin(host: IncarnationHost): Incarnation {
    this.#starts += 1;
    const life = new FakeLife(host, this.#plan, (ended) => this.#lives.delete(ended));
    this.#lives.add(life);
    life.begin(this.#nextRefusal());
    return life;
  }

  readonly #plan: Plan = {
    start: () => this.#start,
    drain: () => this.#drain,
    stop: () => this.#stop,
    kill: () => this.#kill,
    explain: () => this.#obstacles,
  };

  #nextRefusal(): Refusal | undefined {
    this.#refusals = this.#refusals.filter(({ left }) => left > 0);
    const [refusal] = this.#refusals;
    if (refusal !== undefined) refusal.left -= 1;
    return refusal;
  }

  #present(act: string): FakeLife {
    const life = [...this.#lives].at(-1);
    if (life !== undefined) return life;
    throw new AssertionError({
      message: `"${this.path}" cannot ${act} now: no incarnation of it lives.`,
    });
  }
}

interface Plan {
  start(): FakeStart;
  drain(): FakeDrain;
  stop(): FakeStop;
  kill(): FakeKill;
  explain(): readonly StopObstacle[];
}

/** Starts that come to nothing: declined, unless there is an exit. */
interface Refusal {
  left: number;
  readonly exit: Exit | undefined;
}

/** One incarnation of a fake. */
class FakeLife implements Incarnation {
  readonly host: IncarnationHost;
  readonly #plan: Plan;
  readonly #gone: (life: FakeLife) => void;
  readonly #timers: Timer[] = [];
  #beat: Timer | undefined;
  #ended = false;

  constructor(host: IncarnationHost, plan: Plan, gone: (life: FakeLife) => void) {
    this.host = host;
    this.#plan = plan;
    this.#gone = gone;
  }

  begin(refusal: Refusal | undefined): void {
    if (refusal?.exit !== undefined) this.end(refusal.exit);
    else if (refusal !== undefined) {
      this.#leave();
      this.host.ignored();
    } else {
      const how = this.#plan.start();
      if (how === 'ready') this.host.ready();
      else if (how !== 'hold') this.#later(how, () => this.host.ready());
      this.#keepBeating();
    }
  }

  drain(): void {
    const how = this.#plan.drain();
    if (how === 'drained') this.host.drained();
    else if (how !== 'ignore') this.#later(how, () => this.host.drained());
  }

  stop(): void {
    const how = this.#plan.stop();
    if (typeof how === 'object') this.end(how);
    else if (how === 'end') this.end({ type: 'shutdown' });
    else if (how !== 'ignore') this.#later(how, () => this.end({ type: 'shutdown' }));
  }

  kill(): void {
    const how = this.#plan.kill();
    if (how === 'end') this.end({ type: 'killed' });
    else if (how !== 'survive') this.#later(how, () => this.end({ type: 'killed' }));
  }

  /** Suspended it gives no heartbeats, but ends when it is killed. */
  pause(on: boolean): boolean {
    if (on) this.stall();
    else this.#keepBeating();
    return true;
  }

  reload(): boolean {
    return true;
  }

  explain(): readonly StopObstacle[] {
    return this.#plan.explain();
  }

  end(exit: Exit): void {
    this.#leave();
    this.host.exited(exit);
  }

  stall(): void {
    this.#beat?.cancel();
  }

  /** Twice per look of the stall watch, so that a look never falls between two beats. */
  #keepBeating(): void {
    const { stallAfterMs } = this.host.settings;
    if (this.#ended || stallAfterMs === Number.POSITIVE_INFINITY) return;
    this.#beat?.cancel();
    const beat = (): void => {
      this.host.heartbeat();
      this.#beat = this.host.clock.after(stallAfterMs / 8, beat);
    };
    beat();
  }

  #later(ms: number, act: () => void): void {
    // What has ended may be asked all the same: its end may not have been heard of yet.
    if (!this.#ended) this.#timers.push(this.host.clock.after(ms, act));
  }

  #leave(): void {
    this.#ended = true;
    this.#beat?.cancel();
    for (const timer of this.#timers) timer.cancel();
    this.#gone(this);
  }
}

function exitOf(value: Exit | Error): Exit {
  return value instanceof Error ? { type: 'failed', error: errorFacts(value) } : value;
}
