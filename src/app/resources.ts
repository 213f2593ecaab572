/**
 * Shared memory, locks, shared state and whatever else would outlive its users: acquired as a lease, and released on every way out, `kill -9`
 * of the program included.
 *
 * @module treewarden/resources
 */
export {
  AlreadyLockedError,
  CapabilityError,
  InvalidSpecError,
  isSupervisionError,
  type Leftover,
  type LimitFacts,
  LockStateError,
  LockTimeoutError,
  NoResourcesError,
  ReleasedError,
  ResourceError,
  ResourceExistsError,
  ResourceLimitError,
  ScopeClosedError,
  SharedLayoutError,
  SupervisionError,
} from '../core/index.js';
export * from '../resources/index.js';
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
} from '../runtime/index.js';
export { refresher } from './refresher.js';
