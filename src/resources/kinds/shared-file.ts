import type { ResourceRequest } from '../../runtime/index.js';

/**
 * Asks for a file in memory that outlives its users: made by whoever comes first in a scope, with `image` as its first bytes, and removed when
 * the registry that made it closes, or its process is dead. All shared state (locks, cells, scoreboards) lives in such files.
 *
 * The file appears under its name only when it is whole. Its path is `<memoryDir>/treewarden-<uid>.<scope>.<name>`.
 */
export interface SharedFileRequest extends ResourceRequest {
  readonly kind: SharedFileKind;
  readonly name: string;
  readonly bytes: number;
  /** What it begins with, in base64: a header whose first 16 bytes (magic, layout version, sizes) must be equal in a file that is there already. */
  readonly image: string;
}

export type SharedFileKind = 'mutex' | 'rw-lock' | 'semaphore' | 'snapshot-cell' | 'scoreboard';

export interface SharedFileFacts {
  readonly path: string;
  readonly bytes: number;
  /** Whether this registry made it, and so removes it. */
  readonly owned: boolean;
}
