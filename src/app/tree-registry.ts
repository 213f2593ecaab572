import { ResourceError } from '../core/index.js';
import {
  type RegistryOptions,
  ResourceRegistry,
  registrySettings,
  scopeNamed,
} from '../resources/opening.js';
import {
  type ResourceOwner,
  type ResourceProvider,
  type ResourceScope,
  type Scope,
  systemClock,
} from '../runtime/index.js';
import type { ResourceOptions } from './options.js';

/** How long the close of a registry may take, in ms, before the program goes on without it: a release of a user's own may hang. */
const CLOSE_MS = 5000;

/** The registry of one tree: opened for the first scope, and closed when the tree has ended. */
export class TreeRegistry implements ResourceProvider {
  readonly #options: RegistryOptions;
  #opening: Promise<ResourceRegistry> | undefined;

  /** @throws InvalidSpecError for an option that is wrong */
  constructor(rootId: string, options: ResourceOptions = {}) {
    this.#options = { scope: scopeNamed(rootId), ...options };
    registrySettings(this.#options);
  }

  async openScope(owner: ResourceOwner): Promise<ResourceScope> {
    this.#opening ??= this.#open(owner.tree);
    return (await this.#opening).openScope(owner);
  }

  #open(tree: Scope | undefined): Promise<ResourceRegistry> {
    const opening = ResourceRegistry.open(this.#options);
    const forget = tree?.defer(async () => closed(await opening));
    opening.catch(() => {
      forget?.();
      // The next one tries again.
      this.#opening = undefined;
    });
    return opening;
  }
}

function closed(registry: ResourceRegistry): Promise<void> {
  return new Promise((resolve, reject) => {
    const limit = systemClock.after(CLOSE_MS, () => reject(hangs(registry.scope)));
    registry
      .close()
      .then(resolve, reject)
      .finally(() => limit.cancel());
  });
}

function hangs(scope: string): ResourceError {
  return new ResourceError(
    `the resources of "${scope}"`,
    'release',
    undefined,
    `not all were released within ${CLOSE_MS} ms. What is left is released when this program has ended; see which release hangs.`,
  );
}
