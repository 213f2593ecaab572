import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Order } from './actor.js';
import type { Way } from './host.js';
import { Program } from './programs.js';

const FILE = new URL('./actor.ts', import.meta.url);

interface Answer {
  readonly is?: unknown;
  readonly failed?: { readonly code: string; readonly message: string; readonly holder?: number };
}

/** A user of shared state outside of this thread. */
export interface Actor extends AsyncDisposable {
  /** What came of an order; rejects with what it failed with. */
  tell(order: Order): Promise<unknown>;
  kill(): Promise<unknown>;
}

/** In a process of its own. */
export function actor(dir: string, way: Way = 'auto'): Actor & { readonly pid: number } {
  const program = new Program(FILE, dir, way);
  return {
    pid: program.pid,
    tell: async (order) => {
      program.say(JSON.stringify(order));
      return outcome(await program.line());
    },
    kill: () => program.kill(),
    [Symbol.asyncDispose]: () => program.kill(),
  };
}

/** In a thread of this process. */
export function threadActor(dir: string, way: Way = 'auto'): Actor {
  const worker = new Worker(BOOT, { eval: true, workerData: [dir, way] });
  return {
    tell: async (order) => {
      worker.postMessage(JSON.stringify(order));
      const [line] = (await once(worker, 'message')) as [string];
      return outcome(line);
    },
    kill: () => worker.terminate(),
    [Symbol.asyncDispose]: async () => {
      await worker.terminate();
    },
  };
}

// Node 20 has no loader of the process in its threads. Messages that come before the program is there wait for its listener.
const BOOT = `
  import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => {
    register();
    return import(${JSON.stringify(FILE.href)});
  });
`;

function outcome(line: string): unknown {
  const { is, failed } = JSON.parse(line) as Answer;
  if (failed !== undefined) throw Object.assign(new Error(failed.message), failed);
  return is;
}
