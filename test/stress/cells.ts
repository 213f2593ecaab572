import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { type BackendChoice, loadNative } from '../../src/resources/backend/choose.js';
import { openRegion, type Region } from '../../src/resources/backend/region.js';
import { CURRENT, cellBytes, cellImage, SLOT, slotAt } from '../../src/resources/cell/layout.js';
import { Slots } from '../../src/resources/cell/slots.js';
import { wordsOf } from '../../src/resources/memory/shared-words.js';
import { isWholeStorm } from '../resources/cell/storm.js';
import { bundled, type Program } from '../resources/locks/peers.js';
import { randomNumbers, type Storm, type StormOptions, type StormReport } from './storm.js';

const ROOM = 65_536;
const LONGEST_LIFE_MS = 12;

interface CellStorm {
  readonly name: string;
  /** How the writers reach the bytes, by turns. */
  readonly writers: readonly BackendChoice[];
}

const KINDS: readonly CellStorm[] = [
  { name: 'cell, mapped', writers: ['auto'] },
  { name: 'cell, files', writers: ['files'] },
  { name: 'cell, mixed', writers: ['auto', 'files'] },
];

/** A writer of a cell that is killed at random, or kills itself in the middle of a payload, and is followed by the next; and readers of both sorts. */
export const CELL_STORMS: readonly Storm[] = KINDS.map(({ name, writers }) => ({
  name,
  skip: false,
  run: (options) => cellStorm(writers, options),
}));

async function cellStorm(writers: readonly BackendChoice[], options: StormOptions): Promise<StormReport> {
  const folder = mkdtempSync(join(tmpdir(), 'treewarden-cells-'));
  const program = await bundled(new URL('./fixtures/cell-writer.ts', import.meta.url));
  try {
    const path = join(folder, 'cell');
    writeFileSync(path, Buffer.concat([cellImage(ROOM)], cellBytes(ROOM)));
    using storm = new Readers(
      openRegion(path, { access: 'read', native: await loadNative('auto') }),
      openRegion(path, { access: 'read', native: undefined }),
    );
    return await run(storm, path, program, writers, options);
  } finally {
    program.remove();
    rmSync(folder, { recursive: true });
  }
}

async function run(
  readers: Readers,
  path: string,
  program: Program,
  writers: readonly BackendChoice[],
  { kills, seed }: StormOptions,
): Promise<StormReport> {
  const random = randomNumbers(seed);
  let done = 0;
  for (; done < kills && readers.faults.length === 0; done += 1) {
    const byItself = random() < 0.3;
    const until = byItself ? 2 + Math.floor(random() * 20) : 0;
    const backend = writers[done % writers.length] ?? 'auto';
    const args = [program.path, path, backend, `${ROOM}`, `${until}`];
    const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await outlive(writer, readers, byItself ? Number.POSITIVE_INFINITY : random() * LONGEST_LIFE_MS);
    readers.lookAfterDeath();
  }
  const { uses, halves, longestWaitMs, faults } = readers;
  return { kills: done, uses, recoveries: halves, longestWaitMs, faults };
}

/** Reads without a pause from the writer's first version until it is dead: killed after a while, or by itself. */
async function outlive(writer: ChildProcess, readers: Readers, lifeMs: number): Promise<void> {
  let dead = false;
  const exit = once(writer, 'exit').then(([, signal]) => {
    dead = true;
    if (signal !== 'SIGKILL') readers.faults.push('a writer ended by itself');
  });
  // A writer that cannot begin ends, and is a fault.
  if (writer.stdout !== null) await Promise.race([once(writer.stdout, 'data'), exit]);
  const killAtMs = performance.now() + lifeMs;
  while (!dead) {
    readers.look();
    if (performance.now() >= killAtMs) writer.kill('SIGKILL');
    await new Promise(setImmediate);
  }
  await exit;
}

/** Reads a cell in both ways, and remembers what must never have been. */
class Readers implements Disposable {
  readonly faults: string[] = [];
  uses = 0;
  /** Writers found dead in the middle of a version. */
  halves = 0;
  longestWaitMs = 0;
  readonly #regions: readonly Region[];
  readonly #slots: readonly Slots[];
  #version = 0;

  constructor(...regions: readonly Region[]) {
    this.#regions = regions;
    this.#slots = regions.map((region) => new Slots(wordsOf(region), ROOM));
  }

  look(): void {
    for (const slots of this.#slots) {
      const begunAtMs = performance.now();
      const content = slots.read();
      this.longestWaitMs = Math.max(this.longestWaitMs, performance.now() - begunAtMs);
      this.uses += 1;
      if (typeof content !== 'object') this.faults.push(`nothing could be read: ${content}`);
      else {
        if (content.version < this.#version)
          this.faults.push(`${this.#version} went back to ${content.version}`);
        if (!isWholeStorm(content.version, ROOM, content.bytes))
          this.faults.push(`version ${content.version} is torn`);
        this.#version = content.version;
      }
    }
  }

  /** With nobody there who writes. */
  lookAfterDeath(): void {
    this.look();
    const words = wordsOf(this.#regions[0] as Region);
    const other = slotAt(words.load(CURRENT) + 1, ROOM);
    if (words.load(other + SLOT.version) === 0) this.halves += 1;
  }

  [Symbol.dispose](): void {
    for (const region of this.#regions) region.close();
  }
}
