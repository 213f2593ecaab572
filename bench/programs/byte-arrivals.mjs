import { spawnSync } from 'node:child_process';
import { constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A FIFO into which programs write a byte when they begin; `next()` resolves to the moment the next one arrives. */
export function byteArrivals() {
  const folder = mkdtempSync(path.join(tmpdir(), 'treewarden-bench-'));
  const fifo = path.join(folder, 'began');
  spawnSync('mkfifo', [fifo]);
  // Open for writing too, so that it never ends while no program has it open.
  const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  const socket = new Socket({ fd, readable: true, writable: false });
  const waiting = [];
  let early = [];
  socket.on('data', (bytes) => {
    const atMs = performance.now();
    for (const _ of bytes) {
      const take = waiting.shift();
      if (take === undefined) early.push(atMs);
      else take(atMs);
    }
  });
  return {
    fifo,
    next: () =>
      new Promise((resolve) => {
        const atMs = early.shift();
        if (atMs === undefined) waiting.push(resolve);
        else resolve(atMs);
      }),
    close() {
      early = [];
      socket.destroy();
      rmSync(folder, { recursive: true });
    },
  };
}
