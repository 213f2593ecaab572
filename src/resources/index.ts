export type { BackendChoice } from './backend/choose.js';
export { type LeaseStatus, type LeaseUse, ResourceRegistry } from './registry.js';
export type { RegistryEvent, RegistryListener } from './registry-events.js';
export type { RegistryOptions } from './registry-options.js';
