import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { buildHost } from './hosts.js';
import { freshMark, Place, processLives } from './place.js';

/** How often a program that starts children is killed; more of them by hand, as in `TREEWARDEN_KILLS=60 npx vitest run …`. */
const KILLS = Number(process.env.TREEWARDEN_KILLS ?? 8);
const SLEEP = ['/usr/bin/sleep', '/bin/sleep'].find(
  (path) => existsSync(path) && !/busybox/.test(realpathSync(path)),
);
const CAPABLE = process.platform === 'linux' && SLEEP !== undefined;

let host: { path: string; remove(): void };
beforeAll(async () => {
  host = await buildHost('breeder');
});
afterAll(() => host.remove());

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.close());

interface Breeder {
  readonly child: ChildProcess;
  readonly guardian: number;
  /** What its children run, and nobody else. */
  readonly program: string;
  /** Resolves when it has said that it has started so many. */
  started(count: number): Promise<void>;
}

let generation = 0;

async function breeder(graceMs: number): Promise<Breeder> {
  const program = place.at(`child-${++generation}-of`);
  symlinkSync(SLEEP ?? '', program);
  const child = spawn(process.execPath, [host.path, place.dir, freshMark(), program, String(graceMs)], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  place.undo(() => child.kill('SIGKILL'));
  place.undo(() => {
    for (const pid of runningOf(program)) process.kill(pid, 'SIGKILL');
  });
  const lines = createInterface({ input: child.stdout });
  const said: string[] = [];
  lines.on('line', (line) => said.push(line));
  const says = async (what: string): Promise<string> => {
    for (;;) {
      const found = said.find((line) => line.startsWith(what));
      if (found !== undefined) return found;
      await once(lines, 'line');
    }
  };
  const [, guardian = '', state] = (await says('ready')).split(' ');
  expect(state).toBe('watching');
  return {
    child,
    guardian: Number(guardian),
    program,
    started: async (count) => void (await says(`spawned ${count}`)),
  };
}

async function kill({ child }: Breeder): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** By its command line, and not by what the code in question looks at. */
function runningOf(program: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && wordsOf(pid).includes(program) && processLives(pid));
}

function wordsOf(pid: number): readonly string[] {
  try {
    const [first = '', ...rest] = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    // The host names it as well.
    return first === process.execPath ? [] : [first, ...rest];
  } catch {
    // It has ended meanwhile.
    return [];
  }
}

function random(below: number): number {
  return Math.floor(Math.random() * below);
}

test.skipIf(!CAPABLE)(
  'random kills of a host that keeps starting children leave none of them',
  { timeout: 30_000 + KILLS * 5_000 },
  async () => {
    const programs: string[] = [];
    let killed = 0;
    for (let turn = 0; turn < KILLS; turn++) {
      const one = await breeder(100);
      programs.push(one.program);
      await one.started(1 + random(60));
      await kill(one);
      killed += runningOf(one.program).length;
      await expect.poll(() => processLives(one.guardian), { timeout: 20_000, interval: 5 }).toBe(false);
      expect(runningOf(one.program)).toEqual([]);
    }
    // What comes late is seen now.
    expect(programs.flatMap(runningOf)).toEqual([]);
    expect(killed).toBeGreaterThan(0);
    if (process.env.TREEWARDEN_KILLS !== undefined) process.stderr.write(`ended by guardians: ${killed}\n`);
    expect(readdirSync(`${place.stateDir}/host`)).toEqual([]);
  },
);

test.skipIf(!CAPABLE)(
  'random kills, each followed by a new start at once, never run a child of the old one beside the new one',
  { timeout: 30_000 + KILLS * 5_000 },
  async () => {
    mkdirSync(place.stateDir, { mode: 0o700 });
    let before: Breeder | undefined;
    let met = 0;
    for (let turn = 0; turn < KILLS; turn++) {
      const one = await breeder(200);
      if (before !== undefined) expect(runningOf(before.program), `turn ${turn}`).toEqual([]);
      await one.started(1 + random(60));
      // Every second time nobody is left to clean up.
      if (turn % 2 === 1) process.kill(one.guardian, 'SIGKILL');
      await kill(one);
      met += runningOf(one.program).length;
      before = one;
    }
    expect(met).toBeGreaterThan(0);
    if (process.env.TREEWARDEN_KILLS !== undefined) process.stderr.write(`met at a new start: ${met}\n`);
  },
);
