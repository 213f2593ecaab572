import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SpoolInUseError } from '../../examples/main-job/host.js';
import type { Job } from '../../examples/main-job/jobs.js';
import { ClaimLostError, Spool } from '../../examples/main-job/spool.js';
import { NotASpoolError, SpoolQueue } from '../../examples/main-job/spool-queue.js';
import { jobsFor, openSpool, outcomeOf } from './fixtures/spool-jobs.js';

const calm = new AbortController().signal;

let scratch: string;
let program: string;
let folder: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'treewarden-spool-test-'));
  // Bundled, so that a life begins within some 40 ms and a test can afford many of them.
  program = join(scratch, 'lives.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('fixtures/lives-of-a-spool.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['bullmq', 'ioredis'],
    logLevel: 'error',
  });
});
afterAll(() => rmSync(scratch, { recursive: true }));

let count = 0;
beforeEach(() => {
  count += 1;
  folder = join(scratch, `spool-${count}`);
});

const living = new Set<ChildProcess>();
afterEach(() => {
  for (const child of living) child.kill('SIGKILL');
});

/** Every job that the spool holds, wherever it is; sorted. */
function everywhere(): readonly string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((it) => it.isFile());
  const names = files.map(({ name }) => name).filter((name) => name.startsWith('job-'));
  return names.map((name) => name.split(',')[0] ?? '').sort();
}

const idsOf = (total: number): readonly string[] =>
  jobsFor(total)
    .map(({ id }) => id)
    .sort();

/** Starts a life and resolves once it has begun. */
async function begin(mode: 'fill' | 'consume', argument: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, mode, folder, argument], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  living.add(child);
  child.once('exit', () => living.delete(child));
  await once(child.stdout, 'data');
  return child;
}

/** Kills it after a random while; false if it had ended by itself before. */
async function killWithin(child: ChildProcess, ms: number): Promise<boolean> {
  const exit = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
  await Promise.race([wait(Math.random() * ms), exit]);
  child.kill('SIGKILL');
  await exit;
  return child.signalCode === 'SIGKILL';
}

/** Opens it, and fills it unless it was filled before. */
async function filled(queue: SpoolQueue, total: number): Promise<readonly Job[] | undefined> {
  await queue.open();
  await queue.fill((await queue.accepted()) ?? jobsFor(total), calm);
  return queue.accepted();
}

async function fillWith(total: number): Promise<void> {
  await filled(new SpoolQueue(folder, true), total);
  rmSync(join(folder, 'host'));
}

describe('a spool under kill -9', () => {
  test('no job is lost, and none recorded twice, over 60 kills of three consumers at work at once', async () => {
    const total = 12_000;
    await fillWith(total);
    const spool = openSpool(folder);
    let kills = 0;

    const consumer = async (name: string): Promise<void> => {
      for (let life = 1; life <= 25 && (await spool.countDone()) < total; life += 1) {
        const child = await begin('consume', `${name}.${life}`);
        // Once killed often enough, a life may go on until it finds nothing to do.
        const killed = await killWithin(child, life <= 20 ? 12 : 60_000);
        if (killed) kills += 1;
      }
    };
    await Promise.all(['a', 'b', 'c'].map(consumer));

    expect(kills).toBeGreaterThanOrEqual(40);
    expect(everywhere()).toEqual(idsOf(total));
    expect(spool.finished()).toHaveLength(total);
    const outcomes = new Map(spool.finished().map(({ id, outcome }) => [id, outcome]));
    for (const job of jobsFor(total)) expect(outcomes.get(job.id)).toBe(outcomeOf(job));
  }, 60_000);

  test('after every single kill each job is in exactly one place', async () => {
    const total = 3000;
    await fillWith(total);
    let done = 0;
    for (let life = 1; life <= 15; life += 1) {
      await killWithin(await begin('consume', `a.${life}`), 8);
      expect(everywhere()).toEqual(idsOf(total));
      const now = await openSpool(folder).countDone();
      expect(now).toBeGreaterThanOrEqual(done);
      done = now;
    }
    expect(done).toBeGreaterThan(0);
  }, 30_000);

  test('a filling that is killed leaves a spool that is filled anew, and holds each job once', async () => {
    const total = 2000;
    let cutShort = 0;
    for (let life = 1; life <= 8; life += 1) {
      rmSync(folder, { recursive: true, force: true });
      if (await killWithin(await begin('fill', String(total)), 60)) cutShort += 1;
      const queue = new SpoolQueue(folder, true);
      expect(await filled(queue, total)).toEqual(jobsFor(total));
      expect(everywhere()).toEqual(idsOf(total));
      await queue.close();
    }
    expect(cutShort).toBeGreaterThan(0);
  }, 30_000);
});

describe('a claim', () => {
  test('gives each batch to one owner only', () => {
    const spool = openSpool(folder);
    spool.put('one', jobsFor(2));
    const batch = spool.claim('a.1');
    expect(batch?.jobs).toEqual(jobsFor(2));
    expect(spool.claim('b.1')).toBeUndefined();
  });

  test('is returned with what is left of it, for the next to take', () => {
    const spool = openSpool(folder);
    const [first, second] = jobsFor(2);
    spool.put('one', jobsFor(2));
    const batch = spool.claim('a.1');
    batch?.finish(first!, outcomeOf(first!));
    batch?.release();
    expect(spool.claim('b.1')?.jobs).toEqual([second]);
  });

  test('that was put back while its owner lived can record nothing any more', () => {
    const spool = openSpool(folder);
    const [job] = jobsFor(1);
    spool.put('one', jobsFor(1));
    const late = spool.claim('a.1');
    spool.putBack((owner) => owner === 'a.1');
    const next = spool.claim('a.2');
    expect(() => late?.finish(job!, outcomeOf(job!))).toThrow(ClaimLostError);
    next?.finish(job!, outcomeOf(job!));
    expect(() => late?.finish(job!, outcomeOf(job!))).toThrow(ClaimLostError);
    expect(spool.finished()).toEqual([{ id: 'job-0', outcome: outcomeOf(job!) }]);
  });

  test('of an owner that is not named is left alone', () => {
    const spool = openSpool(folder);
    spool.put('one', jobsFor(1));
    spool.claim('b.1');
    spool.putBack((owner) => owner.startsWith('a.'));
    expect(readdirSync(join(folder, 'cur'))).toEqual(['b.1']);
    expect(spool.claim('a.2')).toBeUndefined();
  });
});

describe('a spool queue', () => {
  test('goes on where an earlier program left it, whatever the folder of files holds by now', async () => {
    const earlier = new SpoolQueue(folder, true);
    await filled(earlier, 200);
    const batch = new Spool(folder).claim('a.7');
    for (const job of batch?.jobs ?? []) batch?.finish(job, outcomeOf(job));
    new Spool(folder).claim('a.7');
    await earlier.close();

    const later = new SpoolQueue(folder, true);
    expect(await filled(later, 5)).toEqual(jobsFor(200));
    const done = await later.countDone();
    expect(done).toBeGreaterThan(0);
    const ids: string[] = [];
    const spool = new Spool(folder);
    for (let next = spool.claim('b.1'); next !== undefined; next = spool.claim('b.1')) {
      ids.push(...next.jobs.map(({ id }) => id));
    }
    expect(ids).toHaveLength(200 - done);
    expect(await later.close()).toBe(folder);
  });

  test('goes on with a filling that was interrupted, and puts nothing in twice', async () => {
    const queue = new SpoolQueue(folder, true);
    await queue.open();
    const interruption = new AbortController();
    const filling = queue.fill(jobsFor(500), interruption.signal);
    interruption.abort();
    await expect(filling).rejects.toThrow();
    expect(everywhere().length).toBeLessThan(500);
    await queue.fill(jobsFor(500), calm);
    expect(everywhere()).toEqual(idsOf(500));
  });

  test('in a temporary folder is removed when it is closed', async () => {
    const queue = new SpoolQueue(undefined, false);
    await filled(queue, 10);
    expect(existsSync(queue.place)).toBe(true);
    expect(await queue.close()).toBeUndefined();
    expect(existsSync(queue.place)).toBe(false);
  });

  test('refuses a folder that holds something else, and leaves it as it is', async () => {
    mkdirSync(join(folder, 'new'), { recursive: true });
    writeFileSync(join(folder, 'new', 'letter'), 'mine');
    await expect(new SpoolQueue(folder, true).open()).rejects.toThrow(NotASpoolError);
    expect(readFileSync(join(folder, 'new', 'letter'), 'utf8')).toBe('mine');
    expect(readdirSync(folder)).toEqual(['new']);
  });

  test('refuses a spool that another living program works on, and takes over from a dead one', async () => {
    await fillWith(10);
    const host = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    living.add(host);
    await once(host, 'spawn');
    const stat = readFileSync(`/proc/${host.pid}/stat`, 'utf8');
    const began = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    writeFileSync(join(folder, 'host'), `${host.pid} ${began}`);
    const intruder = new SpoolQueue(folder, true);
    await expect(intruder.open()).rejects.toThrow(SpoolInUseError);
    await intruder.close();
    expect(readdirSync(folder)).toContain('host');

    host.kill('SIGKILL');
    await once(host, 'exit');
    living.delete(host);
    const queue = new SpoolQueue(folder, true);
    expect(await filled(queue, 5)).toHaveLength(10);
    await queue.close();
  });
});
