// A thread that answers calls.

import { createHash } from 'node:crypto';
import { ctx, expose } from 'treewarden/child';

const api = expose({
  digest: (algorithm: string, bytes: Uint8Array): string => createHash(algorithm).update(bytes).digest('hex'),
  crash: (): void => process.exit(3),
});
ctx.ready();

export type HashApi = typeof api;
