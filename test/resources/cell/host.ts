import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SharedFileFacts, SharedFileRequest } from '../../../src/resources/kinds/shared-file.js';
import type { Lease, ResourceKind } from '../../../src/runtime/index.js';

/** How the bytes are reached: `'auto'` maps them where koffi is installed. */
export const WAYS = ['auto', 'files'] as const;
export type Way = (typeof WAYS)[number];

/** Makes shared files as the owner's half does, in a directory of its own, and attaches the user's halves. */
export class SharedFileHost implements AsyncDisposable {
  readonly dir: string = mkdtempSync(join(tmpdir(), 'treewarden-cells-'));
  readonly #leases: Lease[] = [];

  pathOf(name: string): string {
    return join(this.dir, `treewarden-${process.getuid?.() ?? 0}.test.${name}`);
  }

  async acquire<L extends Lease>(kind: ResourceKind<L>, way: Way = 'auto'): Promise<L> {
    const lease = await attach(kind, this.dir, way);
    this.#leases.push(lease);
    return lease;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const lease of this.#leases.toReversed()) await lease.release();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The same in another process or thread, in the directory of the first. */
export async function attach<L extends Lease>(kind: ResourceKind<L>, dir: string, way: Way): Promise<L> {
  // Safe: the kinds under test ask for shared files.
  const { name, bytes, image } = kind.request as SharedFileRequest;
  const path = join(dir, `treewarden-${process.getuid?.() ?? 0}.test.${name}`);
  const content = Buffer.alloc(bytes);
  Buffer.from(image, 'base64').copy(content);
  try {
    writeFileSync(path, content, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const facts: SharedFileFacts = {
    path,
    bytes,
    owned: true,
    ...(way === 'files' ? { native: 'files' } : {}),
  };
  return kind.attach({
    name,
    facts,
    user: { path: 'test', incarnation: 1 },
    giveBack: () => Promise.resolve(),
  });
}
