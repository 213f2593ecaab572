import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import type { BackendChoice } from '../../../src/resources/backend/choose.js';
import type { LockKindOption } from '../../../src/resources/locks/choice.js';
import type { LockKind } from '../../../src/resources/locks/layout.js';
import { closeSections, withSections } from '../../../src/runtime/index.js';
import type { GrantedFacts } from './lock-files.js';

/** Which lock a peer is to use, and how. */
export interface Using {
  readonly lock: LockKind;
  readonly granted: GrantedFacts;
  readonly implementation: LockKindOption;
  readonly backend: BackendChoice;
}

/** What a peer can be told. */
export type Told =
  | { readonly do: 'attach'; readonly using: Using }
  | {
      readonly do: 'take';
      readonly access?: 'read' | 'write';
      readonly options?: { readonly timeoutMs?: number };
    }
  | { readonly do: 'try' }
  | { readonly do: 'repaired' }
  | { readonly do: 'release' }
  | { readonly do: 'count'; readonly path: string; readonly times: number }
  | { readonly do: 'abandon' }
  | { readonly do: 'exit'; readonly code: number }
  | { readonly do: 'block' }
  /** Another program's own orders. */
  | { readonly do: 'storm'; readonly using: Using; readonly words: string; readonly slot: number };

/** Another process or thread. */
export interface Peer {
  /** Resolves to what it answers. */
  tell(told: Told): Promise<unknown>;
  /** Ends a process by SIGKILL, a thread by `terminate()`; resolves once it is gone. */
  kill(): Promise<void>;
  readonly ended: Promise<unknown>;
}

/** Where a process or a thread is meant. */
export type PeerSort = 'process' | 'thread';

/** A fixture program in one file, with the sources in it. */
export interface Program {
  readonly path: string;
  remove(): void;
}

export async function bundled(url: URL): Promise<Program> {
  const folder = mkdtempSync(join(tmpdir(), 'treewarden-peers-'));
  const path = join(folder, 'program.mjs');
  const koffi = import.meta.resolve('koffi');
  await build({
    entryPoints: [fileURLToPath(url)],
    outfile: path,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    plugins: [
      {
        name: 'only the user half',
        setup: ({ onResolve }) => {
          // Found from anywhere, the program's folder included.
          onResolve({ filter: /^koffi$/ }, () => ({ path: koffi, external: true }));
          // The owner's half, which nobody here asks for.
          onResolve({ filter: /\/registry\.js$/ }, ({ path }) => ({ path, external: true }));
        },
      },
    ],
  });
  return { path, remove: () => rmSync(folder, { recursive: true }) };
}

export const USER = new URL('./fixtures/user.ts', import.meta.url);

/** Starts a peer; resolves once it listens. */
export async function startPeer(sort: PeerSort, program: Program): Promise<Peer> {
  return sort === 'process' ? await startProcess(program) : await startThread(program);
}

async function startProcess({ path }: Program): Promise<Peer> {
  const child = fork(path, { execArgv: ['--no-warnings'] });
  const ended = endOf(child);
  const { listen, tell, ready } = conversation((told) => child.send(told as object), ended);
  child.on('message', listen);
  await ready;
  return {
    tell,
    ended,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function startThread({ path }: Program): Promise<Peer> {
  const { started: worker, sections } = withSections(() => new Worker(path));
  const ended = once(worker, 'exit').then(([code]) => code as unknown);
  const { listen, tell, ready } = conversation((told) => worker.postMessage(told), ended);
  worker.on('message', listen);
  await ready;
  return {
    tell,
    ended,
    kill: async () => {
      // As a supervisor does: koffi would end this process with the thread that is loading it.
      while (!closeSections(sections)) await new Promise((resolve) => setImmediate(resolve));
      await worker.terminate();
    },
  };
}

async function endOf(child: ChildProcess): Promise<unknown> {
  const [code, signal] = await once(child, 'exit');
  return signal ?? code;
}

interface Answer {
  readonly number: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** Answers carry the number of what they answer; the first, unasked one says that the peer listens. */
function conversation(send: (told: unknown) => void, ended: Promise<unknown>) {
  const waiting = new Map<number, (answer: Answer) => void>();
  let number = 0;
  const answerTo = async (asked: number): Promise<unknown> => {
    const answered = new Promise<Answer>((resolve) => waiting.set(asked, resolve));
    const early = ended.then((how): Answer => ({ number: asked, error: `ended: ${String(how)}` }));
    const { value, error } = await Promise.race([answered, early]);
    if (error !== undefined) throw new Error(error);
    return value;
  };
  const ready = answerTo(0);
  return {
    ready,
    listen: (message: unknown): void => waiting.get((message as Answer).number)?.(message as Answer),
    tell: (told: Told): Promise<unknown> => {
      number += 1;
      const answered = answerTo(number);
      send({ ...told, number });
      return answered;
    },
  };
}
