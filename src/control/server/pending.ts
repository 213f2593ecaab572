import type { RequestId } from '../protocol.js';
import type { StreamCall } from './call.js';
import { Feed } from './feed.js';

/** A request that has not been answered yet; also what carries it out is given to use. */
export class PendingRequest implements StreamCall<unknown> {
  readonly id: RequestId;
  readonly isStream: boolean;
  /** Its answer, once there is one. A stream has things to tell before that. */
  result: unknown;
  readonly #feed: Feed | undefined;
  readonly #onItem: () => void;
  #undo: (() => void)[] | undefined = [];
  /** How many items the reader has room for. */
  #room: number;

  /** @param room - how many items may come before the next grant */
  constructor(id: RequestId, stream: { readonly room: number; readonly onItem: () => void } | undefined) {
    this.id = id;
    this.isStream = stream !== undefined;
    this.#feed = stream && new Feed();
    this.#room = stream?.room ?? 0;
    this.#onItem = stream?.onItem ?? (() => undefined);
  }

  defer(undo: () => void): void {
    if (this.#undo === undefined) undo();
    else this.#undo.push(undo);
  }

  tell(item: unknown): void {
    this.#feed?.push(item);
    this.#onItem();
  }

  grant(items: number): void {
    this.#room += items;
  }

  /** The next item that the reader has room for. */
  next(): { readonly item: unknown; readonly missed: number } | undefined {
    if (this.#room === 0) return undefined;
    const next = this.#feed?.take();
    if (next !== undefined) this.#room -= 1;
    return next;
  }

  /** Counts items that were taken and could not be told. */
  lose(items: number): void {
    this.#feed?.lose(items);
  }

  /** Whether nothing is left to be told before the answer. */
  get isTold(): boolean {
    return this.#feed?.isEmpty ?? true;
  }

  /** Takes off all that was installed for it. Safe to call twice. */
  end(): void {
    const undo = this.#undo ?? [];
    this.#undo = undefined;
    for (const one of undo) one();
  }
}
