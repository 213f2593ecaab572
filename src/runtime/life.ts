import type { ChildPath, ErrorFacts, Exit, StopObstacle, StopStep } from '../core/index.js';
import { runAfterExit } from './after-exit.js';
import type { Clock } from './clock.js';
import type { Incarnation, IncarnationHost, ResolvedSettings, Services } from './driver.js';
import type { Logger } from './logger.js';
import type { ResourceProvider } from './resources.js';
import type { Scope } from './scope.js';
import type { Slot } from './slot.js';

/** How a life ended, as its driver told it. */
export interface LifeEnd {
  readonly exit: Exit;
  readonly stderr: readonly string[] | undefined;
  readonly atMs: number;
  /** Its `afterExit` keeps it down. */
  readonly staysDown?: boolean;
}

/** What is noted of a stop, for its report. */
export interface StopNotes {
  /** When each rung began. */
  readonly steps: Partial<Record<StopStep, number>>;
  /** What stood in its way when it was killed. */
  obstacles?: readonly StopObstacle[] | undefined;
}

/**
 * One incarnation of a child, as its driver sees it. What a driver says goes to the supervisor's mailbox with the life it speaks of, so that
 * late news of an earlier one is recognised and dropped.
 */
export class Life implements IncarnationHost {
  readonly slot: Slot;
  readonly incarnation: number;
  readonly startedAtMs: number;
  /** True while the driver's `start` is on the stack: what it says then is known as soon as it returns. */
  launching = true;
  saidReady = false;
  saidIgnored = false;
  /** True while the driver's `drain` is on the stack: what is drained at once needs no message. */
  askedToDrain = false;
  saidDrained = false;
  body: Incarnation | undefined;
  readyAtMs: number | undefined;
  end: LifeEnd | undefined;
  /** The fault for which it is being ended, if it was not asked by anybody. */
  blame: Exit | undefined;
  /** Heartbeats so far. */
  beats = 0;
  /** How its stop went so far, where somebody will want to know. */
  stopNotes: StopNotes | undefined;
  /** Its processes are suspended. */
  paused = false;
  /** It has ended, and its `afterExit` is under way: what ends the wait for that. */
  leaving: (() => void) | undefined;
  /** How far its drain step may be extended, at most. */
  drainCapAtMs = 0;

  constructor(slot: Slot, incarnation: number, startedAtMs: number) {
    this.slot = slot;
    this.incarnation = incarnation;
    this.startedAtMs = startedAtMs;
  }

  get id(): string {
    return this.slot.id;
  }

  get path(): ChildPath {
    return this.slot.path;
  }

  get settings(): ResolvedSettings {
    return this.slot.settings;
  }

  get clock(): Clock {
    return this.slot.environment.clock;
  }

  get log(): Logger {
    return this.slot.environment.logger;
  }

  get services(): Services {
    return this.slot.environment.services;
  }

  get resources(): ResourceProvider | undefined {
    return this.slot.environment.resources;
  }

  get tree(): Scope {
    return this.slot.environment.scope;
  }

  ready(): void {
    if (this.saidReady || this.saidIgnored || this.over) return;
    this.saidReady = true;
    if (!this.launching) this.slot.post({ type: 'readied', life: this });
  }

  ignored(): void {
    if (this.saidReady || this.saidIgnored || this.over) return;
    this.saidIgnored = true;
    if (!this.launching) this.slot.post({ type: 'ignored', life: this });
  }

  exited(exit: Exit, stderr?: readonly string[]): void {
    this.slot.environment.replaced.delete(this);
    if (this.over || this.saidIgnored) return;
    const end: LifeEnd = { exit, stderr, atMs: this.clock.now() };
    if (this.settings.afterExit === undefined) return this.#tellEnd(end);
    // The hook is called at once, and what it calls in turn is to find that this has ended.
    this.leaving = () => undefined;
    const record = this.slot.recordOf(this, end);
    this.leaving = runAfterExit(this, record, (staysDown) => this.#tellEnd({ ...end, staysDown }));
  }

  #tellEnd(end: LifeEnd): void {
    // What outlived its kill may have been replaced meanwhile.
    if (this.end !== undefined) return;
    this.leaving = undefined;
    this.end = end;
    if (!this.launching) this.slot.post({ type: 'exited', life: this });
  }

  /** Whether it has ended, though perhaps nobody has been told yet. */
  get over(): boolean {
    return this.leaving !== undefined || this.end !== undefined;
  }

  fault(exit: Exit): void {
    if (this.over || this.blame !== undefined) return;
    this.blame = exit;
    this.slot.post({ type: 'fault', life: this });
  }

  drained(): void {
    if (this.askedToDrain) this.saidDrained = true;
    else if (!this.over) this.slot.post({ type: 'drained', life: this });
  }

  extend(ms: number): number {
    return this.over ? 0 : this.slot.extend(this, ms);
  }

  heartbeat(): void {
    this.beats += 1;
  }

  note(note: string, error?: ErrorFacts): void {
    this.slot.note(this, note, error);
  }

  strayError(error: ErrorFacts): void {
    this.slot.strayError(this, error);
  }
}
