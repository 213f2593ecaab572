import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { reclaim } from '../../../src/resources/guard/reclaim.js';
import { ended } from '../trial.js';
import { buildHost } from './hosts.js';
import { NATIVE, processLives } from './place.js';

let program: Awaited<ReturnType<typeof buildHost>>;
let dir: string;
let programs: ChildProcess[];
beforeAll(async () => {
  program = await buildHost('sharer');
});
afterAll(() => program.remove());
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'treewarden-sharers-'));
  programs = [];
});
afterEach(async () => {
  for (const one of programs) await ended(one);
  await expect.poll(ledgers, { timeout: 20_000 }).toEqual([]);
  rmSync(dir, { recursive: true });
});

class Sharer {
  readonly process: ChildProcess;
  readonly said: string[] = [];
  readonly ready: Promise<number>;

  constructor(backend: string, ...args: readonly string[]) {
    this.process = spawn(process.execPath, [program.path, dir, backend, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    programs.push(this.process);
    // Safe: it is given a pipe above.
    const lines = createInterface({ input: this.process.stdout as NodeJS.ReadableStream });
    lines.on('line', (line) => this.said.push(line));
    this.ready = Promise.race([once(lines, 'line'), once(this.process, 'exit')]).then(([line]) =>
      Number(String(line).split(' ')[1]),
    );
    this.#next = async () => String((await once(lines, 'line'))[0]);
  }

  static async start(backend: string): Promise<Sharer> {
    const one = new Sharer(backend);
    await one.ready;
    return one;
  }

  readonly #next: () => Promise<string>;

  async does(what: string): Promise<string> {
    const answer = this.#next();
    this.process.stdin?.write(`${what}\n`);
    return (await answer).slice(what.length + 1);
  }

  async ends(how: string): Promise<void> {
    const gone = once(this.process, 'exit');
    const guardian = await this.ready;
    if (how === 'a kill of it and its guardian') process.kill(guardian, 'SIGSTOP');
    if (how === 'close' || how === 'exit') this.process.stdin?.write(`${how}\n`);
    else this.process.kill('SIGKILL');
    await gone;
    if (how === 'a kill of it and its guardian') process.kill(guardian, 'SIGKILL');
    await expect.poll(() => processLives(guardian), { timeout: 20_000 }).toBe(false);
    if (how === 'a kill of it and its guardian')
      await reclaim({ stateDir: join(dir, 'state'), dryRun: false, native: NATIVE });
  }
}

const MUTEX = `treewarden-${process.getuid?.()}.shared.m`;
const left = (): readonly string[] => readdirSync(dir).filter((name) => name !== 'state' && name !== 'words');

function ledgers(): readonly string[] {
  return readdirSync(join(dir, 'state', 'shared'));
}

const WAYS = ['close', 'exit', 'a kill', 'a kill of it and its guardian'] as const;

describe.each(NATIVE === undefined ? ['files'] : ['auto', 'files'])(
  'a mutex of two programs (backend %s)',
  (backend) => {
    test.each(WAYS)(
      'outlives its maker that ends by %s, and goes with its last user',
      async (way) => {
        const maker = await Sharer.start(backend);
        const user = await Sharer.start(backend);
        const { ino } = statSync(join(dir, MUTEX));
        expect(await user.does('try')).toBe('locked');
        await maker.ends(way);
        expect(ledgers()).toHaveLength(1);
        expect(left()).toEqual([MUTEX]);
        const third = await Sharer.start(backend);
        expect(statSync(join(dir, MUTEX)).ino).toBe(ino);
        expect(await third.does('try')).toBe('busy');
        await user.does('release');
        expect(await third.does('try')).toBe('locked');
        await user.ends('a kill');
        expect(left()).toEqual([MUTEX]);
        await third.ends(way);
        expect([...left(), ...ledgers()]).toEqual([]);
      },
      60_000,
    );

    test('that end at once leave nothing', async () => {
      const all = await Promise.all([1, 2, 3, 4].map(() => Sharer.start(backend)));
      await Promise.all(all.map((one, index) => one.ends(WAYS[index] ?? 'exit')));
      await expect.poll(() => [...left(), ...ledgers()], { timeout: 20_000 }).toEqual([]);
    });
  },
);

test('programs that share a mutex are killed at any moment, many times: it always excludes, and nothing is left', async () => {
  const rounds = Number(process.env.TREEWARDEN_KILLS ?? 24);
  writeFileSync(join(dir, 'words'), Buffer.alloc(128));
  const faults: string[] = [];
  const oneAfterTheOther = async (slot: number): Promise<void> => {
    for (let round = 0; round < rounds; round += 3) {
      const one = new Sharer('auto', String(slot));
      // Half of them are killed while they come.
      if (Math.random() < 0.5) await one.ready;
      await once(AbortSignal.timeout(Math.floor(Math.random() * 250)), 'abort');
      await ended(one.process);
      if (one.process.signalCode !== 'SIGKILL') faults.push('it ended by itself');
      faults.push(...one.said.filter((line) => line.startsWith('fault')));
    }
  };
  await Promise.all([2, 3, 4].map(oneAfterTheOther));
  await expect.poll(() => [...left(), ...ledgers()], { timeout: 20_000 }).toEqual([]);
  expect(faults).toEqual([]);
  expect(readFileSync(join(dir, 'words')).readInt32LE(4)).toBeGreaterThan(0);
}, 600_000);
