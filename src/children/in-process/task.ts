import {
  CHILD_SETTINGS,
  type ChildSettings,
  checkChild,
  checkId,
  checkNames,
  InvalidSpecError,
} from '../../core/index.js';
import {
  type ChildContext,
  type ChildDriver,
  type ChildSpec,
  type Incarnation,
  type IncarnationHost,
  isDriver,
} from '../../runtime/index.js';
import { checkReadiness } from '../readiness-check.js';
import { type Body, InProcess } from './in-process.js';

/** The policy of a task. */
export interface TaskSettings extends ChildSettings {
  /**
   * Whether an uncaught exception or unhandled rejection in the task's async context (its timers, events, sockets and promises) ends
   * this task alone, instead of the program.
   * @defaultValue `true`
   */
  readonly contain?: boolean;
}

/**
 * A function of this process as a child. Returning is a normal exit, throwing a crash; once it is asked to stop (`ctx.signal`), throwing an
 * `AbortError` is a normal exit too. Returning {@link ignore} at once declines to run.
 *
 * A task cannot be killed: one that goes on after its `ctx.deadline` is named as a survivor, and is not replaced until it has ended.
 *
 * @throws InvalidSpecError for a setting that is wrong; a task has no stdout of its own, so `ready: { line }` is wrong for it.
 */
export function task<const Id extends string>(
  id: Id,
  run: (ctx: ChildContext) => unknown,
  settings: TaskSettings = {},
): ChildSpec<Id> {
  checkId(`the task "${String(id)}"`, id);
  if (typeof run !== 'function') {
    throw new InvalidSpecError(`"${id}"`, {
      rule: 'invalid_start',
      field: 'run',
      value: run,
      expected: 'a function, which is called with the context of each incarnation',
    });
  }
  return inProcessSpec(id, 'task', settings, (contain) => new TaskDriver(run, contain));
}

const TASK_OPTIONS: readonly string[] = [...CHILD_SETTINGS, 'contain'];

/** A spec of a kind that runs in this process, with the settings checked. */
export function inProcessSpec<const Id extends string>(
  id: Id,
  kind: string,
  settings: TaskSettings,
  driverOf: (contain: boolean) => ChildDriver,
): ChildSpec<Id> {
  checkNames(`"${id}"`, settings, TASK_OPTIONS);
  const { contain = true, ...policy } = settings;
  const spec = { ...policy, id, kind, driver: driverOf(contain) };
  // Whether `significant` fits is for the supervisor to say, which knows its autoShutdown.
  checkChild(spec, 'any_significant', isDriver);
  if (typeof contain !== 'boolean') {
    throw new InvalidSpecError(`"${id}"`, {
      rule: 'invalid_option',
      field: 'contain',
      value: contain,
      expected: 'true or false',
    });
  }
  checkReadiness(`"${id}"`, policy.ready, { context: true, stdout: false });
  return spec;
}

/** How long an end is waited for after the deadline, in ms. Nothing more can be done to a task, so waiting longer helps nobody. */
const IN_PROCESS_KILL_WAIT_MS = 100;

// The driver is the body of its incarnations as well, so that an idle task costs one object less.
class TaskDriver implements ChildDriver, Body {
  readonly killWaitMs: number = IN_PROCESS_KILL_WAIT_MS;
  readonly run: (ctx: ChildContext) => unknown;
  readonly #contain: boolean;

  constructor(run: (ctx: ChildContext) => unknown, contain: boolean) {
    this.run = run;
    this.#contain = contain;
  }

  get command(): string | undefined {
    return this.run.name || undefined;
  }

  start(host: IncarnationHost): Incarnation {
    return InProcess.start(host, this, this.#contain);
  }
}
