import { constants } from 'node:os';
import { InvalidSpecError } from '../../core/index.js';

/** How a program is started; the same for every kind of child that is a process. */
export interface ProcessOptions {
  /** The working directory. @defaultValue that of this process */
  readonly cwd?: string | URL;
  /** Added to the environment of this process; `undefined` takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /**
   * What it reads: `'ignore'` is an end of file at once, `'inherit'` is this process's stdin, `'open'` is a pipe without content whose
   * end tells the program that it is asked to stop, or that this process has ended, however it ended.
   * @defaultValue `'ignore'`
   */
  readonly stdin?: 'ignore' | 'inherit' | 'open';
  /**
   * Where its stdout goes: to this process's stdout, or nowhere. `ready: { line }` reads along either way, by a pipe; a program that
   * holds its output back when it has no terminal may tell late.
   * @defaultValue `'inherit'`
   */
  readonly stdout?: 'inherit' | 'ignore';
  /**
   * Where its stderr goes. `'tee'`: to this process's stderr, and its last 20 lines into the exit record. `'capture'`: into the
   * exit record alone. `'inherit'`: straight to this process's stderr, for programs that want a terminal; nothing is kept.
   * `'ignore'`: nowhere.
   * @defaultValue `'tee'`
   */
  readonly stderr?: 'tee' | 'capture' | 'inherit' | 'ignore';
  /**
   * How it is asked to stop. SIGCONT follows, so that a suspended program hears of it.
   * @defaultValue `'SIGTERM'`
   */
  readonly stopSignal?: NodeJS.Signals;
}

/** The names of {@link ProcessOptions}. */
export const PROCESS_OPTIONS: readonly (keyof ProcessOptions)[] = [
  'cwd',
  'env',
  'stdin',
  'stdout',
  'stderr',
  'stopSignal',
];

/** @throws InvalidSpecError for the first option that is wrong. */
export function checkProcessOptions(subject: string, options: ProcessOptions): void {
  if (!isObject(options)) raise(subject, 'options', options, 'an object');
  const { cwd, env } = options;
  if (cwd !== undefined && !isText(cwd) && !(cwd instanceof URL && cwd.protocol === 'file:')) {
    raise(subject, 'cwd', cwd, 'a path, or a file: URL');
  }
  if (env !== undefined && !isObject(env)) raise(subject, 'env', env, 'an object of strings');
  for (const [name, value] of Object.entries(env ?? {})) {
    if (value !== undefined && !isText(value)) {
      raise(subject, `env.${name}`, value, 'a string without null characters, or undefined to take it out');
    }
  }
  checkWord(subject, 'stdin', options.stdin, ['ignore', 'inherit', 'open']);
  checkWord(subject, 'stdout', options.stdout, ['inherit', 'ignore']);
  checkWord(subject, 'stderr', options.stderr, ['tee', 'capture', 'inherit', 'ignore']);
  if (options.stopSignal !== undefined && !Object.hasOwn(constants.signals, options.stopSignal)) {
    raise(
      subject,
      'stopSignal',
      options.stopSignal,
      'the name of a signal of this platform, such as SIGTERM',
    );
  }
}

/** @throws InvalidSpecError unless a program of that name can be given these arguments. */
export function checkProgram(subject: string, file: unknown, args: unknown): void {
  if (!isText(file) || file === '') raise(subject, 'file', file, 'the name or path of a program');
  if (!Array.isArray(args) || !args.every(isText)) {
    raise(subject, 'args', args, 'an array of strings without null characters');
  }
}

function checkWord(subject: string, field: string, value: unknown, words: readonly string[]): void {
  if (value === undefined || words.includes(value as string)) return;
  raise(subject, field, value, words.map((word) => `'${word}'`).join(', '));
}

// The operating system ends a string at a null character; Node refuses to pass one.
function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function raise(subject: string, field: string, value: unknown, expected: string): never {
  throw new InvalidSpecError(subject, { rule: 'invalid_option', field, value, expected });
}
