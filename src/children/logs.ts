/**
 * Logs for what programs write: files that rotate, the pipe between a program and its logger, and the labels of multilog.
 * @module treewarden/logs
 */
export { LogFileError, type LogOperation } from '../core/index.js';
export { type LogFile, logFile, reopenLogs } from './process/output/log/log-file.js';
export type { LinePattern, LogFileOptions } from './process/output/log/log-options.js';
export { parseTai64n, tai64n, tai64nLocal } from './process/output/log/tai64n.js';
