import type { Readable } from 'node:stream';

/** A pipe that a program inherits, and all that it starts: nobody writes to it, and it ends when the last of them has ended or closed it. */
export class Lifeline {
  #held = true;

  /** @param onEnd - called once, when nobody holds it any more */
  constructor(pipe: Readable, onEnd: () => void) {
    pipe.once('end', () => {
      this.#held = false;
      onEnd();
    });
    // Whatever is written to a descriptor that the program does not know of is nobody's.
    pipe.resume();
  }

  /** Whether somebody holds it. */
  get held(): boolean {
    return this.#held;
  }
}
