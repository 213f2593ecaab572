import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { exponentialBackoff, nextDelay, wasHealthy } from '../../core/index.js';
import type { Clock, Timer } from '../../runtime/index.js';
import { GUARDIAN_SCRIPT } from './guardian-script.js';
import { startTicks } from './identity.js';
import type { FileLedger } from './ledger.js';
import { MARK_VARIABLE } from './marked.js';

/**
 * - `watching`: it releases what the ledger lists as soon as this process is dead.
 * - `restarting`: it has died, and is about to be started again. Nothing was released by that.
 * - `degraded`: it cannot be started, or does not stay; tried again ever more slowly. Until then what this process leaves behind is found at the next start.
 * - `missing`: there is no shell here. As degraded, and not tried again.
 * - `stopped`: it was told that it is no longer needed.
 */
export type GuardianState = 'watching' | 'restarting' | 'degraded' | 'missing' | 'stopped';

export interface GuardianOptions {
  readonly ledger: FileLedger;
  readonly clock: Clock;
  /** @defaultValue `/bin/sh` */
  readonly shell?: string;
  /** How long each command of the ledger may take, in whole seconds. @defaultValue `10` */
  readonly commandLimitS?: number;
  /** How long {@link Guardian.stop} and {@link Guardian.release} wait for its end before they kill it, in ms. @defaultValue `5_000` */
  readonly stopLimitMs?: number;
}

/** The process that releases what a ledger lists once its owner is dead. */
export interface Guardian {
  readonly state: GuardianState;
  readonly pid: number | undefined;
  /** Calls `listener` at every change of state. Returns what ends that. */
  onState(listener: (state: GuardianState) => void): () => void;
  /** Ends it, and releases nothing: everything is released. Resolves when it is gone; safe to call twice; never rejects. */
  stop(): Promise<void>;
  /** Has it release what the ledger still lists, as if this process were dead, and resolves when it is gone. Does nothing where there is none. */
  release(): Promise<void>;
}

/**
 * Starts the guardian: a shell in a session of its own, which keeps nobody's event loop alive and ends only when it is told to, or this
 * process ends. It watches from the moment this returns. A guardian that dies is started again, at first at once.
 *
 * Call it on the main thread: the pipe that tells it of this process's end closes with the thread that made it.
 */
export function startGuardian(options: GuardianOptions): Guardian {
  return new ShellGuardian(options);
}

class ShellGuardian implements Guardian {
  readonly #ledger: FileLedger;
  readonly #clock: Clock;
  readonly #shell: string;
  readonly #commandLimitS: number;
  readonly #stopLimitMs: number;
  readonly #listeners = new Set<(state: GuardianState) => void>();
  readonly #stopListening: () => void;
  #state: GuardianState = 'restarting';
  #process: Running | undefined;
  #failures = 0;
  #waitedMs = 0;
  #timer: Timer | undefined;
  #ending: Promise<void> | undefined;

  constructor(options: GuardianOptions) {
    this.#ledger = options.ledger;
    this.#clock = options.clock;
    this.#shell = options.shell ?? '/bin/sh';
    this.#commandLimitS = options.commandLimitS ?? 10;
    this.#stopLimitMs = options.stopLimitMs ?? 5_000;
    this.#stopListening = this.#ledger.onRewritten(() => this.#process?.tell('rewritten'));
    this.#start();
  }

  get state(): GuardianState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  onState(listener: (state: GuardianState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stop(): Promise<void> {
    this.#ending ??= this.#end((running) => running.tell('nothing-left'));
    return this.#ending;
  }

  release(): Promise<void> {
    this.#ending ??= this.#end(ignore);
    return this.#ending;
  }

  async #end(lastWord: (running: Running) => void): Promise<void> {
    this.#timer?.cancel();
    this.#stopListening();
    const running = this.#process;
    this.#become('stopped');
    if (running === undefined) return;
    lastWord(running);
    const limit = this.#clock.after(this.#stopLimitMs, () => running.kill());
    await running.end();
    limit.cancel();
  }

  #start(): void {
    const running = launch(this.#shell, [
      this.#ledger.path,
      String(this.#ledger.header.owner.pid),
      String(this.#ledger.header.owner.startTicks),
      String(this.#commandLimitS),
    ]);
    const atMs = this.#clock.now();
    this.#process = running;
    void running.gone.then((error) => this.#gone(error, this.#clock.now() - atMs));
    if (running.pid === undefined || !this.#writeDown(running.pid)) return;
    // One that did not stay, again and again, has to show that it does.
    if (this.#failures <= TRIES) this.#become('watching');
    else this.#timer = this.#clock.after(STAYS_MS, () => this.#become('watching'), false);
  }

  /** Without its name in the ledger it would release nothing, and the next start would not wait for it. */
  #writeDown(pid: number): boolean {
    try {
      this.#ledger.guardedBy({ pid, tid: pid, startTicks: startTicks(pid) ?? 0 });
      return true;
    } catch {
      // It is told so by its end: no room for a line is tried again like any other failure.
      this.#process?.kill();
      return false;
    }
  }

  #gone(error: Error | undefined, ranMs: number): void {
    this.#process = undefined;
    this.#timer?.cancel();
    if (this.#state === 'stopped') return;
    if (error !== undefined && 'code' in error && error.code === 'ENOENT') return this.#become('missing');
    this.#failures = wasHealthy(BACKOFF, ranMs) ? 1 : this.#failures + 1;
    this.#waitedMs = nextDelay(BACKOFF, this.#failures, this.#waitedMs, Math.random);
    this.#become(this.#failures > TRIES ? 'degraded' : 'restarting');
    this.#timer = this.#clock.after(this.#waitedMs, () => this.#start(), false);
  }

  #become(state: GuardianState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of [...this.#listeners]) listener(state);
  }
}

const TRIES = 5;
const STAYS_MS = 1_000;
const BACKOFF = exponentialBackoff({ initialMs: 50, capMs: 30_000, resetAfterMs: 10_000 });

interface Running {
  readonly pid: number | undefined;
  /** Resolves when it is gone, to why it could not be started. */
  readonly gone: Promise<Error | undefined>;
  tell(word: 'rewritten' | 'nothing-left'): void;
  kill(): void;
  /** Ends its input, and waits. */
  end(): Promise<void>;
}

function launch(shell: string, args: readonly string[]): Running {
  try {
    return watched(
      // By the environment, so that a list of processes shows its name and not its text.
      spawn(shell, ['-c', 'eval "$TREEWARDEN_GUARDIAN"', 'treewarden-guardian', ...args], {
        detached: true,
        stdio: ['pipe', 'ignore', 'ignore'],
        cwd: '/',
        // It outlives whoever is ended by a mark that this process carries itself.
        env: { ...process.env, TREEWARDEN_GUARDIAN: GUARDIAN_SCRIPT, [MARK_VARIABLE]: undefined },
      }),
    );
  } catch (error) {
    // Some of the reasons for which nothing can be started are thrown, and some are emitted.
    return {
      pid: undefined,
      gone: Promise.resolve(error as Error),
      tell: ignore,
      kill: ignore,
      end: nothing,
    };
  }
}

function watched(child: ChildProcess): Running {
  // Without descriptors to spare there is no pipe, against the type.
  const stdin = child.stdin as (Writable & { unref?(): void }) | null | undefined;
  // It has died: its exit says so.
  stdin?.on('error', ignore);
  child.unref();
  stdin?.unref?.();
  const gone = whenGone(child);
  return {
    pid: child.pid,
    gone,
    tell: (word) => void stdin?.write(`${word}\n`),
    kill: () => void child.kill('SIGKILL'),
    end: async () => {
      child.ref();
      stdin?.end();
      await gone;
    },
  };
}

function whenGone(child: ChildProcess): Promise<Error | undefined> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve(undefined));
    child.once('error', resolve);
  });
}

function ignore(): void {
  // Nothing to do, and nobody to tell.
}

async function nothing(): Promise<void> {
  // It never was.
}
