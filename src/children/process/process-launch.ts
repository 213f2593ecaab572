import type { ProcessOptions } from './process-options.js';

/** What to run, and how it is connected to this process. */
export interface ProcessLaunch extends ProcessOptions {
  readonly file: string;
  readonly args: readonly string[];
  /** Opens a message channel to a Node program, with this serialization. */
  readonly channel?: 'advanced' | 'json';
  /** What it has at descriptors of certain numbers, from 3 on: descriptors of this process, and pipes. Not together with a channel. */
  readonly descriptors?: Readonly<Record<number, number | 'pipe'>>;
}
