import { CALLBACK, checkFields, type Fields, listOf, TEXT } from '../../core/index.js';

/** What a Node program is given, forked or threaded. */
export interface ProgramOptions {
  /** Its `process.argv` from the third on. */
  readonly args?: readonly string[];
  /**
   * Flags for Node, instead of those of this process.
   * @defaultValue those of this process, without its debugger's (`--inspect…`) and what it was told to evaluate (`--eval`)
   */
  readonly execArgv?: readonly string[];
  /** Is given the messages that the program sends by itself, by `process.send` or `parentPort.postMessage`. */
  readonly onMessage?: (message: unknown) => void;
}

const FIELDS: Fields<ProgramOptions> = { args: listOf(TEXT), execArgv: listOf(TEXT), onMessage: CALLBACK };

/** The names of {@link ProgramOptions}. */
export const PROGRAM_OPTIONS: readonly string[] = Object.keys(FIELDS);

/** @throws InvalidSpecError for the first option that is wrong */
export function checkProgramOptions(subject: string, options: ProgramOptions): void {
  checkFields(subject, options, FIELDS);
}
