import { type Exit, errorFacts } from '../../core/index.js';
import type { Launched } from './launch/launched.js';
import type { ProcessOutput } from './output/streams.js';
import { explainEnd } from './process-exit.js';
import type { ProcessLaunch } from './process-launch.js';
import type { Asked, Wish } from './wish.js';

/** Whose leader has ended. */
export interface Program {
  /** The child's path. */
  readonly path: string;
  readonly launch: ProcessLaunch;
  readonly launched: Launched;
  readonly output: ProcessOutput;
  readonly wish: Readonly<Wish>;
  /** What a status other than 0 stands for. */
  explainCode(code: number): Exit;
}

/** How the leader of a program has ended. What that counts as may change as long as those whom it has left behind live on. */
export class LeaderExit {
  /** Whether it has put the program in the background: what it leaves behind goes on. */
  readonly leavesProgram: boolean;
  readonly #program: Program;
  readonly #code: number | null;
  readonly #signal: NodeJS.Signals | null;
  /** What it had been asked by then. */
  readonly #asked: Asked;
  /** What shows that the kernel has ended it for want of memory. */
  readonly #starved: string | undefined;

  /** To be made as soon as it has ended. */
  constructor(program: Program, code: number | null, signal: NodeJS.Signals | null) {
    const { launch, launched, wish } = program;
    this.#program = program;
    this.#code = code;
    this.#signal = signal;
    this.#asked = wish.asked;
    this.leavesProgram = launch.background === true && code === 0 && wish.asked === 'nothing';
    const mayHaveStarved = wish.asked !== 'kill' && (signal === 'SIGKILL' || launched.endsWhole);
    this.#starved = mayHaveStarved ? launched.outOfMemory : undefined;
  }

  /** Whether it ended unasked. */
  get wasUnasked(): boolean {
    return this.#asked === 'nothing';
  }

  /** What it counts as by now. */
  get exit(): Exit {
    const { path, launch, launched, output, wish } = this.#program;
    // It ends later, by when it may have been asked to.
    if (this.leavesProgram && wish.asked === 'stop') return { type: 'shutdown' };
    const failure = launched.failure(path, this.#code, output.lastLines);
    if (failure !== undefined) return { type: 'not-started', error: errorFacts(failure) };
    // Somebody had to be killed, be it only what the leader left behind.
    if (wish.asked === 'kill' && this.#asked !== 'kill') return { type: 'killed' };
    const exit = explainEnd({
      code: this.#code,
      signal: launched.trueSignal(this.#code, this.#signal) ?? this.#signal,
      asked: this.#asked,
      signals: launch,
      outOfMemory: this.#starved ?? output.outOfMemory,
    });
    return exit.type === 'code' ? this.#program.explainCode(exit.code) : exit;
  }
}
