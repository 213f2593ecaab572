import { constants } from 'node:os';
import { checkNames, LONGEST_TIMER_MS } from '../../core/index.js';
import type { Granted, Lease, ResourceKind, ResourceRequest } from '../../runtime/index.js';
import { checkWhole, endlessMs, refuse } from '../checks.js';
import { BaseLease, kindOf } from '../kind.js';
import { groupLives, type OwnGroup, signalGroup } from '../process-groups.js';

/** How a process group is ended. */
export interface ProcessGroupOptions {
  /** How long it has to end by itself after the signal, in ms, before it is killed; `Infinity` is waited for. @defaultValue 5_000 */
  readonly graceMs?: number;
  /** What asks it to end. @defaultValue `'SIGTERM'` */
  readonly signal?: NodeJS.Signals;
}

/** A process group that ends with its lease. */
export interface OwnedProcessGroup extends Lease {
  readonly kind: 'process-group';
  /** The pid of its leader, which is its own number as well. */
  readonly pid: number;
  /** Whether it has a member that runs. */
  readonly alive: boolean;
  /** Sends a signal to every member; false where there is none. @throws ReleasedError once released */
  signal(signal: NodeJS.Signals): boolean;
}

/** What is asked for, once it is checked. */
export interface ProcessGroupRequest extends ResourceRequest {
  readonly kind: 'process-group';
  readonly pid: number;
  /** At most what a timer takes, which stands for endless. */
  readonly graceMs: number;
  readonly signal: NodeJS.Signals;
}

export type ProcessGroupFacts = OwnGroup;

/**
 * A process that leads a group of its own, as `spawn(..., { detached: true })` makes it, and all its descendants in that group: asked to end,
 * then killed, when the owner has ended, however it ended. It is told from a later process of the same pid by when it started.
 *
 * For programs that a tree does not start itself; `command()` and `fork()` end theirs by themselves.
 *
 * @param pid - of the leader
 * @throws InvalidSpecError if an option is wrong
 */
export function processGroup(
  pid: number,
  options: ProcessGroupOptions = {},
): ResourceKind<OwnedProcessGroup> {
  checkNames(SUBJECT, options, ['graceMs', 'signal']);
  const { graceMs = 5_000, signal = 'SIGTERM' } = options;
  const request = checkedProcessGroup({
    kind: 'process-group',
    pid,
    graceMs: endlessMs(SUBJECT, 'graceMs', graceMs),
    signal,
  });
  return kindOf(request, (granted) => new ProcessGroupLease(granted));
}

/** Checks a request, whether it was made here or came by message. @throws InvalidSpecError */
export function checkedProcessGroup(request: ProcessGroupRequest): ProcessGroupRequest {
  const { pid, graceMs, signal } = request;
  checkWhole(SUBJECT, 'pid', pid, 2);
  if (typeof graceMs !== 'number' || !(graceMs >= 0 && graceMs <= LONGEST_TIMER_MS)) {
    refuse(SUBJECT, 'graceMs', graceMs, `a number of ms from 0 to ${LONGEST_TIMER_MS}, or Infinity`);
  }
  if (typeof signal !== 'string' || !Object.hasOwn(constants.signals, signal)) {
    refuse(SUBJECT, 'signal', signal, "the name of a signal, such as 'SIGTERM'");
  }
  return request;
}

const SUBJECT = 'process group';

class ProcessGroupLease extends BaseLease implements OwnedProcessGroup {
  readonly kind = 'process-group';
  readonly #group: OwnGroup;

  constructor(granted: Granted) {
    super(granted);
    // Safe: the facts come from makeProcessGroup.
    this.#group = granted.facts as ProcessGroupFacts;
  }

  get pid(): number {
    return this.#group.pid;
  }

  get alive(): boolean {
    return groupLives(this.#group);
  }

  signal(signal: NodeJS.Signals): boolean {
    this.checkHeld();
    return this.alive && signalGroup(this.pid, signal);
  }

  protected detach(): void {
    // Its owner ends it.
  }
}
