// Values are exported by whole files: through a list of names, code that is loaded late would drag all of this room into chunks of its own.
export * from './child.js';
export * from './clock.js';
export * from './context.js';
export * from './driver.js';
export * from './environment.js';
export * from './logger.js';
export * from './machine-time.js';
export type { BranchPhase } from './phase.js';
export type { ChildCounts, CompleteSpec } from './requests.js';
export type {
  ChildResources,
  Grant,
  Granted,
  Lease,
  OwnedGroup,
  ResourceKind,
  ResourceOwner,
  ResourceProvider,
  ResourceRequest,
  ResourceScope,
  ResourceUser,
} from './resources.js';
export * from './scope.js';
export * from './siblings.js';
export * from './supervisor.js';
export * from './thenable.js';
export * from './tree.js';
export * from './uninterrupted.js';
