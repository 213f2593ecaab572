import type { ResourceRequest } from '../../runtime/index.js';
import { checkText, checkWhole, refuse } from '../checks.js';
import { InstanceLock } from '../files/instance-lock.js';
import type { Claim, Make } from '../site.js';

/** One process, and those that inherit its descriptor, may have this name in its scope at a time. */
export interface InstanceLockRequest extends ResourceRequest {
  readonly kind: 'instance-lock';
  readonly name: string;
  /**
   * What is done where it is held: its holders are killed, or waited for, or it is an error that names them. A program that supervises in this scope
   * is never killed.
   */
  readonly whenHeld: 'kill' | 'wait' | 'refuse';
  /** How long holders may take to end after SIGTERM, in ms, before they are killed. @defaultValue `5_000` */
  readonly graceMs?: number;
}

/** What is granted. */
export interface InstanceLockFacts {
  /** Of this process, close-on-exec: a child that has it in its `stdio` holds the lock as long as it lives. */
  readonly fd: number;
  readonly path: string;
}

/** The owner's half of an instance lock: takes it, and gives up its own copy. */
export const makeInstanceLock: Make<InstanceLockRequest> = async (asked, site): Promise<Claim> => {
  const request = checked(asked);
  const lock = await InstanceLock.take({ ...request, graceMs: request.graceMs ?? 5_000 }, site);
  const facts: InstanceLockFacts = { fd: lock.fd, path: lock.path };
  return {
    name: request.name,
    facts,
    mapped: false,
    release: () => lock.release(),
    // The kernel closes it, and the guardian or the next start removes the file.
    releaseSync: () => undefined,
    users: () => lock.holders(),
  };
};

function checked(request: InstanceLockRequest): InstanceLockRequest {
  const { name, whenHeld, graceMs } = request;
  checkText(SUBJECT, 'name', name);
  if (!WHEN_HELD.includes(whenHeld)) refuse(SUBJECT, 'whenHeld', whenHeld, "'kill', 'wait' or 'refuse'");
  if (graceMs !== undefined) checkWhole(SUBJECT, 'graceMs', graceMs, 0);
  return request;
}

const SUBJECT = 'instance lock';
const WHEN_HELD: readonly unknown[] = ['kill', 'wait', 'refuse'];
