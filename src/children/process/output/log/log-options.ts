import {
  checkFields,
  checkNames,
  type Field,
  type Fields,
  field,
  InvalidSpecError,
  isObject,
  listOf,
  TEXT,
  within,
  words,
} from '../../../../core/index.js';

/** Where a log is written, and how it is kept. Give `directory` or `path`. */
export interface LogFileOptions {
  /** multilog's layout: `current` is written, older files are `@<time>.s`, and `lock` keeps a second writer out. Made if it is missing. */
  readonly directory?: string | URL;
  /** The file that is written, such as `/var/log/shop.log`; older files are `shop.log.@<time>.s`, the lock is `shop.log.lock`. */
  readonly path?: string | URL;
  /** The most that a file has, in bytes, from 4096; it ends with a whole line. Only a single line that is longer makes a longer file. @defaultValue `10_485_760` */
  readonly limitBytes?: number;
  /** How many files are kept, the one that is written included, from 2. @defaultValue `10` */
  readonly files?: number;
  /** A file is rotated with the first line that comes this long after it was made, in ms. @defaultValue never for its age */
  readonly maxAgeMs?: number;
  /**
   * What each line begins with: `'iso'` is `2026-11-22T10:20:30.123Z`, `'tai64n'` is multilog's `@` and 24 digits, `'monotonic'` is the seconds since about the boot
   * with six decimals, which a change of the wall clock does not disturb. It is the moment at which the line's end came in.
   * @defaultValue `'none'`
   */
  readonly timestamps?: 'none' | 'iso' | 'tai64n' | 'monotonic';
  /**
   * Which lines are written, as multilog's `+` and `-`: at first all are; each pattern that a line matches takes it in or leaves it out, and the last one
   * decides. In a string `*` stands for any characters, and the whole line has to match; an expression may match anywhere. Both see the line without its timestamp.
   * @example
   * ```ts
   * [{ exclude: '*' }, { include: '*error*' }, { exclude: /ECONNRESET/ }]
   * ```
   */
  readonly select?: readonly LinePattern[];
  /**
   * A program and its arguments, run on each file that was rotated: it reads the file as stdin, and what it writes to stdout replaces it. As long as it
   * fails, the file is kept as it is, named `.u`, and tried again with the next rotation or start.
   */
  readonly processor?: readonly string[];
  /**
   * What becomes of lines that cannot be written, mostly as the disk is full. `'block'` loses none: the program is held up until they can be. `'drop'`
   * holds nothing up: it drops them, and says in the file and by a note how many.
   * @defaultValue `'block'`
   */
  readonly whenFull?: 'block' | 'drop';
  /** The permissions of new files. @defaultValue `0o640` */
  readonly mode?: number;
}

/** Takes in, or leaves out, the lines that it matches. */
export type LinePattern = { readonly include: string | RegExp } | { readonly exclude: string | RegExp };

/** {@link LogFileOptions} with every default filled in. */
export interface LogSettings {
  readonly limitBytes: number;
  readonly files: number;
  readonly maxAgeMs: number;
  readonly timestamps: 'none' | 'iso' | 'tai64n' | 'monotonic';
  readonly select: readonly LinePattern[];
  readonly processor: readonly string[] | undefined;
  readonly whenFull: 'block' | 'drop';
  readonly mode: number;
}

const SUBJECT = 'logFile()';

/** @throws InvalidSpecError for the first option that is wrong */
export function checkLogOptions(options: LogFileOptions): LogSettings {
  if (!isObject(options)) refuse('options', options, 'an object with a directory or a path');
  checkNames(SUBJECT, options, Object.keys(FIELDS));
  checkFields(SUBJECT, options, FIELDS);
  if ((options.directory === undefined) === (options.path === undefined))
    refuse('directory', options.directory, 'given, or path, but not both');
  return {
    limitBytes: options.limitBytes ?? 10_485_760,
    files: options.files ?? 10,
    maxAgeMs: options.maxAgeMs ?? Number.POSITIVE_INFINITY,
    timestamps: options.timestamps ?? 'none',
    select: options.select ?? [],
    processor: options.processor,
    whenFull: options.whenFull ?? 'block',
    mode: options.mode ?? 0o640,
  };
}

const PATH: Field = field(
  'a path, or a file: URL',
  (value) => (TEXT.holds(value) && value !== '') || (value instanceof URL && value.protocol === 'file:'),
);

const PATTERN: Field = field('{ include } or { exclude }, a string or an expression', (value) => {
  if (!isObject(value)) return false;
  const [[name, pattern] = [], ...others] = Object.entries(value);
  return (
    others.length === 0 &&
    (name === 'include' || name === 'exclude') &&
    (typeof pattern === 'string' || pattern instanceof RegExp)
  );
});

const FIELDS: Fields<LogFileOptions> = {
  directory: PATH,
  path: PATH,
  limitBytes: within(4096, Number.MAX_SAFE_INTEGER),
  files: within(2, Number.MAX_SAFE_INTEGER),
  maxAgeMs: within(1, Number.POSITIVE_INFINITY, false),
  timestamps: words('none', 'iso', 'tai64n', 'monotonic'),
  select: listOf(PATTERN),
  processor: field(
    'a program and its arguments',
    (value) => listOf(TEXT).holds(value) && (value as string[]).length > 0 && (value as string[])[0] !== '',
  ),
  whenFull: words('block', 'drop'),
  mode: within(0, 0o777),
};

function refuse(name: string, value: unknown, expected: string): never {
  throw new InvalidSpecError(SUBJECT, { rule: 'bad_combination', field: name, value, expected });
}
