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
