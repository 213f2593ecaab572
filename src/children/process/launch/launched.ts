import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { SpawnError } from '../../../core/index.js';
import type { IncarnationHost } from '../../../runtime/index.js';
import { type ProcessIdentity, readStat } from '../proc.js';
import type { ProcessLaunch } from '../process-launch.js';
import { spawnError } from '../spawn-failure.js';
import type { Spawned, SpawnedFor, Spawner } from '../spawned.js';
import type { ControlGroup } from './cgroup.js';
import { OomWatch } from './oom-watch.js';
import type { LaunchPlan } from './plan.js';

/** A process that was spawned by a plan, seen to the moment at which it is the program. */
export class Launched {
  readonly spawned: Spawned;
  readonly cgroup: ControlGroup | undefined;
  readonly #launch: ProcessLaunch;
  readonly #plan: LaunchPlan;
  readonly #oom: OomWatch;
  #said = '';
  #inner: ProcessIdentity | undefined;
  /** The processes that a namespace needs beside the program. */
  #attendants: readonly number[] = [];
  #hasBegun: boolean;
  #onBegun: (() => void) | undefined;

  /** @throws what the operating system says at once */
  constructor(
    spawner: Spawner,
    plan: LaunchPlan,
    launch: ProcessLaunch,
    child: SpawnedFor & Pick<IncarnationHost, 'clock'>,
  ) {
    this.#plan = plan;
    this.#launch = launch;
    this.#hasBegun = plan.statusFd === undefined;
    this.cgroup = plan.cgroup;
    this.#oom = new OomWatch(plan.cgroup, child.clock);
    try {
      this.spawned = spawner.spawn(plan, child);
    } catch (error) {
      plan.cgroup?.remove();
      throw error;
    } finally {
      plan.settle();
    }
    // Safe: it was asked for as a pipe, which can be read and written.
    const status = plan.statusFd === undefined ? undefined : (this.spawned.stdio[plan.statusFd] as Duplex);
    status?.on('data', (chunk: Buffer) => this.#hear(chunk));
    status?.once('end', () => this.#begin());
    // It is how process 1 of its namespace learns that there is nothing left to keep it for.
    if (plan.isNamespaced) this.spawned.once('exit', () => status?.end());
    if (this.spawned.startsLater) this.spawned.once('spawn', () => this.#feed());
    else this.#feed();
  }

  /** Calls back once the program runs in place of its launcher: at once, where it has none. */
  whenBegun(run: () => void): void {
    if (this.#hasBegun) run();
    else this.#onBegun = run;
  }

  /** Whether the kernel ends all that the program leaves behind, which takes a moment and is no fault. */
  get endsWhole(): boolean {
    return this.#plan.isNamespaced;
  }

  /** The program's own, also where another process waits for it. */
  get pid(): number | undefined {
    return this.#inner?.pid ?? this.spawned.pid;
  }

  /** Whether it is no process of the program, but there so that the program can have a namespace. */
  isAttendant(pid: number): boolean {
    return this.#attendants.includes(pid);
  }

  /** Sends a signal to the program alone; before it has begun, to its launcher. */
  signal(signal: NodeJS.Signals): boolean {
    if (this.#inner === undefined) return this.spawned.kill(signal);
    const { pid, startTicks } = this.#inner;
    // Another process waits for it, and its number may be somebody else's before that has ended, too.
    if (readStat(pid)?.startTicks !== startTicks) return false;
    try {
      return process.kill(pid, signal);
    } catch {
      // It has ended.
      return false;
    }
  }

  /**
   * Why the program has never run, if that is so: what its launcher, or the shell before it, had to say.
   * @param lines - what was written to stderr, where it is captured
   */
  failure(child: string, code: number | null, lines: readonly string[]): SpawnError | undefined {
    if (this.#plan.statusFd === undefined || code === null) return undefined;
    const [, failed] = /^failed (\d+)$/m.exec(this.#said) ?? [];
    if (failed !== undefined) {
      const errno = failed === '126' ? 'EACCES' : 'ENOENT';
      return spawnError(child, this.#launch, { code: errno, message: lines.at(-1) ?? `status ${failed}` });
    }
    if (this.#isWellSaid) return undefined;
    const words = [...this.#said.split('\n'), ...lines].filter((line) => line !== '').slice(-3);
    const said = words.length === 0 ? '' : ` Its last words: ${words.join(' / ')}`;
    return new SpawnError(
      child,
      this.#launch.file,
      undefined,
      `what its options ask for was refused (${optionsIn(this.#launch)}; status ${code}). Leave out what needs rights that this process has not.${said}`,
    );
  }

  /** How the program ended, where another process has waited for it: that one cannot pass on a SIGKILL, and complains. Known once all output is in. */
  trueSignal(code: number | null, signal: NodeJS.Signals | null): NodeJS.Signals | null {
    return this.endsWhole && code === 1 && /^ok\nunshare: /.test(this.#said) ? 'SIGKILL' : signal;
  }

  /** What shows that the kernel has ended it for want of memory, if anything does. For an end by SIGKILL that nobody here has sent. */
  get outOfMemory(): string | undefined {
    return this.#oom.risen();
  }

  get #isWellSaid(): boolean {
    return this.#said.startsWith('ok\n') && !/^failed/m.test(this.#said);
  }

  #hear(chunk: Buffer): void {
    this.#said += chunk.toString('latin1');
    // There the descriptor stays open, so that it is not seen when the shell has become the program; whether it can was looked at before.
    if (this.#plan.isNamespaced) this.#begin();
  }

  /** The launcher has become the program: it has said so, and closed the descriptor. */
  #begin(): void {
    if (!this.#isWellSaid) return;
    if (this.#plan.isNamespaced && this.#inner === undefined) this.#findInner();
    this.#hasBegun = true;
    this.#onBegun?.();
    this.#onBegun = undefined;
  }

  /**
   * The second process of the namespace: the only child of the one that waits for it but process 1. That one and the child of process 1 attend to it;
   * nobody else has been left to process 1 by now.
   */
  #findInner(): void {
    const { pid: waiting } = this.spawned;
    const inside = childrenOf(waiting);
    const first = inside.filter((one) => innermostPid(one) === 1);
    const pid = inside.find((one) => !first.includes(one));
    const startTicks = pid === undefined ? undefined : readStat(pid)?.startTicks;
    if (waiting === undefined || pid === undefined || startTicks === undefined) return;
    this.#inner = { pid, startTicks };
    this.#attendants = [waiting, ...first, ...first.flatMap(childrenOf)];
  }

  /** What it is to read. That it does not read all of it is its own affair: the broken pipe is heard by whoever listens to its streams. */
  #feed(): void {
    const { stdin } = this.#launch;
    if (typeof stdin === 'object' && 'text' in stdin) this.spawned.stdin?.end(stdin.text);
  }
}

const OPTIONS = ['umask', 'nice', 'limits', 'uid', 'gid', 'groups', 'parentDeathSignal', 'isolate'] as const;

function optionsIn(launch: ProcessLaunch): string {
  return OPTIONS.filter((name) => launch[name] !== undefined).join(', ');
}

function childrenOf(pid: number | undefined): readonly number[] {
  return (readText(`/proc/${pid}/task/${pid}/children`) ?? '').match(/\d+/g)?.map(Number) ?? [];
}

/** Its number in its own namespace. */
function innermostPid(pid: number): number {
  const numbers = /^NSpid:\t(.*)$/m.exec(readText(`/proc/${pid}/status`) ?? '')?.[1];
  return Number(numbers?.split('\t').at(-1));
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // It has ended.
    return undefined;
  }
}
