import { isMainThread } from 'node:worker_threads';
import { CapabilityError, errorFacts, NoResourcesError } from '../../core/index.js';
import {
  type IncarnationHost,
  isThenable,
  type ResourceRequest,
  type ResourceScope,
} from '../../runtime/index.js';
import { orphanMsOf } from '../channel/orphan.js';
import type { ProcessOutput } from './output/streams.js';
import { chargeOf, type Marking, type OrphanEnd } from './owned/charge.js';
import type { ProcessLaunch } from './process-launch.js';

/** What had to be had before a process can be started. */
export interface Provisions {
  readonly marking: Marking | undefined;
  /** A descriptor of this process by which the program holds its `exclusive` lock. */
  readonly lockFd: number | undefined;
}

/** Gets what a process needs before it is started: at once, without a promise, unless something must be waited for. */
export class Preparation {
  readonly #host: IncarnationHost;
  readonly #launch: ProcessLaunch;
  readonly #output: ProcessOutput;
  #marking: Marking | undefined;
  #unrecord: (() => void) | undefined;
  #scope: ResourceScope | undefined;
  #over = false;
  #giveUp: (() => void) | undefined;

  constructor(host: IncarnationHost, launch: ProcessLaunch, output: ProcessOutput) {
    this.#host = host;
    this.#launch = launch;
    this.#output = output;
  }

  /** @throws CapabilityError, or what a lock or a sink says, if the process cannot be started as it is wanted */
  run(): Provisions | Promise<Provisions> {
    checkThread(this.#host.path, this.#launch);
    const { ownership } = this.#launch;
    const charge = ownership === 'group' ? undefined : chargeOf(this.#host, ownership);
    if (isThenable(charge) || this.#launch.exclusive !== undefined)
      return this.#unlessCancelled(this.#runInTurn(charge));
    const opening = this.#output.open();
    this.#marking = charge?.next();
    const provisions = { marking: this.#marking, lockFd: undefined };
    return isThenable(opening) ? this.#unlessCancelled(opening.then(() => provisions)) : provisions;
  }

  /** Whoever is to end waits neither for a sink nor for what a dead program has left. What comes late is given back by who brings it. */
  #unlessCancelled(provisions: Promise<Provisions>): Promise<Provisions> {
    return new Promise((resolve, reject) => {
      this.#giveUp = () => reject(new Error('It is not to be started any more.'));
      provisions.then(resolve, reject);
    });
  }

  async #runInTurn(charge: ReturnType<typeof chargeOf>): Promise<Provisions> {
    const marking = (await charge)?.next();
    this.#marking = marking;
    const lockFd = this.#launch.exclusive === undefined ? undefined : await this.#lock();
    await this.#output.open();
    return { marking, lockFd };
  }

  /** It is not to be started any more: nothing is waited for from here on, and what was promised is rejected. */
  cancel(): void {
    this.#over = true;
    this.#giveUp?.();
    void this.#scope?.close();
  }

  /** It runs, as the leader of its group. */
  spawned(pid: number): void {
    this.#unrecord = this.#marking?.record(pid, this.#orphanEnd());
  }

  /** The process, or the wish for it, is gone: gives back what was got. At once, without a promise, where that is nothing. Never rejects. */
  release(): Promise<void> | undefined {
    this.#over = true;
    this.#unrecord?.();
    return this.#scope === undefined ? undefined : this.#close(this.#scope);
  }

  /** As in a stop: it is told to drain and to stop, each in its time; without a drain its time is `shutdown`. One with a channel is told nothing. */
  #orphanEnd(): OrphanEnd {
    const { settings } = this.#host;
    const { channel, drainSignal, stopSignal = 'SIGTERM' } = this.#launch;
    if (channel !== undefined) return { graceMs: orphanMsOf(settings), signal: undefined };
    if (drainSignal === undefined)
      return { graceMs: orphanMsOf({ ...settings, drainMs: 0 }), signal: stopSignal };
    const drain = { signal: drainSignal, ms: settings.drainMs };
    return { graceMs: orphanMsOf(settings), signal: stopSignal, drain };
  }

  async #lock(): Promise<number> {
    const { path, incarnation, tree, resources } = this.#host;
    const { exclusive } = this.#launch;
    if (resources === undefined) throw new NoResourcesError(path);
    const scope = await resources.openScope({ path, incarnation, tree });
    this.#scope = scope;
    if (this.#over) await scope.close();
    const [name, whenHeld] =
      typeof exclusive === 'object' ? [exclusive.name, exclusive.whenHeld] : [path, exclusive];
    const { facts } = await scope.grant({ kind: 'instance-lock', name, whenHeld } as ResourceRequest);
    // Safe: it is what the kind grants.
    return (facts as { readonly fd: number }).fd;
  }

  async #close(scope: ResourceScope): Promise<void> {
    for (const failure of await scope.close())
      this.#host.note('its lock could not be released', errorFacts(failure));
  }
}

/** The kernel sends the signal when the thread ends that has started the process, whether or not the process that it is in goes on. */
function checkThread(path: string, { parentDeathSignal }: ProcessLaunch): void {
  if (parentDeathSignal === undefined || isMainThread) return;
  throw new CapabilityError(
    'main-thread',
    `The parentDeathSignal of "${path}"`,
    'its supervisor is in a worker thread, with whose end the program would be ended. Start it from the main thread.',
  );
}
