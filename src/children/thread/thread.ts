import type { WorkerOptions } from 'node:worker_threads';
import {
  CHILD_SETTINGS,
  type ChildSettings,
  checkChild,
  checkNames,
  InvalidSpecError,
} from '../../core/index.js';
import { type ChildSpec, isDriver, type Transferable } from '../../runtime/index.js';
import { type Entry, entryPath } from '../channel/entry.js';
import { checkProgramOptions, PROGRAM_OPTIONS, type ProgramOptions } from '../channel/program-options.js';
import { LateCode } from '../late.js';
import { checkProcessOptions, type ProcessOptions } from '../process/process-options.js';

/** How a thread is run, and the policy of its child. */
export interface ThreadSettings
  extends ChildSettings,
    ProgramOptions,
    Pick<ProcessOptions, 'env' | 'stdout' | 'stderr'> {
  /** Cloned into each incarnation, as `workerData` of `node:worker_threads`. */
  readonly workerData?: unknown;
  /** Moved instead of copied out of `workerData`: possible once, so only for a `temporary` thread. */
  readonly transferList?: readonly Transferable[];
  /** Limits of its heap, as `node:worker_threads` has them; Buffers are outside of it. */
  readonly resourceLimits?: NonNullable<WorkerOptions['resourceLimits']>;
}

const THREAD_OPTIONS: readonly string[] = [
  ...CHILD_SETTINGS,
  ...PROGRAM_OPTIONS,
  'env',
  'stdout',
  'stderr',
  'workerData',
  'transferList',
  'resourceLimits',
];

const LIFE = new LateCode(() => import('./thread-life.js'));

/**
 * A child that runs a module in a thread of this process.
 *
 * A thread that imports `treewarden/child` is told of drain and stop, and ends by itself or is terminated before its `shutdown` is over. One
 * that does not is terminated as soon as it is asked to stop. Neither runs its `exit` handlers then: Node's `terminate()` runs nothing more in a
 * thread. A thread that is blocked in native code, such as `execSync`, ends only after that, and is named as a survivor until then.
 * One that is just loading koffi for `treewarden/resources` is ended when that is done, a few milliseconds later and 5 s at most: interrupted, koffi
 * would end the whole process, as most native packages do. Of others that a thread loads nothing is known here, so give it the time
 * (`ready`, `startTimeoutMs`).
 *
 * `process.exit(0)` in a thread counts as completed, other codes as a crash. A heap beyond `resourceLimits` is `out-of-memory`.
 *
 * @throws InvalidSpecError if the entry or a setting is wrong; a missing file is told when it is started
 */
export function thread<const Id extends string, Api = unknown>(
  id: Id,
  entry: Entry<Api>,
  settings: ThreadSettings = {},
): ChildSpec<Id> & { readonly exposes?: Api } {
  const subject = `"${String(id)}"`;
  const file = entryPath(subject, entry);
  checkNames(subject, settings, THREAD_OPTIONS);
  checkProcessOptions(subject, settings);
  checkProgramOptions(subject, settings);
  checkTransferList(subject, settings);
  const driver = LIFE.driver(
    ({ ThreadIncarnation }, host) => new ThreadIncarnation(host, file, settings),
    'calls',
  );
  const spec = { ...settings, id, kind: 'thread', driver };
  // Whether `significant` fits is for the supervisor to say, which knows its autoShutdown.
  checkChild(spec, 'any_significant', isDriver);
  return spec;
}

function checkTransferList(subject: string, { restart, transferList = [] }: ThreadSettings): void {
  if (transferList.length === 0 || restart === 'temporary') return;
  throw new InvalidSpecError(subject, {
    rule: 'bad_combination',
    field: 'transferList',
    value: transferList,
    expected:
      "left out unless restart is 'temporary': what was moved to one incarnation is not there for the next",
  });
}
