import type { ExitCode } from './exit-code.js';

/** Why a command ends without having done what was asked for: printed on stderr, with the exit code that says which sort of reason it is. */
export class Complaint extends Error {
  override readonly name: string = 'Complaint';
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}
