import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ResourceError } from '../../../src/core/index.js';
import { startTicks } from '../../../src/resources/guard/identity.js';
import { Claims, type OwnClaim, ownNamespace } from '../../../src/resources/memory/claims.js';

const BASE = 64;
let folder: string;
let path: string;
let fd: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'claims-'));
  path = join(folder, 'shared');
  writeFileSync(path, Buffer.alloc(BASE));
  fd = openSync(path, 'r+');
});

afterEach(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

const claims = (): Claims => new Claims('the thing', { path, fd }, BASE);

/** Whether it is a claim that was won. */
function isWon(taken: ReturnType<Claims['take']>): taken is OwnClaim {
  return 'giveUp' in taken;
}

interface Maker {
  readonly pid: number;
  readonly startTicks: number;
  readonly namespace?: number;
}

/** What somebody else has appended. */
function append(part: number, { pid, startTicks, namespace = ownNamespace() }: Maker): void {
  const record = Buffer.alloc(32);
  for (const [index, word] of [1, part, pid, pid].entries()) record.writeUInt32LE(word, index * 4);
  record.writeBigUInt64LE(BigInt(startTicks), 16);
  record.writeBigUInt64LE(BigInt(namespace), 24);
  appendFileSync(path, record);
}

describe('a claim', () => {
  test('is won by the first, of each part', () => {
    const [first, second] = [claims().take(3), claims().take(3)];
    expect([isWon(first), isWon(second), isWon(claims().take(4))]).toEqual([true, false, true]);
    expect(second).toMatchObject({ pid: process.pid });
    expect([...claims().holders().keys()]).toEqual([3, 4]);
  });

  test('is over when it is given up', () => {
    const first = claims().take(0);
    if (isWon(first)) first.giveUp();
    expect(claims().holders().size).toBe(0);
    expect(isWon(claims().take(0))).toBe(true);
  });

  test('of a process that lives counts', () => {
    append(0, { pid: process.ppid, startTicks: startTicks(process.ppid) ?? 0 });
    expect(claims().take(0)).toMatchObject({ pid: process.ppid });
  });

  test('of a dead process does not count', async () => {
    const child = spawn('true');
    const ticks = startTicks(child.pid as number) ?? 0;
    await once(child, 'exit');
    append(0, { pid: child.pid as number, startTicks: ticks });
    expect(isWon(claims().take(0))).toBe(true);
  });

  test.runIf(startTicks(process.pid) !== undefined)('of a pid that was used again does not count', () => {
    append(0, { pid: process.ppid, startTicks: 1 });
    expect(isWon(claims().take(0))).toBe(true);
  });

  test.runIf(ownNamespace() !== 0)('of another pid namespace counts, as nobody can see who that was', () => {
    append(0, { pid: 4_000_000, startTicks: 1, namespace: ownNamespace() + 1 });
    expect(claims().take(0)).toMatchObject({ pid: 4_000_000 });
  });

  test('that came too late does not take the place of one that was there', () => {
    const early = claims().take(0);
    append(0, { pid: process.ppid, startTicks: startTicks(process.ppid) ?? 0 });
    expect(claims().holders().get(0)).toMatchObject({ pid: process.pid });
    if (isWon(early)) early.giveUp();
    expect(claims().holders().get(0)).toMatchObject({ pid: process.ppid });
  });

  test('is found among very many that are over', () => {
    for (let life = 0; life < 1_000; life += 1) append(0, { pid: 4_000_000 + life, startTicks: 1 });
    const known = claims();
    expect(isWon(known.take(0))).toBe(true);
    expect(known.holders().get(0)).toMatchObject({ pid: process.pid });
    expect(statSync(path).size).toBe(BASE + 32 * 1_001);
  });

  test('counts also behind many that are over, for one who has looked before', () => {
    const known = claims();
    const first = known.take(0);
    append(1, { pid: process.ppid, startTicks: startTicks(process.ppid) ?? 0 });
    const third = known.take(2);
    if (isWon(third)) third.giveUp();
    known.holders();
    known.holders();
    expect([...known.holders().keys()]).toEqual([0, 1]);
    if (isWon(first)) first.giveUp();
    expect([...known.holders().keys()]).toEqual([1]);
    known.holders();
    expect(known.take(1)).toMatchObject({ pid: process.ppid });
  });

  test('is refused where the file has been removed, or made anew', () => {
    unlinkSync(path);
    expect(() => claims().take(0)).toThrow(ResourceError);
    writeFileSync(path, Buffer.alloc(BASE));
    expect(() => claims().take(0)).toThrow(/has closed/);
    expect(statSync(path).size).toBe(BASE);
  });
});
