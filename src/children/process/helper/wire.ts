import type { SpawnOptions } from 'node:child_process';

/** What the helper is asked: to start this. */
export interface SpawnRequest {
  readonly id: number;
  readonly file: string;
  readonly args: readonly string[];
  readonly options: Omit<SpawnOptions, 'stdio'>;
  /** Its descriptors 0 to 2; a ticket is that of a stream, which is connected to the door. */
  readonly stdio: readonly ('ignore' | 'inherit' | { readonly ticket: string })[];
  readonly door: string;
}

/** What the operating system had against a start, as far as an error of Node's says more than its words. */
export interface RefusalFacts {
  readonly message: string;
  readonly code?: string;
  readonly errno?: number;
  readonly syscall?: string;
  readonly path?: string;
}

/** What the helper says of each request: that it is started or has failed, and then how it ended. */
export type HelperNews =
  | { readonly type: 'started'; readonly id: number; readonly pid: number; readonly startTicks?: number }
  | { readonly type: 'failed'; readonly id: number; readonly error: RefusalFacts }
  | {
      readonly type: 'ended';
      readonly id: number;
      readonly code: number | null;
      readonly signal: NodeJS.Signals | null;
    };
