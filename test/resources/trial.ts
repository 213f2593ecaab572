import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { lifeOf } from '../../src/resources/guard/identity.js';
import { type RegistryOptions, ResourceRegistry } from '../../src/resources/index.js';

/** A directory of its own for everything that a test makes, and a registry in it. */
export class Trial implements AsyncDisposable {
  readonly dir: string = mkdtempSync(join(tmpdir(), 'treewarden-trial-'));
  readonly scope = 'trial';
  readonly #registries: ResourceRegistry[] = [];
  readonly #programs: ChildProcess[] = [];

  /** Another one of the same scope, as a second program of the same name would open it. */
  async open(options: Partial<RegistryOptions> = {}): Promise<ResourceRegistry> {
    const registry = await ResourceRegistry.open({
      scope: this.scope,
      stateDir: join(this.dir, 'state'),
      memoryDir: this.dir,
      ...options,
    });
    this.#registries.push(registry);
    return registry;
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  /** What there is besides the state directory. */
  get left(): readonly string[] {
    return readdirSync(this.dir)
      .filter((name) => name !== 'state')
      .sort();
  }

  get ledgers(): readonly string[] {
    return readdirSync(join(this.dir, 'state', this.scope));
  }

  /** Starts a program of `fixtures/`, and waits for its first line. */
  async run(fixture: string, ...words: readonly string[]): Promise<{ process: ChildProcess; said: string }> {
    const program = fileURLToPath(new URL(`fixtures/${fixture}.ts`, import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', program, this.dir, ...words], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#programs.push(child);
    const [chunk] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown];
    return { process: child, said: String(chunk).trim() };
  }

  /** Until the guardian of a dead program has done its work. */
  async untilReleased(): Promise<void> {
    await expect.poll(() => [...this.left, ...this.ledgers], { timeout: 20_000, interval: 5 }).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) await ended(program);
    for (const registry of this.#registries) await registry.close().catch(() => undefined);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Kills a program, and waits until it is gone. */
export async function ended(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return;
  const gone = once(program, 'exit');
  program.kill('SIGKILL');
  await gone;
}

/** Whether a process runs; one that has ended and that nobody has reaped does not. */
export function runs(pid: number): boolean {
  return lifeOf({ pid, tid: pid, startTicks: 0 }) === 'alive';
}
