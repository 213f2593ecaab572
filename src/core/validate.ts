import type { Backoff } from './backoff.js';
import { InvalidSpecError, type SpecFault, type SpecRule } from './errors.js';
import { CHILD_DEFAULTS, type ChildSettings, LONGEST_TIMER_MS, type SupervisorSettings } from './spec.js';

/**
 * The checks of a spec, in OTP's order (`supervisor:check_flags/1`, `do_check_childspec/2`): the first wrong thing is the one reported.
 * Each returns the fault, or nothing.
 */
type Check<T> = (value: T) => SpecFault | undefined;

/** A child spec as far as the core knows it; `driver` is checked by the caller's `isDriver`. */
export interface CheckedChild extends ChildSettings {
  readonly id: string;
  readonly kind: string;
  readonly driver: unknown;
}

/** @throws InvalidSpecError for the first setting that is wrong. */
export function checkSupervisor(subject: string, settings: SupervisorSettings): void {
  raise(subject, firstFault(settings, SUPERVISOR_CHECKS));
}

/** @throws InvalidSpecError for the first setting that is wrong. */
export function checkChild(
  child: unknown,
  autoShutdown: SupervisorSettings['autoShutdown'],
  isDriver: (value: unknown) => boolean,
): asserts child is CheckedChild {
  if (typeof child !== 'object' || child === null || Array.isArray(child)) {
    raise('a child', {
      rule: 'invalid_child_spec',
      field: 'the child',
      value: child,
      expected:
        'a child spec, as task(), thread(), fork(), command(), consumer(), supervisor() and dynamic() return',
    });
  }
  const spec = child as CheckedChild;
  const found = checkIdentity(spec, isDriver) ?? checkPolicy(spec, autoShutdown ?? 'never');
  if (found !== undefined) raise(subjectOf(spec), found);
}

/** @throws InvalidSpecError if two children have the same id. */
export function checkUnique(supervisor: string, ids: readonly string[]): void {
  const seen = new Set<string>();
  for (const id of ids) {
    if (seen.has(id)) {
      raise(`supervisor "${supervisor}"`, {
        rule: 'duplicate_child_name',
        field: 'children',
        value: id,
        expected: 'free of duplicate ids',
      });
    }
    seen.add(id);
  }
}

/** @throws InvalidSpecError unless `value` is one of OTP's whole numbers from `from`, or Infinity where allowed. */
export function checkMaxChildren(subject: string, value: unknown): void {
  if (value === Number.POSITIVE_INFINITY || (isWhole(value) && value >= 1)) return;
  raise(subject, {
    rule: 'invalid_max_children',
    field: 'maxChildren',
    value,
    expected: 'a whole number from 1, or Infinity',
  });
}

/** @throws InvalidSpecError if `id` cannot be part of a path. */
export function checkId(subject: string, id: unknown): asserts id is string {
  raise(subject, idFault(id));
}

/** The names of the settings that every kind of child takes. */
export const CHILD_SETTINGS: readonly string[] = [...Object.keys(CHILD_DEFAULTS), 'backoff', 'afterExit'];

/** @throws InvalidSpecError unless `options` is an object in which every name is one of `known`: a misspelt one would be without effect. */
export function checkNames(subject: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    raise(subject, fault('invalid_type', 'options', options, 'an object'));
  }
  for (const name of Object.keys(options as object)) {
    if (known.includes(name)) continue;
    raise(
      subject,
      fault(
        'invalid_option',
        name,
        (options as Record<string, unknown>)[name],
        `absent: the options are ${known.join(', ')}`,
      ),
    );
  }
}

/** @throws InvalidSpecError unless `value` is a number of ms from `fromMs` up to what a timer takes. */
export function checkDuration(subject: string, field: string, value: unknown, fromMs = 0): void {
  raise(subject, durationFault(field, value, fromMs, false));
}

function checkIdentity(spec: CheckedChild, isDriver: (value: unknown) => boolean): SpecFault | undefined {
  if (!('id' in spec) || spec.id === undefined) return fault('missing_id', 'id', undefined, 'present');
  const badId = idFault(spec.id);
  if (badId !== undefined) return badId;
  if (spec.driver === undefined || spec.driver === null) {
    return fault('missing_start', 'driver', spec.driver, 'a ChildDriver, as every kind of child brings');
  }
  if (!isDriver(spec.driver))
    return fault('invalid_start', 'driver', spec.driver, 'a ChildDriver: an object with start()');
  return undefined;
}

function checkPolicy(spec: CheckedChild, autoShutdown: string): SpecFault | undefined {
  if (setsNothing(spec)) return undefined;
  return (
    checkRestart(spec) ??
    checkSignificant(spec, autoShutdown) ??
    (typeof spec.kind === 'string'
      ? undefined
      : fault('invalid_child_type', 'kind', spec.kind, 'a string')) ??
    firstFault(spec, CHILD_CHECKS)
  );
}

/** Whether it leaves all to the defaults, as most children of a large tree do: its start need not wait for a dozen checks. */
function setsNothing(spec: CheckedChild): boolean {
  for (const field in spec) if (field !== 'id' && field !== 'kind' && field !== 'driver') return false;
  return typeof spec.kind === 'string';
}

function checkSignificant(spec: CheckedChild, autoShutdown: string): SpecFault | undefined {
  const { significant, restart = 'permanent' } = spec;
  if (significant === true && autoShutdown === 'never') {
    return fault(
      'bad_combination',
      'significant',
      true,
      "false while the supervisor's autoShutdown is 'never'; set that to 'any_significant' or 'all_significant'",
    );
  }
  if (significant === true && restart === 'permanent') {
    return fault(
      'bad_combination',
      'significant',
      true,
      'false for a permanent child, which never ends for good',
    );
  }
  if (significant === undefined || typeof significant === 'boolean') return undefined;
  return fault('invalid_significant', 'significant', significant, 'true or false');
}

const SUPERVISOR_CHECKS: readonly Check<SupervisorSettings>[] = [
  (settings) =>
    typeof settings === 'object' && settings !== null && !Array.isArray(settings)
      ? undefined
      : fault('invalid_type', 'options', settings, 'an object'),
  oneOf('strategy', 'invalid_strategy', ['one_for_one', 'one_for_all', 'rest_for_one']),
  ({ intensity }) =>
    intensity === undefined ||
    intensity === Number.POSITIVE_INFINITY ||
    (isWhole(intensity) && intensity >= 0)
      ? undefined
      : fault('invalid_intensity', 'intensity', intensity, 'a whole number from 0, or Infinity'),
  ({ periodMs }) =>
    periodMs === undefined || (typeof periodMs === 'number' && Number.isFinite(periodMs) && periodMs > 0)
      ? undefined
      : fault('invalid_period', 'periodMs', periodMs, 'a number of ms above 0'),
  oneOf('autoShutdown', 'invalid_auto_shutdown', ['never', 'any_significant', 'all_significant']),
  oneOf('giveUpAs', 'invalid_give_up_as', ['error', 'shutdown']),
  oneOf('stopOrder', 'invalid_stop_order', ['reverse', 'together']),
  ({ backoff }) => backoffFault(backoff),
];

const checkRestart = oneOf<ChildSettings>('restart', 'invalid_restart_type', [
  'permanent',
  'transient',
  'temporary',
]);

const CHILD_CHECKS: readonly Check<ChildSettings>[] = [
  ({ shutdown }) => shutdownFault(shutdown),
  ({ drainMs }) => durationFault('drainMs', drainMs, 0, false),
  ({ startTimeoutMs }) => durationFault('startTimeoutMs', startTimeoutMs, 1, true),
  ({ stallAfterMs }) => durationFault('stallAfterMs', stallAfterMs, 1, true),
  ({ backoff }) => backoffFault(backoff),
  ({ ready }) => readyFault(ready),
  oneOf('survivor', 'invalid_survivor', ['wait', 'replace']),
];

function shutdownFault(shutdown: unknown): SpecFault | undefined {
  if (shutdown === undefined || shutdown === 'infinity' || shutdown === 'brutal_kill') return undefined;
  if (isWhole(shutdown) && shutdown >= 0 && shutdown <= LONGEST_TIMER_MS) return undefined;
  return fault(
    'invalid_shutdown',
    'shutdown',
    shutdown,
    `a whole number of ms from 0 to ${LONGEST_TIMER_MS}, 'brutal_kill' or 'infinity'`,
  );
}

function readyFault(ready: unknown): SpecFault | undefined {
  if (ready === undefined || ready === 'spawn' || ready === 'explicit') return undefined;
  const expected = "'spawn', 'explicit', { line }, { port } or { probe }";
  if (typeof ready !== 'object' || ready === null) return fault('invalid_ready', 'ready', ready, expected);
  const { line, port, probe } = ready as { line?: unknown; port?: unknown; probe?: unknown };
  if (line !== undefined) {
    return line instanceof RegExp || typeof line === 'string'
      ? undefined
      : fault('invalid_ready', 'ready.line', line, 'a string or a regular expression');
  }
  if (port !== undefined) {
    return isWhole(port) && port >= 1 && port <= 65_535
      ? undefined
      : fault('invalid_ready', 'ready.port', port, 'a port number from 1 to 65535');
  }
  return typeof probe === 'function' ? undefined : fault('invalid_ready', 'ready', ready, expected);
}

function backoffFault(backoff: Backoff | undefined): SpecFault | undefined {
  if (backoff === undefined) return undefined;
  if (typeof backoff !== 'object' || backoff === null || !(backoff.type in BACKOFF_NUMBERS)) {
    return fault(
      'invalid_backoff',
      'backoff',
      backoff,
      'what a backoff function returns, such as exponentialBackoff()',
    );
  }
  for (const [field, least] of BACKOFF_NUMBERS[backoff.type]) {
    const value = (backoff as unknown as Record<string, unknown>)[field];
    if (typeof value === 'number' && value >= least && value <= LONGEST_TIMER_MS) continue;
    if (field === 'resetAfterMs' && value === Number.POSITIVE_INFINITY) continue;
    return fault(
      'invalid_backoff',
      `backoff.${field}`,
      value,
      `a number from ${least} to ${LONGEST_TIMER_MS}`,
    );
  }
  return backoff.type === 'none' || ['none', 'half', 'full'].includes(backoff.jitter)
    ? undefined
    : fault('invalid_backoff', 'backoff.jitter', backoff.jitter, "'none', 'half' or 'full'");
}

const COMMON_NUMBERS: readonly (readonly [string, number])[] = [
  ['capMs', 0],
  ['free', 0],
  ['resetAfterMs', 0],
];

const BACKOFF_NUMBERS: Record<Backoff['type'], readonly (readonly [string, number])[]> = {
  none: [],
  constant: [['ms', 0], ...COMMON_NUMBERS],
  linear: [['initialMs', 0], ['stepMs', 0], ...COMMON_NUMBERS],
  exponential: [['initialMs', 0], ['factor', 1], ...COMMON_NUMBERS],
  decorrelated: [['initialMs', 0], ...COMMON_NUMBERS],
  steps: [['initialMs', 1], ['steps', 1], ...COMMON_NUMBERS],
};

function idFault(id: unknown): SpecFault | undefined {
  if (typeof id === 'string' && id !== '' && !id.includes('/')) return undefined;
  return fault(
    'invalid_id',
    'id',
    id,
    'a string that is not empty and has no "/", which separates the ids of a path',
  );
}

function durationFault(
  field: string,
  value: unknown,
  fromMs: number,
  endless: boolean,
): SpecFault | undefined {
  if (value === undefined || (endless && value === Number.POSITIVE_INFINITY)) return undefined;
  if (typeof value === 'number' && value >= fromMs && value <= LONGEST_TIMER_MS) return undefined;
  const range = `a number of ms from ${fromMs} to ${LONGEST_TIMER_MS}`;
  return fault('invalid_duration', field, value, endless ? `${range}, or Infinity` : range);
}

function oneOf<T>(field: keyof T & string, rule: SpecRule, allowed: readonly string[]): Check<T> {
  return (settings) => {
    const value = settings[field] as unknown;
    if (value === undefined || allowed.includes(value as string)) return undefined;
    return fault(rule, field, value, allowed.map((word) => `'${word}'`).join(', '));
  };
}

function firstFault<T>(value: T, checks: readonly Check<T>[]): SpecFault | undefined {
  for (const check of checks) {
    const found = check(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

function fault(rule: SpecRule, field: string, value: unknown, expected: string): SpecFault {
  return { rule, field, value, expected };
}

function raise(subject: string, found: SpecFault | undefined): void {
  if (found !== undefined) throw new InvalidSpecError(subject, found);
}

function subjectOf(spec: CheckedChild): string {
  return typeof spec.id === 'string' ? `"${spec.id}"` : 'a child without an id';
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value);
}
