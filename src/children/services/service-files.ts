import { existsSync, readFileSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Tradition } from './service-directory.js';

/** The files that s6 alone knows. */
const OF_S6 = [
  'notification-fd',
  'timeout-kill',
  'timeout-finish',
  'down-signal',
  'lock-fd',
  'max-death-tally',
  'flag-newpidns',
  'type',
] as const;

/** What the small files of a service say, each read when it is asked for. */
export class ServiceFiles {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Whether it is not to be started until somebody asks. */
  get isDown(): boolean {
    return this.#has('down');
  }

  get tradition(): Tradition {
    return OF_S6.some((name) => this.#has(name)) ? 's6' : 'runit';
  }

  get envDir(): string | undefined {
    const path = join(this.#dir, 'env');
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? path : undefined;
  }

  /** In ms; 0 is for ever. */
  get timeoutKill(): number | undefined {
    return this.#number('timeout-kill');
  }

  /** In ms; 0 is for ever. */
  get timeoutFinish(): number | undefined {
    return this.#number('timeout-finish');
  }

  get notificationFd(): number | undefined {
    return this.#descriptor('notification-fd');
  }

  get lockFd(): number | undefined {
    return this.#descriptor('lock-fd');
  }

  /** Written by its name, with or without SIG, or by its number. */
  get downSignal(): NodeJS.Signals | undefined {
    const text = this.#text('down-signal')?.toUpperCase();
    const found = Object.entries(constants.signals).find(
      ([name, number]) => name === text || name === `SIG${text}` || String(number) === text,
    );
    return found?.[0] as NodeJS.Signals | undefined;
  }

  /** 0, 1 and 2 are its own already. */
  #descriptor(name: string): number | undefined {
    const fd = this.#number(name);
    return fd !== undefined && fd > 2 && fd < 1024 ? fd : undefined;
  }

  #number(name: string): number | undefined {
    const text = this.#text(name);
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
  }

  #has(name: string): boolean {
    return existsSync(join(this.#dir, name));
  }

  #text(name: string): string | undefined {
    try {
      return readFileSync(join(this.#dir, name), 'latin1').split('\n', 1)[0]?.trim();
    } catch {
      // Not there, or not to be read: as if it said nothing.
      return undefined;
    }
  }
}
