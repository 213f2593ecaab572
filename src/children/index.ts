export { type Entry, entry, type TypedEntry } from './channel/entry.js';
export type { ProgramOptions } from './channel/program-options.js';
export { type Callable, type Remote, remote, type TypedCallable } from './channel/remote.js';
export { consumer } from './consumer/consumer.js';
export type {
  ConsumerContext,
  ConsumerFactory,
  ConsumerHooks,
  ConsumerInstance,
  ConsumerOptions,
  Ender,
  ProgressSettings,
  Subscribable,
  Supervisable,
} from './consumer/consumer-hooks.js';
export { ignore } from './in-process/in-process.js';
export { type TaskSettings, task } from './in-process/task.js';
export { type CommandOptions, command } from './process/command.js';
export { type ForkSettings, fork } from './process/fork.js';
export type {
  HealthOptions,
  Isolation,
  Limit,
  LimitName,
  OutputOrigin,
  OutputSink,
  OutputTarget,
  OutputWriter,
  ProcessOptions,
  WhenHeld,
} from './process/process-options.js';
export {
  type FixedOption,
  type ServiceDirectoryOptions,
  serviceDirectory,
  type Tradition,
} from './services/service-directory.js';
export { type ThreadSettings, thread } from './thread/thread.js';
