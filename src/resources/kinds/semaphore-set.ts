import { checkNames, ReleasedError } from '../../core/index.js';
import type { Granted, Lease, ResourceKind, ResourceRequest } from '../../runtime/index.js';
import type { NativeName, SystemV } from '../backend/backend.js';
import { loadNative } from '../backend/choose.js';
import { checkName, checkWhole, refuse, subjectOf } from '../checks.js';
import { type Attempt, attempted, keyText } from '../inspect/failure.js';
import { BaseLease, kindOf } from '../kind.js';
import { checkKey, checkMode } from './shared-memory.js';
import { requireSystemV } from './system-v.js';

/** Which System V semaphore set, and whether it is made or only used. */
export interface SemaphoreSetOptions {
  /** How it is called in messages. */
  readonly name?: string;
  /** Its key, by which any program finds it. @defaultValue a random one, which the lease tells */
  readonly key?: number;
  /** How many permits each semaphore of the set begins with, from 0 to 32 767. Left out only when it is attached to. */
  readonly permits?: readonly number[];
  /**
   * Whether the kernel takes back what a process has taken and not given when it ends, whatever ended it. That is per process: what a
   * thread held comes back when its lease is released, or its process has ended. @defaultValue true
   */
  readonly undo?: boolean;
  /** Who may use it, as of a file; without effect with `attach`. @defaultValue 0o600 */
  readonly mode?: number;
  /** Somebody else made it and will remove it: it is only used. @defaultValue false */
  readonly attach?: boolean;
}

/** What is asked for, once it is checked. */
export interface SemaphoreSetRequest extends ResourceRequest {
  readonly kind: 'semaphore-set';
  readonly key?: number | undefined;
  readonly permits?: readonly number[] | undefined;
  readonly undo: boolean;
  readonly mode: number;
  readonly attach: boolean;
}

export interface SemaphoreSetFacts {
  readonly key: number;
  /** Undefined for one that somebody else made. */
  readonly id?: number | undefined;
  readonly undo: boolean;
  readonly native: NativeName | 'files';
}

/** A System V semaphore set in use. None of its calls waits: `semaphore()` does, and is the better choice among programs of one's own. */
export interface SemaphoreSet extends Lease {
  readonly kind: 'semaphore-set';
  readonly key: number;
  readonly id: number;
  /** The permits that are free. @param index - of the semaphore in its set @defaultValue 0 */
  value(index?: number): number;
  /** Takes permits, all or none; false where there are not enough. */
  tryTake(index?: number, permits?: number): boolean;
  /** Gives permits: those that this lease has taken, and any number of new ones. */
  give(index?: number, permits?: number): void;
}

/**
 * A System V semaphore set, such as `sem_get` of PHP uses. It is removed when its owner has ended, however it ended; permits that are still
 * held at a lease's release are given back.
 *
 * Needs the optional package koffi.
 * @throws InvalidSpecError if an option is wrong
 */
export function semaphoreSet(options: SemaphoreSetOptions): ResourceKind<SemaphoreSet> {
  checkNames('semaphore set', options, ['name', 'key', 'permits', 'undo', 'mode', 'attach']);
  const { name, key, permits, undo = true, mode = 0o600, attach = false } = options;
  return kindOf(checkedSet({ kind: 'semaphore-set', name, key, permits, undo, mode, attach }), attachSet);
}

/** @throws InvalidSpecError; asked again where it is made, since it may have come by message */
export function checkedSet(request: SemaphoreSetRequest): SemaphoreSetRequest {
  const { name, key, permits, undo, mode, attach } = request;
  const subject = setSubject(request);
  if (name !== undefined) checkName(subject, 'name', name);
  if (key !== undefined) checkKey(subject, key);
  checkMode(subject, mode);
  if (typeof undo !== 'boolean') refuse(subject, 'undo', undo, 'true or false');
  if (typeof attach !== 'boolean') refuse(subject, 'attach', attach, 'true or false');
  if (attach && key === undefined) refuse(subject, 'attach', attach, 'false without a key');
  if (permits === undefined && attach) return request;
  if (!Array.isArray(permits) || permits.length === 0) {
    return refuse(subject, 'permits', permits, 'a list of at least one number');
  }
  for (const [index, count] of permits.entries()) checkWhole(subject, `permits[${index}]`, count, 0, 32_767);
  return request;
}

/** As it stands in messages before it has a lease. */
export function setSubject({ name, key }: Pick<SemaphoreSetRequest, 'name' | 'key'>): string {
  if (name !== undefined) return subjectOf('semaphore set', name);
  return key === undefined ? 'semaphore set' : `semaphore set "${keyText(key)}"`;
}

/** The user's half. */
export async function attachSet(granted: Granted): Promise<SemaphoreSet> {
  // Safe: they come from makeSemaphoreSet.
  const facts = granted.facts as SemaphoreSetFacts;
  const subject = setSubject(granted);
  const systemV = requireSystemV(await loadNative(facts.native), subject);
  const attempt: Attempt = { subject, operation: 'open', target: { type: 'semaphore-set', key: facts.key } };
  const id = facts.id ?? attempted(attempt, () => systemV.openSemaphores(facts.key));
  return new SetLease(granted, systemV, subject, { ...facts, id });
}

class SetLease extends BaseLease implements SemaphoreSet {
  readonly kind = 'semaphore-set';
  readonly key: number;
  readonly id: number;
  readonly #systemV: SystemV;
  readonly #what: string;
  readonly #undo: boolean;
  /** What this lease has taken and not given back, by semaphore. */
  readonly #held: Map<number, number> = new Map();

  constructor(
    granted: Granted,
    systemV: SystemV,
    what: string,
    facts: SemaphoreSetFacts & { readonly id: number },
  ) {
    super(granted);
    this.#systemV = systemV;
    this.#what = what;
    this.key = facts.key;
    this.id = facts.id;
    this.#undo = facts.undo;
  }

  value(index = 0): number {
    this.#checkIndex(index);
    return this.#use(() => this.#systemV.value(this.id, index));
  }

  tryTake(index = 0, permits = 1): boolean {
    this.#checkIndex(index);
    checkWhole(this.#what, 'permits', permits, 1, 32_767);
    const taken = this.#use(() => this.#systemV.add(this.id, index, -permits, this.#undo));
    if (taken) this.#held.set(index, this.#heldOf(index) + permits);
    return taken;
  }

  give(index = 0, permits = 1): void {
    this.#checkIndex(index);
    checkWhole(this.#what, 'permits', permits, 1, 32_767);
    this.#use(() => this.#give(index, permits));
  }

  protected detach(): void {
    for (const [index, permits] of this.#held) {
      if (permits > 0) attempted(this.#attempt, () => this.#give(index, permits));
    }
  }

  /** What is no number, or more than the kernel's 16 bits, would be another semaphore's there. */
  #checkIndex(index: number): void {
    checkWhole(this.#what, 'index', index, 0, 65_535);
  }

  /** What was taken is given back under the same terms; what is new the kernel must not take away when this process ends. */
  #give(index: number, permits: number): void {
    const back = Math.min(permits, this.#heldOf(index));
    if (back > 0) this.#systemV.add(this.id, index, back, this.#undo);
    this.#held.set(index, this.#heldOf(index) - back);
    if (permits > back) this.#systemV.add(this.id, index, permits - back, false);
  }

  #heldOf(index: number): number {
    return this.#held.get(index) ?? 0;
  }

  #use<T>(call: () => T): T {
    if (this.released) throw new ReleasedError(this.#what);
    return attempted(this.#attempt, call);
  }

  get #attempt(): Attempt {
    return { subject: this.#what, operation: 'use', target: { type: 'semaphore-set', id: this.id } };
  }
}
