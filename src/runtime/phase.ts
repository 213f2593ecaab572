/** Where a supervisor is in its one life. It only ever goes on, though it may leave out what comes before the end. */
export type BranchPhase = 'new' | 'starting' | 'ready' | 'stopping' | 'stopped';

interface Observer {
  readonly phase: BranchPhase;
  readonly run: () => void;
}

/** A phase that can be waited for. */
export class Phase {
  #value: BranchPhase = 'new';
  #observers: Observer[] = [];

  get value(): BranchPhase {
    return this.#value;
  }

  enter(phase: BranchPhase): void {
    this.#value = phase;
  }

  /** Calls those who wait for the present phase: apart from entering it, so that what belongs to it is done first. */
  announce(): void {
    const told = this.#observers.filter(({ phase }) => phase === this.#value);
    this.#observers = this.#observers.filter(({ phase }) => phase !== this.#value);
    for (const { run } of told) run();
  }

  /** Calls `run` once when the phase is announced; returns the function that takes it back. */
  once(phase: BranchPhase, run: () => void): () => void {
    const observer = { phase, run };
    this.#observers.push(observer);
    return () => {
      this.#observers = this.#observers.filter((other) => other !== observer);
    };
  }
}
