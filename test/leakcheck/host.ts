import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Trace } from './machine.js';
import { commandOf, isDead, processesOf } from './machine.js';

/** What all runs have in common. */
export interface Ground {
  /** A folder of our own, for everything that is kept on disk. */
  readonly folder: string;
  /** The registries'. */
  readonly scope: string;
  readonly stateDir: string;
  readonly memoryDir: string;
}

/** What the fixture program `fixtures/host.mjs` does. */
export interface Plan extends Omit<Ground, 'folder'> {
  /** Who acquires: the program itself with a registry of its own, a task under `supervise()`, or a fork or thread below that. */
  readonly who: 'registry' | 'task' | 'fork' | 'thread';
  /** Hold one of each kind and say so, or acquire and release for ever. */
  readonly mode: Mode;
  /** How whoever acquires ends by itself, one of `fixtures/endings.mjs`; without one it waits for what comes. */
  readonly ending?: string;
  /** When it ends by itself, in ms since it holds everything, or since its start. */
  readonly afterMs: number;
  readonly seed: number;
  /** For temporary files, sockets and pid files. */
  readonly workDir: string;
  /** In the environment of every process of this run. */
  readonly mark: string;
}

export type Mode = 'hold' | 'churn';

/** How the program is started. */
export interface Launch {
  /** Arguments of Node, before the program. */
  readonly flags?: readonly string[];
  /** A program that starts it, with its arguments. */
  readonly under?: readonly [command: string, ...args: string[]];
  /** Run before the program's first instruction, in its process: where it belongs. */
  readonly cgroup?: string;
}

/** A line of the program, as data. */
export interface Said {
  /** When it was heard. */
  readonly atMs: number;
  readonly says: 'started' | 'has' | 'child' | 'opened' | 'stopping' | 'hurried' | 'gone' | 'ending';
  readonly pid: number;
  readonly things?: readonly Trace[];
}

/** A running fixture program. */
export class Host {
  readonly process: ChildProcess;
  readonly plan: Plan;
  readonly ended: Promise<Ended>;
  stderr = '';
  readonly #said: Said[] = [];
  readonly #waiting = new Set<() => void>();
  #over = false;

  constructor(plan: Plan, { flags = [], under = [process.execPath], cgroup }: Launch = {}) {
    this.plan = plan;
    const program = [...flags, fixture('host.mjs'), JSON.stringify(plan)];
    const argv = [...under, ...(under.length === 1 ? program : [process.execPath, ...program])];
    const [command = '', ...args] = cgroup === undefined ? argv : [...joining(cgroup), ...argv];
    this.process = spawn(command, args, {
      // A group of its own, so that a kill of the group does not reach us.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...process.env,
        LEAKCHECK_MARK: plan.mark,
        TMPDIR: plan.workDir,
        TREEWARDEN_STATE_DIR: plan.stateDir,
      },
    });
    this.process.stdin?.on('error', () => undefined);
    this.#listen();
    this.ended = new Promise((resolve) => {
      this.process.on('exit', (code, signal) => {
        this.#over = true;
        resolve({ code, signal, atMs: performance.now() });
        this.#wake();
      });
    });
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** The guardian of its registry, if it has one just now. */
  get guardian(): number | undefined {
    const guardian = processesOf(this.plan.mark).find((pid) =>
      commandOf(pid).includes('treewarden-guardian'),
    );
    return guardian === undefined ? undefined : Number(guardian);
  }

  /** Resolves to what it says, also if it was said already; rejects if it ends without it. */
  async says(what: Said['says']): Promise<Said> {
    for (;;) {
      const said = this.#said.find((it) => it.says === what);
      if (said !== undefined) return said;
      if (this.#over) throw new Error(`the host never said "${what}"\n${this.stderr}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  kill(signal: NodeJS.Signals | number): void {
    process.kill(this.pid, signal);
  }

  #listen(): void {
    let rest = '';
    this.process.stderr?.setEncoding('utf8').on('data', (chunk: string) => (this.stderr += chunk));
    this.process.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines)
        if (line.startsWith('{')) this.#said.push({ ...JSON.parse(line), atMs: performance.now() });
      this.#wake();
    });
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** How a host ended, and when that was seen. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly atMs: number;
}

/** Ends everything that a run may have left running, by its mark. */
export function endAll(mark: string): void {
  for (const pid of processesOf(mark).map(Number)) {
    if (isDead(pid)) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone between the look and the kill.
    }
  }
}

export function fixture(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
}

/** A shell that enters the cgroup, then becomes the program. */
function joining(cgroup: string): readonly string[] {
  return ['/bin/sh', '-c', 'echo $$ >"$0/cgroup.procs" && exec "$@"', cgroup];
}
