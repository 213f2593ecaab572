export { ignore } from './in-process.js';
export { type TaskSettings, task } from './task.js';
export { type CommandOptions, command } from './command.js';
export type { ProcessOptions } from './process-options.js';
