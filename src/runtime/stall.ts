import type { Timer } from './clock.js';
import type { Life } from './life.js';

/** A watch over one life's heartbeats. */
export interface StallWatch {
  cancel(): void;
}

/** Checks per `stallAfterMs`. */
const CHECKS = 4;

/**
 * Looks at a life's heartbeats four times per `stallAfterMs`, and reports it as stalled after four looks in a row without one. It counts looks
 * rather than time, so a machine that slept, or a process that was stopped, is not taken for a stalled child when it wakes.
 */
export function watchForStall(life: Life): StallWatch {
  const { stallAfterMs } = life.settings;
  let seen = life.beats;
  let missed = 0;
  let timer: Timer;
  const look = (): void => {
    // What is suspended is silent by order.
    missed = life.beats === seen && !life.paused ? missed + 1 : 0;
    seen = life.beats;
    if (missed >= CHECKS) life.fault({ type: 'stalled', silentMs: stallAfterMs });
    else timer = life.clock.after(stallAfterMs / CHECKS, look);
  };
  timer = life.clock.after(stallAfterMs / CHECKS, look);
  return { cancel: () => timer.cancel() };
}
