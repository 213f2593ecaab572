import type { Logger } from '../../runtime/index.js';
import type { Uplink } from './uplink.js';
import type { LogLevel } from './wire.js';

/** Hands log lines to the supervisor's logger. Facts that cannot be sent travel as their JSON. */
export class UplinkLogger implements Logger {
  readonly #uplink: Uplink;

  constructor(uplink: Uplink) {
    this.#uplink = uplink;
  }

  debug(facts: object, message?: string): void {
    this.#log('debug', facts, message);
  }

  info(facts: object, message?: string): void {
    this.#log('info', facts, message);
  }

  warn(facts: object, message?: string): void {
    this.#log('warn', facts, message);
  }

  error(facts: object, message?: string): void {
    this.#log('error', facts, message);
  }

  #log(level: LogLevel, facts: object, message: string | undefined): void {
    try {
      this.#uplink.send({ type: 'log', level, facts, message });
    } catch {
      this.#uplink.send({ type: 'log', level, facts: plain(facts), message });
    }
  }
}

function plain(facts: object): object {
  try {
    return JSON.parse(JSON.stringify(facts));
  } catch {
    return { unloggable: 'these facts can neither be cloned nor written as JSON' };
  }
}
