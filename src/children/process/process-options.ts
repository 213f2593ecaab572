import { constants } from 'node:os';
import {
  CALLBACK,
  type ChildSettings,
  checkFields,
  checkNames,
  either,
  type Field,
  type Fields,
  field,
  InvalidSpecError,
  isObject,
  listOf,
  SWITCH,
  TEXT,
  within,
  words,
} from '../../core/index.js';
import type { Clock } from '../../runtime/index.js';

/** How a program is started, owned and stopped; the same for every kind of child that is a process. */
export interface ProcessOptions {
  /** The working directory. @defaultValue that of this process */
  readonly cwd?: string | URL;
  /** Added to the environment of this process; `undefined` takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /**
   * A directory of variables, read at each start and laid over this process's environment, below `env`: a file's name is the variable's, its first
   * line without blanks at the end the value, with null characters as line ends; an empty file takes the variable out. The `envdir` of daemontools.
   */
  readonly envDir?: string | URL;
  /** The user it runs as, by number or name. Needs the right to change it. @defaultValue that of this process */
  readonly uid?: number | string;
  /** The group it runs as, by number or name. @defaultValue that of this process; with `uid` by name, that user's own */
  readonly gid?: number | string;
  /**
   * Its supplementary groups: a list, or `'init'` for all that the user of `uid` is in.
   * @defaultValue those of this process; with `uid` or `gid` none at all, as with `setuidgid`
   */
  readonly groups?: 'init' | readonly (number | string)[];
  /** The file mode creation mask, as in `0o027`. @defaultValue that of this process */
  readonly umask?: number;
  /** Added to its niceness, -20 to 19; below 0 needs the right to. @defaultValue `0` */
  readonly nice?: number;
  /** Limits of the kernel, as `setrlimit(2)` has them, set before the program is loaded. The `softlimit` of daemontools. */
  readonly limits?: Readonly<Partial<Record<LimitName, Limit>>>;
  /**
   * What it reads: `'ignore'` is an end of file at once, `'inherit'` is this process's stdin, `'open'` is a pipe without content whose
   * end tells the program that it is asked to stop, or that this process has ended, however it ended; `{ text }` and `{ file }` are read to
   * their end. A named pipe without a writer is at its end at once.
   * @defaultValue `'ignore'`
   */
  readonly stdin?:
    | 'ignore'
    | 'inherit'
    | 'open'
    | { readonly text: string }
    | { readonly file: string | URL };
  /**
   * Where its stdout goes. `'inherit'`: straight to this process's stdout. `'tee'`: there as well, through a pipe, and kept for `output()`.
   * `'lines'`: there line by line, each after the child's path, and kept. `'capture'`: only kept. `'ignore'`: nowhere. Or a sink, such as `logFile()`
   * of `treewarden/logs` makes. `ready: { line }` reads along by a pipe; a program that holds its output back when it has no terminal may tell late.
   * @defaultValue `'inherit'`
   */
  readonly stdout?: OutputTarget;
  /**
   * Where its stderr goes, as for `stdout`. Unless it is `'inherit'` or `'ignore'`, its last 20 lines are put into the exit record.
   * @defaultValue `'tee'`
   */
  readonly stderr?: OutputTarget;
  /**
   * Sent at the drain step to the program alone, if it finishes its work by a signal of its own, as nginx and php-fpm do by SIGQUIT: it has
   * `drainMs` to end by itself, before `stopSignal`.
   * @defaultValue none: its drain is its own answer to `stopSignal`
   */
  readonly drainSignal?: NodeJS.Signals;
  /**
   * How it is asked to stop. SIGCONT follows, so that a suspended program hears of it. Not SIGKILL: `shutdown: 'brutal_kill'` kills it at once.
   * @defaultValue `'SIGTERM'`
   */
  readonly stopSignal?: NodeJS.Signals;
  /**
   * How it is ended when `shutdown` is over; what any other signal than SIGKILL has not ended after 300 ms is sent SIGKILL. `'SIGABRT'` leaves a core dump.
   * @defaultValue `'SIGKILL'`
   */
  readonly finalSignal?: NodeJS.Signals;
  /** Sent by `child.reload()`. @defaultValue none: it cannot be asked to reload */
  readonly reloadSignal?: NodeJS.Signals;
  /**
   * Whom a stop is for. `'tree'`: `stopSignal` goes to the process group, to those who have left it once the program itself has ended, and the kill to
   * every descendant. `'mixed'`: `stopSignal` goes to the program
   * alone, and what it leaves behind is killed. `'process'`: both go to the program alone; what it leaves behind is left alone, and the child
   * counts as gone with the program. Not together with `background`.
   * @defaultValue `'tree'`
   */
  readonly killScope?: 'tree' | 'mixed' | 'process';
  /**
   * What becomes of it when this program is killed. `'guarded'`: the guardian ends it with all its descendants, those that left its
   * group included, and what a killed guardian leaves is ended at the next start in the same scope. `'group'`: nothing is done, and its
   * descendants are only looked for in its process group.
   * @defaultValue `'guarded'` where there is a registry to write it down in, as under `supervise()`; else `'group'`
   */
  readonly ownership?: 'guarded' | 'group';
  /**
   * Sent to it by the kernel at the moment this process dies (Linux, by `setpriv`); unlike the guardian it reaches the program alone, and no
   * descendant. Each start goes by way of `setpriv` and a shell, which takes some 2 to 3 ms more.
   * @defaultValue none
   */
  readonly parentDeathSignal?: NodeJS.Signals;
  /**
   * A program that puts itself in the background and ends with 0 is followed: the child is gone when the last descendant is, which then counts as
   * completed, as nobody is told its status. They share a pipe that this process holds; who closes it is found by the mark that `ownership` gives, looked
   * for once a second. Signals, a reload and a stop go to all of them. daemontools' `fghack`.
   * @defaultValue `false`
   */
  readonly background?: boolean;
  /**
   * Never two copies on this machine, not even of another supervisor: a lock that the program inherits is held until its last descendant has
   * ended. Where a copy is there already, it is killed, waited for, or the start fails with its pid. The name is the child's path in its scope.
   * @defaultValue none is looked for, but what a killed supervisor of the same scope has left is ended before the first start
   */
  readonly exclusive?: WhenHeld | { readonly name: string; readonly whenHeld: WhenHeld };
  /** Namespaces, or a control group, of its own: where the platform does not allow it, the start fails and says what is missing. */
  readonly isolate?: Isolation;
  /** What is looked at while it runs; a check that fails too often in a row is a fault, and the child is restarted. */
  readonly health?: HealthOptions;
}

/** What to do about a copy that runs already. */
export type WhenHeld = 'kill' | 'wait' | 'refuse';

/** A place for output that a program writes. */
export type OutputTarget = 'inherit' | 'ignore' | 'tee' | 'capture' | 'lines' | OutputSink;

/** Where captured output goes, such as `logFile()` of `treewarden/logs`. Shared by all incarnations of a child; may be shared by children. */
export interface OutputSink {
  /** Called when a program is about to start; a sink that cannot be opened fails the start. */
  open(origin: OutputOrigin): OutputWriter | Promise<OutputWriter>;
}

/** Whose output it is. */
export interface OutputOrigin {
  readonly path: string;
  readonly incarnation: number;
  readonly stream: 'stdout' | 'stderr';
  /** The clock of its tree, for all that is waited for. */
  readonly clock: Clock;
  /** Something went wrong that loses output, or holds the program up. */
  note(note: string, error?: unknown): void;
}

/** Takes the output of one stream of one incarnation. */
export interface OutputWriter {
  /** A descriptor of this process that the program is to write to itself; nothing of that is kept. Only what `ready: { line }` has to read still comes by `write`. */
  readonly fd?: number;
  /** Takes a chunk as it came. A promise holds the program up until it is settled. */
  write(chunk: Buffer): void | Promise<void>;
  /** Has the file that it writes opened anew, after that was renamed from outside; resolves once the old one is written no more. For sinks that write to files. */
  reopen?(): Promise<void>;
  /** The stream is at its end, also after a write that has failed. Resolves once all is written; the exit is not reported before. */
  end(): void | Promise<void>;
}

/** The limits of `prlimit(1)`. */
export type LimitName =
  | 'as'
  | 'core'
  | 'cpu'
  | 'data'
  | 'fsize'
  | 'locks'
  | 'memlock'
  | 'msgqueue'
  | 'nice'
  | 'nofile'
  | 'nproc'
  | 'rss'
  | 'rtprio'
  | 'rttime'
  | 'sigpending'
  | 'stack';

/** A limit in its unit (bytes, seconds, or a number of things); one number is the soft and the hard one. */
export type Limit =
  | number
  | 'unlimited'
  | { readonly soft?: number | 'unlimited'; readonly hard?: number | 'unlimited' };

/** What a child is kept apart in. */
export interface Isolation {
  /** A pid namespace: when its first process ends, or this process dies, the kernel ends everything in it. */
  readonly pid?: boolean;
  /** An IPC namespace: its System V segments and semaphores and POSIX queues end with it, and nobody else's can be reached. */
  readonly ipc?: boolean;
  /** A control group (v2) below this process's own: killed, and known to be empty, as one. */
  readonly cgroup?: boolean;
}

/** Checks of a running program. Those of all children share one timer, and there is none where there are no checks. */
export interface HealthOptions {
  /** The most that its processes may have in memory together, in bytes. */
  readonly memoryBytes?: number;
  /** The most that its processes may use of one processor, in percent between two looks; 250 is two and a half. */
  readonly cpuPercent?: number;
  /**
   * The longest that it may run once it was ready, in ms; it is then stopped by its ladder, and started anew unless it is temporary. Recycling is no
   * failure: it waits for no backoff, and is not counted by the intensity.
   */
  readonly ageMs?: number;
  /** A TCP port that must accept a connection. */
  readonly port?: number;
  /** The host of `port`. @defaultValue `'127.0.0.1'` */
  readonly host?: string;
  /** True while all is well; false, a throw, and no answer before the next look are failures. */
  readonly probe?: () => boolean | Promise<boolean>;
  /** How often it is looked at, in ms, from 10. @defaultValue `10_000` */
  readonly everyMs?: number;
  /** How many looks in a row must fail, of any one check; `ageMs` needs one. @defaultValue `3` */
  readonly times?: number;
}

/** @throws InvalidSpecError for the first option that is wrong, also for what it is in combination with the others. */
export function checkProcessOptions(subject: string, options: ProcessOptions & ChildSettings): void {
  checkFields(subject, options, FIELDS);
  const { env = {}, limits = {}, health = {} } = options;
  checkFields(subject, env, each(env, TEXT), 'env.');
  checkNames(subject, limits, LIMITS.split(' '));
  checkFields(subject, limits, each(limits, LIMIT), 'limits.');
  checkNames(subject, health, Object.keys(HEALTH));
  checkFields(subject, health, HEALTH, 'health.');
  if (health.host !== undefined && health.port === undefined)
    raise(subject, 'health.host', health.host, 'absent without port');
  if (options.shutdown === 0) raise(subject, 'shutdown', 0, "above 0, or 'brutal_kill' for a kill at once");
  if (options.drainSignal !== undefined && options.drainMs === 0)
    raise(subject, 'drainMs', 0, 'above 0 with a drainSignal, whose time this is');
  if (options.background === true && options.killScope === 'process')
    raise(subject, 'killScope', 'process', "'tree' or 'mixed' for a program that others go on with");
}

const SIGNAL: Field = field('the name of a signal of this platform, such as SIGTERM', (value) =>
  Object.hasOwn(constants.signals, value as string),
);
/** What a program is asked by. */
const HEARD: Field = field(
  "a signal that can be heard, not SIGSTOP, nor SIGKILL: shutdown: 'brutal_kill'",
  (value) => SIGNAL.holds(value) && !/KILL|STOP$/.test(value as string),
);
const PATH: Field = field(
  'a path, or a file: URL',
  (value) => (value !== '' && TEXT.holds(value)) || (value instanceof URL && value.protocol === 'file:'),
);
const ID: Field = either(within(0, 0xffff_fffe), TEXT);
const AMOUNT: Field = either(within(0, Number.MAX_SAFE_INTEGER), words('unlimited'));
const LIMITS =
  'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack';
const LIMIT: Field = either(
  AMOUNT,
  field(
    'an object of soft and hard, each of them that, soft up to hard',
    (value) =>
      isObject(value) &&
      Object.entries(value).every(([end, one]) => ['soft', 'hard'].includes(end) && AMOUNT.holds(one)) &&
      !isAbove(value),
  ),
);
const WHEN_HELD: Field = words('kill', 'wait', 'refuse');
const OUTPUT: Field = field(
  "'inherit', 'ignore', 'tee', 'capture', 'lines', or a sink",
  (value) =>
    ['inherit', 'ignore', 'tee', 'capture', 'lines'].includes(value as string) ||
    typeof (value as Partial<OutputSink> | null)?.open === 'function',
);

const FIELDS: Fields<ProcessOptions> = {
  cwd: PATH,
  env: field(
    "an object of strings, no name with '='",
    (value) => isObject(value) && Object.keys(value).every((name) => /^[^=\0]+$/.test(name)),
  ),
  envDir: PATH,
  uid: ID,
  gid: ID,
  groups: either(words('init'), listOf(ID)),
  umask: within(0, 0o777),
  nice: within(-20, 19),
  limits: field('an object of limits', isObject),
  stdin: field(
    "'ignore', 'inherit', 'open', { text } or { file }",
    (value) =>
      ['ignore', 'inherit', 'open'].includes(value as string) ||
      (isObject(value) &&
        Object.keys(value).length === 1 &&
        ('text' in value ? typeof value.text === 'string' : 'file' in value && PATH.holds(value.file))),
  ),
  stdout: OUTPUT,
  stderr: OUTPUT,
  drainSignal: HEARD,
  stopSignal: HEARD,
  finalSignal: SIGNAL,
  reloadSignal: HEARD,
  killScope: words('tree', 'mixed', 'process'),
  ownership: words('guarded', 'group'),
  parentDeathSignal: SIGNAL,
  background: SWITCH,
  exclusive: field(
    "'kill', 'wait', 'refuse', or { name, whenHeld }",
    (value) =>
      WHEN_HELD.holds(value) ||
      (isObject(value) &&
        'name' in value &&
        TEXT.holds(value.name) &&
        'whenHeld' in value &&
        WHEN_HELD.holds(value.whenHeld)),
  ),
  isolate: field(
    'an object of pid, ipc and cgroup, each true or false',
    (value) =>
      isObject(value) &&
      Object.entries(value).every(
        ([name, on]) => ['pid', 'ipc', 'cgroup'].includes(name) && typeof on === 'boolean',
      ),
  ),
  health: field('an object of checks', isObject),
};

const HEALTH: Fields<HealthOptions> = {
  memoryBytes: within(1, Number.MAX_SAFE_INTEGER),
  cpuPercent: within(1, Number.MAX_SAFE_INTEGER, false),
  ageMs: within(1, Number.MAX_SAFE_INTEGER, false),
  port: within(1, 65_535),
  host: TEXT,
  probe: CALLBACK,
  everyMs: within(10, 2_147_483_647, false),
  times: within(1, Number.MAX_SAFE_INTEGER),
};

/** `'unlimited'` is above every number. */
function isAbove({ soft = 0, hard = 'unlimited' }: Exclude<Limit, number | string>): boolean {
  return hard !== 'unlimited' && !(Number(soft) <= hard);
}

/** The same check for every name that an object has. */
function each(object: object, one: Field): Record<string, Field> {
  return Object.fromEntries(Object.keys(object).map((name) => [name, one]));
}

/** The names of {@link ProcessOptions}. */
export const PROCESS_OPTIONS: readonly string[] = Object.keys(FIELDS);

const FILE: Fields<{ file: unknown; args: unknown }> = {
  file: field('the name or path of a program', (value) => value !== '' && TEXT.holds(value)),
  args: listOf(TEXT),
};

/** @throws InvalidSpecError unless a program of that name can be given these arguments. */
export function checkProgram(subject: string, file: unknown, args: unknown): void {
  checkFields(subject, { file: file ?? '', args }, FILE);
}

function raise(subject: string, field: string, value: unknown, expected: string): never {
  throw new InvalidSpecError(subject, { rule: 'bad_combination', field, value, expected });
}
