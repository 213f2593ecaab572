import { describe, expect, test } from 'vitest';
import { InvalidSpecError } from '../../src/core/index.js';
import {
  custom,
  mutex,
  posixSemaphore,
  rwLock,
  scoreboard,
  semaphore,
  semaphoreSet,
  sharedMemory,
  snapshotCell,
  temporaryDirectory,
  temporaryFile,
} from '../../src/resources/index.js';

const KINDS: readonly (readonly [string, (name: never) => unknown])[] = [
  ['mutex', (name) => mutex({ name })],
  ['rwLock', (name) => rwLock({ name })],
  ['semaphore', (name) => semaphore({ name, permits: 1 })],
  ['snapshotCell', (name) => snapshotCell({ name, bytes: 1 })],
  ['scoreboard', (name) => scoreboard({ name, slots: 1, states: ['idle'] })],
  ['sharedMemory', (name) => sharedMemory({ name, bytes: 1 })],
  ['posixSemaphore', (name) => posixSemaphore({ name, permits: 1 })],
  ['semaphoreSet', (name) => semaphoreSet({ name, permits: [1] })],
  ['temporaryFile', (name) => temporaryFile({ name })],
  ['temporaryDirectory', (name) => temporaryDirectory({ name })],
  ['custom', (name) => custom({ name, release: () => undefined, whenDead: ['true'] })],
];

/** The last three cannot even be put into a message. */
const NAMES: readonly unknown[] = [
  null,
  7,
  '',
  '.',
  '..',
  '../x',
  'a/b',
  'a b',
  'a\0',
  'é',
  'x'.repeat(101),
  Symbol('x'),
  Object.create(null),
  [Symbol('x')],
];

describe.each(KINDS)('%s', (_, kind) => {
  test('refuses a name that is none, whatever it is, by that option', () => {
    for (const name of NAMES) {
      const refused = expect(() => kind(name as never), typeof name);
      refused.toThrow(InvalidSpecError);
      refused.toThrow(expect.objectContaining({ field: 'name' }));
    }
  });
});
