import type { Branch } from './branch.js';
import type { ChildSpec, IncarnationHost } from './driver.js';
import type { Life } from './life.js';
import { deleteChild, keepChild, terminateChild } from './requests.js';
import { Supervisor } from './supervisor.js';

/** The supervisor of a child whose work it is to keep its siblings, as one that watches a directory of services. */
export class Siblings {
  readonly supervisor: Supervisor;
  readonly #branch: Branch;

  /** @throws TypeError for a host that is no supervisor of this library */
  constructor(host: IncarnationHost) {
    // By shape: its class is another one in the package's other module format.
    const owner = (host as Partial<Life>).slot?.owner;
    if (owner === undefined) throw new TypeError('Siblings are kept only under a supervisor.');
    // Safe: the only owner of slots.
    this.#branch = owner as Branch;
    this.supervisor = Supervisor.of(this.#branch);
  }

  /**
   * Adds a child, unless there is one of that id, and has it brought up after `delayMs` if it is down; without a delay it is left down. Resolves before it
   * is started. A start that fails is tried again, by its backoff.
   *
   * @throws WrongStateError if the supervisor is stopping
   */
  keep(spec: ChildSpec, delayMs: number | undefined): Promise<void> {
    return keepChild(this.#branch, spec, delayMs);
  }

  /**
   * Stops a child, and forgets it.
   * @throws SurvivorError if it outlives its kill; UnknownChildError; WrongStateError if the supervisor is stopping
   */
  async takeOut(id: string): Promise<void> {
    await terminateChild(this.#branch, id);
    await deleteChild(this.#branch, id);
  }
}
