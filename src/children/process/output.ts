import type { Readable, Writable } from 'node:stream';

/**
 * Passes a program's output on to a stream of ours. Not by `pipe`, which would add five listeners to our stream for every
 * program, and end up warning of a leak.
 */
export function passOn(from: Readable, to: Writable): void {
  from.on('data', (chunk: string | Uint8Array) => {
    if (!to.writable) return;
    const flowing = to.write(chunk, (error) => {
      // As console does: that nobody reads our output any more is not a failure of this program.
      if (error && to.listenerCount('error') === 0) to.once('error', () => undefined);
      from.resume();
    });
    if (!flowing) from.pause();
  });
}
