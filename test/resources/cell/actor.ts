// A user of shared state in a process or a thread of its own, which does what it is told: `actor.ts <dir> <way>`. Each line on stdin, or message to the
// thread, is an order in JSON, and is answered by one.
import { createInterface } from 'node:readline';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { SnapshotCell } from '../../../src/resources/cell/cell.js';
import type { Scoreboard } from '../../../src/resources/scoreboard/scoreboard.js';
import type { ScoreboardSlot } from '../../../src/resources/scoreboard/slot.js';
import { attach, type Way } from './host.js';
import { boardKind, cellKind } from './kinds.js';

const [dir = '', way = 'auto'] = isMainThread ? process.argv.slice(2) : (workerData as string[]);

export type Order =
  | { readonly do: 'write'; readonly value: unknown }
  | { readonly do: 'read' }
  | { readonly do: 'wait' }
  | { readonly do: 'release' }
  | { readonly do: 'claim'; readonly index?: number }
  | { readonly do: 'set'; readonly state: 'idle' | 'busy'; readonly job?: string; readonly done?: number }
  | { readonly do: 'block' };

let cell: SnapshotCell<unknown> | undefined;
let board: Scoreboard<'idle' | 'busy', 'done'> | undefined;
let slot: ScoreboardSlot<'idle' | 'busy', 'done'> | undefined;

async function obey(order: Order): Promise<unknown> {
  cell ??= await attach(cellKind, dir, way as Way);
  board ??= await attach(boardKind, dir, way as Way);
  switch (order.do) {
    case 'write':
      cell.write(order.value);
      return cell.version;
    case 'read':
      return cell.read();
    case 'wait':
      await cell.waitForChange();
      return cell.read();
    case 'release':
      await cell.release();
      cell = undefined;
      return undefined;
    case 'claim':
      slot = board.claim(order.index);
      return slot.index;
    case 'set':
      slot?.set({
        state: order.state,
        ...(order.job === undefined ? {} : { job: order.job }),
        ...(order.done === undefined ? {} : { counters: { done: order.done } }),
      });
      return undefined;
    case 'block':
      answer({ is: 'blocked' });
      for (;;);
  }
}

const answer = (what: object): void => {
  if (parentPort === null) process.stdout.write(`${JSON.stringify(what)}\n`);
  else parentPort.postMessage(JSON.stringify(what));
};

async function take(line: string): Promise<void> {
  try {
    answer({ is: await obey(JSON.parse(line) as Order) });
  } catch (error) {
    const { code, message, holder } = error as Error & { code?: string; holder?: number };
    answer({ failed: { code, message, holder } });
  }
}

if (parentPort === null) createInterface({ input: process.stdin }).on('line', (line) => void take(line));
else parentPort.on('message', (line: string) => void take(line));
