import type { Clock, Services } from '../runtime/index.js';

/** The services of a tree whose programs a helper starts, once that is there. Its code is loaded then. */
export class SpawnService implements Services {
  #services: Services | undefined;

  /** @param given - those that the tree has beside it */
  constructor(given: Services | undefined) {
    this.#services = given;
  }

  get<T>(token: symbol): T | undefined {
    return this.#services?.get<T>(token);
  }

  /** Starts the helper. Resolves to what ends it, which is to be called when the tree has ended. */
  async open(clock: Clock): Promise<() => Promise<void>> {
    const { SpawnHelper } = await import('../children/process/helper/spawn-helper.js');
    const helper = await SpawnHelper.open(clock);
    this.#services = helper.over(this.#services);
    return () => helper.close();
  }
}
