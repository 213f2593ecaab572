import { checkChild, UnknownChildError, WrongStateError } from '../core/index.js';
import type { Branch } from './branch.js';
import { type ChildSpec, isDriver, type ResolvedSettings } from './driver.js';
import type { Retry } from './messages.js';
import type { Slot } from './slot.js';

type Handler<T> = (resolve: (value: T) => void, reject: (error: unknown) => void) => void;

/**
 * The requests of a supervisor's API. Each goes through the mailbox, so it meets the tree between two messages and never in the middle of
 * a restart; the obstacles are OTP's (`supervisor:handle_call/3`).
 */

/** Adds a child and starts it; of a dynamic supervisor, an instance. */
export function startChild(branch: Branch, args: readonly unknown[]): Promise<Slot> {
  const spec = instanceSpec(branch, args);
  return ask(branch, 'startChild', (resolve, reject) => {
    const obstacle = obstacleToAdding(branch, spec.id);
    if (obstacle !== undefined)
      return reject(new WrongStateError(`${branch.path}/${spec.id}`, 'startChild', obstacle));
    const slot = addSlot(branch, spec);
    slot.added = true;
    begin(branch, slot, resolve, reject);
  });
}

/** Starts a child that is down. */
export function restartChild(branch: Branch, id: string): Promise<Slot> {
  return ask(branch, 'restartChild', (resolve, reject) => {
    const slot = idle(branch, id, 'restartChild', reject);
    if (slot === undefined) return;
    slot.once = false;
    begin(branch, slot, resolve, reject);
  });
}

/** Brings a child up, `once` or to stay; what is up already stays so, and a restart that is due is not waited for. */
export function bringUp(branch: Branch, id: string, once: boolean): Promise<void> {
  return ask(branch, 'start', (resolve, reject) => {
    const slot = known(branch, id, reject);
    if (slot === undefined) return;
    slot.once = once;
    if (slot.status === 'ready') return resolve();
    if (slot.status === 'down') return begin(branch, slot, () => resolve(), reject);
    slot.waiters.awaitReady({ resolve, reject });
    branch.hasten(slot);
  });
}

/** Stops a child and keeps its spec; cancels a restart that is pending. */
export function terminateChild(branch: Branch, id: string): Promise<void> {
  return ask(branch, 'terminateChild', (resolve, reject) => {
    const slot = known(branch, id, reject);
    if (slot === undefined) return;
    if (slot.alive) return stop(branch, slot, resolve, reject);
    slot.cancelRestart();
    slot.apply({ type: 'cancel' });
    branch.settleReadiness();
    if (branch.isDynamic || slot.settings.restart === 'temporary') branch.remove(slot);
    resolve();
  });
}

/**
 * Adds a child, unless there is one of that id, and has it brought up as after a failure: a start that fails is tried again. Not waited for.
 *
 * @param delayMs - how long its start waits; without one it is not brought up
 */
export function keepChild(branch: Branch, spec: ChildSpec, delayMs: number | undefined): Promise<void> {
  checkChild(spec, branch.policy.autoShutdown, isDriver);
  return ask(branch, 'keepChild', (resolve) => {
    const slot = branch.slots.get(spec.id) ?? addSlot(branch, spec);
    if (delayMs !== undefined && slot.status === 'down') bringBack(branch, slot, delayMs);
    resolve();
  });
}

/** Forgets a child that is down. */
export function deleteChild(branch: Branch, id: string): Promise<void> {
  return ask(branch, 'deleteChild', (resolve, reject) => {
    const slot = idle(branch, id, 'deleteChild', reject);
    if (slot === undefined) return;
    branch.remove(slot);
    resolve();
  });
}

/** How many children there are: OTP's count_children. */
export interface ChildCounts {
  /** Specifications; for a dynamic supervisor 1. */
  readonly specs: number;
  /** Those that are running. */
  readonly active: number;
  readonly supervisors: number;
  readonly workers: number;
}

export function countChildren(branch: Branch): ChildCounts {
  const slots = [...branch.slots.values()];
  const active = slots.filter((slot) => slot.alive && slot.life?.end === undefined).length;
  const supervisors = slots.filter((slot) => 'policy' in slot.spec).length;
  return {
    specs: branch.isDynamic ? 1 : slots.length,
    active,
    supervisors,
    workers: slots.length - supervisors,
  };
}

/** A child's spec with every default filled in. */
export type CompleteSpec = ResolvedSettings & Pick<ChildSpec, 'id' | 'kind'>;

export function getChildSpec(branch: Branch, id: string): CompleteSpec {
  const slot = branch.slots.get(id);
  if (slot === undefined) throw new UnknownChildError(branch.path, id, [...branch.slots.keys()]);
  return { id, kind: slot.spec.kind, ...slot.settings };
}

function ask<T>(branch: Branch, operation: string, run: Handler<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (branch.phase === 'new') return reject(new WrongStateError(branch.path, operation, 'not_running'));
    const answer = (): void => {
      try {
        run(resolve, reject);
      } catch (error) {
        // An id that is no string, say: the caller's mistake is the caller's, and the mailbox goes on.
        reject(error);
      }
    };
    branch.request({ type: 'call', operation, run: answer, refuse: reject });
  });
}

function addSlot(branch: Branch, spec: ChildSpec): Slot {
  const slot = branch.add(spec);
  branch.emit({ type: 'child:added', child: slot.path, atMs: branch.environment.clock.now() });
  return slot;
}

function bringBack(branch: Branch, slot: Slot, delayMs: number): void {
  const retry: Retry = { type: 'retry', slot, failedAtMs: undefined };
  slot.apply({ type: 'delay' });
  slot.retry = retry;
  slot.restartTimer = branch.environment.clock.after(delayMs, () => branch.request(retry));
}

function begin(
  branch: Branch,
  slot: Slot,
  resolve: (slot: Slot) => void,
  reject: (error: unknown) => void,
): void {
  slot.waiters.awaitStart({ resolve: () => resolve(slot), reject });
  // Safe: a start that failed has left its record.
  if (branch.startSlot(slot, 'request') === 'failed')
    branch.failRequest(slot, slot.lastExit as NonNullable<Slot['lastExit']>);
}

function stop(branch: Branch, slot: Slot, resolve: () => void, reject: (error: unknown) => void): void {
  // Where children are independent, one that drains for long keeps no other from being started.
  const { spec } = branch;
  const independent = spec.kind === 'dynamic' || spec.independent === true;
  const release = independent ? () => undefined : branch.hold();
  slot.waiters.awaitStop({
    resolve: () => {
      release();
      resolve();
    },
    reject: (error) => {
      release();
      reject(error);
    },
  });
  slot.stop(Number.POSITIVE_INFINITY);
  slot.awaited?.staysDown();
}

/** A child that is down, as restartChild and deleteChild need it. */
function idle(
  branch: Branch,
  id: string,
  operation: string,
  reject: (error: unknown) => void,
): Slot | undefined {
  if (branch.isDynamic) {
    reject(new WrongStateError(branch.path, operation, 'simple_one_for_one'));
    return undefined;
  }
  const slot = known(branch, id, reject);
  if (slot === undefined || slot.status === 'down') return slot;
  reject(new WrongStateError(slot.path, operation, slot.status === 'waiting' ? 'restarting' : 'running'));
  return undefined;
}

function known(branch: Branch, id: string, reject: (error: unknown) => void): Slot | undefined {
  const slot = branch.slots.get(id);
  if (slot === undefined) reject(new UnknownChildError(branch.path, id, [...branch.slots.keys()]));
  return slot;
}

function obstacleToAdding(
  branch: Branch,
  id: string,
): 'max_children' | 'already_started' | 'already_present' | undefined {
  if (branch.spec.kind === 'dynamic')
    return branch.slots.size >= branch.spec.maxChildren ? 'max_children' : undefined;
  const present = branch.slots.get(id);
  if (present === undefined) return undefined;
  return present.alive ? 'already_started' : 'already_present';
}

function instanceSpec(branch: Branch, args: readonly unknown[]): ChildSpec {
  const { autoShutdown } = branch.policy;
  if (branch.spec.kind === 'supervisor') {
    checkChild(args[0], autoShutdown, isDriver);
    return args[0] as ChildSpec;
  }
  const made: unknown = branch.spec.template(...args);
  checkChild(made, autoShutdown, isDriver);
  const spec = made as ChildSpec;
  branch.instances += 1;
  return { ...spec, id: `${spec.id}-${branch.instances}` };
}
