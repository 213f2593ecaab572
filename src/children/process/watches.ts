import type { IncarnationHost } from '../../runtime/index.js';
import { awaitReadiness, needsStdout } from '../readiness.js';
import { watchHealth } from './health/watch.js';
import type { HealthOptions } from './process-options.js';
import type { RunningProcess } from './running.js';

/** What a program is watched for as long as nobody has asked it to end: first whether it can serve, then whether it is well. */
export class Watches {
  readonly #host: IncarnationHost;
  #mayBegin = true;
  #stopWaiting: (() => void) | undefined;
  #unwatch: (() => void) | undefined;

  constructor(host: IncarnationHost) {
    this.#host = host;
  }

  /** A launcher is not the program, but writes nothing either: a line is the program's, and may come in before it is known to have begun. */
  awaitReadiness(running: RunningProcess): void {
    const wait = (): void => {
      if (this.#mayBegin) this.#stopWaiting = awaitReadiness(this.#host, running.stdout);
    };
    if (needsStdout(this.#host.settings.ready)) wait();
    else running.whenBegun(wait);
  }

  /** It is ready: from here on its health counts. */
  watchHealth(health: HealthOptions, running: RunningProcess): void {
    if (!this.#mayBegin || this.#unwatch !== undefined) return;
    this.#unwatch = watchHealth(this.#host, health, running);
  }

  /** It was asked to end: what it uses for that is no fault. It may still say that it is ready. */
  asked(): void {
    this.#mayBegin = false;
    this.#unwatch?.();
  }

  /** Nothing more is watched for. */
  end(): void {
    this.asked();
    this.#stopWaiting?.();
  }
}
