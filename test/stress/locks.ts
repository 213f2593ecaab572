import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { openLockHost } from '../../src/resources/locks/host.js';
import type { LockKind } from '../../src/resources/locks/layout.js';
import { attachMutex } from '../../src/resources/locks/mutex.js';
import { attachRwLock } from '../../src/resources/locks/rw-lock.js';
import { attachSemaphore } from '../../src/resources/locks/semaphore.js';
import { type LockFiles, lockFiles, openWords, type SharedWords } from '../resources/locks/lock-files.js';
import { bundled, type Peer, type PeerSort, type Program, startPeer } from '../resources/locks/peers.js';
import { WAYS, type Way } from '../resources/locks/ways.js';
import { type LockerOrders, PERMITS, slotAt, sumOfSlots, WORD } from './locker-words.js';
import { randomNumbers, type Storm, type StormOptions, type StormReport } from './storm.js';

const SORTS: readonly PeerSort[] = ['process', 'process', 'process', 'thread', 'thread'];
/** Nobody waits that long, however busy the machine: a deadlock. */
const DEADLOCK_MS = 60_000;
const LONGEST_PAUSE_MS = 12;
/** How many of the victims are to be inside. Some have left when the kill arrives. */
const INSIDE_SHARE = 0.75;
/** Nobody may be inside for a while, where most have just been killed. */
const LONGEST_LOOK_MS = 500;

/** For each lock in each form: lockers in processes and threads that are killed at random, and started again. */
export const LOCK_STORMS: readonly Storm[] = (['mutex', 'rw-lock', 'semaphore'] as const).flatMap((lock) =>
  WAYS.map((way) => ({
    name: `${lock}, ${way.implementation}`,
    skip: way.skip,
    run: (options: StormOptions) => lockStorm(lock, way, options),
  })),
);

/** Runs one storm to its end; everything it has started and made is gone then. */
export async function lockStorm(lock: LockKind, way: Way, options: StormOptions): Promise<StormReport> {
  const files = lockFiles();
  const program = await bundled(new URL('./fixtures/locker.ts', import.meta.url));
  const storm = new LockStorm(lock, way, files, program);
  try {
    return await storm.run(options);
  } finally {
    await storm.end();
    files.remove();
    program.remove();
  }
}

class LockStorm {
  readonly #orders: Omit<LockerOrders, 'slot'>;
  readonly #program: Program;
  readonly #words: SharedWords;
  readonly #lockers: (Peer | undefined)[] = SORTS.map(() => undefined);
  readonly #starting = new Map<number, Promise<void>>();
  readonly #killed = new WeakSet<Peer>();
  readonly #faults: string[] = [];
  #killedInside = 0;

  constructor(lock: LockKind, { implementation, backend }: Way, files: LockFiles, program: Program) {
    const granted = files.make(lock, PERMITS);
    this.#orders = { using: { lock, granted, implementation, backend }, words: files.words() };
    this.#program = program;
    this.#words = openWords(this.#orders.words);
  }

  async run({ kills, seed }: StormOptions): Promise<StormReport> {
    const random = randomNumbers(seed);
    for (const slot of SORTS.keys()) this.#start(slot);
    let done = 0;
    for (; done < kills && this.#faults.length === 0; done += 1) {
      await pause(random() * LONGEST_PAUSE_MS);
      const victim = await this.#choose(random);
      await this.#kill(victim);
      if (this.#isInside(victim)) this.#killedInside += 1;
      this.#words.set(slotAt(victim) + WORD.slotPid, 0);
      this.#start(victim);
    }
    await Promise.all(this.#starting.values());
    await this.#allGoOn();
    await this.#killAll();
    await this.#settle();
    return this.#report(done);
  }

  /** Also where a fault has left some waiting for ever. */
  async end(): Promise<void> {
    while (this.#starting.size > 0) {
      await this.#killAll();
      await Promise.race([...this.#starting.values(), pause(50)]);
    }
    await this.#killAll();
    this.#words.close();
  }

  /** In the background; a slot whose locker is not there yet is no victim. */
  #start(slot: number): void {
    this.#lockers[slot] = undefined;
    const starting = this.#started(slot).then(
      () => undefined,
      (error: unknown) => {
        this.#faults.push(`locker ${slot} did not start: ${String(error)}`);
      },
    );
    this.#starting.set(
      slot,
      starting.finally(() => this.#starting.delete(slot)),
    );
  }

  /** Resolves at its first use, or its death before that. */
  async #started(slot: number): Promise<void> {
    const peer = await startPeer(SORTS[slot] ?? 'process', this.#program);
    this.#lockers[slot] = peer;
    try {
      await peer.tell({ ...this.#orders, slot, do: 'storm' });
    } catch (error) {
      if (!this.#killed.has(peer)) throw error;
    }
  }

  async #kill(slot: number): Promise<void> {
    const peer = this.#lockers[slot];
    if (peer === undefined) return;
    this.#killed.add(peer);
    await peer.kill();
  }

  /** Mostly somebody who is inside: left to chance, that would be rare. */
  async #choose(random: () => number): Promise<number> {
    const chosen = random();
    const wantsInside = random() < INSIDE_SHARE;
    const lateMs = performance.now() + LONGEST_LOOK_MS;
    for (;;) {
      const there = [...SORTS.keys()].filter((slot) => this.#lockers[slot] !== undefined);
      const inside = there.filter((slot) => this.#isInside(slot));
      const from = wantsInside && performance.now() < lateMs ? inside : there;
      const victim = from[Math.floor(chosen * from.length)];
      if (victim !== undefined) return victim;
      await turn();
    }
  }

  #isInside(slot: number): boolean {
    return this.#words.get(slotAt(slot) + WORD.slotPid) !== 0;
  }

  /** Each of those who live uses the lock again, or somebody waits for the dead. */
  async #allGoOn(): Promise<void> {
    const before = [...SORTS.keys()].map((slot) => this.#uses(slot));
    const late = performance.now() + DEADLOCK_MS;
    for (const slot of SORTS.keys()) {
      while (this.#uses(slot) === before[slot]) {
        if (performance.now() > late) {
          this.#faults.push(`locker ${slot} waits for ever`);
          break;
        }
        await pause(5);
      }
    }
  }

  async #killAll(): Promise<void> {
    await Promise.all([...SORTS.keys()].map((slot) => this.#kill(slot)));
  }

  /** The lock can be had after all those deaths, and the counters are what they should be. */
  async #settle(): Promise<void> {
    const { using } = this.#orders;
    const granted = { ...using.granted, giveBack: () => Promise.resolve() };
    const host = openLockHost(using.backend);
    const limit = { timeoutMs: DEADLOCK_MS };
    try {
      if (using.lock === 'semaphore') {
        const lease = await attachSemaphore(granted, using.implementation, host);
        (await lease.acquire({ ...limit, permits: PERMITS })).release();
        await lease.release();
      } else {
        const lease =
          using.lock === 'mutex'
            ? await attachMutex(granted, using.implementation, host)
            : await attachRwLock(granted, using.implementation, host);
        const hold = await ('lock' in lease ? lease.lock(limit) : lease.write(limit));
        if (!hold.ownerDied) this.#checkCounters();
        hold.release();
        await lease.release();
      }
    } catch (error) {
      this.#faults.push(`the lock cannot be had any more: ${String(error)}`);
    }
  }

  #checkCounters(): void {
    const [first, second, sum] = [
      this.#words.get(WORD.first),
      this.#words.get(WORD.second),
      sumOfSlots(this.#words, SORTS.length),
    ];
    if (first !== second || first !== sum)
      this.#faults.push(`${sum} updates, but the counters say ${first}, ${second}`);
  }

  #uses(slot: number): number {
    return this.#words.get(slotAt(slot) + WORD.slotUses);
  }

  #report(kills: number): StormReport {
    const broken = this.#words.get(WORD.broken);
    if (broken > 0)
      this.#faults.push(`found ${broken} times what must never be, such as ${this.#words.get(WORD.example)}`);
    const slots = [...SORTS.keys()];
    return {
      kills,
      killedInside: this.#killedInside,
      uses: slots.reduce((sum, slot) => sum + this.#uses(slot), 0),
      recoveries: this.#words.get(WORD.recoveries),
      longestWaitMs: Math.max(...slots.map((slot) => this.#words.get(slotAt(slot) + WORD.slotLongestWaitMs))),
      faults: this.#faults,
    };
  }
}
