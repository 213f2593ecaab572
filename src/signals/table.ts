import { constants } from 'node:os';
import { InvalidSpecError, type SpecFault } from '../core/index.js';

/**
 * What a trapped signal does to the tree: `'drain'` begins at the first rung of the stop ladder, `'stop'` leaves the drain out,
 * `'kill'` ends everything at once, `'ignore'` is heard and does nothing.
 */
export type SignalAction = 'drain' | 'stop' | 'kill' | 'ignore';

/** Hands a signal on to children instead of acting on it. */
export interface SignalForward {
  /**
   * Who gets it: `true` for every child that has a process, or paths below the root, where `*` stands for any one id. A path to a
   * supervisor means everything below it: `'workers'`, `'workers/*'`, `['api', 'workers/resize']`.
   */
  readonly forward: true | string | readonly string[];
  /** The signal that is sent. @defaultValue the one received */
  readonly as?: NodeJS.Signals;
}

/** What each signal means. `false` leaves it to Node and to the program's own listeners. */
export type SignalMap = { readonly [S in NodeJS.Signals]?: SignalAction | SignalForward | false };

/** The signals that are trapped, and what each does. */
export type SignalTable = ReadonlyMap<NodeJS.Signals, SignalAction | SignalForward>;

/** @defaultValue of the signal map: the four by which programs are asked to end. */
export const SIGNAL_DEFAULTS: Readonly<Record<'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGQUIT', SignalAction>> = {
  SIGTERM: 'drain',
  SIGINT: 'drain',
  SIGHUP: 'drain',
  SIGQUIT: 'drain',
};

// The first two cannot be trapped; after a listener for the others Node would run on with broken memory.
const UNTRAPPABLE = ['SIGKILL', 'SIGSTOP', 'SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL'];

const ACTIONS: readonly unknown[] = ['drain', 'stop', 'kill', 'ignore'];

/**
 * The defaults with a program's own wishes laid over them.
 *
 * @throws InvalidSpecError for a signal that does not exist or cannot be trapped, and for a meaning that is none.
 */
export function signalTable(map: SignalMap = {}): SignalTable {
  if (typeof map !== 'object' || map === null)
    throw wrong('signals', map, 'false, or an object of signal names');
  const entries = Object.entries({ ...SIGNAL_DEFAULTS, ...map });
  const table = new Map<NodeJS.Signals, SignalAction | SignalForward>();
  for (const [name, meaning] of entries) {
    if (meaning === undefined || meaning === false) continue;
    checkEntry(name, meaning);
    table.set(name as NodeJS.Signals, meaning);
  }
  return table;
}

/** Whether a path, without the root's id, is one of those that a forward names. */
export function isAddressed(path: string, to: SignalForward['forward']): boolean {
  if (to === true) return true;
  const ids = path.split('/');
  return (typeof to === 'string' ? [to] : to).some((pattern) =>
    pattern.split('/').every((id, index) => id === ids[index] || (id === '*' && index < ids.length)),
  );
}

/** The exit status by which a shell tells of a death by signal: 143 for SIGTERM. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

function checkEntry(name: string, meaning: SignalAction | SignalForward): void {
  const field = `signals.${name}`;
  if (!isSignal(name) || UNTRAPPABLE.includes(name)) {
    throw wrong(field, meaning, 'left out: no such signal can be trapped');
  }
  if (ACTIONS.includes(meaning)) return;
  const { forward, as } = Object(meaning) as Partial<SignalForward>;
  const paths: readonly unknown[] = Array.isArray(forward) ? forward : [forward];
  if (forward !== true && !paths.every((path) => typeof path === 'string' && path !== '')) {
    throw wrong(
      field,
      meaning,
      "'drain', 'stop', 'kill', 'ignore', false, or { forward: true | paths, as? }",
    );
  }
  if (as !== undefined && !isSignal(as)) throw wrong(`${field}.as`, as, 'the name of a signal');
}

// Windows knows fewer; a name that is good elsewhere is no mistake there, it just never comes.
function isSignal(name: string): boolean {
  return (
    Object.hasOwn(constants.signals, name) || (process.platform === 'win32' && /^SIG[A-Z0-9]+$/.test(name))
  );
}

function wrong(field: string, value: unknown, expected: string): InvalidSpecError {
  const fault: SpecFault = { rule: 'invalid_option', field, value, expected };
  return new InvalidSpecError('supervise()', fault);
}
