import type { Backoff } from './backoff.js';
import type { SpecFault, SpecRule } from './errors.js';
import {
  CALLBACK,
  either,
  type Field,
  type Fields,
  faultIn,
  field,
  INFINITY,
  isObject,
  listOf,
  raise,
  ruled,
  SWITCH,
  within,
  words,
} from './fields.js';
import {
  type CauseLimit,
  CHILD_DEFAULTS,
  type ChildSettings,
  LONGEST_TIMER_MS,
  type SupervisorSettings,
} from './spec.js';

/*
 * The checks of a spec, in OTP's order (`supervisor:check_flags/1`, `do_check_childspec/2`): the first wrong thing is the one reported.
 */

/** A child spec as far as the core knows it; `driver` is checked by the caller's `isDriver`. */
export interface CheckedChild extends ChildSettings {
  readonly id: string;
  readonly kind: string;
  readonly driver: unknown;
}

/** @throws InvalidSpecError for the first setting that is wrong. */
export function checkSupervisor(subject: string, settings: SupervisorSettings): void {
  if (!isObject(settings)) raise(subject, fault('invalid_type', 'options', settings, 'an object'));
  raise(subject, faultIn(settings, SUPERVISOR_FIELDS) ?? backoffFault(settings.backoff));
}

/** @throws InvalidSpecError for the first setting that is wrong. */
export function checkChild(
  child: unknown,
  autoShutdown: SupervisorSettings['autoShutdown'],
  isDriver: (value: unknown) => boolean,
): asserts child is CheckedChild {
  if (!isObject(child)) {
    raise(
      'a child',
      fault(
        'invalid_child_spec',
        'the child',
        child,
        'a child spec, as task(), thread(), fork(), command(), consumer(), supervisor() and dynamic() return',
      ),
    );
  }
  const spec = child as CheckedChild;
  const subject = typeof spec.id === 'string' ? `"${spec.id}"` : 'a child without an id';
  raise(subject, checkIdentity(spec, isDriver) ?? checkPolicy(spec, autoShutdown ?? 'never'));
}

/** @throws InvalidSpecError if two children have the same id. */
export function checkUnique(supervisor: string, ids: readonly string[]): void {
  const seen = new Set<string>();
  for (const id of ids) {
    if (seen.has(id)) {
      raise(
        `supervisor "${supervisor}"`,
        fault('duplicate_child_name', 'children', id, 'free of duplicate ids'),
      );
    }
    seen.add(id);
  }
}

/** @throws InvalidSpecError unless `value` is a whole number from 1, or Infinity. */
export function checkMaxChildren(subject: string, maxChildren: unknown): void {
  raise(subject, faultIn({ maxChildren }, MAX_CHILDREN));
}

/** @throws InvalidSpecError if `id` cannot be part of a path. */
export function checkId(subject: string, id: unknown): asserts id is string {
  raise(subject, idFault(id));
}

/** The names of the settings that every kind of child takes. */
export const CHILD_SETTINGS: readonly string[] = [...Object.keys(CHILD_DEFAULTS), 'backoff', 'afterExit'];

/** @throws InvalidSpecError unless `options` is an object in which every name is one of `known`: a misspelt one would be without effect. */
export function checkNames(subject: string, options: unknown, known: readonly string[]): void {
  if (!isObject(options)) raise(subject, fault('invalid_type', 'options', options, 'an object'));
  for (const [name, value] of Object.entries(options as object)) {
    if (known.includes(name)) continue;
    raise(subject, fault('invalid_option', name, value, `absent: the options are ${known.join(', ')}`));
  }
}

/** @throws InvalidSpecError unless `value` is a number of ms from `fromMs` up to what a timer takes. */
export function checkDuration(subject: string, name: string, value: unknown, fromMs = 0): void {
  raise(subject, faultIn({ [name]: value }, { [name]: duration(fromMs) }));
}

/** A number of ms that a timer takes. */
export function duration(fromMs: number): Field {
  const { expected, holds } = within(fromMs, LONGEST_TIMER_MS, false);
  return field(expected.replace('number', 'number of ms'), holds, 'invalid_duration');
}

/** The same, or `Infinity`. */
export function endless(fromMs: number): Field {
  return ruled('invalid_duration', either(duration(fromMs), INFINITY));
}

function checkIdentity(spec: CheckedChild, isDriver: (value: unknown) => boolean): SpecFault | undefined {
  const { id, driver } = spec;
  if (id === undefined) return fault('missing_id', 'id', id, 'present');
  const badId = idFault(id);
  if (badId !== undefined) return badId;
  if (isDriver(driver)) return undefined;
  const missing = driver === undefined || driver === null;
  return fault(
    missing ? 'missing_start' : 'invalid_start',
    'driver',
    driver,
    'a ChildDriver, as every kind of child brings: an object with start()',
  );
}

function checkPolicy(spec: CheckedChild, autoShutdown: string): SpecFault | undefined {
  if (setsNothing(spec)) return undefined;
  return (
    faultIn(spec, FIRST_FIELDS) ??
    significantFault(spec, autoShutdown) ??
    (typeof spec.kind === 'string'
      ? undefined
      : fault('invalid_child_type', 'kind', spec.kind, 'a string')) ??
    faultIn(spec, CHILD_FIELDS) ??
    backoffFault(spec.backoff) ??
    (isObject(spec.ready) ? faultIn(spec.ready, READINESS, 'ready.') : undefined)
  );
}

/** Whether it leaves all to the defaults, as most children of a large tree do: its start need not wait for a dozen checks. */
function setsNothing(spec: CheckedChild): boolean {
  for (const name in spec) if (name !== 'id' && name !== 'kind' && name !== 'driver') return false;
  return typeof spec.kind === 'string';
}

function significantFault(spec: CheckedChild, autoShutdown: string): SpecFault | undefined {
  const { significant, restart = 'permanent' } = spec;
  if (significant !== true) return undefined;
  if (autoShutdown === 'never') {
    return fault(
      'bad_combination',
      'significant',
      true,
      "false while the supervisor's autoShutdown is 'never'; set that to 'any_significant' or 'all_significant'",
    );
  }
  return restart === 'permanent'
    ? fault('bad_combination', 'significant', true, 'false for a permanent child, which never ends for good')
    : undefined;
}

const SUPERVISOR_FIELDS: Fields<Omit<SupervisorSettings, 'backoff'>> = {
  strategy: ruled('invalid_strategy', words('one_for_one', 'one_for_all', 'rest_for_one')),
  intensity: ruled('invalid_intensity', either(within(0, Number.POSITIVE_INFINITY), INFINITY)),
  periodMs: field(
    'a number of ms above 0',
    (value) => typeof value === 'number' && Number.isFinite(value) && value > 0,
    'invalid_period',
  ),
  autoShutdown: ruled('invalid_auto_shutdown', words('never', 'any_significant', 'all_significant')),
  giveUpAs: ruled('invalid_give_up_as', words('error', 'shutdown')),
  stopOrder: ruled('invalid_stop_order', words('reverse', 'together')),
};

const MAX_CHILDREN = {
  maxChildren: ruled('invalid_max_children', either(within(1, Number.POSITIVE_INFINITY), INFINITY)),
};

const FIRST_FIELDS: Fields<Pick<ChildSettings, 'restart' | 'significant'>> = {
  restart: ruled('invalid_restart_type', words('permanent', 'transient', 'temporary')),
  significant: ruled('invalid_significant', SWITCH),
};

const CAUSES: Field = listOf(
  field(
    'an exit code from 0 to 255 or the name of a signal, such as SIGSEGV',
    (value) => within(0, 255).holds(value) || (typeof value === 'string' && /^SIG[A-Z0-9+]+$/.test(value)),
  ),
);

const LIMIT: Fields<CauseLimit> = {
  on: CAUSES,
  count: within(1, Number.MAX_SAFE_INTEGER),
  withinMs: within(Number.MIN_VALUE, Number.MAX_SAFE_INTEGER, false),
};

const CHILD_FIELDS: Fields<Omit<ChildSettings, 'restart' | 'significant' | 'backoff'>> = {
  shutdown: field(
    `a whole number of ms from 0 to ${LONGEST_TIMER_MS}, 'brutal_kill' or 'infinity'`,
    (value) => value === 'brutal_kill' || value === 'infinity' || within(0, LONGEST_TIMER_MS).holds(value),
    'invalid_shutdown',
  ),
  drainMs: duration(0),
  startTimeoutMs: endless(1),
  stallAfterMs: endless(1),
  ready: field(
    "'spawn', 'explicit', { line }, { port } or { probe }",
    (value) =>
      value === 'spawn' ||
      value === 'explicit' ||
      (isObject(value) && ('line' in value || 'port' in value || 'probe' in value)),
    'invalid_ready',
  ),
  survivor: ruled('invalid_survivor', words('wait', 'replace')),
  preventOn: CAUSES,
  forceOn: CAUSES,
  slowDownOn: CAUSES,
  giveUpOn: listOf(
    field(
      '{ on, count, withinMs }: causes, a whole number from 1 and a number of ms above 0',
      (value) => isObject(value) && faultIn(value, LIMIT, '', 'all') === undefined,
    ),
  ),
  afterExit: CALLBACK,
  afterExitMs: duration(0),
};

const READINESS: Readonly<Record<string, Field>> = {
  line: field(
    'a string or a regular expression',
    (value) => value instanceof RegExp || typeof value === 'string',
    'invalid_ready',
  ),
  port: ruled('invalid_ready', within(1, 65_535)),
  host: field('a host name or address', (value) => typeof value === 'string', 'invalid_ready'),
  probe: ruled('invalid_ready', CALLBACK),
  everyMs: duration(1),
};

/** The numbers of each kind of backoff, each with its least value. */
const BACKOFF_NUMBERS: Record<Backoff['type'], Readonly<Record<string, number>>> = {
  none: {},
  constant: { ms: 0 },
  linear: { initialMs: 0, stepMs: 0 },
  exponential: { initialMs: 0, factor: 1 },
  decorrelated: { initialMs: 0 },
  steps: { initialMs: 1, steps: 1 },
};

function backoffFault(backoff: Backoff | undefined): SpecFault | undefined {
  if (backoff === undefined) return undefined;
  if (!isObject(backoff) || !Object.hasOwn(BACKOFF_NUMBERS, backoff.type)) {
    return fault(
      'invalid_backoff',
      'backoff',
      backoff,
      'what a backoff function returns, such as exponentialBackoff()',
    );
  }
  const fields: Record<string, Field> = {};
  const numbers = { ...BACKOFF_NUMBERS[backoff.type], capMs: 0, free: 0 };
  for (const [name, least] of Object.entries(numbers)) fields[name] = within(least, LONGEST_TIMER_MS, false);
  fields.resetAfterMs = endless(0);
  fields.jitter = words('none', 'half', 'full');
  const found = backoff.type === 'none' ? undefined : faultIn(backoff, fields, 'backoff.', 'all');
  return found && { ...found, rule: 'invalid_backoff' };
}

function idFault(id: unknown): SpecFault | undefined {
  if (typeof id === 'string' && id !== '' && !id.includes('/')) return undefined;
  return fault(
    'invalid_id',
    'id',
    id,
    'a string that is not empty and has no "/", which separates the ids of a path',
  );
}

function fault(rule: SpecRule, name: string, value: unknown, expected: string): SpecFault {
  return { rule, field: name, value, expected };
}
