export { Child, type ExposedBy } from './child.js';
export { type Clock, systemClock, type Timer } from './clock.js';
export { type ChildContext, type ContextOwner, IncarnationContext } from './context.js';
export * from './driver.js';
export { Environment, type TreeOptions } from './environment.js';
export { type Logger, silentLogger } from './logger.js';
export { machineTime } from './machine-time.js';
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
export { Scope } from './scope.js';
export {
  type ChildEntry,
  type ChildPathOf,
  DEFAULT_GRACE_MS,
  type SpecAt,
  type StartArguments,
  type StopOptions,
  Supervisor,
} from './supervisor.js';
export { isThenable } from './thenable.js';
export {
  type AnySupervisorSpec,
  type BranchSettings,
  type DynamicOptions,
  type DynamicSpec,
  dynamic,
  isSupervisorSpec,
  type SupervisorOptions,
  type SupervisorSpec,
  supervisor,
} from './tree.js';
