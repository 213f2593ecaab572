import type { ResourceProvider } from '../runtime/index.js';
import type { ResourceOptions } from './options.js';

/**
 * Where a program's tree gets its resources from: what it is given, or a registry that is opened when a child first acquires. The code of that
 * one is loaded as late, unless there are options of its own to be checked.
 *
 * @throws InvalidSpecError, by its promise, for an option that is wrong
 */
export function treeResources(
  rootId: string,
  given?: ResourceProvider | ResourceOptions,
): ResourceProvider | Promise<ResourceProvider> {
  if (given !== undefined && 'openScope' in given) return given;
  const load = async (): Promise<ResourceProvider> =>
    new (await import('./tree-registry.js')).TreeRegistry(rootId, given);
  if (given !== undefined) return load();
  let loading: Promise<ResourceProvider> | undefined;
  return {
    openScope: async (owner) => {
      loading ??= load();
      return (await loading).openScope(owner);
    },
  };
}
