import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A program of this folder in TypeScript, as a process of its own. */
export class Program implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #exit: Promise<unknown>;
  #text = '';
  #told: () => void = () => undefined;

  constructor(file: URL, ...args: readonly string[]) {
    this.child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(file), ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#exit = once(this.child, 'exit').then(() => this.#told());
    this.child.stdout?.setEncoding('utf8').on('data', (chunk: string) => this.#take(chunk));
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** The next line that it writes; rejects if it ends first. */
  async line(): Promise<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`it ended (${this.child.exitCode ?? this.child.signalCode}) without a further line`);
      }
      await new Promise<void>((resolve) => (this.#told = resolve));
    }
  }

  say(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#exit;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  #take(chunk: string): void {
    this.#text += chunk;
    const lines = this.#text.split('\n');
    this.#text = lines.pop() ?? '';
    this.#lines.push(...lines);
    this.#told();
  }
}
