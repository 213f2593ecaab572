import { ResourceError, ScopeClosedError } from '../../core/index.js';
import type {
  Grant,
  ResourceOwner,
  ResourceProvider,
  ResourceRequest,
  ResourceScope,
} from '../../runtime/index.js';
import type { Uplink } from './uplink.js';
import { type FromChild, type ResourceAnswer, unpackError } from './wire.js';

/** What a supervised program acquires, on its own side: its supervisor is asked, makes it, and releases it when the program is gone. */
export class RemoteScope implements ResourceProvider, ResourceScope {
  readonly #uplink: Uplink;
  readonly #asked = new Map<number, Asked>();
  #lastId = 0;
  #gone = false;
  #leaving = false;
  #path = '';

  constructor(uplink: Uplink) {
    this.#uplink = uplink;
  }

  /** There is one incarnation here, and so one scope. */
  openScope({ path }: ResourceOwner): this {
    this.#path = path;
    return this;
  }

  grant(request: ResourceRequest): Promise<Grant> {
    if (this.#gone) return Promise.reject(supervisorGone(request));
    return new Promise((resolve, reject) => {
      this.#ask(
        { type: 'acquire', request },
        {
          answered: (answer) => {
            if (answer.type === 'granted') resolve(answer.grant);
            else void explained(answer).then(reject);
          },
          lost: () =>
            reject(this.#gone ? supervisorGone(request) : new ScopeClosedError(this.#path, request.kind)),
        },
      );
    });
  }

  /** With no supervisor left, the guardian releases it when this program has ended; and if that is now, its supervisor does so then. */
  giveBack(number: number): Promise<void> {
    if (this.#gone || this.#leaving) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#ask(
        { type: 'give-back', number },
        {
          answered: (answer) =>
            'error' in answer && answer.error !== undefined ? reject(unpackError(answer.error)) : resolve(),
          lost: resolve,
        },
      );
    });
  }

  /** What was granted is released by the supervisor, once this program is gone; what is still asked for keeps it running no longer. */
  close(): Promise<readonly unknown[]> {
    this.#loseAll();
    return Promise.resolve([]);
  }

  /** The program is being ended: what it gives back from now on is released with all else, once it is gone. */
  leave(): void {
    this.#leaving = true;
  }

  answered(answer: ResourceAnswer): void {
    this.#settle(answer.id)?.answered(answer);
  }

  /** Nothing will be answered any more. */
  supervisorGone(): void {
    this.#gone = true;
    this.#loseAll();
  }

  #loseAll(): void {
    for (const id of [...this.#asked.keys()]) this.#settle(id)?.lost();
  }

  /** While it waits for an answer, the program goes on. */
  #ask(question: Question, asked: Asked): void {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#uplink.send({ ...question, id });
    this.#asked.set(id, asked);
    if (this.#asked.size === 1) this.#uplink.keepAlive(true);
  }

  #settle(id: number): Asked | undefined {
    const asked = this.#asked.get(id);
    if (this.#asked.delete(id) && this.#asked.size === 0) this.#uplink.keepAlive(false);
    return asked;
  }
}

interface Asked {
  answered(answer: ResourceAnswer): void;
  lost(): void;
}

type Question = FromChild extends infer Message
  ? Message extends { readonly type: 'acquire' | 'give-back' }
    ? Omit<Message, 'id'>
    : never
  : never;

/** The error as it was thrown there. Its classes are loaded when one is needed. */
async function explained(answer: ResourceAnswer): Promise<unknown> {
  const { revived } = await import('./revived.js');
  return revived(answer);
}

function supervisorGone({ kind, name }: ResourceRequest): ResourceError {
  return new ResourceError(
    name === undefined ? kind : `${kind} "${name}"`,
    'acquire',
    undefined,
    'the supervisor of this program has ended, and its resources with it. Stop, as ctx.signal asks for.',
  );
}
