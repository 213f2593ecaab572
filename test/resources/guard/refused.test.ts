import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const fixture = fileURLToPath(new URL('./fixtures/refused.ts', import.meta.url));
const CAN_MOUNT = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'treewarden-refused-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** Runs the fixture where the shell's words before it lead. */
function run(before: string, what: string): Record<string, unknown> {
  const script = `${before} exec "$0" --import tsx ${JSON.stringify(fixture)} "${dir}" "${what}"`;
  const { stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', script, process.execPath], {
    encoding: 'utf8',
  });
  return stdout === '' ? { stderr } : (JSON.parse(stdout) as Record<string, unknown>);
}

test.skipIf(!CAN_MOUNT)('a full file system refuses the entry, and leaves the ledger as it was', () => {
  const said = run(`mount -t tmpfs -o size=32k,mode=700 none "${dir}";`, 'fill');
  expect(said).toMatchObject({
    name: 'ResourceLimitError',
    code: 'RESOURCE_LIMIT',
    errno: 'ENOSPC',
    ignored: 0,
  });
  expect(said.wanted).toBeGreaterThan(10);
  expect(said.listed).toBe(said.wanted);
});

test.skipIf(!CAN_MOUNT)('so does a file that may not grow, whose last line was half written', () => {
  const said = run(`ulimit -f 16;`, 'fill');
  expect(said).toMatchObject({ code: 'RESOURCE_FAILED', errno: 'EFBIG', ignored: 0 });
  expect(said.listed).toBe(said.wanted);
});

test.skipIf(!CAN_MOUNT)('a file system that is read only has no ledger', () => {
  const said = run(`mount -t tmpfs -o ro,mode=700 none "${dir}";`, 'create');
  expect(said).toMatchObject({ name: 'ResourceError', errno: 'EROFS' });
});

test.skipIf(!CAN_MOUNT)('a process without descriptors to spare has no ledger', () => {
  const said = run('ulimit -n 100;', 'out of descriptors');
  expect(said).toMatchObject({ code: 'RESOURCE_LIMIT', errno: 'EMFILE' });
});
