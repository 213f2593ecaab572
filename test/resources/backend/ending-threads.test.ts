import { execFile } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadNative } from '../../../src/resources/backend/choose.js';
import { bundled, type Program } from '../locks/peers.js';

const native = await loadNative('koffi');

let host: Program;
let thread: Program;

beforeAll(async () => {
  host = await bundled(new URL('./fixtures/ends-threads.ts', import.meta.url));
  thread = await bundled(new URL('./fixtures/loads-native.ts', import.meta.url));
});
afterAll(() => {
  host.remove();
  thread.remove();
});

test.skipIf(native === undefined)(
  'a program survives that its threads are killed while they load native code, or map memory, 200 times',
  async () => {
    const args = [host.path, thread.path, '200'];
    const ended = new Promise((resolve) => {
      execFile(process.execPath, args, (error, stdout, stderr) => resolve(error ?? { stdout, stderr }));
    });
    expect(await ended).toEqual({ stdout: 'survived\n', stderr: '' });
  },
  180_000,
);
