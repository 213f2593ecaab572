import {
  CHILD_SETTINGS,
  type ChildSettings,
  checkChild,
  checkNames,
  InvalidSpecError,
} from '../../core/index.js';
import { type ChildSpec, isDriver } from '../../runtime/index.js';
import { LateCode } from '../late.js';
import { checkReadiness } from '../readiness-check.js';
import type { ProcessLaunch } from './process-launch.js';
import {
  checkProcessOptions,
  checkProgram,
  PROCESS_OPTIONS,
  type ProcessOptions,
} from './process-options.js';

/** How a program is run, and the policy of its child. */
export interface CommandOptions extends ChildSettings, ProcessOptions {}

const COMMAND_OPTIONS: readonly string[] = [...CHILD_SETTINGS, ...PROCESS_OPTIONS];

const LIFE = new LateCode(() => import('./process.js'));

/**
 * A child that runs any program, in a process group of its own.
 *
 * To stop it, the whole group gets `stopSignal` (SIGTERM), and after `shutdown` ms SIGKILL. It counts as gone when the group is empty:
 * what the program leaves behind when it ends unasked is killed. It has no channel, so it can neither say `'explicit'` readiness nor
 * give heartbeats, and its drain is its own answer to the stop signal: give it the time by `shutdown`.
 *
 * @param file - a path, or a name that is looked up in PATH; no shell reads it
 * @throws InvalidSpecError if an argument or option is wrong
 * @example
 * ```ts
 * command('redis', 'redis-server', ['--port', '6400'], { ready: { line: /Ready to accept/ } })
 * ```
 */
export function command<const Id extends string>(
  id: Id,
  file: string,
  args: readonly string[] = [],
  options: CommandOptions = {},
): ChildSpec<Id> {
  const subject = `"${String(id)}"`;
  checkProgram(subject, file, args);
  checkNames(subject, options, COMMAND_OPTIONS);
  checkProcessOptions(subject, options);
  const launch: ProcessLaunch = { ...options, file, args: [...args] };
  const driver = LIFE.driver(
    ({ ProcessIncarnation }, host) => new ProcessIncarnation(host, launch),
    'no calls',
  );
  const spec = { ...options, id, kind: 'command', driver };
  // Whether `significant` fits is for the supervisor to say, which knows its autoShutdown.
  checkChild(spec, 'any_significant', isDriver);
  checkReadiness(subject, options.ready, { context: false, stdout: true });
  checkNoHeartbeats(subject, options.stallAfterMs);
  return spec;
}

function checkNoHeartbeats(subject: string, stallAfterMs: number | undefined): void {
  if (stallAfterMs === undefined || stallAfterMs === Number.POSITIVE_INFINITY) return;
  throw new InvalidSpecError(subject, {
    rule: 'bad_combination',
    field: 'stallAfterMs',
    value: stallAfterMs,
    expected: 'left out: a command has no channel for heartbeats, so it would be restarted again and again',
  });
}
