import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cellBytes, SLOT_HEADER_BYTES, slotAt } from '../../../src/resources/cell/layout.js';
import { Slots } from '../../../src/resources/cell/slots.js';
import { FileWords } from '../../../src/resources/memory/shared-words.js';

const ROOM = 64;
let folder: string;
let fd: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slots-'));
  fd = openSync(join(folder, 'cell'), 'w+');
});
afterEach(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

/** Notes which version a slot says it holds at the moment at which its payload is written. */
class WatchedWords extends FileWords {
  readonly versions: number[] = [];

  override write(offset: number, bytes: Uint8Array): void {
    for (const version of [1, 2]) {
      const slot = slotAt(version, ROOM);
      if (offset === slot + SLOT_HEADER_BYTES) this.versions.push(this.load(slot));
    }
    super.write(offset, bytes);
  }
}

test('a slot says that it holds nothing while its payload is written, so that no reader takes half of it', () => {
  const words = new WatchedWords(fd);
  const slots = new Slots(words, ROOM);
  words.write(cellBytes(ROOM) - 1, Buffer.alloc(1));
  let version = 0;
  for (let time = 0; time < 4; time += 1) version = slots.write(version, Buffer.from('value'), false);
  expect(version).toBe(4);
  expect(words.versions).toEqual([0, 0, 0, 0]);
});

/** Copies that are torn, each while the next version is written, until there were so many. */
class TornWords extends FileWords {
  torn = 0;
  meanwhile: () => void = () => undefined;

  override copy(offset: number, length: number): Buffer {
    const copy = super.copy(offset, length);
    if (this.torn === 0) return copy;
    this.torn -= 1;
    copy[0] = (copy[0] ?? 0) ^ 1;
    this.meanwhile();
    return copy;
  }
}

test.each([
  ['a copy that is torn while the next version is written is tried again, however often', true],
  ['a copy that is wrong again and again while nothing is written is of a damaged version', false],
])('%s', (_, moves) => {
  const words = new TornWords(fd);
  const slots = new Slots(words, ROOM);
  words.write(cellBytes(ROOM) - 1, Buffer.alloc(1));
  let version = slots.write(0, Buffer.from('value'), true);
  words.torn = 500;
  if (moves)
    words.meanwhile = () => {
      version = slots.write(version, Buffer.from('value'), true);
    };
  const found = slots.read();
  expect(found).toEqual(moves ? { version: 501, bytes: Buffer.from('value') } : 'damaged');
});
