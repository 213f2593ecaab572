import type { EventOf, SupervisionEvent, SupervisionEvents } from '../core/index.js';
import type { Supervisor } from '../runtime/index.js';

/** How many events wait for a reader that is slower than the tree, before the oldest are dropped. */
const UNREAD_EVENTS_KEPT = 1000;

/**
 * The events of a program: by listener, or as an async iterable that ends with the tree.
 *
 * @example
 * ```ts
 * for await (const event of app.events) console.log(JSON.stringify(event));
 * ```
 */
export class EventStream implements AsyncIterable<SupervisionEvent> {
  readonly #root: Supervisor;

  /** @internal */
  constructor(root: Supervisor) {
    this.#root = root;
  }

  /** Calls `listener` for every event of a type, `'*'` for all. Returns what removes it. One that throws disturbs nobody. */
  on<Type extends keyof SupervisionEvents>(type: Type, listener: (event: EventOf<Type>) => void): () => void {
    return this.#root.on(type, listener);
  }

  /** Like {@link EventStream.on}, for the next event only. */
  once<Type extends keyof SupervisionEvents>(
    type: Type,
    listener: (event: EventOf<Type>) => void,
  ): () => void {
    const off = this.#root.on(type, (event: EventOf<Type>) => {
      off();
      listener(event);
    });
    return off;
  }

  /** All events from now on. A reader that falls behind by more than 1000 misses the oldest. */
  async *[Symbol.asyncIterator](): AsyncIterator<SupervisionEvent, undefined> {
    const unread: SupervisionEvent[] = [];
    let wake: (() => void) | undefined;
    const off = this.#root.on('*', (event) => {
      if (unread.length >= UNREAD_EVENTS_KEPT) unread.shift();
      unread.push(event);
      wake?.();
    });
    try {
      for (let over = this.#root.status === 'stopped'; !over; ) {
        if (unread.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        for (let event = unread.shift(); event !== undefined; event = unread.shift()) {
          yield event;
          over ||= event.type === 'supervisor:stopped' && event.supervisor === this.#root.path;
        }
      }
    } finally {
      off();
    }
    return undefined;
  }
}
