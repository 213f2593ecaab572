export { type CommandOptions, command } from './command.js';
export { consumer } from './consumer.js';
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
} from './consumer-hooks.js';
export { type Entry, entry, type TypedEntry } from './entry.js';
export { type ForkSettings, fork } from './fork.js';
export { ignore } from './in-process.js';
export type { ProcessOptions } from './process-options.js';
export type { ProgramOptions } from './program-options.js';
export { type Callable, type Remote, remote, type TypedCallable } from './remote.js';
export { type TaskSettings, task } from './task.js';
export { type ThreadSettings, thread } from './thread.js';
