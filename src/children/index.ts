export { ignore } from './in-process.js';
export { type TaskSettings, task } from './task.js';
