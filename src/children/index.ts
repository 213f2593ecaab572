export { type CommandOptions, command } from './command.js';
export { ignore } from './in-process.js';
export type { ProcessOptions } from './process-options.js';
export { type TaskSettings, task } from './task.js';
