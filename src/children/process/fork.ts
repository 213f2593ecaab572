import { CHILD_SETTINGS, type ChildSettings, checkChild, checkNames } from '../../core/index.js';
import { type ChildSpec, isDriver } from '../../runtime/index.js';
import { type Entry, entryPath } from '../channel/entry.js';
import { checkProgramOptions, PROGRAM_OPTIONS, type ProgramOptions } from '../channel/program-options.js';
import { LateCode } from '../late.js';
import { checkProcessOptions, PROCESS_OPTIONS, type ProcessOptions } from './process-options.js';

/** How a Node program is forked, and the policy of its child. */
export interface ForkSettings extends ChildSettings, ProcessOptions, ProgramOptions {}

const FORK_OPTIONS: readonly string[] = [...CHILD_SETTINGS, ...PROCESS_OPTIONS, ...PROGRAM_OPTIONS];

const LIFE = new LateCode(() => import('./fork-life.js'));

/**
 * A child that runs a Node program in a process of its own, with a channel to it (`serialization: 'advanced'`).
 *
 * A program that imports `treewarden/child` is told of drain and stop by message; `stopSignal` is sent only if it is still there when it
 * has released everything, or its `shutdown` is nearly over. One that does not is stopped as a command is. Either way it leads a process
 * group, and is gone only when that is empty.
 *
 * @throws InvalidSpecError if the entry or a setting is wrong; a missing file is told when it is started
 */
export function fork<const Id extends string, Api = unknown>(
  id: Id,
  entry: Entry<Api>,
  settings: ForkSettings = {},
): ChildSpec<Id> & { readonly exposes?: Api } {
  const subject = `"${String(id)}"`;
  const file = entryPath(subject, entry);
  checkNames(subject, settings, FORK_OPTIONS);
  checkProcessOptions(subject, settings);
  checkProgramOptions(subject, settings);
  const driver = LIFE.driver(
    ({ ForkIncarnation }, host) => new ForkIncarnation(host, file, settings),
    'calls',
  );
  const spec = { ...settings, id, kind: 'fork', driver };
  // Whether `significant` fits is for the supervisor to say, which knows its autoShutdown.
  checkChild(spec, 'any_significant', isDriver);
  return spec;
}
