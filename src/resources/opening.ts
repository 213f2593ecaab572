/**
 * A second door of this room, for those who open a registry late and name no kind: it leads to little more than the registry itself, and
 * `index.ts` to all kinds of resource.
 */
export { type RegistryOptions, registrySettings } from './registry/options.js';
export { ResourceRegistry } from './registry/registry.js';
export { scopeNamed } from './registry/standalone.js';
