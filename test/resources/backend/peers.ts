import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import type { Native } from '../../../src/resources/backend/backend.js';
import type { BackendChoice } from '../../../src/resources/backend/choose.js';
import type { openRegion } from '../../../src/resources/backend/region.js';

/** What a function that runs in a peer is given. */
export interface InPeer {
  readonly native: Native;
  readonly openRegion: typeof openRegion;
  readonly fs: typeof import('node:fs');
  // biome-ignore lint/suspicious/noExplicitAny: whatever a test's functions hand on to each other
  readonly kept: Record<string, any>;
}

/** A second process or thread. Its functions are sent as source, so they must not use what is around them. */
export interface Peer {
  run<A extends readonly unknown[], R>(
    work: (peer: InPeer, ...args: A) => R | Promise<R>,
    ...args: A
  ): Promise<R>;
  /** Ends it: a process by SIGKILL, a thread by `terminate()`. */
  kill(): Promise<void>;
  /** A process's exit code or signal. */
  readonly ended: Promise<unknown>;
}

/** The sources in one file, for programs that run without a transformer. */
export interface Library {
  readonly url: string;
  /** Where koffi cannot be found from it. */
  readonly lonelyUrl: string;
  remove(): void;
}

const source = (path: string): string => fileURLToPath(new URL(`../../../src/${path}`, import.meta.url));
const fixture = (name: string): URL => new URL(`./fixtures/${name}`, import.meta.url);

export async function buildLibrary(): Promise<Library> {
  const folder = mkdtempSync(join(tmpdir(), 'treewarden-backend-'));
  const bundle = async (name: string, koffi: string): Promise<string> => {
    const outfile = join(folder, name);
    await build({
      stdin: {
        contents: `export * from './choose.js'; export * from './region.js';`,
        resolveDir: source('resources/backend'),
      },
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      plugins: [
        {
          name: 'koffi is found from anywhere',
          setup: ({ onResolve }) => onResolve({ filter: /^koffi$/ }, () => ({ path: koffi, external: true })),
        },
      ],
    });
    return pathToFileURL(outfile).href;
  };
  return {
    url: await bundle('library.mjs', import.meta.resolve('koffi')),
    lonelyUrl: await bundle('lonely.mjs', 'koffi'),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

export async function secondProcess(library: string, choice: BackendChoice): Promise<Peer> {
  const child = fork(fixture('peer.mjs'), [library, choice], { execArgv: ['--expose-gc', '--no-warnings'] });
  const ended = ending(child);
  const peer = peerOver(
    (message) => child.send(message as object),
    () => Promise.race([once(child, 'message').then(([answer]) => answer), ended.then(endedEarly)]),
  );
  await peer.ready;
  return {
    run: peer.run,
    ended,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

export async function secondThread(library: string, choice: BackendChoice): Promise<Peer> {
  const worker = new Worker(fixture('peer.mjs'), { workerData: [library, choice] });
  const ended = once(worker, 'exit').then(([code]) => code as unknown);
  const peer = peerOver(
    (message) => worker.postMessage(message),
    () => Promise.race([once(worker, 'message').then(([answer]) => answer), ended.then(endedEarly)]),
  );
  await peer.ready;
  return {
    run: peer.run,
    ended,
    kill: async () => {
      await worker.terminate();
    },
  };
}

async function ending(child: ChildProcess): Promise<unknown> {
  const [code, signal] = await once(child, 'exit');
  return signal ?? code;
}

function endedEarly(how: unknown): never {
  throw new Error(`The peer ended before it answered: ${String(how)}`);
}

interface Answer {
  readonly value?: unknown;
  readonly error?: string;
}

function peerOver(send: (message: unknown) => void, answer: () => Promise<unknown>) {
  const value = async (): Promise<unknown> => {
    const { value, error } = (await answer()) as Answer;
    if (error !== undefined) throw new Error(error);
    return value;
  };
  const run = <A extends readonly unknown[], R>(
    work: (peer: InPeer, ...args: A) => R | Promise<R>,
    ...args: A
  ): Promise<R> => {
    const answered = value();
    send({ source: work.toString(), args });
    return answered as Promise<R>;
  };
  return { ready: value(), run };
}
