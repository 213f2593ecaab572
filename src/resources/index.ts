export type { NativeName } from './backend/backend.js';
export type { BackendChoice } from './backend/choose.js';
export { openReaper } from './backend/reaper.js';
export { type CellRole, type SnapshotCell, type SnapshotCellOptions, snapshotCell } from './cell/cell.js';
export type { ChangeOptions } from './cell/changes.js';
export type { Codec, CodecOption } from './cell/codec.js';
export { type FreshOptions, keepFresh } from './cell/keep-fresh.js';
export {
  type CellPlace,
  type SnapshotReader,
  type SnapshotReaderOptions,
  snapshotReader,
} from './cell/reader.js';
export type { CellView } from './cell/view.js';
export type {
  CommandEntry,
  DirectoryEntry,
  Entry,
  FileEntry,
  GroupDrain,
  GroupEntry,
  Identity,
  MarkedEntry,
  SegmentEntry,
  SemaphoreSetEntry,
  SharedFileEntry,
} from './guard/entry.js';
export type { GuardianState } from './guard/guardian.js';
export type { Who } from './guard/identity.js';
export type { EntryReport, LedgerReport, LedgerVerdict, ReclaimReport } from './guard/reclaim.js';
export type { EntryOutcome, SkipReason } from './guard/release.js';
export {
  type Capability,
  type CapabilityName,
  type CapabilityOptions,
  capabilities,
} from './inspect/capabilities.js';
export type { ProcessCapabilityName } from './inspect/process-capabilities.js';
export {
  type LookOptions,
  reclaimLeftovers,
  type Survey,
  type SurveyOptions,
  survey,
} from './inspect/survey.js';
export { type CustomLease, type CustomOptions, custom } from './kinds/custom.js';
export {
  type FileLock,
  type FileLockOptions,
  fileLock,
  type PidFile,
  type PidFileOptions,
  pidFile,
} from './kinds/file-lock.js';
export type { SharedMemory, ViewType } from './kinds/memory-lease.js';
export { type PosixSemaphore, type PosixSemaphoreOptions, posixSemaphore } from './kinds/posix-semaphore.js';
export { type OwnedProcessGroup, type ProcessGroupOptions, processGroup } from './kinds/process-group.js';
export { type SemaphoreSet, type SemaphoreSetOptions, semaphoreSet } from './kinds/semaphore-set.js';
export { type MemoryBacking, type SharedMemoryOptions, sharedMemory } from './kinds/shared-memory.js';
export {
  type TemporaryDirectoryOptions,
  type TemporaryFileOptions,
  type TemporaryPath,
  temporaryDirectory,
  temporaryFile,
} from './kinds/temporary.js';
export { type UnixSocket, type UnixSocketOptions, unixSocket } from './kinds/unix-socket.js';
export type { LockKindOption } from './locks/choice.js';
export type { Hold } from './locks/hold.js';
export type { LockImplementation } from './locks/latch.js';
export { type Mutex, mutex } from './locks/mutex.js';
export type { LockSettings } from './locks/options.js';
export type { LockOptions } from './locks/queue.js';
export { type RwLock, rwLock } from './locks/rw-lock.js';
export { type AcquireOptions, type Semaphore, type SemaphoreSettings, semaphore } from './locks/semaphore.js';
export type { Permits } from './locks/semaphore-state.js';
export type { RegistryEvent, RegistryListener } from './registry/events.js';
export { type RegistryOptions, type RegistrySettings, registrySettings } from './registry/options.js';
export type { Listed } from './registry/recording-ledger.js';
export { type LeaseStatus, type LeaseUse, ResourceRegistry } from './registry/registry.js';
export { scopeNamed } from './registry/standalone.js';
export {
  type Scoreboard,
  type ScoreboardOptions,
  type SlotStatus,
  scoreboard,
} from './scoreboard/scoreboard.js';
export type { ScoreboardSlot, SlotUpdate } from './scoreboard/slot.js';
