import pRetry from 'p-retry';
import { errorFacts } from '../../core/index.js';
import type { IncarnationHost } from '../../runtime/index.js';
import { tryConnect } from './connect.js';

/** The pauses between two attempts to connect, in ms: from the first up to the second. */
const CONNECT_EVERY_MS = [10, 250] as const;

/** Says `host.ready()` once something listens at the port, unless `ended` is aborted before. */
export async function watchPort(
  host: IncarnationHost,
  port: number,
  at: string | undefined,
  ended: AbortSignal,
): Promise<void> {
  try {
    await portOpens(port, at ?? 'localhost', ended);
    if (!ended.aborted) host.ready();
  } catch (error) {
    // Attempts never run out, so either the watching was ended, or the trying itself broke.
    if (!ended.aborted) host.note(`could not watch port ${port}`, errorFacts(error));
  }
}

/** Resolves once something listens at the port. Rejects when the signal is aborted. */
export async function portOpens(port: number, host: string, signal: AbortSignal): Promise<void> {
  const [minTimeout, maxTimeout] = CONNECT_EVERY_MS;
  await pRetry(() => tryConnect(port, host, signal), {
    retries: Number.POSITIVE_INFINITY,
    factor: 1.5,
    minTimeout,
    maxTimeout,
    signal,
  });
}
