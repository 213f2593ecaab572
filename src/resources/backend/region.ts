import type { Mapping } from './backend.js';

/**
 * The bytes of a shared file: mapped where there is a native backend, else read and written through a descriptor. Both see the same bytes at
 * the same time, and may be mixed between processes.
 */
export interface Region {
  /** Where the file is. */
  readonly path: string;
  readonly bytes: number;
  /** The mapping, where there is one. Without it there are no atomic operations. */
  readonly mapping: Mapping | undefined;
  /** An open descriptor of the file, this region's own. */
  readonly fd: number;
  /** Copies out; a copy may be torn where somebody writes at the same time. */
  read(offset: number, length: number): Buffer;
  /** Copies in. The file never grows. */
  write(offset: number, bytes: Uint8Array): void;
  readonly closed: boolean;
  /** Safe to call twice. @throws LockStateError while the mapping is pinned */
  close(): void;
}
