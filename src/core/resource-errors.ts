import { SupervisionError } from './errors.js';

/** A system call for a resource failed in a way that has no class of its own. `errno` is the operating system's name for it. */
export class ResourceError extends SupervisionError {
  readonly code: string = 'RESOURCE_FAILED';

  constructor(
    /** The kind and name, as in `shared-memory "frames"`. */
    readonly subject: string,
    /** What was attempted, as in `create`. */
    readonly operation: string,
    readonly errno: string | undefined,
    /** What is wrong and what to do, as sentences. */
    advice: string,
    options?: ErrorOptions,
  ) {
    super(`Could not ${operation} ${subject}${errno === undefined ? '' : ` (${errno})`}: ${advice}`, options);
  }
}

/** A limit that stood in the way. */
export interface LimitFacts {
  /** Such as `kernel.shmmni`, `RLIMIT_NOFILE` or `/dev/shm`. */
  readonly limit: string;
  readonly allowed: number;
  /** How much of it is used; undefined where that cannot be read. */
  readonly used: number | undefined;
}

/** Something left on the machine that counts against a limit and that nobody living uses. */
export interface Leftover {
  /** As in `System V segment 3`. */
  readonly what: string;
  readonly bytes?: number | undefined;
  /** Who made it, where that is known: a pid, and the command if it still runs. */
  readonly madeBy?: string | undefined;
  /** Whether `treewarden reclaim` releases it: a ledger lists it, and its owner is dead. */
  readonly reclaimable?: boolean | undefined;
}

/** A limit of the system was reached: ENOSPC, EMFILE, ENFILE, ENOMEM, or a full `/dev/shm`. */
export class ResourceLimitError extends ResourceError {
  override readonly code = 'RESOURCE_LIMIT';

  constructor(
    subject: string,
    operation: string,
    errno: string,
    readonly limit: LimitFacts,
    readonly leftovers: readonly Leftover[],
    advice: string,
    options?: ErrorOptions,
  ) {
    super(subject, operation, errno, advice, options);
  }
}

/** Something of that key, name or path exists and is not ours. It was not touched. */
export class ResourceExistsError extends ResourceError {
  override readonly code = 'RESOURCE_EXISTS';

  constructor(
    subject: string,
    /** Who has it, as far as that can be seen. */
    readonly holder: string | undefined,
    advice: string,
    options?: ErrorOptions,
  ) {
    super(subject, 'create', 'EEXIST', advice, options);
  }
}

/** A lock that admits one is held by another, alive. */
export class AlreadyLockedError extends ResourceError {
  override readonly code = 'ALREADY_LOCKED';

  constructor(
    subject: string,
    /** The holder's pid, where it is known. */
    readonly holder: number | undefined,
    advice: string,
    options?: ErrorOptions,
  ) {
    super(subject, 'lock', undefined, advice, options);
  }
}

/** Something acquired in a scope that has closed: the incarnation, or the registry, has ended. */
export class ScopeClosedError extends SupervisionError {
  readonly code = 'SCOPE_CLOSED';

  constructor(
    readonly owner: string,
    readonly kind: string,
  ) {
    super(
      `"${owner}" has ended, so it can acquire no ${kind} any more. Acquire before it ends, and await what you acquire.`,
    );
  }
}

/** A lease was used after its release. */
export class ReleasedError extends SupervisionError {
  readonly code = 'RELEASED';

  constructor(readonly subject: string) {
    super(`${subject} has been released and can no longer be used. Acquire it again.`);
  }
}

/** What cannot be done on this machine, or by this Node, by the name that `capabilities()` and `treewarden doctor` use. */
export class CapabilityError extends SupervisionError {
  readonly code = 'CAPABILITY_MISSING';

  constructor(
    readonly capability: string,
    readonly subject: string,
    advice: string,
  ) {
    super(`${subject} needs the capability "${capability}", which is missing here: ${advice}`);
  }
}

/** A lock or permit was not to be had in time. Nothing is held. */
export class LockTimeoutError extends SupervisionError {
  readonly code = 'LOCK_TIMEOUT';

  constructor(
    readonly subject: string,
    readonly waitedMs: number,
    /** Who holds it, as far as that can be seen: `pid 12`, `pid 12, thread 14`. */
    readonly holders: readonly string[],
    /** Whether the thread that waited has it itself. */
    readonly heldHere: boolean = false,
  ) {
    super(
      `${subject} was not to be had within ${waitedMs} ms` +
        (holders.length === 0 ? '.' : `; it is held by ${holders.join(', ')}.`) +
        (heldHere
          ? ' This very process has it, and a lock is not re-entrant: who has it and asks again waits for itself.'
          : '') +
        ' Hold it for shorter, or raise timeoutMs.',
    );
  }
}

/** A lock is released, upgraded or marked by one who does not hold it, or memory is to be let go while a lock in it is held. */
export class LockStateError extends SupervisionError {
  readonly code = 'LOCK_STATE';

  constructor(
    readonly subject: string,
    detail: string,
  ) {
    super(`${subject}: ${detail}`);
  }
}

/** Shared state that is not what it should be: another layout, another size, or never finished. It was not touched. */
export class SharedLayoutError extends SupervisionError {
  readonly code = 'SHARED_LAYOUT';

  constructor(
    readonly subject: string,
    readonly found: string,
    readonly expected: string,
  ) {
    super(
      `${subject} has ${found} instead of ${expected}. Another program, or another version, uses this name: ` +
        'choose another, or give both the same settings.',
    );
  }
}

/** A tree whose children ask for resources was given nothing to get them from. */
export class NoResourcesError extends SupervisionError {
  readonly code = 'NO_RESOURCES';

  constructor(readonly child: string) {
    super(
      `"${child}" asked for a resource, but its tree has no registry. Start the tree by supervise(), or give the Supervisor one: ` +
        "new Supervisor(spec, { resources: await ResourceRegistry.open({ scope: 'shop' }) }).",
    );
  }
}
