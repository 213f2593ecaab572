import { execFile } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadNative } from '../../../src/resources/backend/choose.js';
import { bundled, type Program } from '../locks/peers.js';

const native = await loadNative('koffi');

let host: Program;
let thread: Program;
let closer: Program;

beforeAll(async () => {
  host = await bundled(new URL('./fixtures/ends-threads.ts', import.meta.url));
  thread = await bundled(new URL('./fixtures/loads-native.ts', import.meta.url));
  closer = await bundled(new URL('./fixtures/closes-memory.ts', import.meta.url));
});
afterAll(() => {
  host.remove();
  thread.remove();
  closer.remove();
});

test.skipIf(native === undefined)(
  'a program survives that its threads are killed while they load native code, or map memory, 200 times',
  async () => {
    const args = [host.path, thread.path, '200'];
    expect(await ended(args)).toEqual({ stdout: 'survived\n', stderr: '' });
  },
  180_000,
);

test.skipIf(native === undefined)(
  'Node does not warn of memory that a thread has made and closed',
  async () => {
    expect(await ended([closer.path])).toEqual({ stdout: 'closed\n', stderr: '' });
  },
  30_000,
);

function ended(args: readonly string[]): Promise<unknown> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) => resolve(error ?? { stdout, stderr }));
  });
}
