import { errorFacts } from '../../core/index.js';
import type { Timer } from '../../runtime/index.js';
import type { BodyHost } from '../in-process/in-process.js';
import type { ProgressSettings } from './consumer-hooks.js';

/** Looks per `withinMs`. */
const LOOKS = 4;

/**
 * Watches a consumer that is alive: four looks in a row that find a backlog and no progress since the last are a fault. It counts looks rather
 * than time, so a machine that slept is not taken for a stalled consumer when it wakes.
 *
 * @param progress - grows with every sign of progress
 * @returns what ends the watching
 */
export function watchProgress(
  host: BodyHost,
  settings: ProgressSettings,
  progress: () => number,
): () => void {
  const { withinMs, backlog } = settings;
  const everyMs = withinMs / LOOKS;
  let timer: Timer;
  let over = false;
  let seen = progress();
  let missed = 0;
  let asking = false;
  let failures = 0;

  const look = (): void => {
    timer = host.clock.after(everyMs, look, false);
    if (progress() !== seen) {
      seen = progress();
      missed = 0;
    } else if (backlog === undefined) miss();
    else if (!asking) void ask(backlog);
  };

  const miss = (): void => {
    missed += 1;
    if (missed < LOOKS || over) return;
    end();
    host.fault({ type: 'stalled', silentMs: withinMs });
  };

  // Never rejects. A backlog that cannot be told may mean that the broker is away, which a new consumer would not mend.
  const ask = async (count: () => number | Promise<number>): Promise<void> => {
    asking = true;
    const before = seen;
    try {
      const waiting = await count();
      failures = 0;
      if (!(waiting > 0)) missed = 0;
      else if (progress() === before) miss();
    } catch (error) {
      failures += 1;
      if (failures === 1)
        host.note('its backlog cannot be told, so its progress is not judged', errorFacts(error));
    }
    asking = false;
  };

  const end = (): void => {
    over = true;
    timer.cancel();
  };

  timer = host.clock.after(everyMs, look, false);
  return end;
}
