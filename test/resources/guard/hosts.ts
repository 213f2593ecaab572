import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { segments, semaphoreSets } from '../../../src/resources/inspect/system-v.js';

/** A program of `fixtures/`, in one file, so that it starts fast. */
export async function buildHost(fixture = 'host'): Promise<{ path: string; remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'treewarden-host-'));
  const path = join(folder, 'host.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL(`./fixtures/${fixture}.ts`, import.meta.url))],
    outfile: path,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    plugins: [
      {
        name: 'koffi is found from anywhere',
        setup: ({ onResolve }) =>
          onResolve({ filter: /^koffi$/ }, () => ({ path: import.meta.resolve('koffi'), external: true })),
      },
    ],
  });
  return { path, remove: () => rmSync(folder, { recursive: true }) };
}

export interface Host {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly guardian: number;
  readonly state: string;
  /** The lines it has said. */
  readonly said: readonly string[];
  /** Resolves to the next line that matches. */
  says(what: RegExp): Promise<string>;
  kill(): Promise<void>;
}

let turns = 0;
const RANGE = 0x8000;

/** One place for hosts: a directory, and a range of keys that nobody else uses. */
export class Ground {
  readonly dir: string = mkdtempSync(join(tmpdir(), 'treewarden-ground-'));
  readonly stateDir: string = join(this.dir, 'state');
  readonly firstKey: number = 0x20_00_00_00 + (process.pid % 0x400) * 0x4_0000 + (turns++ % 8) * RANGE;
  readonly #program: string;
  readonly #hosts: Host[] = [];

  constructor(program: string) {
    this.#program = program;
  }

  async host(what: string, args: readonly string[] = [], before: readonly string[] = []): Promise<Host> {
    const [file = '', ...rest] = [...before, process.execPath];
    const child = spawn(file, [...rest, this.#program, this.dir, String(this.firstKey), what, ...args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout });
    const said: string[] = [];
    lines.on('line', (line) => said.push(line));
    const says = async (wanted: RegExp): Promise<string> => {
      for (;;) {
        const found = said.find((line) => wanted.test(line));
        if (found !== undefined) return found;
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`it ended without ${wanted}`);
        await Promise.race([once(lines, 'line'), once(lines, 'close')]);
      }
    };
    const [, guardian, state = ''] = (await says(/^ready/)).split(' ');
    const ended = once(child, 'close');
    const host: Host = {
      child,
      pid: child.pid ?? 0,
      guardian: Number(guardian),
      state,
      said,
      says,
      kill: async () => {
        child.kill('SIGKILL');
        await ended;
      },
    };
    this.#hosts.push(host);
    return host;
  }

  /** What is left that a host of this place has made, its ledgers included. */
  left(): readonly string[] {
    const mine = ({ key }: { key: number }): boolean => key >= this.firstKey && key < this.firstKey + RANGE;
    return [
      ...segments()
        .filter(mine)
        .map(({ id }) => `segment ${id}`),
      ...semaphoreSets()
        .filter(mine)
        .map(({ id }) => `set ${id}`),
      ...readdirSync(this.dir).filter((name) => name !== 'state'),
      ...this.ledgers(),
    ];
  }

  ledgers(): readonly string[] {
    return readdirSync(join(this.stateDir, 'host'));
  }

  async close(): Promise<void> {
    for (const { child } of this.#hosts) child.kill('SIGKILL');
    rmSync(this.dir, { recursive: true, force: true });
  }
}
