import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a program ended, as its parent's wait saw it, with all it had to say. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
  readonly stderr: string;
}

/** A fixture program of `test/fixtures/app`, running on the built package. */
export class Program {
  readonly process: ChildProcess;
  readonly lines: string[] = [];
  readonly ended: Promise<Ended>;
  #stderr = '';
  #rest = '';
  #wake: (() => void)[] = [];

  constructor(command: string, args: readonly string[]) {
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.process.stdout?.setEncoding('utf8').on('data', (chunk: string) => this.#read(chunk));
    this.process.stderr?.setEncoding('utf8').on('data', (chunk: string) => (this.#stderr += chunk));
    this.ended = new Promise((resolve) => {
      this.process.on('close', (code, signal) => {
        resolve({ code, signal, lines: this.lines, stderr: this.#stderr });
        this.#news();
      });
    });
  }

  /** Resolves to the first line that matches, also one that has been said already. Rejects if the program ends without it. */
  async says(pattern: RegExp): Promise<string> {
    let over = false;
    void this.ended.then(() => (over = true));
    for (;;) {
      const line = this.lines.find((it) => pattern.test(it));
      if (line !== undefined) return line;
      if (over) throw new Error(`never said ${pattern}: ${this.lines.join('\n')}\n${this.#stderr}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Writes to its stdin. */
  type(keys: string): void {
    this.process.stdin?.write(keys);
  }

  #read(chunk: string): void {
    // A terminal ends lines in its own way, and shows the keys that are typed.
    const lines = (this.#rest + chunk.replaceAll(/\r|\^C/g, '')).split('\n');
    this.#rest = lines.pop() ?? '';
    this.lines.push(...lines);
    this.#news();
  }

  #news(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

const running = new Set<Program>();

/** Starts a fixture program. */
export function start(name: string, args: readonly string[] = []): Program {
  return run(process.execPath, [fixture(name), ...args]);
}

/** Starts a fixture program on a terminal of its own; what is typed goes through that terminal. */
export function startOnTerminal(name: string, args: readonly string[] = []): Program {
  return run('script', ['-qec', [process.execPath, fixture(name), ...args].join(' '), '/dev/null']);
}

/** Starts a fixture program as process 1 of a pid namespace of its own. */
export function startAsFirstProcess(name: string): Program {
  const namespace = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child'];
  return run('unshare', [...namespace, process.execPath, fixture(name)]);
}

/** Starts any program. */
export function run(command: string, args: readonly string[]): Program {
  const program = new Program(command, args);
  running.add(program);
  void program.ended.then(() => running.delete(program));
  return program;
}

export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/app/${name}`, import.meta.url));
}

/** Ends what a failed test has left running. */
export async function endAll(): Promise<void> {
  await Promise.all(
    [...running].map((program) => {
      program.kill('SIGKILL');
      return program.ended;
    }),
  );
}
