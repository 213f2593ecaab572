import type { Clock, ResourceOwner, ResourceRequest } from '../runtime/index.js';
import type { Native } from './backend/backend.js';
import type { Ledger } from './guard/entry.js';

/** Where a resource is made: what the owner's half of a kind works with. */
export interface Site {
  /** The registry's scope: programs that give the same one, of the same user, mean the same resources by the same names. */
  readonly scope: string;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** The functions of libc; loaded at the first call. @throws CapabilityError where there are none */
  native(subject: string): Promise<Native>;
  /** The same, or nothing where there are none. */
  nativeIfAny(): Promise<Native | undefined>;
  /** Where memory files live: `/dev/shm`, or a directory for temporary files where there is none. */
  readonly memoryDir: string;
  /** A directory of ours for sockets and the like; mode 0700. */
  readonly stateDir: string;
  /** For whom it is made. */
  readonly owner: ResourceOwner;
  /** Aborted when that scope closes: whoever waits in order to make something waits no longer. */
  readonly signal: AbortSignal;
  /** What belongs to the registry and not to one owner, by its path: released after all scopes, last added first. */
  readonly kept: Map<string, Claim>;
  /** Whether a guardian watches: what it will release may be left to it in `releaseSync`. */
  guarded(): boolean;
}

/** What an owner's half has made, and how it is released. */
export interface Claim {
  readonly name: string;
  /** For the user's half; plain data. */
  readonly facts: unknown;
  /** Releases it, on a path on which promises are still kept. */
  release(): Promise<void> | void;
  /** The same within the `exit` event, where nothing can be awaited. Throws what fails. */
  releaseSync(): void;
  /** Its user has let go of it in order, and gives it back. @defaultValue as `release` */
  giveBack?(): Promise<void> | void;
  /** Its user may have mapped memory for it, which is looked after when a thread is gone without giving it back. @defaultValue true */
  readonly mapped?: false;
  /** Who uses it at present, in words, such as `pid 12 (node)`; for `inspect()`. */
  users?(): readonly string[];
}

/**
 * The owner's half of a kind, which runs in the process that owns the registry: checks the request again (it may have come by message), writes
 * it into the ledger, makes the thing, and returns the claim.
 */
export type Make<Request extends ResourceRequest = ResourceRequest> = (
  request: Request,
  site: Site,
) => Promise<Claim> | Claim;
