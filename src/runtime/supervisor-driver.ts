import { SUPERVISOR_CHILD_DEFAULTS } from '../core/index.js';
import { Branch } from './branch.js';
import type { ChildDriver, Incarnation } from './driver.js';
import { Life } from './life.js';
import type { AnySupervisorSpec } from './tree.js';

/** Runs a supervisor as the child of another: a fresh one for each incarnation, as OTP starts it from its init. */
export function supervisorDriver(spec: () => AnySupervisorSpec): ChildDriver {
  return {
    defaults: SUPERVISOR_CHILD_DEFAULTS,
    // Its children each have a limit of their own after the kill, so it always ends by itself.
    killWaitMs: Number.POSITIVE_INFINITY,
    start(host): Incarnation {
      if (!(host instanceof Life))
        throw new TypeError('A supervisor runs only under a supervisor, or as the root of a tree.');
      const branch = new Branch(spec(), host.slot.environment, host);
      branch.begin();
      return branch;
    },
  };
}
