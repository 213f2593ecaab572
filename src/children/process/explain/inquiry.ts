import { basename } from 'node:path';
import type { StopObstacle } from '../../../core/index.js';
import type { IncarnationHost } from '../../../runtime/index.js';
import type { ProcessIdentity } from '../proc.js';
import { explainStop } from './explain.js';
import { glanceAt } from './facts.js';
import type { Ask } from './question.js';

/** What one program has been asked on its way to its end, and why it is still there. */
export class StopInquiry {
  readonly #host: Pick<IncarnationHost, 'clock' | 'note'>;
  readonly #leader: () => number;
  readonly #program: string;
  #ask: Ask | undefined;

  /**
   * @param leader - the pid of the program itself, which may be known only once it has begun
   * @param file - what was started as the leader
   */
  constructor(host: Pick<IncarnationHost, 'clock' | 'note'>, leader: () => number, file: string) {
    this.#host = host;
    this.#leader = leader;
    this.#program = basename(file);
  }

  /** Takes down what it is asked next. To be called just before the asking: it looks at the leader, which reads one small file. */
  asks(by: Ask['by'], signal: NodeJS.Signals, to: Ask['to']): void {
    const glance = glanceAt(this.#leader());
    const before = this.#ask?.before?.suspended === true && glance ? { ...glance, suspended: true } : glance;
    if (before?.suspended === true && this.#ask === undefined)
      this.#host.note('it was suspended when it was asked to end, and is continued');
    this.#ask = { by, signal, to, atMs: this.#host.clock.now(), before };
  }

  /**
   * Why those who are left have not ended, worst first; before anything was asked, what would stand in the way.
   * @param signal - the one by which it would be asked
   * @param heard - whether the program has said that it heard the message it was asked by
   */
  explain(
    members: readonly ProcessIdentity[],
    signal: NodeJS.Signals,
    heard: boolean,
  ): readonly StopObstacle[] {
    return explainStop({
      leader: this.#leader(),
      program: this.#program,
      members,
      ask: this.#ask,
      signal,
      nowMs: this.#host.clock.now(),
      heard,
    });
  }
}
