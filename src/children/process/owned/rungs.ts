import type { Clock, Timer } from '../../../runtime/index.js';
import type { ProcessOptions } from '../process-options.js';
import type { ProcessTree } from './tree.js';

/** How long another final signal than SIGKILL has, in ms: a part of the shortest wait for a kill, so that SIGKILL has the rest. */
const FINAL_MS = 300;

/** To whom a signal of the ladder goes: the whole tree, the leader's group, or the leader alone. */
export type Addressee = 'all' | 'group' | 'leader';

/** Carries the signals of a stop to those for whom `killScope` means them. */
export class Rungs {
  readonly #options: ProcessOptions;
  readonly #tree: ProcessTree;
  readonly #signalLeader: (signal: NodeJS.Signals) => boolean;
  readonly #asks: (signal: NodeJS.Signals, to: Addressee) => void;
  #groupAsked = false;
  #escapedAsked = false;
  #finalTimer: Timer | undefined;

  /**
   * @param signalLeader - sends a signal to the leader alone, unless it has ended
   * @param asks - is told of each signal just before it is sent
   */
  constructor(
    options: ProcessOptions,
    tree: ProcessTree,
    signalLeader: (signal: NodeJS.Signals) => boolean,
    asks: (signal: NodeJS.Signals, to: Addressee) => void,
  ) {
    this.#options = options;
    this.#tree = tree;
    this.#signalLeader = signalLeader;
    this.#asks = asks;
  }

  /** Tells the leader to finish its work. */
  drain(drainSignal: NodeJS.Signals): void {
    this.#asks(drainSignal, 'leader');
    this.#signalLeader(drainSignal);
    this.wake();
  }

  /** Asks the group, or the leader alone, to end. */
  ask(): void {
    const { stopSignal = 'SIGTERM', killScope = 'tree' } = this.#options;
    this.#groupAsked = killScope === 'tree';
    this.#asks(stopSignal, this.#groupAsked ? 'group' : 'leader');
    if (this.#groupAsked) this.#tree.signalGroup(stopSignal);
    else this.#signalLeader(stopSignal);
    this.wake();
  }

  /** Asks those to end who live on without the leader: each of them once, as a second signal often means more than the first. */
  askRest(): void {
    const { stopSignal = 'SIGTERM' } = this.#options;
    if (this.#escapedAsked) return;
    this.#asks(stopSignal, 'all');
    if (this.#groupAsked) this.#tree.signalEscaped(stopSignal);
    else this.#tree.signal(stopSignal);
    this.#tree.signal('SIGCONT');
    this.#groupAsked = true;
    this.#escapedAsked = true;
  }

  /** A suspended process would keep what it is asked for later; signal first is systemd's order too. A running one takes no notice. */
  wake(): void {
    this.#tree.signalGroup('SIGCONT');
  }

  /** Ends all whom a kill is for: by `finalSignal`, and what that has not ended after 300 ms by SIGKILL. */
  kill(clock: Clock): void {
    const { finalSignal = 'SIGKILL' } = this.#options;
    this.#asks(finalSignal, this.#options.killScope === 'process' ? 'leader' : 'all');
    this.#send(finalSignal);
    if (finalSignal === 'SIGKILL') return;
    // What is suspended acts on nothing else before it goes on.
    this.#send('SIGCONT');
    this.#finalTimer = clock.after(FINAL_MS, () => this.#send('SIGKILL'), false);
  }

  /** Ends those whom the leader has left behind. */
  killRest(): void {
    // They may have been given another final signal, whose time is not over.
    if (this.#finalTimer === undefined) this.#tree.signal('SIGKILL');
  }

  /** The tree has ended. */
  over(): void {
    this.#finalTimer?.cancel();
  }

  #send(signal: NodeJS.Signals): void {
    if (signal === 'SIGKILL') this.#finalTimer = undefined;
    if (this.#options.killScope === 'process') this.#signalLeader(signal);
    else this.#tree.signal(signal);
  }
}
