import { checkNames } from '../../core/index.js';
import type { Granted, Lease, ResourceKind, ResourceRequest } from '../../runtime/index.js';
import { checkName, refuse } from '../checks.js';
import { BaseLease, kindOf } from '../kind.js';

/** How something of one's own is made, undone, and undone by others. */
export interface CustomOptions<T> {
  /** 1 to 100 letters, digits, dots, dashes and underscores. */
  readonly name: string;
  /** Makes it, where it is used. @defaultValue nothing: there is nothing to make */
  acquire?(): T | Promise<T>;
  /** Undoes that, where it is used. */
  release(value: T): unknown;
  /**
   * A command, word by word, that releases it when its user can no longer do so: after a crash, a kill, an exit, or a `release` that failed. It
   * may run although there is nothing to release any more, so that must do no harm. It has 10 s, runs in `/`, and nobody reads its output.
   */
  readonly whenDead: readonly [string, ...string[]];
}

/** Something of the user's own. */
export interface CustomLease<T> extends Lease {
  readonly kind: 'custom';
  /** What `acquire` returned. @throws ReleasedError once released */
  readonly value: T;
  /** If `release` fails, this rejects with that, and the command runs when the owner's scope closes. */
  release(): Promise<void>;
}

/** What is asked for, once it is checked. */
export interface CustomRequest extends ResourceRequest {
  readonly kind: 'custom';
  readonly name: string;
  readonly whenDead: readonly [string, ...string[]];
}

/**
 * Anything else that must not be left behind: a mount, a network interface, a container, a row in a table.
 *
 * @example
 * ```ts
 * const bridge = custom({
 *   name: 'bridge',
 *   acquire: () => run('ip', ['link', 'add', 'shop0', 'type', 'bridge']),
 *   release: () => run('ip', ['link', 'delete', 'shop0']),
 *   whenDead: ['ip', 'link', 'delete', 'shop0'],
 * });
 * ```
 * @throws InvalidSpecError if an option is wrong
 */
export function custom<T = void>(options: CustomOptions<T>): ResourceKind<CustomLease<T>> {
  checkNames(SUBJECT, options, ['name', 'acquire', 'release', 'whenDead']);
  const { name, acquire, release, whenDead } = options;
  if (acquire !== undefined && typeof acquire !== 'function')
    refuse(SUBJECT, 'acquire', acquire, 'a function');
  if (typeof release !== 'function') refuse(SUBJECT, 'release', release, 'a function');
  const request = checkedCustom({ kind: 'custom', name, whenDead });
  return kindOf(request, async (granted) => {
    // Safe: without `acquire`, T is void.
    const value = (await options.acquire?.()) as T;
    return new OwnLease(granted, value, () => options.release(value));
  });
}

/** Checks a request, whether it was made here or came by message. @throws InvalidSpecError */
export function checkedCustom(request: CustomRequest): CustomRequest {
  const { name, whenDead } = request;
  checkName(SUBJECT, 'name', name);
  const words = Array.isArray(whenDead) ? (whenDead as readonly unknown[]) : [];
  if (words.length === 0 || words[0] === '' || !words.every(isWord)) {
    refuse(
      SUBJECT,
      'whenDead',
      whenDead,
      'a command as a list of its words, such as ["rm", "-f", "/run/shop"]',
    );
  }
  return request;
}

const SUBJECT = 'custom resource';

function isWord(value: unknown): boolean {
  return typeof value === 'string' && !value.includes('\0');
}

class OwnLease<T> extends BaseLease implements CustomLease<T> {
  readonly kind = 'custom';
  readonly #value: T;
  readonly #undo: () => unknown;
  #releasing: Promise<void> | undefined;

  constructor(granted: Granted, value: T, undo: () => unknown) {
    super(granted);
    this.#value = value;
    this.#undo = undo;
  }

  get value(): T {
    this.checkHeld();
    return this.#value;
  }

  override get released(): boolean {
    return this.#releasing !== undefined;
  }

  /** A failure is told once, to who released it first. */
  override release(): Promise<void> {
    if (this.#releasing !== undefined) return this.#releasing.catch(() => undefined);
    this.#releasing = this.#undoFirst();
    return this.#releasing;
  }

  /** What could not be undone is not given back: the command is still to run. */
  async #undoFirst(): Promise<void> {
    await this.#undo();
    await super.release();
  }

  protected detach(): void {
    // Undone already.
  }
}
