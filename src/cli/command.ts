import type { ExitCode } from './exit-code.js';
import type { Terminal } from './terminal.js';

/** One command of the program, as a line of the table in `commands/index.ts`. */
export interface Command {
  readonly name: string;
  /** What it does, in a line of `--help`. */
  readonly summary: string;
  /** More about it, a paragraph each, for its own help. */
  readonly details?: readonly string[];
  /** What it takes besides options. @defaultValue nothing */
  readonly operands?: Operands;
  /** What it takes, by the long name without its dashes. */
  readonly options: Readonly<Record<string, Option>>;
  /** Does it. What it throws is printed as a complaint, and the program ends as failed, or as a `Complaint` says. */
  run(values: Values, terminal: Terminal): Promise<ExitCode>;
}

/** What stands on the command line without a dash. */
export interface Operands {
  /** As in the usage line: `<signal> [child...]`. */
  readonly usage: string;
  /** @defaultValue `0` */
  readonly min?: number;
  readonly max: number;
  /** How the usage line shows what is taken after `--` as it is; nothing is if this is absent. */
  readonly rest?: string;
  /** What a shell completes them with: names of the running tree, words, or files; the first operand, then all others. */
  readonly complete?: readonly ('children' | 'files' | readonly string[])[];
}

/** An option: a switch, or one with a value. */
export interface Option {
  readonly type: 'boolean' | 'string';
  /** What its value is, as in `--scope <name>`. */
  readonly value?: string;
  /** Its one-letter form. */
  readonly short?: string;
  /** It may be given more than once. */
  readonly repeats?: boolean;
  /** The values that there are, for completion. */
  readonly words?: readonly string[];
  readonly summary: string;
}

/** What the command line gave: options by their names, and the rest. */
export interface Values {
  has(option: string): boolean;
  text(option: string): string | undefined;
  /** Every value of an option that repeats. */
  all(option: string): readonly string[];
  readonly operands: readonly string[];
  /** What stands after `--`; undefined where there is none. */
  readonly rest: readonly string[] | undefined;
}
