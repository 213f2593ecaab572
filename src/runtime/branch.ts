import {
  type Backoff,
  type CauseLimit,
  type ChildPath,
  callsForRestart,
  DEFAULT_BACKOFF,
  type Exit,
  type ExitRecord,
  endsSupervisor,
  groupStart,
  type Snapshot,
  type StartContext,
  StartError,
  type StopObstacle,
  SUPERVISOR_DEFAULTS,
  type SupervisionEvent,
  type SupervisorSettings,
  SurvivorError,
  WrongStateError,
  whyKeptDown,
} from '../core/index.js';
import type { Timer } from './clock.js';
import type { ChildSpec, Haste, Incarnation } from './driver.js';
import { TreeEmitter } from './emitter.js';
import type { Environment } from './environment.js';
import type { Life } from './life.js';
import { Mailbox, type MailboxReader } from './mailbox.js';
import type { News, Order, Request, Retry } from './messages.js';
import { type BranchPhase, Phase } from './phase.js';
import { Restarts } from './restarts.js';
import { type Round, type RoundPurpose, type StartResult, stagesOf } from './round.js';
import { type RoundOutcome, Rounds, type RoundsOwner } from './rounds.js';
import { Slot, type SlotOwner } from './slot.js';
import type { AnySupervisorSpec } from './tree.js';

/**
 * One supervisor at work. All that happens to its children arrives in one mailbox and is handled one message at a time; an order to end
 * overtakes everything. What follows from a message is decided by `core/` and carried out by slots and rounds.
 */
export class Branch implements SlotOwner, RoundsOwner, MailboxReader, Incarnation {
  readonly spec: AnySupervisorSpec;
  readonly path: ChildPath;
  readonly environment: Environment;
  readonly slots: Map<string, Slot> = new Map();
  readonly policy: Required<Omit<SupervisorSettings, 'backoff' | 'stopOrder'>> & {
    readonly backoff: Backoff;
  };
  readonly lifetime: Phase = new Phase();
  /** How many instances a dynamic supervisor has made; numbers their ids. */
  instances = 0;
  /** How it ended, once it has. */
  finalExit: Exit | undefined;
  /** Of a root that has stopped: resolves to what failed when all that its children had in common was undone. */
  closed: Promise<readonly unknown[]> | undefined;
  /** Why its start failed, where it did. */
  startError: unknown;
  readonly #parent: Life | undefined;
  readonly #together: boolean;
  readonly #restarts: Restarts;
  readonly #mailbox: Mailbox;
  readonly #rounds: Rounds;
  #startedAtMs: number | undefined;
  #readyAtMs: number | undefined;
  #emitter: TreeEmitter | undefined;

  constructor(spec: AnySupervisorSpec, environment: Environment, parent?: Life) {
    this.spec = spec;
    this.environment = environment;
    this.#parent = parent;
    this.path = parent === undefined ? spec.id : parent.path;
    this.policy = {
      ...SUPERVISOR_DEFAULTS,
      backoff: parent?.slot.inheritedBackoff ?? DEFAULT_BACKOFF,
      ...spec.policy,
    };
    this.#together = this.#stopsTogether();
    this.#restarts = new Restarts(this.policy, environment.random);
    this.#mailbox = new Mailbox(this, environment.scheduler);
    this.#rounds = new Rounds(this);
  }

  get phase(): BranchPhase {
    return this.lifetime.value;
  }

  get backoff(): Backoff {
    return this.policy.backoff;
  }

  get isDynamic(): boolean {
    return this.spec.kind === 'dynamic';
  }

  get emitter(): TreeEmitter {
    this.#emitter ??= new TreeEmitter(this.environment);
    return this.#emitter;
  }

  /** While a round is under way, requests wait. */
  get takesRequests(): boolean {
    return this.#rounds.purpose === undefined;
  }

  /** Starts the children, in order. Whether that went well is told to the parent, and to those who observe. */
  begin(): void {
    this.lifetime.enter('starting');
    const atMs = this.environment.clock.now();
    this.#startedAtMs = atMs;
    this.emit({ type: 'supervisor:starting', supervisor: this.path, atMs });
    if (this.spec.kind === 'supervisor') for (const spec of this.spec.children) this.add(spec);
    this.#beginRound('init', [], () => [...this.slots.values()]);
  }

  /** How long it has been ready, until it has stopped, in ms. */
  get upMs(): number | undefined {
    if (this.#readyAtMs === undefined || this.phase === 'stopped') return undefined;
    return this.environment.clock.now() - this.#readyAtMs;
  }

  /** Whether it has ever begun to start. */
  get begun(): boolean {
    return this.#startedAtMs !== undefined;
  }

  /** Ends before it has begun; it will never begin. */
  endUnbegun(): void {
    this.finalExit = { type: 'shutdown' };
    this.lifetime.enter('stopped');
    this.lifetime.announce();
  }

  add(spec: ChildSpec): Slot {
    const slot = new Slot(this, spec);
    this.slots.set(spec.id, slot);
    return slot;
  }

  // --- What its parent asks of it -------------------------------------------------------------------------------------------------

  /** A supervisor has no work of its own to finish: its children drain when they are stopped. */
  drain(): void {
    this.#parent?.drained();
  }

  stop(withinMs: number): void {
    this.end({ type: 'shutdown' }, withinMs);
  }

  kill(): void {
    this.end({ type: 'killed' }, 0);
    this.hurry('kill');
  }

  hurry(level: Haste): void {
    this.#mailbox.putOrder({ type: 'hurry', level });
  }

  /** Orders it to end as `exit`, within `budgetMs`. Overtakes all messages. */
  end(exit: Exit, budgetMs: number): void {
    this.#mailbox.putOrder({ type: 'end', exit, deadlineAtMs: this.environment.clock.now() + budgetMs });
  }

  branch(): Pick<Snapshot, 'strategy' | 'children'> {
    const strategy = this.isDynamic ? 'dynamic' : this.policy.strategy;
    return { strategy, children: [...this.slots.values()].map((slot) => slot.snapshot()) };
  }

  /** What stands in the way of those below it. */
  explain(): readonly StopObstacle[] {
    return [...this.slots.values()].flatMap((slot) => slot.explain());
  }

  stages(): number {
    let stages = 0;
    for (const slot of this.slots.values()) {
      stages = this.#together ? Math.max(stages, stagesOf(slot)) : stages + stagesOf(slot);
    }
    return Math.max(1, stages);
  }

  // --- The mailbox -----------------------------------------------------------------------------------------------------------------

  post(news: News): void {
    this.#mailbox.putNews(news);
  }

  request(request: Request): void {
    if (this.phase === 'stopping' || this.phase === 'stopped') this.#refuse(request);
    else this.#mailbox.putRequest(request);
  }

  emit(event: SupervisionEvent): void {
    if (this.environment.listeners === 0) return;
    this.#emitter?.emit(event);
    this.#parent?.slot.emit(event);
  }

  /** Lets no further request be handled until the returned function is called: OTP's terminate_child is over before the next call is taken. */
  hold(): () => void {
    return this.#mailbox.hold();
  }

  obey(order: Order): void {
    if (order.type === 'end') this.#end(order.exit, order.deadlineAtMs);
    else {
      this.#rounds.hurry(order.level);
      // It may have been told to end, and have waited for what outlived its kill, long before the tree itself ended.
      if (order.level === 'kill') this.#letSurvivorsGo();
    }
  }

  serve(request: Request): void {
    if (request.type === 'retry') this.#retry(request);
    else request.run();
  }

  hear(news: News): void {
    const { life } = news;
    const { slot } = life;
    // Late news of an earlier incarnation, or of an end that a round has taken already.
    if (slot.life !== life) return;
    switch (news.type) {
      case 'readied':
        slot.apply({ type: 'readied' });
        if (slot.status === 'ready') this.#started(slot);
        return;
      case 'drained':
        return slot.apply({ type: 'drained' });
      case 'fault':
        return slot.stopAtFault();
      case 'timed-out':
        return slot.timedOut(news.timer);
      case 'outlived':
        return this.#outlived(slot, life);
      case 'ignored':
      case 'exited':
        if (this.#rounds.passesOver(slot)) this.#mailbox.defer(news);
        else if (news.type === 'exited') this.#exited(slot, life);
        else {
          this.#declined(slot);
          this.#rounds.arrived(slot);
        }
    }
  }

  // --- Starts ----------------------------------------------------------------------------------------------------------------------

  /** Begins a start; says how it stands right afterwards. A failed one has left its record in `lastExit`. */
  startSlot(slot: Slot, context: StartContext): StartResult {
    slot.cancelRestart();
    slot.start(context);
    const { life } = slot;
    if (life?.saidIgnored === true) {
      this.#declined(slot);
      return 'declined';
    }
    if (life?.end !== undefined && !life.saidReady) {
      const record = slot.bury(life);
      this.#emitStartFailed(slot, record);
      return this.#keepsDown(slot, life, record) ? 'declined' : 'failed';
    }
    if (slot.status !== 'ready') return 'pending';
    this.#settleStart(slot);
    return 'ready';
  }

  /** The start is over, and its child is one like any other. */
  #settleStart(slot: Slot): void {
    slot.added = false;
    slot.awaited?.started();
  }

  #started(slot: Slot): void {
    this.#settleStart(slot);
    this.#rounds.arrived(slot);
  }

  #declined(slot: Slot): void {
    // Safe: only a life that is there can decline.
    const { incarnation } = slot.life as Life;
    slot.life = undefined;
    slot.apply({ type: 'ignored' });
    this.emit({ type: 'child:ignored', child: slot.path, incarnation, atMs: this.environment.clock.now() });
    this.#forget(slot);
    this.#settleStart(slot);
  }

  #startFailed(slot: Slot, life: Life, record: ExitRecord): void {
    this.#emitStartFailed(slot, record);
    if (this.#keepsDown(slot, life, record)) this.#rounds.arrived(slot);
    else if (this.#rounds.awaits(slot)) this.#rounds.failed(slot);
    else if (slot.startContext === 'request') this.failRequest(slot, record);
    else this.#retryLater(slot, record);
  }

  /** A start by request that fails is not tried again; a child that was added for it is taken out. */
  failRequest(slot: Slot, record: ExitRecord): void {
    if (slot.added) this.remove(slot);
    else slot.awaited?.staysDown();
    slot.awaited?.startFailed(new StartError(slot.path, record.exit, record.stderr));
  }

  #emitStartFailed(slot: Slot, record: ExitRecord): void {
    this.emit({ type: 'child:start-failed', context: slot.startContext, ...record });
  }

  // --- Exits -----------------------------------------------------------------------------------------------------------------------

  #exited(slot: Slot, life: Life): void {
    const neverReady = life.readyAtMs === undefined;
    const record = slot.bury(life);
    if (neverReady && !slot.asked) return this.#startFailed(slot, life, record);
    this.#emitExited(slot, record);
    if (slot.asked) return this.#gone(slot);
    if (!callsForRestart(slot.settings, record.exit)) return this.#finished(slot);
    const why = whyKeptDown(slot.settings, record.exit, {
      once: slot.once,
      staysDown: life.end?.staysDown === true,
    });
    if (why === undefined) return this.#crashed(slot, record, life.readyAtMs ?? record.atMs);
    this.#emitKeptDown(slot, why);
    this.#finished(slot);
  }

  /** Whether a start that failed is not tried again; the first one of a tree, and one by request, are so in any case. */
  #keepsDown(slot: Slot, life: Life, { exit }: ExitRecord): boolean {
    if (slot.startContext !== 'restart') return false;
    const why = whyKeptDown(slot.settings, exit, {
      once: slot.once,
      staysDown: life.end?.staysDown === true,
    });
    if (why === undefined) return false;
    this.#emitKeptDown(slot, why);
    this.#finished(slot);
    return true;
  }

  #emitKeptDown({ path, incarnation }: Slot, why: string): void {
    const atMs = this.environment.clock.now();
    this.emit({ type: 'child:kept-down', child: path, incarnation, atMs, why });
  }

  // Field by field: a spread costs as much as all the rest of the event.
  #emitExited(slot: Slot, record: ExitRecord): void {
    if (this.environment.listeners === 0) return;
    const { child, incarnation, exit, atMs, ranMs, asked, stderr } = record;
    const expected = slot.expected(record);
    this.emit({ type: 'child:exited', expected, child, incarnation, exit, atMs, ranMs, asked, stderr });
  }

  /** A round found it dead on its way to it: its end is taken as the one that was to be asked for. */
  takeEnd(slot: Slot, life: Life): void {
    slot.asked = true;
    this.#exited(slot, life);
  }

  /** It has ended because it was asked to. */
  #gone(slot: Slot): void {
    this.#forget(slot);
    slot.awaited?.stopped();
    this.#rounds.left(slot);
    // Who has begun to wait since its kill, as it lived on, was not told by that.
    this.#settleReadinessOf(slot);
  }

  /** It ended by itself, and stays down. */
  #finished(slot: Slot): void {
    this.#forget(slot);
    slot.awaited?.staysDown();
    const { autoShutdown } = this.policy;
    const { significant } = slot.settings;
    if (!endsSupervisor({ autoShutdown, significant, othersLeft: () => this.#significantLeft() })) return;
    const atMs = this.environment.clock.now();
    this.emit({ type: 'supervisor:auto-shutdown', supervisor: this.path, child: slot.path, atMs });
    // By the mailbox: a round that was about to start it goes as far as it can first.
    this.end({ type: 'shutdown' }, Number.POSITIVE_INFINITY);
  }

  #significantLeft(): boolean {
    for (const slot of this.slots.values())
      if (slot.settings.significant && slot.status !== 'down') return true;
    return false;
  }

  /** Instances and temporary children lose their specification with their process. */
  #forget(slot: Slot): void {
    if (this.isDynamic || slot.settings.restart === 'temporary') this.remove(slot);
  }

  remove(slot: Slot): void {
    if (slot.removed) return;
    slot.removed = true;
    this.slots.delete(slot.id);
    this.emit({ type: 'child:removed', child: slot.path, atMs: this.environment.clock.now() });
    slot.awaited?.staysDown();
  }

  #outlived(slot: Slot, life: Life): void {
    slot.awaited?.stopFailed(new SurvivorError(slot.survivor('it has outlived its kill')));
    if (this.environment.ending !== undefined && this.#rounds.purpose === 'end')
      return this.#rounds.left(slot);
    if (slot.settings.survivor === 'wait') return;
    this.environment.replaced.set(life, slot.survivor("it was replaced, as survivor: 'replace' says"));
    life.end = { exit: { type: 'killed' }, stderr: undefined, atMs: this.environment.clock.now() };
    this.post({ type: 'exited', life });
  }

  // --- Restarts --------------------------------------------------------------------------------------------------------------------

  #crashed(slot: Slot, record: ExitRecord, readyAtMs: number): void {
    this.#restarts.remember(slot, record, record.atMs - readyAtMs);
    const limit = slot.limitReached(record);
    if (limit !== undefined || !this.#restarts.countFor(record)) return this.#giveUp(slot, limit);
    const delayMs = this.#delay(slot, record);
    if (delayMs === 0) return this.#attempt(slot);
    this.#wait(slot, delayMs, undefined);
    // Siblings that share its fate do not go on beside a dead neighbour while it waits.
    if (!this.#independent) this.#beginRound('stop-group', this.#group(slot).reverse(), () => []);
  }

  #retryLater(slot: Slot, record: ExitRecord): void {
    this.#restarts.remember(slot, record, 0);
    const limit = slot.limitReached(record);
    if (limit === undefined) this.#wait(slot, this.#delay(slot, record), record.atMs);
    else this.#giveUp(slot, limit);
  }

  #delay(slot: Slot, record: ExitRecord): number {
    const delayMs = this.#restarts.nextDelay(slot, record);
    if (this.environment.listeners > 0) {
      const { path, failures } = slot;
      this.emit({
        type: 'child:restarting',
        child: path,
        failures,
        delayMs,
        atMs: this.environment.clock.now(),
      });
    }
    return delayMs;
  }

  /** Its turn goes through the mailbox, where a shutdown overtakes it and a request may cancel it. */
  #wait(slot: Slot, delayMs: number, failedAtMs: number | undefined): void {
    slot.apply({ type: 'delay' });
    const retry: Retry = { type: 'retry', slot, failedAtMs };
    slot.retry = retry;
    if (delayMs === 0) return this.request(retry);
    const timer: Timer = this.environment.clock.after(delayMs, () => this.request(retry));
    slot.restartTimer = timer;
  }

  /** Does not wait any longer for a restart that is due. */
  hasten(slot: Slot): void {
    const { retry, restartTimer } = slot;
    if (restartTimer === undefined || retry === undefined) return;
    slot.restartTimer = undefined;
    restartTimer.cancel();
    this.request(retry);
  }

  #retry(retry: Retry): void {
    const { slot, failedAtMs } = retry;
    if (slot.retry !== retry || slot.status !== 'waiting') return;
    if (failedAtMs !== undefined && !this.#restarts.count(failedAtMs)) return this.#giveUp(slot);
    this.#attempt(slot);
  }

  #attempt(slot: Slot): void {
    if (!this.#independent) {
      return this.#beginRound('group', this.#group(slot).reverse(), () => this.#group(slot));
    }
    // Safe: a start that failed has left its record.
    if (this.startSlot(slot, 'restart') === 'failed') this.#retryLater(slot, slot.lastExit as ExitRecord);
  }

  get #independent(): boolean {
    return this.isDynamic || this.policy.strategy === 'one_for_one';
  }

  #group(slot: Slot): Slot[] {
    const { strategy } = this.policy;
    if (this.isDynamic || strategy === 'one_for_one') return [slot];
    const all = [...this.slots.values()];
    return all.slice(groupStart(strategy, all.indexOf(slot)));
  }

  #giveUp(slot: Slot, limit?: CauseLimit): void {
    const facts = this.#restarts.givingUp(slot.path, limit);
    this.emit({
      type: 'supervisor:gave-up',
      supervisor: this.path,
      atMs: this.environment.clock.now(),
      ...facts,
    });
    slot.cancelRestart();
    slot.apply({ type: 'cancel' });
    this.#forget(slot);
    this.#end(
      this.policy.giveUpAs === 'shutdown' ? { type: 'shutdown' } : { type: 'gave-up', ...facts },
      Number.POSITIVE_INFINITY,
    );
  }

  // --- Rounds ----------------------------------------------------------------------------------------------------------------------

  launch(slot: Slot): StartResult {
    return this.startSlot(slot, this.phase === 'starting' ? 'init' : 'restart');
  }

  #beginRound(
    purpose: RoundPurpose,
    stop: readonly Slot[],
    start: () => readonly Slot[],
    deadlineAtMs = Number.POSITIVE_INFINITY,
  ): void {
    this.#rounds.begin({ purpose, stop, start, together: this.#together, deadlineAtMs });
  }

  roundOver({ purpose, stopsTookMs }: Round, outcome: RoundOutcome): void {
    this.#mailbox.recall();
    if (purpose === 'end') return this.#stopped();
    this.#restarts.standStill(stopsTookMs);
    if (purpose === 'init') return outcome.type === 'done' ? this.#ready() : this.#failInit(outcome.slot);
    // Safe: a start that failed has left its record.
    if (outcome.type === 'failed') this.#retryLater(outcome.slot, outcome.slot.lastExit as ExitRecord);
    this.settleReadiness();
  }

  /** Whether a child that is down is to be started without anybody's asking: it is its turn next, or its group waits for a restart. */
  comesBack(slot: Slot): boolean {
    if (this.phase === 'stopping' || this.phase === 'stopped' || slot.removed) return false;
    if (!this.takesRequests) return true;
    for (const other of this.slots.values()) {
      if (other.status === 'waiting' && this.#group(other).includes(slot)) return true;
    }
    return false;
  }

  /** Tells those who wait for a child that is down and does not come back. */
  settleReadiness(): void {
    for (const slot of this.slots.values()) this.#settleReadinessOf(slot);
  }

  #settleReadinessOf(slot: Slot): void {
    if (slot.awaited !== undefined && slot.status === 'down' && !this.comesBack(slot))
      slot.awaited.staysDown();
  }

  #ready(): void {
    this.lifetime.enter('ready');
    const atMs = this.environment.clock.now();
    this.#readyAtMs = atMs;
    const tookMs = atMs - (this.#startedAtMs ?? atMs);
    this.emit({ type: 'supervisor:ready', supervisor: this.path, atMs, tookMs });
    this.#parent?.ready();
    this.lifetime.announce();
  }

  #failInit(slot: Slot): void {
    // Safe: a start that failed has left its record.
    const { exit, stderr } = slot.lastExit as ExitRecord;
    this.startError = new StartError(slot.path, exit, stderr);
    this.#end({ type: 'child-not-started', child: slot.path, exit }, Number.POSITIVE_INFINITY);
  }

  #end(exit: Exit, deadlineAtMs: number): void {
    if (this.phase === 'stopped') return;
    if (this.phase === 'stopping') return this.#letSurvivorsGo();
    this.lifetime.enter('stopping');
    this.finalExit = exit;
    const atMs = this.environment.clock.now();
    if (this.#parent === undefined) {
      this.environment.ending ??= { children: [], survivors: [], failures: [] };
    }
    this.emit({ type: 'supervisor:stopping', supervisor: this.path, atMs });
    this.#rounds.abandon();
    this.#mailbox.recall();
    this.#cancelRestarts();
    this.#refuseRequests();
    this.#beginRound('end', [...this.slots.values()].reverse(), () => [], deadlineAtMs);
  }

  /** Told to end again while it ends: by now perhaps for good, so that what outlived its kill is no longer waited for. */
  #letSurvivorsGo(): void {
    if (this.environment.ending === undefined) return;
    for (const slot of this.slots.values()) {
      if (slot.status !== 'survivor') continue;
      slot.reportSurvivor();
      this.#rounds.left(slot);
    }
  }

  #cancelRestarts(): void {
    for (const slot of this.slots.values()) {
      slot.cancelRestart();
      if (slot.status === 'waiting') slot.apply({ type: 'cancel' });
    }
  }

  #refuseRequests(): void {
    for (const request of this.#mailbox.takeRequests()) this.#refuse(request);
  }

  #refuse(request: Request): void {
    if (request.type === 'call')
      request.refuse(new WrongStateError(this.path, request.operation, 'stopping'));
  }

  #stopped(): void {
    this.lifetime.enter('stopped');
    // Safe: an end has a reason.
    const exit = this.finalExit as Exit;
    for (const slot of this.slots.values()) slot.awaited?.staysDown();
    this.emit({
      type: 'supervisor:stopped',
      supervisor: this.path,
      atMs: this.environment.clock.now(),
      exit,
    });
    this.#parent?.exited(exit);
    // Never rejects: a scope hands over what failed.
    if (this.#parent === undefined) this.closed = this.environment.scope.close();
    this.lifetime.announce();
  }

  #stopsTogether(): boolean {
    const { stopOrder } = this.spec.policy;
    return stopOrder === undefined ? this.#independent : stopOrder === 'together';
  }
}
