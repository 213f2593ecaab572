import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { errorFacts, exponentialBackoff, nextDelay, wasHealthy } from '../../../core/index.js';
import type { Clock, Services, Timer } from '../../../runtime/index.js';
import {
  ownSpawner,
  SPAWNER,
  type Spawned,
  type SpawnedFor,
  type Spawner,
  type SpawnPlan,
} from '../spawned.js';
import { findMarked, HELPER_VARIABLE, whenGone, whenSettled } from './aftermath.js';
import { type CarriedStream, carried, identityOfOurs, lacks } from './carry.js';
import { Door } from './door.js';
import { HelpedProcess } from './helped-process.js';
import { HELPER_SCRIPT } from './helper-script.js';
import type { HelperNews, RefusalFacts, SpawnRequest } from './wire.js';

/** How long a start may be on its way, in ms, before the helper is taken for stuck and ended. */
const ANSWER_MS = 10_000;
/** How long the helper may take to end when it is told to, in ms. */
const CLOSE_MS = 2000;
const BACKOFF = exponentialBackoff({ initialMs: 50, capMs: 30_000, resetAfterMs: 10_000 });

/** What was asked, and what came of it. */
interface Helped {
  readonly process: HelpedProcess;
  readonly plan: SpawnPlan;
  readonly tickets: readonly string[];
}

/**
 * A small process that starts others on request. `spawn` blocks whoever calls it for as long as it takes to copy the tables of all its memory; the
 * helper has next to none. What it cannot give a program is noted once for each child, and that one is started directly.
 *
 * It ends with this process, or when it is closed. If it dies before that, it is started again; what it had started runs on, but how that ends is lost.
 */
export class SpawnHelper implements Spawner {
  readonly #clock: Clock;
  readonly #door: Door;
  readonly #helped = new Map<number, Helped>();
  readonly #noted = new Set<string>();
  readonly #identity = identityOfOurs();
  #running: Running | undefined;
  #count = 0;
  #failures = 0;
  #waitedMs = 0;
  #timer: Timer | undefined;
  #closing: Promise<void> | undefined;

  private constructor(clock: Clock, door: Door) {
    this.#clock = clock;
    this.#door = door;
    this.#start();
  }

  /** Starts it; from then on it may be asked. It keeps nobody running. */
  static async open(clock: Clock): Promise<SpawnHelper> {
    return new SpawnHelper(clock, await Door.open(clock));
  }

  /** Its number; undefined while it is not there. */
  get pid(): number | undefined {
    return this.#running?.process.pid;
  }

  /** Whether something is on its way that it has not answered yet. */
  get isAsked(): boolean {
    return [...this.#helped.values()].some(({ process }) => process.pid === undefined);
  }

  /** The services of a tree, and this one as its spawner. */
  over(services: Services | undefined): Services {
    const get = <T>(token: symbol): T | undefined =>
      // Safe: it is what the token stands for.
      token === SPAWNER ? (this as Spawner as T) : services?.get<T>(token);
    return { get };
  }

  spawn(plan: SpawnPlan, child: SpawnedFor): Spawned {
    const streams = carried(plan, child.path);
    if (streams instanceof Error) return this.#spawnDirectly(plan, child, streams);
    if (this.#identity !== identityOfOurs()) {
      return this.#spawnDirectly(plan, child, lacks('user', child.path, OTHER_USER));
    }
    if (this.#running === undefined) {
      return this.#spawnDirectly(plan, child, lacks('process', child.path, NOT_THERE));
    }
    return this.#ask(this.#running, plan, streams);
  }

  /** Ends it, and resolves when it is gone. What it has started is not ended by that. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  #spawnDirectly(plan: SpawnPlan, child: SpawnedFor, why: ReturnType<typeof lacks>): Spawned {
    const note = `${why.capability} ${child.path}`;
    if (!this.#noted.has(note)) {
      this.#noted.add(note);
      child.note('the spawn helper does not start it', errorFacts(why));
    }
    return ownSpawner.spawn(plan, child);
  }

  #ask(running: Running, plan: SpawnPlan, streams: readonly CarriedStream[]): Spawned {
    this.#count += 1;
    const id = this.#count;
    const limit = this.#clock.after(ANSWER_MS, () => this.#onSilence(process), false);
    const process: HelpedProcess = new HelpedProcess(streams, {
      onRef: () => this.#refer(),
      onAnswered: () => limit.cancel(),
    });
    const tickets: string[] = [];
    const stdio = streams.map((stream, fd) => {
      if (stream !== 'pipe') return stream;
      // Safe: there are no more than three.
      const ticket = this.#door.expect((socket: Socket) => process.streamed(fd as 0 | 1 | 2, socket));
      tickets.push(ticket);
      return { ticket };
    });
    this.#helped.set(id, { process, plan, tickets });
    const { file, args } = plan;
    running.send({ id, file, args, options: carriedOptions(plan), stdio, door: this.#door.path });
    this.#refer();
    return process;
  }

  #start(): void {
    const running = launch(this.#door.folder);
    if (running === undefined) return this.#restartLater(0);
    const atMs = this.#clock.now();
    this.#running = running;
    running.process.on('message', (news: HelperNews) => this.#hear(news));
    // It has died: its exit says so. Without a pid there is none.
    running.process.on('error', () => {
      if (running.process.pid === undefined) this.#onGone(running, 0);
    });
    // By then all that it had said is heard, which after 'exit' it may not be.
    running.process.once('close', () => this.#onGone(running, this.#clock.now() - atMs));
  }

  #hear(news: HelperNews): void {
    const helped = this.#helped.get(news.id);
    if (helped === undefined) return;
    if (news.type === 'started') helped.process.started(news.pid, news.startTicks);
    else if (news.type === 'failed') this.#fail(news.id, helped, errorOf(news.error));
    else this.#ended(news.id, helped, news.code, news.signal);
  }

  #fail(id: number, { process, tickets }: Helped, error: Error): void {
    this.#helped.delete(id);
    for (const ticket of tickets) this.#door.forget(ticket);
    process.failed(error);
  }

  #ended(id: number, { process }: Helped, code: number | null, signal: NodeJS.Signals | null): void {
    this.#helped.delete(id);
    process.ended(code, signal);
  }

  /** Its answer does not come: it is suspended. Or a stream does not: there are no descriptors left for it. */
  #onSilence(helped: HelpedProcess): void {
    if (helped.pid === undefined) this.#running?.process.kill('SIGKILL');
    else helped.abandon();
  }

  /** This process stays for what it has started and not let go, as it does for children of its own. */
  #refer(): void {
    const isWanted = [...this.#helped.values()].some(({ process }) => process.isRefed);
    const channel = this.#running?.process.channel;
    if (isWanted) channel?.ref();
    else channel?.unref();
  }

  #onGone(running: Running, ranMs: number): void {
    if (this.#running !== running) return;
    this.#running = undefined;
    const orphans = [...this.#helped];
    this.#helped.clear();
    void this.#seeTo(orphans, running);
    if (this.#closing === undefined) this.#restartLater(ranMs);
  }

  #restartLater(ranMs: number): void {
    this.#failures = wasHealthy(BACKOFF, ranMs) ? 1 : this.#failures + 1;
    this.#waitedMs = nextDelay(BACKOFF, this.#failures, this.#waitedMs, Math.random);
    this.#timer = this.#clock.after(this.#waitedMs, () => this.#start(), false);
  }

  /** What a dead helper had started is watched until it is gone; what it was about to start is looked for. */
  async #seeTo(orphans: readonly (readonly [number, Helped])[], running: Running): Promise<void> {
    if (orphans.some(([, { process }]) => process.pid === undefined))
      await whenSettled(this.#clock, running.id);
    for (const [id, helped] of orphans) this.#adopt(id, helped);
  }

  #adopt(id: number, helped: Helped): void {
    const { process, plan } = helped;
    if (process.pid === undefined) {
      const found = findMarked(this.#clock, plan.options.env ?? {});
      if (found === undefined) return this.#fail(id, helped, new Error(DIED_OVER_IT));
      process.started(found.pid, found.startTicks);
    }
    whenGone(this.#clock, process, () => process.ended(null, null));
  }

  async #end(): Promise<void> {
    this.#timer?.cancel();
    const running = this.#running;
    if (running !== undefined) await running.end(this.#clock);
    this.#door.close();
  }
}

const OTHER_USER =
  'it runs as the user that this process was when the helper was started. It is started directly; open the tree after the change of user.';
const NOT_THERE = 'it has died, and is about to be started again. It is started directly.';
const DIED_OVER_IT =
  'The spawn helper ended while it was starting it. It is tried again as any start that failed.';

/** A helper that was started. */
interface Running {
  readonly id: string;
  readonly process: ChildProcess;
  send(request: SpawnRequest): void;
  end(clock: Clock): Promise<void>;
}

function launch(folder: string | undefined): Running | undefined {
  const id = randomBytes(8).toString('hex');
  try {
    // By the environment, so that a list of processes shows its name and not its text.
    const child = spawn(process.execPath, ['-e', 'eval(process.env.TREEWARDEN_SPAWN_HELPER)'], {
      // A Ctrl-C in the terminal is for us to answer.
      detached: true,
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      cwd: '/',
      windowsHide: true,
      env: {
        ...process.env,
        NODE_OPTIONS: undefined,
        TREEWARDEN_SPAWN_HELPER: HELPER_SCRIPT,
        TREEWARDEN_SPAWN_FOLDER: folder,
        [HELPER_VARIABLE]: id,
      },
    });
    child.unref();
    child.channel?.unref();
    return {
      id,
      process: child,
      // Its end is told by its exit.
      send: (request) => void child.send(request, () => undefined),
      end: (clock) => ended(child, clock),
    };
  } catch {
    // No processes or descriptors to be had: tried again, like one that has died.
    return undefined;
  }
}

function ended(child: ChildProcess, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return resolve();
    const limit = clock.after(CLOSE_MS, () => child.kill('SIGKILL'));
    child.ref();
    child.once('exit', () => {
      limit.cancel();
      resolve();
    });
    if (child.connected) child.disconnect();
  });
}

/** The options that another process can carry out as this one would. */
function carriedOptions({ options }: SpawnPlan): Omit<SpawnOptions, 'stdio'> {
  const { cwd = process.cwd(), env, uid, gid, detached, windowsHide } = options;
  const where = typeof cwd === 'string' ? cwd : fileURLToPath(cwd);
  return { ...defined({ env, uid, gid, detached, windowsHide }), cwd: where };
}

function defined<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  // Safe: what is left has the values of T that are not undefined.
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}

function errorOf({ message, ...facts }: RefusalFacts): Error {
  return Object.assign(new Error(message), facts);
}
