import { type ExitRecord, errorFacts } from '../core/index.js';
import type { Life } from './life.js';

/**
 * Calls the `afterExit` of a life that has ended, and `done` once when it is over, has failed, or `afterExitMs` have passed, with whether it keeps
 * the child down. Returns what waits for it no longer: a tree that must be gone now does not wait for a clean-up.
 */
export function runAfterExit(life: Life, record: ExitRecord, done: (staysDown: boolean) => void): () => void {
  const { afterExit, afterExitMs } = life.settings;
  const late = new AbortController();
  let over = false;
  const finish = (staysDown = false): void => {
    if (over) return;
    over = true;
    limit.cancel();
    done(staysDown);
  };
  const giveUp = (why: string): void => {
    if (over) return;
    life.note(`its afterExit ${why}, and is waited for no longer`);
    finish();
    late.abort();
  };
  const limit = life.clock.after(afterExitMs, () => giveUp(`takes longer than ${afterExitMs} ms`));
  // A promise in any case, so that one that throws has failed as one that rejects.
  void (async () => afterExit?.({ record, signal: late.signal }))().then(
    (answer) => finish(answer === 'stay-down'),
    (error: unknown) => {
      life.note('its afterExit failed', errorFacts(error));
      finish();
    },
  );
  return () => giveUp('is still under way at the end of the tree');
}
