import { EventEmitter } from 'eventemitter3';
import {
  type EventOf,
  errorFacts,
  InvalidSpecError,
  type SupervisionEvent,
  type SupervisionEvents,
} from '../core/index.js';
import type { Environment } from './environment.js';
import { isThenable } from './thenable.js';

type Listener<Type extends keyof SupervisionEvents> = (event: EventOf<Type>) => void;

/**
 * The events of one supervisor and all below it. A listener that throws or rejects disturbs neither the supervisor nor the other listeners: its
 * error becomes a `listener:failed` event.
 */
export class TreeEmitter {
  readonly #emitter: EventEmitter<SupervisionEvents> = new EventEmitter();
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Adds a listener; returns the function that removes it. Adding the same listener twice calls it twice. */
  on<Type extends keyof SupervisionEvents>(type: Type, listener: Listener<Type>): () => void {
    if (typeof listener !== 'function') throw notAListener(type, listener);
    const guarded = (event: SupervisionEvent): void => {
      try {
        // Safe: the emitter calls it with events of its own type only.
        const answer: unknown = listener(event as EventOf<Type>);
        // An async listener fails later, but in the same way; otherwise it would end the program.
        if (isThenable(answer)) answer.then(undefined, (error: unknown) => this.#report(event, error));
      } catch (error) {
        this.#report(event, error);
      }
    };
    // Safe: as above; eventemitter3 cannot see that the two types agree for every key.
    const erased = guarded as never;
    this.#emitter.on(type, erased);
    this.#environment.listeners += 1;
    let on = true;
    return () => {
      if (!on) return;
      on = false;
      this.#emitter.off(type, erased);
      this.#environment.listeners -= 1;
    };
  }

  emit(event: SupervisionEvent): void {
    // Safe: an event is emitted under its own type.
    this.#emitter.emit(event.type, event as never);
    this.#emitter.emit('*', event);
  }

  #report(event: SupervisionEvent, error: unknown): void {
    // A listener of this very event that fails again has been reported once; more would go round for ever.
    if (event.type === 'listener:failed') return;
    const atMs = this.#environment.clock.now();
    this.emit({ type: 'listener:failed', event: event.type, error: errorFacts(error), atMs });
  }
}

function notAListener(type: string, value: unknown): InvalidSpecError {
  const subject = `the listener of ${type}`;
  return new InvalidSpecError(subject, {
    rule: 'invalid_option',
    field: 'listener',
    value,
    expected: 'a function',
  });
}
