import { errorFacts, InvalidSpecError, NoResourcesError, ScopeClosedError } from '../../core/index.js';
import type {
  Grant,
  IncarnationHost,
  OwnedGroup,
  ResourceRequest,
  ResourceScope,
} from '../../runtime/index.js';
import { packError, type ResourceAnswer } from './wire.js';

/**
 * What a program in another process or thread acquires, on the side of its supervisor, which makes it and releases it: whatever becomes of the
 * program, nothing is lost between the two.
 */
export class HostedScope {
  readonly #host: IncarnationHost;
  readonly #answer: (answer: ResourceAnswer) => void;
  readonly #group: OwnedGroup | undefined;
  readonly #underWay = new Set<Promise<void>>();
  #scope: Promise<ResourceScope> | undefined;
  #closing: Promise<void> | undefined;

  /** @param answer - throws for what cannot be sent; where nobody hears any more, it does nothing */
  constructor(
    host: IncarnationHost,
    answer: (answer: ResourceAnswer) => void,
    group: OwnedGroup | undefined,
  ) {
    this.#host = host;
    this.#answer = answer;
    this.#group = group;
  }

  /** @throws InvalidSpecError for what is no request; what is in one is for the owner's half of its kind to check. */
  acquire(id: number, request: ResourceRequest): void {
    checkRequest(this.#host.path, id, request);
    this.#track(this.#acquire(id, request));
  }

  /** Unknown numbers are ignored. */
  giveBack(id: number, number: number): void {
    this.#track(this.#giveBack(id, number));
  }

  /** Releases everything, also what is still being granted. Resolves once that is done; never rejects: failures are noted. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #acquire(id: number, request: ResourceRequest): Promise<void> {
    try {
      this.#checkOpen(request);
      const scope = await this.#opened();
      this.#checkOpen(request);
      await this.#hand(id, scope, await scope.grant(request));
    } catch (error) {
      this.#answer({ type: 'not-granted', id, error: packError(error), facts: factsOf(error) });
    }
  }

  /** What cannot be told to the program would be of no use to it. */
  async #hand(id: number, scope: ResourceScope, grant: Grant): Promise<void> {
    try {
      this.#answer({ type: 'granted', id, grant });
    } catch (error) {
      await scope.giveBack(grant.number);
      throw error;
    }
  }

  async #giveBack(id: number, number: number): Promise<void> {
    try {
      await (await this.#scope)?.giveBack(number);
      this.#answer({ type: 'given-back', id });
    } catch (error) {
      this.#answer({ type: 'given-back', id, error: packError(error) });
    }
  }

  #opened(): Promise<ResourceScope> {
    if (this.#scope !== undefined) return this.#scope;
    const opening = this.#open();
    this.#scope = opening;
    // The next request tries again.
    opening.catch(() => (this.#scope = undefined));
    return opening;
  }

  async #open(): Promise<ResourceScope> {
    const { path, incarnation, tree, resources } = this.#host;
    if (resources === undefined) throw new NoResourcesError(path);
    return resources.openScope({ path, incarnation, tree, group: this.#group });
  }

  #track(work: Promise<void>): void {
    const noted = work.catch((error: unknown) =>
      this.#host.note('it could not be answered', errorFacts(error)),
    );
    this.#underWay.add(noted);
    void noted.then(() => this.#underWay.delete(noted));
  }

  async #close(): Promise<void> {
    const scope = await this.#scope?.catch(() => undefined);
    // First, since it refuses what waits for somebody else: nobody is there to wait for it any more.
    const failures = await scope?.close();
    await Promise.all(this.#underWay);
    for (const failure of failures ?? []) this.#host.note('a deferred release failed', errorFacts(failure));
  }

  #checkOpen({ kind }: ResourceRequest): void {
    if (this.#closing !== undefined) throw new ScopeClosedError(this.#host.path, kind);
  }
}

function checkRequest(child: string, id: unknown, request: unknown): void {
  const { kind, name } = (typeof request === 'object' && request !== null ? request : {}) as Record<
    string,
    unknown
  >;
  if (
    Number.isSafeInteger(id) &&
    typeof kind === 'string' &&
    (name === undefined || typeof name === 'string')
  )
    return;
  throw new InvalidSpecError(`"${child}"`, {
    rule: 'invalid_option',
    field: 'a request for a resource',
    value: request,
    expected: 'an object with a kind, and a name if it has one',
  });
}

/** What an error says beside its message, as far as it is plain. */
function factsOf(error: unknown): object {
  try {
    return typeof error === 'object' && error !== null
      ? JSON.parse(JSON.stringify({ ...error, cause: undefined }))
      : {};
  } catch {
    // It holds what is no plain data; its message says the most of it.
    return {};
  }
}
