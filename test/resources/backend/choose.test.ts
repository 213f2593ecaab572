import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CapabilityError } from '../../../src/core/index.js';
import { type BackendChoice, loadNative, nativeReport } from '../../../src/resources/backend/choose.js';
import { ResourceRegistry } from '../../../src/resources/index.js';
import { buildLibrary, type Library } from './peers.js';

const HAS_NODE_FFI = process.getBuiltinModule('node:ffi' as string) !== undefined;

let library: Library;
beforeAll(async () => {
  library = await buildLibrary();
});
afterAll(() => library.remove());

/** What a program of its own says of a choice. */
function report(url: string, choice: BackendChoice, node: readonly string[] = []): unknown {
  const text = `import { nativeReport } from ${JSON.stringify(url)};
    console.log(JSON.stringify(await nativeReport(${JSON.stringify(choice)})));`;
  const args = [...node, '--no-warnings', '--input-type=module', '-e', text];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout);
}

test('files are nothing native, and the report says that they were asked for', async () => {
  expect(await loadNative('files')).toBeUndefined();
  expect(await nativeReport('files')).toEqual({
    name: undefined,
    reasons: ['The backend "files" was asked for.'],
  });
});

test('libc is loaded once in a thread', async () => {
  expect(await loadNative('auto')).toBe(await loadNative('koffi'));
});

test('where koffi is not installed there is nothing native, and a reason', () => {
  for (const choice of ['auto', 'koffi'] as const) {
    expect(report(library.lonelyUrl, choice)).toEqual({
      reasons: [expect.stringMatching(/^koffi could not be loaded: Cannot find (package|module) 'koffi'/)],
    });
  }
});

test.skipIf(HAS_NODE_FFI)('where Node has no node:ffi there is nothing native, and a reason', () => {
  expect(report(library.url, 'node:ffi')).toEqual({
    reasons: [expect.stringMatching(/^node:ffi could not be loaded: Node .* has no node:ffi/)],
  });
});

test.skipIf(HAS_NODE_FFI)(
  'a registry whose chosen backend is missing is refused, with the reason',
  async () => {
    const opening = ResourceRegistry.open({ scope: 'choice', backend: 'node:ffi' });
    await expect(opening).rejects.toBeInstanceOf(CapabilityError);
    await expect(opening).rejects.toMatchObject({
      capability: 'native',
      message: expect.stringMatching(
        /^The registry "choice", with the backend "node:ffi", needs .* node:ffi could not be loaded: .* Run a Node that has it/,
      ),
    });
  },
);

test.skipIf(!HAS_NODE_FFI)('where Node does not permit it there is nothing native, and a reason', () => {
  expect(report(library.url, 'node:ffi', ['--permission', '--allow-fs-read=*'])).toEqual({
    reasons: [expect.stringMatching(/^node:ffi could not be loaded: Access to this API has been restricted/)],
  });
});
