// What happened in a run: told as news when it happens, counted for the summary.

import type { Exit, SupervisionEvent } from 'treewarden';
import type { Strike } from './chaos.js';
import { briefly } from './view.js';

export class Chronicle {
  readonly #tell: (line: string) => void;
  /** How many ended how: `SIGKILL`, `threw`, `hung`. */
  readonly exits = new Map<string, number>();
  readonly strikes = new Map<Strike, number>();
  restarts = 0;

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  hear(event: SupervisionEvent): void {
    switch (event.type) {
      case 'child:exited':
        if (event.expected) return;
        this.#count(this.exits, kindOf(event.exit));
        return this.#tell(`${event.child} #${event.incarnation}: ${briefly(event.exit)}`);
      case 'child:restarting':
        this.restarts += 1;
        return;
      case 'supervisor:gave-up':
        return this.#tell(`${event.supervisor} gives up after ${event.restarts} restarts`);
      case 'signal:received':
        return this.#tell(
          event.level === 1
            ? `${event.signal}: finishing what is in hand; once more to cut that short`
            : event.signal,
        );
    }
  }

  struck(strike: Strike): void {
    this.#count(this.strikes, strike);
  }

  #count<Key>(counts: Map<Key, number>, key: Key): void {
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
}

function kindOf(exit: Exit): string {
  if (exit.type === 'stalled') return 'hung';
  return exit.type === 'failed' ? 'threw' : briefly(exit);
}
