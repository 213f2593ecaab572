import { channel } from 'node:diagnostics_channel';
import type { ControlOptions, ControlServer } from '../control/index.js';
import {
  checkDuration,
  type EventOf,
  type Exit,
  isNormal,
  LONGEST_TIMER_MS,
  type Snapshot,
  StartError,
  StartInterruptedError,
  type StopReport,
  TreeFailedError,
} from '../core/index.js';
import {
  type AnySupervisorSpec,
  type Child,
  type ChildPathOf,
  type SpecAt,
  type StopOptions,
  type Supervisor,
  systemClock,
  type Timer,
} from '../runtime/index.js';
import { SignalTrap, type StopLevel } from '../signals/index.js';
import { EventStream } from './event-stream.js';
import { forwardSignal } from './forward.js';
import type { ProgramSettings } from './options.js';
import { runShutdown } from './run-shutdown.js';

/** How a supervised program ended, where it did not fail. */
export type Outcome =
  /** It was asked to: by a signal, or by `stop()`. */
  | { readonly type: 'stopped'; readonly by: NodeJS.Signals | 'stop'; readonly report: StopReport }
  /** It had nothing left to do: its only child finished, or significant children ended it. */
  | { readonly type: 'completed' };

/** How long what was killed at the last signal may take to be gone, in ms, before the program ends all the same. */
const LAST_MOMENT_MS = 100;

/** Whoever wants all events without touching the program subscribes here, before it calls `supervise()`. */
const EVENTS = channel('treewarden:event');

/**
 * A running program: the tree, and what ends it. Keeps the process running until the tree has ended.
 *
 * @example
 * ```ts
 * await using app = await supervise(tree);
 * app.child('workers/hash').status;
 * await app.done;
 * ```
 */
export class Supervised<Spec extends AnySupervisorSpec = AnySupervisorSpec> {
  /** The root of the tree, with the dynamic API: `startChild`, `terminateChild` and their like. */
  readonly supervisor: Supervisor<Spec>;
  /** All that happens in the tree. */
  readonly events: EventStream;
  /**
   * How it ended. Rejects with TreeFailedError when the tree gave up, or the child that it ended with had failed; where nobody looks, that is
   * an unhandled rejection, by which Node ends the program with exit code 1 and the reason on stderr.
   */
  readonly done: Promise<Outcome>;
  readonly #spec: Spec;
  readonly #settings: ProgramSettings;
  /** Whether the tree was put around a single child, with which it ends. */
  readonly #lone: boolean;
  readonly #hurry = new AbortController();
  readonly #undo: (() => void)[] = [];
  #trap: SignalTrap | undefined;
  #control: ControlServer | undefined;
  readonly #closings: (() => Promise<void>)[] = [];
  #signal: NodeJS.Signals | undefined;
  #level: StopLevel = 0;
  #stopping: Promise<StopReport> | undefined;
  #closed: Promise<unknown> | undefined;
  #endedBy: Exit | undefined;
  #settle: (outcome: Promise<Outcome>) => void = () => undefined;

  /** @internal `supervise()` makes them. */
  constructor(root: Supervisor<Spec>, spec: Spec, settings: ProgramSettings, lone = false) {
    this.supervisor = root;
    this.events = new EventStream(root);
    this.#spec = spec;
    this.#settings = settings;
    this.#lone = lone;
    this.done = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /**
   * The child at a path below the root, as in `workers/hash`; a path that is not in the tree does not compile.
   *
   * @throws UnknownChildError if there is none, or a supervisor on the way to it is down.
   */
  child<const Path extends ChildPathOf<Spec>>(path: Path): Child<SpecAt<Spec, Path>> {
    return this.supervisor.child(path);
  }

  /** The tree at this moment, as plain data. */
  snapshot(): Snapshot {
    return this.supervisor.snapshot();
  }

  /**
   * Stops the tree: drain, stop, kill, within one budget. Resolves to how that went; called again, to the same report. Takes its traps off and
   * leaves the process running.
   *
   * @throws InvalidSpecError if `graceMs` is out of range.
   */
  async stop(options: StopOptions = {}): Promise<StopReport> {
    const { graceMs = this.#settings.graceMs } = options;
    checkDuration('stop()', 'graceMs', graceMs, 1);
    this.#stopping ??= this.#stop(graceMs);
    const report = await this.#stopping;
    await this.#closed;
    return report;
  }

  /** Stops the tree, within its `graceMs`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** The socket at which the tree listens to those who steer it, if it does: see the option `control` of `supervise()`. */
  get controlPath(): string | undefined {
    return this.#control?.path;
  }

  /** @internal Has the tree listen to those who steer it; to be called before it is started. */
  async listen(options: ControlOptions): Promise<void> {
    const { serve } = await import('../control/index.js');
    const { clock, graceMs } = this.#settings;
    this.#control = await serve(this.supervisor, {
      ...options,
      clock,
      stop: (withinMs = graceMs) => {
        this.#stopping ??= this.#stop(withinMs);
        return this.#stopping;
      },
    });
    this.endsWith(async () => this.#control?.close());
  }

  /** @internal Has this done when the tree has ended, and waited for. */
  endsWith(closing: () => Promise<void>): void {
    this.#closings.push(closing);
  }

  /** @internal Starts the tree, and leaves nothing behind if that fails. */
  async start(): Promise<this> {
    this.#listen();
    this.#keepRunning();
    const { logger } = this.#settings;
    try {
      // Its code is loaded where somebody reads it.
      if (logger !== undefined)
        this.#undo.push(this.supervisor.on('*', (await import('./log.js')).logTo(logger)));
      if (process.pid === 1) await this.#seeOffOrphans();
      await this.supervisor.start();
    } catch (error) {
      throw await this.abandon(error);
    }
    const end = this.supervisor.done.then((exit) => this.#end(exit));
    // The failure of a tree is for `done` to tell, and for nobody else to miss.
    this.#closed = end.catch(() => undefined);
    this.#settle(end);
    return this;
  }

  /** Process 1 of a container is given every orphan there. */
  async #seeOffOrphans(): Promise<void> {
    const { clock, logger } = this.#settings;
    const openReaper = async (): ReturnType<typeof import('../resources/index.js').openReaper> =>
      (await import('../resources/index.js')).openReaper();
    const { seeOffOrphans } = await import('./first-process.js');
    this.#undo.push(seeOffOrphans({ clock, logger, openReaper }));
  }

  #listen(): void {
    const { signals, clock, onEvent } = this.#settings;
    const { supervisor } = this;
    if (signals !== undefined) {
      this.#trap = new SignalTrap(signals, clock, {
        stop: (signal, level) => this.#heed(signal, level),
        forward: (signal, how) => {
          this.#announce(signal, 0);
          forwardSignal(supervisor, signal, how);
        },
      });
    }
    if ((this.#spec.policy.autoShutdown ?? 'never') !== 'never') this.#noteLastChild();
    if (this.#lone) this.#endWithLone();
    if (onEvent !== undefined) this.#undo.push(supervisor.on('*', onEvent));
    if (EVENTS.hasSubscribers) this.#undo.push(supervisor.on('*', (event) => EVENTS.publish(event)));
  }

  /** A program that ends with a child has failed if that child has: a temporary one is not restarted, but its failure is not lost. */
  #noteLastChild(): void {
    const { supervisor } = this;
    let last: Exit | undefined;
    const noteExit = ({ exit }: EventOf<'child:exited'>): void => {
      last = exit;
    };
    const noteEnd = (event: EventOf<'supervisor:auto-shutdown'>): void => {
      if (event.supervisor === supervisor.path) this.#endedBy = last;
    };
    this.#undo.push(
      supervisor.on('child:exited', noteExit),
      supervisor.on('supervisor:auto-shutdown', noteEnd),
    );
  }

  /** A lone child that its exit keeps down leaves nothing to supervise. One that was run once may be brought up again, from another shell. */
  #endWithLone(): void {
    const { supervisor } = this;
    const end = (): void => {
      const [child] = supervisor.snapshot().children ?? [];
      if (child === undefined || child.once === true) return;
      this.#endedBy = child.lastExit?.exit;
      this.#stopping ??= this.#stop(this.#settings.graceMs);
    };
    this.#undo.push(supervisor.on('child:kept-down', end));
  }

  /** @internal Leaves nothing of it behind. A signal while the tree starts ends it, too: the error says so instead of how the start went. */
  async abandon(error: unknown): Promise<unknown> {
    await this.#stopping;
    // What could not be loaded has kept it from being started: it would never end by itself.
    if (this.supervisor.status === 'new') await this.supervisor.stop();
    await this.supervisor.done;
    await Promise.all(this.#closings.map((close) => close()));
    const signal = this.#signal;
    const interrupted = signal !== undefined && !(error instanceof StartError);
    const told = interrupted ? new StartInterruptedError(this.supervisor.path, signal) : error;
    this.#close(told);
    return told;
  }

  /** A tree may hold nothing that Node counts as work, such as a task that waits for its stop, and is to run all the same. */
  #keepRunning(): void {
    let timer: Timer;
    const wait = (): void => {
      timer = systemClock.after(LONGEST_TIMER_MS, wait);
    };
    wait();
    this.#undo.push(() => timer.cancel());
  }

  #heed(signal: NodeJS.Signals, level: StopLevel): void {
    this.#signal ??= signal;
    this.#level = level;
    this.#announce(signal, level);
    this.#stopping ??= this.#stop(this.#settings.graceMs);
    if (level === 1) return;
    this.#hurry.abort();
    this.supervisor.hurry(level === 2 ? 'stop' : 'kill');
    if (level < 3) return;
    const lastMoment = this.#settings.clock.after(LAST_MOMENT_MS, () => this.#close());
    this.#undo.push(() => lastMoment.cancel());
  }

  #announce(signal: NodeJS.Signals, level: number): void {
    this.supervisor.announce({ type: 'signal:received', signal, level, atMs: this.#settings.clock.now() });
  }

  async #stop(graceMs: number): Promise<StopReport> {
    const { clock } = this.#settings;
    const begunAtMs = clock.now();
    const report = await this.supervisor.stop({ graceMs });
    const late = await this.#runBus(graceMs - (clock.now() - begunAtMs));
    const failures = [...report.failures, ...late];
    for (const failure of failures)
      this.#settings.logger?.warn(failure, `${failure.subject} ${failure.message}`);
    return { ...report, graceMs, tookMs: clock.now() - begunAtMs, failures };
  }

  /** The last supervised tree of a program that a signal ends calls those who have joined its shutdown. */
  async #runBus(leftMs: number): Promise<StopReport['failures']> {
    const isLast = this.#trap?.settle() === true;
    if (this.#signal === undefined || !isLast) return [];
    const { clock } = this.#settings;
    return runShutdown(this.#signal, { withinMs: Math.max(0, leftMs), clock, hurry: this.#hurry.signal });
  }

  async #end(exit: Exit): Promise<Outcome> {
    if (this.supervisor.stopRequested) this.#stopping ??= this.#stop(this.#settings.graceMs);
    const report = await this.#stopping;
    // Those who wait for this end are told before a signal may end the program.
    await Promise.all(this.#closings.map((close) => close()));
    this.#close();
    const why = isNormal(exit) ? (this.#endedBy ?? exit) : exit;
    if (!isNormal(why)) throw new TreeFailedError(this.supervisor.path, why);
    return report === undefined
      ? { type: 'completed' }
      : { type: 'stopped', by: this.#signal ?? 'stop', report };
  }

  /** Takes off everything that was installed, and has the signal raised again that ended the program. Safe to call twice. */
  #close(error?: unknown): void {
    for (const undo of this.#undo.splice(0)) undo();
    const { reraise, clock, lingerMs } = this.#settings;
    const signal = reraise ? this.#signal : undefined;
    const lingersMs = this.#level === 3 ? 0 : lingerMs;
    this.#trap?.close(signal && { signal, lingerMs: lingersMs, clock, error });
  }
}
