import { readFileSync } from 'node:fs';
import { type ErrorFacts, errorFacts } from '../core/index.js';
import type { Clock, Logger, Timer } from '../runtime/index.js';

/** How long an ended child may wait for Node to take notice of it, in ms: it does so in the same turn of the event loop. */
const SECOND_LOOK_MS = 100;

type Reap = (pid: number) => boolean;

/** What the first process of a container needs. */
export interface FirstProcessSettings {
  readonly clock: Clock;
  readonly logger: Logger | undefined;
  /** Opens what reaps by pid, when there is somebody to reap. */
  readonly openReaper: () => Promise<Reap | undefined>;
}

/**
 * Sees off the orphans that process 1 is given by the kernel once they have ended, as Node takes notice of its own children alone: only who is found
 * ended in two looks, between which Node had every chance, and is a child of the main thread, where nobody else waits for children. Where that
 * cannot be done it warns, once. Looks when the kernel tells of an end, and never otherwise. Returns what takes it off.
 */
export function seeOffOrphans(settings: FirstProcessSettings): () => void {
  const duty = new OrphanDuty(settings);
  const onChild = (): void => duty.look();
  process.on('SIGCHLD', onChild);
  return () => {
    process.off('SIGCHLD', onChild);
    duty.end();
  };
}

class OrphanDuty {
  readonly #settings: FirstProcessSettings;
  #timer: Timer | undefined;
  #reaper: Promise<Reap | undefined> | undefined;
  #failure: ErrorFacts | undefined;
  #warned = false;
  #over = false;

  constructor(settings: FirstProcessSettings) {
    this.#settings = settings;
  }

  look(): void {
    if (this.#over || this.#timer !== undefined) return;
    const seen = endedChildren();
    if (seen.size === 0) return;
    this.#timer = this.#settings.clock.after(SECOND_LOOK_MS, () => void this.#lookAgain(seen), false);
  }

  end(): void {
    this.#over = true;
    this.#timer?.cancel();
  }

  async #lookAgain(seen: ReadonlySet<string>): Promise<void> {
    const orphans = [...endedChildren()].filter((one) => seen.has(one));
    if (orphans.length === 0) {
      this.#timer = undefined;
      return this.look();
    }
    this.#reaper ??= this.#openReaper();
    const reap = await this.#reaper;
    this.#timer = undefined;
    if (this.#over) return;
    const still = endedChildren();
    const left = orphans.filter((one) => still.has(one));
    if (reap === undefined) return this.#warn(left);
    for (const one of left) reap(Number(one.split(' ')[0]));
    // Who ended meanwhile has been told of, and not been looked at.
    this.look();
  }

  /** A failure is the same as having none: here nobody else would hear of it, and it would end process 1. */
  async #openReaper(): Promise<Reap | undefined> {
    try {
      return await this.#settings.openReaper();
    } catch (error) {
      this.#failure = errorFacts(error);
      return undefined;
    }
  }

  #warn(orphans: readonly string[]): void {
    if (this.#warned) return;
    this.#warned = true;
    const pids = orphans.map((one) => Number(one.split(' ')[0]));
    this.#settings.logger?.warn(
      { pids, ...(this.#failure === undefined ? {} : { error: this.#failure }) },
      'This program is process 1, and ended processes that it was given by the kernel stay listed as zombies. Start the container with an init ' +
        '(docker run --init, tini), or install the optional package koffi.',
    );
  }
}

/** Ended children of the main thread, each with when it started. */
function endedChildren(): ReadonlySet<string> {
  const pids = (read(`/proc/self/task/${process.pid}/children`) ?? '').split(' ').filter((pid) => pid !== '');
  const ended = pids.flatMap((pid) => {
    const stat = read(`/proc/${pid}/stat`) ?? '';
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? [`${pid} ${fields[19]}`] : [];
  });
  return new Set(ended);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // Gone meanwhile, or no /proc of this namespace.
    return undefined;
  }
}
