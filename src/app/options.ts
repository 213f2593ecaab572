import type { ControlOptions } from '../control/index.js';
import {
  CALLBACK,
  checkFields,
  duration,
  either,
  endless,
  field,
  isObject,
  type SupervisionEvent,
  SWITCH,
} from '../core/index.js';
import type { RegistryOptions } from '../resources/index.js';
import {
  type Clock,
  type Logger,
  type ResourceProvider,
  systemClock,
  type TreeOptions,
} from '../runtime/index.js';
import { type SignalMap, type SignalTable, signalTable } from '../signals/index.js';

/** The options of `supervise()`. */
export interface SuperviseOptions extends Omit<TreeOptions, 'resources'> {
  /**
   * What each signal does, laid over the default by which SIGTERM, SIGINT, SIGHUP and SIGQUIT drain and stop the tree; `false` traps none.
   * The second such signal cuts the drain short, the third kills what is left and ends the program at once. In a worker thread no
   * signal ever arrives.
   */
  readonly signals?: SignalMap | false;
  /**
   * How long a stop may take as a whole, in ms from 1 to 2 147 483 647: all drains, stops and kills, and the shutdown bus.
   * @defaultValue `25_000`, five seconds less than a Kubernetes pod has
   */
  readonly graceMs?: number;
  /**
   * Whether a program that was stopped by a signal ends by that signal, so that its wait status tells the truth. An exit code that the program
   * sets itself, 0 included, is left alone.
   * @defaultValue `true`
   */
  readonly reraise?: boolean;
  /**
   * How long the program may go on after a stop by signal before the signal is raised again, in ms from 1, or `Infinity`. A program that
   * ends by itself sooner is not kept waiting.
   * @defaultValue `1000`
   */
  readonly lingerMs?: number;
  /**
   * Where `ctx.resources` come from: a registry, which stays yours to close, or how one is to be opened for the tree when its first child
   * acquires. That one is closed when the tree has ended, before `done` settles.
   * @defaultValue opened in the scope that the root's id names
   */
  readonly resources?: ResourceProvider | ResourceOptions;
  /**
   * Whether, and where, the tree listens to those who see and steer it from another process, such as the program `treewarden`: at a Unix socket of this
   * user's. `true` is `<root id>.sock` in `controlDirectory()` of `treewarden/control`. It listens before anything starts, and until the tree has ended.
   * @defaultValue `false`
   */
  readonly control?: boolean | ControlOptions;
  /**
   * Whether a small process beside this one starts the programs: `command` children, where it can give them all that they are to have. `spawn` blocks a
   * process for as long as its memory is large, 45 ms at 1 GiB, and the helper's is small. It takes 40 MB, is started before the tree and ended after it,
   * and gives programs the limits, niceness and umask of that moment. What it cannot start is started directly, and noted once for each child.
   * @defaultValue `false`
   */
  readonly spawnHelper?: boolean;
  /** Hears every event from the first start on; the same as `app.events.on('*', …)`, which hears only what follows its call. */
  readonly onEvent?: (event: SupervisionEvent) => void;
}

/** How the registry of a program is opened. */
export type ResourceOptions = Partial<RegistryOptions>;

/** The options with every default filled in. */
export interface ProgramSettings {
  readonly signals: SignalTable | undefined;
  readonly graceMs: number;
  readonly reraise: boolean;
  readonly lingerMs: number;
  readonly onEvent: ((event: SupervisionEvent) => void) | undefined;
  readonly clock: Clock;
  readonly logger: Logger | undefined;
  readonly control: ControlOptions | undefined;
  readonly spawnHelper: boolean;
}

const SUPERVISE_DEFAULTS = {
  graceMs: 25_000,
  reraise: true,
  lingerMs: 1000,
  spawnHelper: false,
} as const satisfies SuperviseOptions;

const LOG_METHODS = ['debug', 'info', 'warn', 'error'] as const satisfies readonly (keyof Logger)[];

/** @throws InvalidSpecError for the first option that is wrong. */
export function programSettings(options: SuperviseOptions): ProgramSettings {
  const { signals, onEvent, clock = systemClock, logger, control } = options;
  const {
    graceMs = SUPERVISE_DEFAULTS.graceMs,
    reraise = SUPERVISE_DEFAULTS.reraise,
    lingerMs = SUPERVISE_DEFAULTS.lingerMs,
    spawnHelper = SUPERVISE_DEFAULTS.spawnHelper,
  } = options;
  const checked = { graceMs, lingerMs, reraise, onEvent, logger, control, spawnHelper };
  checkFields('supervise()', checked, FIELDS);
  const table = signals === false ? undefined : signalTable(signals);
  const where = typeof control === 'object' ? control : control === true ? {} : undefined;
  const times = { graceMs, lingerMs, clock };
  return { ...times, signals: table, reraise, onEvent, logger, control: where, spawnHelper };
}

const FIELDS = {
  graceMs: duration(1),
  lingerMs: endless(1),
  reraise: SWITCH,
  spawnHelper: SWITCH,
  control: either(SWITCH, field('an object with a path, a directory or a name', isObject)),
  onEvent: CALLBACK,
  logger: field(
    'an object with debug, info, warn and error, as pino has',
    (value) => isObject(value) && LOG_METHODS.every((name) => typeof (value as Logger)[name] === 'function'),
  ),
};
