import {
  type Backoff,
  CauseCounts,
  type CauseLimit,
  type ChildEffect,
  type ChildInput,
  type ChildPath,
  type ChildState,
  type ChildStatus,
  type ChildStopReport,
  DOWN,
  type ErrorFacts,
  type ExitRecord,
  errorFacts,
  isAlive,
  isExpectedStop,
  isNormal,
  type Ladder,
  ladderWithin,
  longestDrain,
  nextChild,
  type Snapshot,
  type StartContext,
  type StopObstacle,
  type StopStep,
  type SupervisionEvent,
  type Survivor,
} from '../core/index.js';
import type { Timer } from './clock.js';
import type { ChildSpec, Haste, Incarnation, ResolvedSettings } from './driver.js';
import type { Environment } from './environment.js';
import { Life, type LifeEnd, type StopNotes } from './life.js';
import type { News, Retry } from './messages.js';
import { resolveSettings } from './settings.js';
import { type StallWatch, watchForStall } from './stall.js';
import { Waiters } from './waiters.js';

/** The supervisor, as far as a slot needs it. */
export interface SlotOwner {
  readonly path: ChildPath;
  readonly environment: Environment;
  readonly backoff: Backoff;
  post(news: News): void;
  emit(event: SupervisionEvent): void;
}

const DEFAULT_KILL_WAIT_MS = 5000;

/**
 * One child in its supervisor: its spec, its state, and the life it has now. It carries out what the state machine of `core/child.ts` says;
 * what follows from an exit is the supervisor's business.
 */
export class Slot {
  readonly spec: ChildSpec;
  readonly settings: ResolvedSettings;
  readonly owner: SlotOwner;
  state: ChildState = DOWN;
  life: Life | undefined;
  incarnation = 0;
  restarts = 0;
  /** Failures in a row, and the wait before the last start. */
  failures = 0;
  delayMs = 0;
  lastExit: ExitRecord | undefined;
  /** Whether its supervisor, rather than a fault, is what ends the present life. */
  asked = false;
  startContext: StartContext = 'init';
  /** It was started to run once: its end is no reason for a restart. */
  once = false;
  #causes: CauseCounts | undefined;
  /** The wait before its restart, and the message it ends in, where one is pending. */
  restartTimer: Timer | undefined;
  retry: Retry | undefined;
  /** Whether it was added by the start request that is under way. */
  added = false;
  /** Taken out of its supervisor; a handle may still hold it. */
  removed = false;
  #waiters: Waiters | undefined;
  #timer: Timer | undefined;
  #stall: StallWatch | undefined;

  constructor(owner: SlotOwner, spec: ChildSpec) {
    this.owner = owner;
    this.spec = spec;
    this.settings = resolveSettings(spec);
  }

  get id(): string {
    return this.spec.id;
  }

  get path(): ChildPath {
    return `${this.owner.path}/${this.spec.id}`;
  }

  get environment(): Environment {
    return this.owner.environment;
  }

  get status(): ChildStatus {
    return this.state.status;
  }

  get backoff(): Backoff {
    return this.spec.backoff ?? this.owner.backoff;
  }

  /** Those who wait for it; made when somebody does. */
  get waiters(): Waiters {
    this.#waiters ??= new Waiters(this);
    return this.#waiters;
  }

  /** Those who wait for it, if there are any. */
  get awaited(): Waiters | undefined {
    return this.#waiters;
  }

  /** Whether a life is there, or may be. */
  get alive(): boolean {
    return isAlive(this.state.status);
  }

  post(news: News): void {
    this.owner.post(news);
  }

  /** Begins the next life. Afterwards the status is ready or starting, or the life has already ended or declined. */
  start(context: StartContext): void {
    this.startContext = context;
    this.asked = false;
    this.apply(START);
    const life = this.life;
    if (life === undefined || life.saidIgnored) return;
    if (life.saidReady) {
      this.apply(READIED);
      // It was ready and has ended since: an end like any other, and no failed start.
      if (life.end !== undefined) this.post({ type: 'exited', life });
    } else if (life.end === undefined && this.settings.startTimeoutMs !== Number.POSITIVE_INFINITY) {
      this.apply({ type: 'launched', startTimeoutMs: this.settings.startTimeoutMs });
    }
  }

  /** Puts it on the way down, within `budgetMs`; asks once. */
  stop(budgetMs: number, drain = true): void {
    this.asked = true;
    this.#descend(budgetMs, drain);
  }

  /** Ends a life that is at fault: like a stop, without the drain, and not counted as asked for. */
  stopAtFault(): void {
    this.#emitFault();
    this.#descend(Number.POSITIVE_INFINITY, false);
  }

  /** Hastens a stop under way. */
  hurry(level: Haste, budgetMs: number): void {
    // A supervisor hastens what is below it, once it has been told to end; until then it is still at the drain, like any other child.
    if (level === 'kill') this.life?.leaving?.();
    if (this.life?.body?.hurry !== undefined && this.status !== 'draining')
      return this.life.body.hurry(level);
    const limits = this.#ladder(budgetMs, false);
    this.apply({ type: 'hurry', ladder: level === 'kill' ? { ...limits, shutdown: 'brutal_kill' } : limits });
    this.life?.body?.hurry?.(level);
  }

  apply(input: ChildInput): void {
    const step = nextChild(this.state, input);
    this.state = step.state;
    for (const effect of step.effects) this.#perform(effect);
  }

  /** A time limit has passed; stale if another took its place meanwhile. */
  timedOut(timer: Timer): void {
    if (timer !== this.#timer) return;
    this.#timer = undefined;
    // Its end is known already, and waits only for the round under way: nothing is late.
    if (this.life?.over === true) return;
    this.apply({ type: 'timed-out' });
  }

  /** Closes the present life and returns its record. */
  bury(life: Life): ExitRecord {
    // Safe: a life is buried only after its end was told.
    const record = this.recordOf(life, life.end as LifeEnd);
    this.#protocol(life, record);
    this.#stall?.cancel();
    this.#stall = undefined;
    this.life = undefined;
    this.lastExit = record;
    this.apply(EXITED);
    return record;
  }

  recordOf(life: Life, { exit, stderr, atMs }: LifeEnd): ExitRecord {
    return {
      child: this.path,
      incarnation: life.incarnation,
      exit: life.blame ?? exit,
      atMs,
      ranMs: atMs - life.startedAtMs,
      asked: this.asked,
      stderr,
    };
  }

  /** Counts an end that is a reason for a restart; the limit of its `giveUpOn` that is reached by it, if one is. */
  limitReached({ exit, atMs }: ExitRecord): CauseLimit | undefined {
    const { giveUpOn } = this.settings;
    if (giveUpOn.length === 0) return undefined;
    this.#causes ??= new CauseCounts(giveUpOn);
    return this.#causes.record(exit, atMs);
  }

  /** Whether its end is one that needs no report: what was asked for, or a normal end of what need not run for ever. */
  expected(record: ExitRecord): boolean {
    if (!record.asked) return this.settings.restart !== 'permanent' && isNormal(record.exit);
    return isExpectedStop(this.settings.restart, this.settings.shutdown === 'brutal_kill', record.exit);
  }

  extend(life: Life, ms: number): number {
    if (life !== this.life || this.state.status !== 'draining') return 0;
    const now = this.environment.clock.now();
    const granted = Math.max(0, Math.min(ms, life.drainCapAtMs - now));
    if (granted > 0) this.apply({ type: 'extended', forMs: granted });
    return granted;
  }

  note(life: Life, note: string, error: ErrorFacts | undefined): void {
    if (error !== undefined)
      this.environment.ending?.failures.push({ subject: this.path, message: `${note}: ${error.message}` });
    if (this.environment.listeners === 0) return;
    this.owner.emit({ type: 'child:noted', ...this.#stamp(life), note, error });
  }

  strayError(life: Life, error: ErrorFacts): void {
    this.owner.emit({ type: 'child:stray-error', ...this.#stamp(life), error });
  }

  /** Names it in the stop report, if the tree is ending: it has outlived its kill, perhaps long before. */
  reportSurvivor(): void {
    const survivors = this.environment.ending?.survivors;
    if (survivors?.some(({ child }) => child === this.path) === false)
      survivors.push(this.survivor(this.#whySurvived));
  }

  /** What outlived its kill, by name, and by what stands in its way where that can be seen. */
  survivor(otherwise: string): Survivor {
    const { path, incarnation, spec } = this;
    const { pid, command } = this.life?.body?.facts?.() ?? {};
    const obstacles = this.explain();
    const why = obstacles[0]?.why ?? otherwise;
    return { child: path, incarnation, kind: spec.kind, pid, command, why, obstacles: orNone(obstacles) };
  }

  /** What stands in the way of its end at this moment, worst first. */
  explain(): readonly StopObstacle[] {
    const { life } = this;
    if (life === undefined || life.over) return [];
    try {
      return life.body?.explain?.() ?? [];
    } catch (error) {
      // As with what it is asked to do: no stop fails for want of an explanation.
      this.note(life, 'its driver could not say why it has not ended', errorFacts(error));
      return [];
    }
  }

  /** Suspends its processes, or lets them go on; false where it has none, or they are to heed a stop. */
  pause(on: boolean): boolean {
    const { life, status } = this;
    if (on && status !== 'starting' && status !== 'ready') return false;
    if (life === undefined || life.over || life.body?.pause?.(on) !== true) return false;
    if (life.paused === on) return true;
    life.paused = on;
    this.#tell(life, on ? 'child:paused' : 'child:resumed');
    return true;
  }

  /** Asks it to read its settings anew; false where it has no way. */
  reload(): boolean {
    const { life } = this;
    if (life === undefined || life.over || life.body?.reload?.() !== true) return false;
    this.#tell(life, 'child:reloading');
    return true;
  }

  snapshot(): Snapshot {
    const { life, spec, settings, incarnation, restarts, lastExit } = this;
    const facts = life?.body?.facts?.() ?? {};
    const now = this.environment.clock.now();
    return {
      id: spec.id,
      path: this.path,
      kind: spec.kind,
      status: this.state.status,
      restart: settings.restart,
      incarnation,
      restarts,
      upMs: life?.readyAtMs === undefined ? undefined : now - life.readyAtMs,
      pid: facts.pid,
      threadId: facts.threadId,
      command: facts.command,
      once: this.once || undefined,
      paused: life?.paused || undefined,
      inFlight: facts.inFlight,
      lastExit,
      ...life?.body?.branch?.(),
    };
  }

  cancelRestart(): void {
    this.restartTimer?.cancel();
    this.restartTimer = undefined;
    this.retry = undefined;
  }

  emit(event: SupervisionEvent): void {
    this.owner.emit(event);
  }

  /** The backoff of what is below it, where that has none of its own. */
  get inheritedBackoff(): Backoff {
    return this.owner.backoff;
  }

  #descend(budgetMs: number, drain: boolean): void {
    // On the way down each step has its own limit; silence then is no fault, and would blame a child for an end it was asked for.
    this.#stall?.cancel();
    const ladder = this.#ladder(budgetMs, drain);
    // What is suspended could not heed what it is asked.
    if (this.life?.paused === true && ladder.shutdown !== 'brutal_kill') this.pause(false);
    if (this.life !== undefined)
      this.life.drainCapAtMs = this.environment.clock.now() + longestDrain(ladder, budgetMs);
    this.apply({ type: 'stop', ladder });
  }

  #ladder(budgetMs: number, drain: boolean): Ladder {
    const { drainMs, shutdown } = this.settings;
    const killWaitMs = this.spec.driver.killWaitMs ?? DEFAULT_KILL_WAIT_MS;
    return ladderWithin({ drainMs: drain ? drainMs : 0, shutdown }, killWaitMs, budgetMs);
  }

  #perform(effect: ChildEffect): void {
    switch (effect.do) {
      case 'spawn':
        return this.#spawn();
      case 'set-timer':
        return this.#setTimer(effect.ms);
      case 'clear-timer':
        return this.#clearTimer();
      case 'announce-ready':
        return this.#announceReady();
      case 'drain':
        return this.#drain(effect.withinMs);
      case 'ask-to-stop':
        this.#begin('stop');
        this.#ask((body) => body.stop(effect.withinMs));
        return this.#limit(effect.withinMs);
      case 'kill':
        this.#begin('kill');
        this.#ask((body) => body.kill());
        return this.#limit(effect.withinMs);
      case 'announce-survivor':
        return this.#announceSurvivor();
      case 'start-took-too-long':
        return this.#startTookTooLong();
    }
  }

  #spawn(): void {
    const { clock } = this.environment;
    this.incarnation += 1;
    const life = new Life(this, this.incarnation, clock.now());
    this.life = life;
    if (this.environment.listeners > 0) {
      const { spec, path, incarnation } = this;
      this.owner.emit({
        type: 'child:starting',
        child: path,
        kind: spec.kind,
        incarnation,
        atMs: life.startedAtMs,
      });
    }
    try {
      life.body = this.spec.driver.start(life);
    } catch (error) {
      // A driver that throws is at fault itself, but for the tree it is a start that failed like any other.
      life.exited({ type: 'not-started', error: errorFacts(error) });
    }
    life.launching = false;
  }

  /** Most children have nothing to finish and say so at once: for them the step is over before a limit is set. */
  #drain(withinMs: number): void {
    this.#begin('drain');
    const { life } = this;
    if (life?.body === undefined || life.over) return;
    life.askedToDrain = true;
    this.#ask((body) => body.drain(withinMs));
    life.askedToDrain = false;
    if (life.saidDrained) this.apply(DRAINED);
    else this.#limit(withinMs);
  }

  // A driver of somebody's own may break its contract. The ladder goes on all the same, so no tree hangs for it.
  #ask(what: (body: Incarnation) => void): void {
    const { life } = this;
    if (life?.body === undefined || life.over) return;
    try {
      what(life.body);
    } catch (error) {
      this.note(life, 'its driver failed when it was asked to end', errorFacts(error));
    }
  }

  /** Limits the step that the child has just been asked for, unless it has ended already. */
  #limit(withinMs: number): void {
    if (this.life?.over === false) this.#setTimer(withinMs);
  }

  #setTimer(ms: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const { life } = this;
    if (ms === Number.POSITIVE_INFINITY || life === undefined) return;
    const timer: Timer = this.environment.clock.after(ms, () =>
      this.post({ type: 'timed-out', life, timer }),
    );
    this.#timer = timer;
  }

  #clearTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #announceReady(): void {
    // Safe: only a life that is there can have become ready.
    const life = this.life as Life;
    const now = this.environment.clock.now();
    life.readyAtMs = now;
    if (this.settings.stallAfterMs !== Number.POSITIVE_INFINITY) this.#stall = watchForStall(life);
    if (this.environment.listeners === 0) return;
    const { incarnation } = life;
    const pid = life.body?.facts?.().pid;
    const tookMs = now - life.startedAtMs;
    this.owner.emit({ type: 'child:ready', child: this.path, incarnation, atMs: now, tookMs, pid });
  }

  #announceSurvivor(): void {
    // Safe: without a life there is nothing to outlive anything.
    const life = this.life as Life;
    this.owner.emit({
      type: 'child:survived',
      atMs: this.environment.clock.now(),
      ...this.survivor(this.#whySurvived),
    });
    this.reportSurvivor();
    this.post({ type: 'outlived', life });
  }

  get #whySurvived(): string {
    return WHY_SURVIVED[this.life?.body?.facts?.().pid === undefined ? 'inside' : 'process'];
  }

  #startTookTooLong(): void {
    // Safe: the timer was set for a life, and lifted with its end.
    const life = this.life as Life;
    life.blame ??= { type: 'start-timeout', waitedMs: this.settings.startTimeoutMs };
    this.stopAtFault();
  }

  #begin(step: StopStep): void {
    const { life, environment } = this;
    if (life === undefined || (environment.ending === undefined && environment.listeners === 0)) return;
    const atMs = environment.clock.now();
    life.stopNotes ??= { steps: {} };
    const { steps } = life.stopNotes;
    // What was never asked owes no explanation.
    const obstacles = step === 'kill' && steps.stop !== undefined ? orNone(this.explain()) : undefined;
    life.stopNotes.obstacles = obstacles;
    steps[step] = atMs;
    const { incarnation } = life;
    this.owner.emit({ type: 'child:stopping', child: this.path, incarnation, atMs, step, obstacles });
  }

  #tell(life: Life, type: 'child:paused' | 'child:resumed' | 'child:reloading'): void {
    this.owner.emit({ type, ...this.#stamp(life) });
  }

  #emitFault(): void {
    const life = this.life;
    if (life?.blame === undefined || this.environment.listeners === 0) return;
    this.owner.emit({ type: 'child:fault', ...this.#stamp(life), exit: life.blame });
  }

  #protocol(life: Life, exit: ExitRecord): void {
    const { ending } = this.environment;
    if (ending === undefined || life.stopNotes === undefined) return;
    ending.children.push(stopReportOf(this, life.stopNotes, exit));
  }

  #stamp(life: Life): { readonly child: ChildPath; readonly incarnation: number; readonly atMs: number } {
    return { child: this.path, incarnation: life.incarnation, atMs: this.environment.clock.now() };
  }
}

const START: ChildInput = { type: 'start' };
const READIED: ChildInput = { type: 'readied' };
const DRAINED: ChildInput = { type: 'drained' };
const EXITED: ChildInput = { type: 'exited' };

// Of a kind that cannot explain itself.
const WHY_SURVIVED = {
  inside: 'it has not ended, though it was asked for the last time',
  process: 'it has not ended since SIGKILL; a process in an uninterruptible wait of the kernel does that',
} as const;

/**
 * The time each rung took: until the next rung began, or the end. A life that ended by itself just before it was asked ended before the rung
 * began: that rung took no time.
 */
function stopReportOf(slot: Slot, { steps, obstacles }: StopNotes, exit: ExitRecord): ChildStopReport {
  const entries = Object.entries(steps) as [StopStep, number][];
  const took: Partial<Record<StopStep, number>> = {};
  for (const [at, [step, begunAtMs]] of entries.entries())
    took[step] = Math.max(0, (entries[at + 1]?.[1] ?? exit.atMs) - begunAtMs);
  const tookMs = Math.max(0, exit.atMs - (entries[0]?.[1] ?? exit.atMs));
  return { child: slot.path, kind: slot.spec.kind, steps: took, tookMs, obstacles, exit };
}

/** A list that has something in it. */
function orNone<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}
