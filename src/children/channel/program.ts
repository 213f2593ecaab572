import { isMainThread } from 'node:worker_threads';
import { killReserveMs } from '../../core/index.js';
import {
  type ContextOwner,
  IncarnationContext,
  type Logger,
  type ResourceProvider,
  Scope,
  silentLogger,
  systemClock,
} from '../../runtime/index.js';
import { RemoteScope } from './remote-scope.js';
import { Served } from './served.js';
import { findSupervisor, type Supervision, type Uplink } from './uplink.js';
import { UplinkLogger } from './uplink-logger.js';
import { type FromChild, packError, type ToChild } from './wire.js';

/** The shortest time between two heartbeats on the wire, in ms; those between are left out. */
const HEARTBEAT_EVERY_MS = 100;

/** How long a program that does not look at its signal has to end by itself, in ms, before what it has deferred is released and it is ended. */
const REST_MS = 50;

/** How long a program that is being ended holds still, in ms, at most: its supervisor answers within one or two, unless the machine is busy. */
const STILL_MS = 1000;
/** The same for one with a handler for signals of its own, which cannot run meanwhile. */
const STILL_FOR_HANDLER_MS = 50;

/** This program, as its supervisor knows it; one per program, whichever module format asks. */
export class Program implements ContextOwner {
  readonly id: string;
  readonly path: string;
  readonly incarnation: number;
  readonly log: Logger;
  readonly supervised: boolean;
  readonly context: ProgramContext;
  readonly served: Served;
  /** Closed with its own release: what a program that nobody supervises has in place of its tree's. */
  readonly tree: Scope = new Scope();
  readonly #remote: RemoteScope | undefined;
  readonly #uplink: Uplink | undefined;
  readonly #orphanMs: number;
  readonly #beatEveryMs: number;
  #beatAtMs = Number.NEGATIVE_INFINITY;
  #draining: Promise<void> | undefined;
  #releasing: Promise<void> | undefined;
  #ending = false;
  #staysForCalls = false;

  private constructor(supervision: Supervision | undefined) {
    const identity = supervision?.identity;
    this.id = identity?.id ?? 'main';
    this.path = identity?.path ?? 'main';
    this.incarnation = identity?.incarnation ?? 1;
    this.#orphanMs = identity?.orphanMs ?? Number.POSITIVE_INFINITY;
    this.#beatEveryMs = Math.min(
      HEARTBEAT_EVERY_MS,
      (identity?.stallAfterMs ?? Number.POSITIVE_INFINITY) / 4,
    );
    this.#uplink = supervision?.uplink;
    this.supervised = supervision !== undefined;
    this.#remote = this.#uplink && new RemoteScope(this.#uplink);
    this.log = this.#uplink === undefined ? silentLogger : new UplinkLogger(this.#uplink);
    this.context = new ProgramContext(this);
    this.served = new Served(this.context, (message, transfer) => this.#uplink?.send(message, transfer));
  }

  /** The program's one instance, also where its ESM and its CommonJS copy are both loaded. */
  static get(): Program {
    const shared = globalThis as { [PROGRAM]?: Program };
    shared[PROGRAM] ??= Program.#begin();
    return shared[PROGRAM];
  }

  static #begin(): Program {
    const program = new Program(findSupervisor());
    program.#uplink?.open(
      (message) => program.#hear(message),
      () => program.#orphaned(),
    );
    // A thread's uncaught error reaches its supervisor by Node; a process only shows a status.
    if (program.supervised && isMainThread) {
      process.on('uncaughtExceptionMonitor', (error) =>
        program.#tell({ type: 'crashed', error: packError(error) }),
      );
    }
    return program;
  }

  /** Its supervisor's, where it has one. */
  get resources(): ResourceProvider | undefined {
    return this.#remote;
  }

  /** A program that can be called stays, until it is asked to stop. */
  expose(api: object): void {
    this.served.expose(api);
    if (this.#staysForCalls || this.#ending) return;
    this.#staysForCalls = true;
    this.#uplink?.keepAlive(true);
  }

  ready(): void {
    this.#tell({ type: 'ready' });
  }

  heartbeat(): void {
    if (!this.supervised) return;
    const nowMs = systemClock.now();
    if (nowMs - this.#beatAtMs < this.#beatEveryMs) return;
    this.#beatAtMs = nowMs;
    this.#tell({ type: 'heartbeat' });
  }

  fail(reason: unknown): void {
    this.context.closeIntake(reason);
    this.#tell({ type: 'failed', error: packError(reason) });
    // With nobody to report to, a fault is an uncaught error, as Node would have it.
    if (!this.supervised) void Promise.reject(reason);
  }

  extend(ms: number): number {
    this.#tell({ type: 'extend', ms });
    return ms;
  }

  /** Undoes what was deferred, once. Never rejects. */
  release(): Promise<void> {
    this.#releasing ??= this.#release();
    return this.#releasing;
  }

  async #release(): Promise<void> {
    const failures = [...((await this.context.release()) ?? []), ...(await this.tree.close())];
    for (const failure of failures) this.#note('a deferred release failed', failure);
  }

  #tell(message: FromChild): void {
    this.#uplink?.send(message);
  }

  #hear(message: ToChild): void {
    switch (message.type) {
      case 'drain':
        this.#tell({ type: 'heard' });
        void this.#drain().then(() => this.#tell({ type: 'drained' }));
        return;
      case 'stop':
        this.#tell({ type: 'heard' });
        return this.#stop(message.withinMs, () => this.#tell({ type: 'released' }));
      case 'call':
        void this.served.call(message);
        return;
      case 'cast':
        void this.served.cast(message);
        return;
      case 'abort':
        return this.served.abort(message.id);
      case 'granted':
      case 'not-granted':
      case 'given-back':
        return this.#remote?.answered(message);
    }
  }

  /** Never rejects. Begun once: a stop after a drain goes on waiting for what is left of it. */
  #drain(): Promise<void> {
    this.#draining ??= Promise.resolve(
      this.context.drain((error) => this.#note('a drain hook failed', error)),
    );
    return this.#draining;
  }

  /**
   * Finishes what was accepted, releases what was deferred, and lets go. A program that looks at `ctx.signal` then ends by itself; `end` is
   * for one that is still there when its time is nearly over, and for one that does not look.
   */
  #stop(withinMs: number, end: () => void): void {
    if (this.#ending) return;
    this.#ending = true;
    const late = this.#deadline(withinMs - killReserveMs(withinMs));
    // Never rejects: neither does a drain, nor a release.
    void Promise.race([this.#drain(), late]).then(async () => {
      const { watched } = this.context;
      if (watched) await this.release();
      if (this.#staysForCalls) this.#uplink?.keepAlive(false);
      if (watched) void late.then(end);
      else systemClock.after(REST_MS, () => void this.#endAll(end), false);
    });
  }

  /**
   * Nobody has told its timers that it stops: between the release of what they use and its end none of them may run. So no answer is
   * waited for in between, neither for what it gives back nor for its end.
   */
  async #endAll(end: () => void): Promise<void> {
    this.#remote?.leave();
    await this.release();
    end();
    holdStill(handlesSignals() ? STILL_FOR_HANDLER_MS : STILL_MS);
  }

  #deadline(afterMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (Number.isNaN(afterMs) || afterMs === Number.POSITIVE_INFINITY) return;
      const pass = (): void => {
        this.context.passDeadline();
        resolve();
      };
      systemClock.after(afterMs, pass, false);
    });
  }

  /** The supervisor died without stopping us: nobody else will, and it will not be missed by anybody that we are. */
  #orphaned(): void {
    this.#remote?.supervisorGone();
    this.#stop(this.#orphanMs, () => process.kill(process.pid, 'SIGTERM'));
    if (this.#orphanMs === Number.POSITIVE_INFINITY) return;
    systemClock.after(this.#orphanMs, () => process.kill(process.pid, 'SIGKILL'), false);
  }

  #note(note: string, error: unknown): void {
    this.#tell({ type: 'noted', note, error: packError(error) });
  }
}

/** Nothing of this thread runs meanwhile. What it has sent is on its way; a signal, or `terminate()`, ends it all the same. */
function holdStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function handlesSignals(): boolean {
  return process.eventNames().some((name) => typeof name === 'string' && name.startsWith('SIG'));
}

const PROGRAM: unique symbol = Symbol.for('treewarden/program/v1') as never;

/** A context that knows whether the program ever looked at its signal, and so takes part in its own end. */
class ProgramContext extends IncarnationContext {
  readonly #program: Program;
  watched = false;
  #releasesAtEnd = false;

  constructor(program: Program) {
    super(program);
    this.#program = program;
  }

  override get signal(): AbortSignal {
    this.watched = true;
    return super.signal;
  }

  override get scope(): Scope {
    if (!this.#releasesAtEnd) {
      this.#releasesAtEnd = true;
      // A program that has nothing more to do releases as well.
      process.once('beforeExit', () => void this.#program.release());
    }
    return super.scope;
  }
}
