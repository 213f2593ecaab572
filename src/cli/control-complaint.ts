import type { ControlError } from '../control/index.js';
import { Complaint } from './complaint.js';
import { EXIT, type ExitCode } from './exit-code.js';

/** By its code: the class is in a file that is loaded when it is needed. */
export function isControlError(error: unknown): error is ControlError {
  return error instanceof Error && (error as Partial<ControlError>).code === 'CONTROL_FAILED';
}

/** What a tree or its socket has answered, with the exit code that stands for it. */
export function complaintOf({ failure, message }: ControlError): Complaint {
  return new Complaint(message, EXIT_CODES[failure] ?? EXIT.failed);
}

const EXIT_CODES: Readonly<Partial<Record<ControlError['failure'], ExitCode>>> = {
  'no-tree': EXIT.notFound,
  ambiguous: EXIT.notFound,
  'unknown-child': EXIT.notFound,
  'timed-out': EXIT.timedOut,
};
