import { SupervisionError } from './errors.js';

/** What a log was doing when it failed. */
export type LogOperation = 'open' | 'lock' | 'write' | 'rotate' | 'process' | 'pipe';

/** A log could not be opened, locked, written, rotated or processed. */
export class LogFileError extends SupervisionError {
  readonly code = 'LOG_FILE_FAILED';

  /** @param advice - what is wrong and what to do, as a sentence */
  constructor(
    readonly path: string,
    readonly operation: LogOperation,
    /** The operating system's name for it, such as `ENOSPC`, if it was that which refused. */
    readonly errno: string | undefined,
    advice: string,
    options?: ErrorOptions,
  ) {
    super(
      `Could not ${operation} the log ${path}${errno === undefined ? '' : ` (${errno})`}: ${advice}`,
      options,
    );
  }
}
