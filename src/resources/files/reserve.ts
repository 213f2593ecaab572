import { writeSync } from 'node:fs';
import type { Native } from '../backend/backend.js';

/**
 * Makes an empty file that long, with its room reserved: one that is only declared that long fails its user later, in a mapping by SIGBUS.
 * @throws what the operating system says, ENOSPC before all
 */
export function reserve(fd: number, bytes: number, native: Native | undefined): void {
  if (native !== undefined) native.allocate(fd, bytes);
  else writeZeros(fd, bytes);
}

/** Writes all of it, however often the operating system writes only a part. */
export function writeWhole(fd: number, bytes: Uint8Array, position: number): void {
  let written = 0;
  while (written < bytes.length) {
    written += writeSync(fd, bytes, written, bytes.length - written, position + written);
  }
}

const ZEROS_BYTES = 1 << 20;

function writeZeros(fd: number, bytes: number): void {
  const zeros = Buffer.alloc(Math.min(bytes, ZEROS_BYTES));
  for (let at = 0; at < bytes; at += zeros.length) writeWhole(fd, zeros.subarray(0, bytes - at), at);
}
