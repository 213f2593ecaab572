import { InvalidSpecError } from '../../core/index.js';

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

/** The names of {@link ProgramOptions}. */
export const PROGRAM_OPTIONS: readonly (keyof ProgramOptions)[] = ['args', 'execArgv', 'onMessage'];

/** @throws InvalidSpecError for the first option that is wrong */
export function checkProgramOptions(subject: string, options: ProgramOptions): void {
  for (const field of ['args', 'execArgv'] as const) {
    const value = options[field];
    if (value === undefined || (Array.isArray(value) && value.every(isText))) continue;
    raise(subject, field, value, 'an array of strings without null characters');
  }
  const { onMessage } = options;
  if (onMessage !== undefined && typeof onMessage !== 'function') {
    raise(subject, 'onMessage', onMessage, 'a function');
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && !value.includes('\0');
}

function raise(subject: string, field: string, value: unknown, expected: string): never {
  throw new InvalidSpecError(subject, { rule: 'invalid_option', field, value, expected });
}
