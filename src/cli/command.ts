import type { ExitCode } from './exit-code.js';
import type { Terminal } from './terminal.js';

/** One command of the program, as a line of the table in `commands/index.ts`. */
export interface Command {
  readonly name: string;
  /** What it does, in a line of `--help`. */
  readonly summary: string;
  /** What it takes, by the long name without its dashes. */
  readonly options: Readonly<Record<string, Option>>;
  /** Does it. What it throws is printed as a complaint, and the program ends as failed. */
  run(values: Values, terminal: Terminal): Promise<ExitCode>;
}

/** An option: a switch, or one with a value. */
export interface Option {
  readonly type: 'boolean' | 'string';
  /** What its value is, as in `--scope <name>`. */
  readonly value?: string;
  readonly summary: string;
}

/** What the command line gave, by the options' names. */
export interface Values {
  has(option: string): boolean;
  text(option: string): string | undefined;
}
