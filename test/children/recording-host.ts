import {
  CHILD_DEFAULTS,
  type ChildSettings,
  describeExit,
  type ErrorFacts,
  type Exit,
} from '../../src/core/index.js';
import {
  type ChildSpec,
  type Clock,
  type Incarnation,
  type IncarnationHost,
  type ResolvedSettings,
  type Scope,
  silentLogger,
  systemClock,
  type Timer,
} from '../../src/runtime/index.js';

/** Stands for the supervisor: writes down what an incarnation says, one line each, in order. */
export class RecordingHost implements IncarnationHost {
  readonly path: string;
  readonly log = silentLogger;
  readonly services = { get: (): undefined => undefined };
  readonly said: string[] = [];
  readonly errors: ErrorFacts[] = [];
  readonly faults: Exit[] = [];
  exit: Exit | undefined;
  /** What the drain step may still be extended by. */
  grantMs = 1000;
  readonly #waiting = new Set<() => void>();

  constructor(
    readonly id: string,
    readonly settings: ResolvedSettings,
    readonly clock: Clock = systemClock,
    readonly incarnation: number = 1,
    readonly tree?: Scope,
  ) {
    this.path = `root/${id}`;
  }

  ready(): void {
    this.#say('ready');
  }

  ignored(): void {
    this.#say('ignored');
  }

  exited(exit: Exit): void {
    this.exit = exit;
    this.#say(`exited: ${describeExit(exit)}`);
  }

  fault(exit: Exit): void {
    this.faults.push(exit);
    this.#say(`fault: ${describeExit(exit)}`);
  }

  drained(): void {
    this.#say('drained');
  }

  extend(ms: number): number {
    const granted = Math.min(ms, this.grantMs);
    this.#say(`extended by ${granted}`);
    return granted;
  }

  heartbeat(): void {
    this.#say('heartbeat');
  }

  note(note: string, error?: ErrorFacts): void {
    if (error !== undefined) this.errors.push(error);
    this.#say(error === undefined ? `noted: ${note}` : `noted: ${note}: ${error.message}`);
  }

  strayError(error: ErrorFacts): void {
    this.errors.push(error);
    this.#say(`stray: ${error.message}`);
  }

  /** Resolves once a line has been said that begins so. */
  async heard(beginning: string): Promise<void> {
    while (!this.said.some((line) => line.startsWith(beginning))) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Resolves to how the incarnation ended. */
  async ended(): Promise<Exit> {
    await this.heard('exited');
    // Safe: it was said.
    return this.exit as Exit;
  }

  #say(line: string): void {
    this.said.push(line);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** Starts one life of a spec under a host that records. */
export function launch(
  spec: ChildSpec,
  options: { readonly clock?: Clock; readonly incarnation?: number; readonly tree?: Scope } = {},
): { readonly host: RecordingHost; readonly incarnation: Incarnation } {
  const host = new RecordingHost(spec.id, settingsOf(spec), options.clock, options.incarnation, options.tree);
  return { host, incarnation: spec.driver.start(host) };
}

function settingsOf(spec: ChildSettings): ResolvedSettings {
  const { restart, significant, shutdown, drainMs, startTimeoutMs, stallAfterMs, ready, survivor } = spec;
  const own = { restart, significant, shutdown, drainMs, startTimeoutMs, stallAfterMs, ready, survivor };
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  return { ...CHILD_DEFAULTS, ...given };
}

/** Lets every promise that can settle by itself do so. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<{ readonly atMs: number; readonly run: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  yield(run: () => void): void {
    setImmediate(run);
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Lets time pass without running anything, as while the machine sleeps. */
  skip(ms: number): void {
    this.#nowMs += ms;
  }

  /** Moves time on, and lets promises settle after each timer. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const next = [...this.#timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
      await settle();
    }
    this.#nowMs = untilMs;
    await settle();
  }
}
