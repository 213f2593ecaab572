import type { Survivor } from './events.js';
import { describeExit, type Exit } from './exit.js';
import type { ChildPath } from './path.js';

/** The base of every error that treewarden throws; `code` is stable, the facts are fields. */
export abstract class SupervisionError extends Error {
  abstract readonly code: string;

  override get name(): string {
    return this.constructor.name;
  }
}

/** Whether a value is a treewarden error, also one made by the package's other module format. */
export function isSupervisionError(value: unknown): value is SupervisionError {
  return value instanceof Error && BRAND in value;
}

const BRAND = Symbol.for('treewarden/error');
Object.defineProperty(SupervisionError.prototype, BRAND, { value: true });

/** Which rule of validation a spec breaks. Those that OTP has bear OTP's name. */
export type SpecRule =
  | 'invalid_type'
  | 'invalid_strategy'
  | 'invalid_intensity'
  | 'invalid_period'
  | 'invalid_auto_shutdown'
  | 'invalid_child_spec'
  | 'missing_id'
  | 'missing_start'
  | 'invalid_start'
  | 'invalid_restart_type'
  | 'invalid_significant'
  | 'bad_combination'
  | 'invalid_child_type'
  | 'invalid_shutdown'
  | 'duplicate_child_name'
  | 'bad_start_spec'
  | 'invalid_id'
  | 'invalid_backoff'
  | 'invalid_duration'
  | 'invalid_ready'
  | 'invalid_survivor'
  | 'invalid_give_up_as'
  | 'invalid_stop_order'
  | 'invalid_max_children'
  | 'invalid_option';

/** What is wrong with a spec. */
export interface SpecFault {
  readonly rule: SpecRule;
  /** The field, such as `intensity`, or `children[2].shutdown`. */
  readonly field: string;
  readonly value: unknown;
  /** The values that would do. */
  readonly expected: string;
}

/** A spec, or an option, is not valid. Thrown where it is given, before anything has started. */
export class InvalidSpecError extends SupervisionError {
  readonly code = 'INVALID_SPEC';
  readonly rule: SpecRule;
  readonly field: string;
  readonly value: unknown;
  readonly expected: string;
  /** Whose spec: the id of the supervisor or child, as far as it is known. */
  readonly subject: string;

  constructor(subject: string, fault: SpecFault) {
    super(
      `The spec of ${subject} is not valid: ${fault.field} is ${preview(fault.value)}, but must be ${fault.expected}.`,
    );
    this.subject = subject;
    this.rule = fault.rule;
    this.field = fault.field;
    this.value = fault.value;
    this.expected = fault.expected;
  }
}

/** No child of that id or path. */
export class UnknownChildError extends SupervisionError {
  readonly code = 'UNKNOWN_CHILD';

  constructor(
    readonly supervisor: ChildPath,
    readonly child: string,
    readonly known: readonly string[],
  ) {
    super(`Supervisor "${supervisor}" has no child "${child}". It has: ${listed(known)}.`);
  }
}

/** The state of a child, or of its supervisor, that stands in the way of a call. */
export type Obstacle =
  | 'running'
  | 'restarting'
  | 'already_started'
  | 'already_present'
  | 'simple_one_for_one'
  | 'max_children'
  | 'not_running'
  | 'stopping'
  | 'already_running';

/** The call cannot be carried out in the present state. The obstacle has OTP's name where OTP has one. */
export class WrongStateError extends SupervisionError {
  readonly code = 'WRONG_STATE';

  constructor(
    readonly subject: ChildPath,
    readonly operation: string,
    readonly obstacle: Obstacle,
  ) {
    super(`${operation} of "${subject}" is not possible: ${OBSTACLES[obstacle]}`);
  }
}

const OBSTACLES: Record<Obstacle, string> = {
  running: 'it is running. Terminate it first.',
  restarting: 'it is waiting to be restarted. Terminate it first, which cancels the restart.',
  already_started: 'a child of this id is running. Choose another id, or terminate and delete that one.',
  already_present: 'a child of this id exists and is down. Use restartChild, or delete it first.',
  simple_one_for_one:
    'a dynamic supervisor has instances of one template; startChild and terminateChild are what it offers.',
  max_children: 'it has as many children as maxChildren allows. Terminate one, or raise maxChildren.',
  not_running: 'it is not running. Start it first.',
  stopping: 'it is stopping. A supervisor that was asked to stop takes no more requests.',
  already_running: 'it was started before. A Supervisor is started once; make a new one from the same spec.',
};

/** A child, or a whole tree, could not be started; what had been started is stopped again. */
export class StartError extends SupervisionError {
  readonly code = 'START_FAILED';

  constructor(
    readonly child: ChildPath,
    readonly exit: Exit,
    readonly stderr?: readonly string[] | undefined,
  ) {
    const why = describeExit(exit).replace(/\.?$/, '.');
    super(`"${child}" did not start: ${why}${lastWords(stderr)}`, { cause: rootCause(exit) });
  }
}

/** A child has outlived its kill, so what was to follow its end has to wait. */
export class SurvivorError extends SupervisionError {
  readonly code = 'SURVIVOR';

  constructor(readonly survivor: Survivor) {
    super(
      `"${survivor.child}"${survivor.pid === undefined ? '' : ` (pid ${survivor.pid})`} has not ended: ${survivor.why}. ` +
        "Nothing takes its place until it is gone; survivor: 'replace' would not wait.",
    );
  }
}

/** A tree ended by failing: its root gave up, or crashed. */
export class TreeFailedError extends SupervisionError {
  readonly code = 'TREE_FAILED';

  constructor(
    readonly root: ChildPath,
    readonly exit: Exit,
  ) {
    super(
      `The tree "${root}" has failed: ${describeExit(exit)}. Its children are stopped.` +
        (exit.type === 'gave-up' ? ' See exit.attempts for the failures that led here.' : ''),
      { cause: rootCause(exit) },
    );
  }
}

/** A signal arrived before the tree was ready; what had been started is stopped again. */
export class StartInterruptedError extends SupervisionError {
  readonly code = 'START_INTERRUPTED';

  constructor(
    readonly root: ChildPath,
    readonly signal: string,
  ) {
    super(
      `${signal} arrived before "${root}" was ready, so its start was abandoned and what had been started is stopped.`,
    );
  }
}

/** Two copies of the package in one process, of versions too far apart to share what there can be only one of. */
export class SharedStateError extends SupervisionError {
  readonly code = 'SHARED_STATE';

  constructor(
    readonly what: string,
    readonly expected: number,
    readonly found: unknown,
  ) {
    super(
      `Another copy of treewarden in this process has a ${what} of version ${String(found)}; this one understands ${expected}. ` +
        'Install one version only (npm ls treewarden shows who brings which).',
    );
  }
}

/** A call could not be answered. */
export type CallFailure =
  | 'child-exited'
  | 'child-not-running'
  | 'timed-out'
  | 'aborted'
  | 'not-exposed'
  | 'not-sendable';

/** A call to a child program failed before the child could answer it. */
export class CallError extends SupervisionError {
  readonly code = 'CALL_FAILED';

  constructor(
    readonly child: ChildPath,
    readonly method: string,
    readonly failure: CallFailure,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`The call ${method}() to "${child}" failed: ${detail}`, options);
  }
}

/** The called function threw, in the child. `cause` is what it threw. */
export class RemoteError extends SupervisionError {
  readonly code = 'REMOTE_ERROR';

  constructor(
    readonly child: ChildPath,
    readonly method: string,
    cause: unknown,
  ) {
    super(`${method}() of "${child}" threw: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

/** The reason of `ctx.signal`: the child is asked to stop. */
export class StopRequestedError extends SupervisionError {
  readonly code = 'STOP_REQUESTED';

  constructor(readonly child: ChildPath) {
    super(`"${child}" was asked to stop.`);
  }
}

/** The reason of `ctx.deadline`: the time to stop is over. */
export class DeadlineError extends SupervisionError {
  readonly code = 'DEADLINE_PASSED';

  constructor(readonly child: ChildPath) {
    super(
      `The time that "${child}" had to stop is over. Raise its shutdown or drainMs, or make it stop sooner.`,
    );
  }
}

/** A critical section was entered after its child had been asked to stop. */
export class DrainingError extends SupervisionError {
  readonly code = 'DRAINING';

  constructor(readonly child: ChildPath) {
    super(
      `"${child}" is draining, so it begins no new critical section. Check ctx.signal.aborted before taking new work.`,
    );
  }
}

/** The value that a consumer's factory returned cannot be stopped. */
export class NotStoppableError extends SupervisionError {
  readonly code = 'NOT_STOPPABLE';

  constructor(
    readonly child: ChildPath,
    readonly value: unknown,
  ) {
    super(
      `The factory of "${child}" returned ${preview(value)}, which nobody can stop. Return a promise, an async iterable, an ` +
        'observable, a disposable, or an object with close, stop, disconnect, shutdown or unsubscribe; or give a close hook.',
    );
  }
}

/** A program could not be brought into being. `cause` is what the operating system said. */
export class SpawnError extends SupervisionError {
  readonly code = 'SPAWN_FAILED';

  /** @param advice - what is wrong and what to do, as a sentence */
  constructor(
    readonly child: ChildPath,
    readonly program: string,
    /** The operating system's name for it, such as `ENOENT`. */
    readonly errno: string | undefined,
    advice: string,
    options?: ErrorOptions,
  ) {
    super(`The program "${program}" of "${child}" could not be started: ${advice}`, options);
  }
}

function rootCause(exit: Exit): unknown {
  switch (exit.type) {
    case 'failed':
    case 'not-started':
      return exit.error.thrown;
    case 'child-not-started':
      return rootCause(exit.exit);
    case 'gave-up': {
      const last = exit.attempts.at(-1);
      return last === undefined ? undefined : rootCause(last.exit);
    }
    default:
      return undefined;
  }
}

function lastWords(stderr: readonly string[] | undefined): string {
  return stderr === undefined || stderr.length === 0
    ? ''
    : ` Its last words on stderr:\n${stderr.join('\n')}`;
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  const shown = names.slice(0, 12).map((name) => `"${name}"`);
  return names.length > 12 ? `${shown.join(', ')} and ${names.length - 12} more` : shown.join(', ');
}

/** A value as it may stand in a message: short, and never throwing. */
function preview(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === 'function') return `the function ${value.name || '(anonymous)'}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
